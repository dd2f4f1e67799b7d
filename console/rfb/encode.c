/* SPDX-License-Identifier: Apache-2.0 */
/* What encodings share: the zlib streams and counting colours. */
#include "rfb/encode.h"

#define DEFLATE_LEVEL 1		/* screens compress well at any level; time is what a user feels */

static bool stream_ready(struct encoder *e, unsigned int index)
{
	if (!e->stream_open[index])
		e->stream_open[index] = deflateInit(&e->stream[index], DEFLATE_LEVEL) == Z_OK;
	if (!e->stream_open[index])
		e->out->failed = true;
	return e->stream_open[index];
}

void encoder_deflate(struct encoder *e, unsigned int index, const uint8_t *bytes, size_t count)
{
	z_stream *z = &e->stream[index];

	if (!stream_ready(e, index))
		return;
	z->next_in = (Bytef *)(uintptr_t)bytes;
	z->avail_in = (uInt)count;
	do {
		size_t room = count / 4 + 1024;

		z->next_out = out_reserve(e->out, room);
		z->avail_out = (uInt)room;
		if (!z->next_out || deflate(z, Z_SYNC_FLUSH) == Z_STREAM_ERROR) {
			e->out->failed = true;
			return;
		}
		out_advance(e->out, room - z->avail_out);
	} while (z->avail_out == 0);
}

void encoder_close(struct encoder *e)
{
	for (unsigned int i = 0; i < ENCODE_STREAMS; i++)
		if (e->stream_open[i])
			deflateEnd(&e->stream[i]);
}

static bool palette_has(const uint32_t *palette, unsigned int count, uint32_t colour)
{
	for (unsigned int i = 0; i < count; i++)
		if (palette[i] == colour)
			return true;
	return false;
}

unsigned int encoder_palette(const struct encoder *e, struct rect r, uint32_t *palette, unsigned int most)
{
	uint32_t last = ~encoder_row(e, r, 0)[0];
	unsigned int count = 0;

	for (uint32_t y = 0; y < r.height; y++) {
		const uint32_t *row = encoder_row(e, r, y);

		for (uint32_t x = 0; x < r.width; x++) {
			if (row[x] == last || palette_has(palette, count, row[x]))
				continue;
			last = row[x];
			if (count == most)
				return most + 1;
			palette[count++] = last;
		}
	}
	return count;
}
