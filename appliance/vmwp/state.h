/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versioned records of device state. One function per record describes its fields in order and serves both directions,
 * so that what is saved and what is loaded cannot drift apart. Integers are little-endian on disk.
 */
#ifndef VMWP_STATE_H
#define VMWP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state;					/* a stream being written or read */

/* Writing: *data is the caller's to free(). Reading: `data` must outlive the stream; it may come from a hostile file. */
struct state *state_save_begin(void);
int state_save_end(struct state *s, void **data, size_t *size);	/* frees s; 0 or the first error */
struct state *state_load_begin(const void *data, size_t size);
int state_load_end(struct state *s);		/* frees s; -EBADMSG when bytes were left over or anything was wrong */

bool state_loading(const struct state *s);
void state_refuse(struct state *s);		/* the values read make no sense: state_load_end() will fail */
int state_error(const struct state *s);		/* 0 or the first error; after one, reads give zeros */

/* A record: name and version in front, length known, so that a reader can tell what it met. Returns the version that is
 * being read (or `version` when writing), 0 when the record is another one or newer than `version`. Records nest. */
uint32_t state_record_begin(struct state *s, const char *name, uint32_t version);
void state_record_end(struct state *s);

void state_u8(struct state *s, uint8_t *v);
void state_u16(struct state *s, uint16_t *v);
void state_u32(struct state *s, uint32_t *v);
void state_u64(struct state *s, uint64_t *v);
void state_bool(struct state *s, bool *v);
void state_bytes(struct state *s, void *v, size_t size);	/* exactly that many */

#endif
