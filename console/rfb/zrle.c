/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ZRLE (RFC 6143, 7.7.6): tiles of 64x64, each one colour, a packed palette of up to 16, or plain pixels,
 * all through one zlib stream. Runs are left to zlib, which finds them as well.
 */
#include <stdlib.h>

#include "rfb/encode.h"

#define TILE		64u
#define PALETTE_MOST	16u
#define STREAM		0

static uint8_t *put_tile_plain(const struct encoder *e, struct rect t, uint8_t *to)
{
	unsigned int bytes = pixel_cpixel_bytes(&e->format);

	*to++ = 0;
	for (uint32_t y = 0; y < t.height; y++)
		to = pixels_put(&e->format, bytes, to, encoder_row(e, t, y), t.width);
	return to;
}

/* One row of indices, padded to whole bytes. */
static uint8_t *put_row_packed(const uint32_t *row, uint32_t width, const uint32_t *palette, unsigned int bits,
			       uint8_t *to)
{
	unsigned int filled = 0;
	uint8_t byte = 0, last = 0;

	for (uint32_t x = 0; x < width; x++) {
		byte = (uint8_t)(byte << bits | palette_index(palette, row[x], &last));
		filled += bits;
		if (filled == 8) {
			*to++ = byte;
			filled = 0;
		}
	}
	if (filled)
		*to++ = (uint8_t)(byte << (8 - filled));
	return to;
}

static uint8_t *put_tile_packed(const struct encoder *e, struct rect t, const uint32_t *palette,
				unsigned int count, uint8_t *to)
{
	unsigned int bits = count == 2 ? 1 : count <= 4 ? 2 : 4;

	*to++ = (uint8_t)count;
	to = pixels_put(&e->format, pixel_cpixel_bytes(&e->format), to, palette, count);
	for (uint32_t y = 0; count > 1 && y < t.height; y++)
		to = put_row_packed(encoder_row(e, t, y), t.width, palette, bits, to);
	return to;
}

static uint8_t *put_tile(const struct encoder *e, struct rect t, uint8_t *to)
{
	uint32_t palette[PALETTE_MOST];
	unsigned int count = encoder_palette(e, t, palette, PALETTE_MOST);

	return count > PALETTE_MOST ? put_tile_plain(e, t, to) : put_tile_packed(e, t, palette, count, to);
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static void zrle_rect(struct encoder *e, struct rect r)
{
	size_t tiles = (size_t)((r.width + TILE - 1) / TILE) * ((r.height + TILE - 1) / TILE), length_at = e->out->count;
	uint8_t *plain = malloc((size_t)r.width * r.height * 4 + tiles * (1 + 4 * PALETTE_MOST)), *to = plain;

	if (!plain) {
		e->out->failed = true;
		return;
	}
	for (uint32_t y = 0; y < r.height; y += TILE)
		for (uint32_t x = 0; x < r.width; x += TILE)
			to = put_tile(e, (struct rect) {
				r.x + x, r.y + y, least(TILE, r.width - x), least(TILE, r.height - y) }, to);
	out_u32(e->out, 0);
	encoder_deflate(e, STREAM, plain, (size_t)(to - plain));
	if (!e->out->failed)
		out_patch_u32(e->out, length_at, (uint32_t)(e->out->count - length_at - 4));
	free(plain);
}

const struct encoding encoding_zrle = { .number = 16, .rect = zrle_rect };
