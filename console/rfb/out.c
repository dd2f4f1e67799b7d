/* SPDX-License-Identifier: Apache-2.0 */
/* See out.h. */
#include "rfb/out.h"

#include <stdlib.h>
#include <string.h>

uint8_t *out_reserve(struct rfb_out *o, size_t count)
{
	size_t room = o->room ? o->room : 4096;
	uint8_t *bytes;

	while (room - o->count < count)
		room *= 2;
	if (room != o->room) {
		bytes = realloc(o->bytes, room);
		if (!bytes) {
			o->failed = true;
			return NULL;
		}
		o->bytes = bytes;
		o->room = room;
	}
	return o->bytes + o->count;
}

void out_advance(struct rfb_out *o, size_t count)
{
	o->count += count;
}

void out_bytes(struct rfb_out *o, const void *bytes, size_t count)
{
	uint8_t *to = out_reserve(o, count);

	if (to) {
		memcpy(to, bytes, count);
		o->count += count;
	}
}

void out_u8(struct rfb_out *o, uint8_t value)
{
	out_bytes(o, &value, 1);
}

void out_u16(struct rfb_out *o, uint16_t value)
{
	out_bytes(o, (uint8_t[]) { (uint8_t)(value >> 8), (uint8_t)value }, 2);
}

void out_u32(struct rfb_out *o, uint32_t value)
{
	out_u16(o, (uint16_t)(value >> 16));
	out_u16(o, (uint16_t)value);
}

void out_patch_u16(struct rfb_out *o, size_t at, uint16_t value)
{
	if (o->failed)
		return;
	o->bytes[at] = (uint8_t)(value >> 8);
	o->bytes[at + 1] = (uint8_t)value;
}

void out_patch_u32(struct rfb_out *o, size_t at, uint32_t value)
{
	out_patch_u16(o, at, (uint16_t)(value >> 16));
	out_patch_u16(o, at + 2, (uint16_t)value);
}

void out_consumed(struct rfb_out *o, size_t count)
{
	o->sent += count;
	if (o->sent == o->count)
		o->sent = o->count = 0;
}

void out_free(struct rfb_out *o)
{
	free(o->bytes);
	*o = (struct rfb_out) { 0 };
}
