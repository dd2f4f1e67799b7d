/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes on their way to the client. Grows as needed; once memory was refused it stays `failed` and the
 * session ends.
 */
#ifndef CONSOLE_RFB_OUT_H
#define CONSOLE_RFB_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rfb_out { uint8_t *bytes; size_t count, room, sent; bool failed; };

uint8_t *out_reserve(struct rfb_out *o, size_t count);	/* where `count` bytes may be written, or NULL; does not add them */
void out_advance(struct rfb_out *o, size_t count);	/* adds bytes that were written where out_reserve() said */
void out_bytes(struct rfb_out *o, const void *bytes, size_t count);
void out_u8(struct rfb_out *o, uint8_t value);
void out_u16(struct rfb_out *o, uint16_t value);	/* big-endian, as all of RFB */
void out_u32(struct rfb_out *o, uint32_t value);
void out_patch_u16(struct rfb_out *o, size_t at, uint16_t value);
void out_patch_u32(struct rfb_out *o, size_t at, uint32_t value);
void out_consumed(struct rfb_out *o, size_t count);	/* the socket took them */
static inline bool out_is_empty(const struct rfb_out *o) { return o->sent == o->count; }
void out_free(struct rfb_out *o);

#endif
