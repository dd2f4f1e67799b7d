/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphics modes, one row at a time: planar 16 colours, 256 colours, and linear frame buffers of 8 to 24
 * bits per pixel (32 bits are shown where they lie).
 */
#include "vmwp/chipset/vga_internal.h"

#include <string.h>

static void row_planar(const struct vga *v, const uint8_t *from, uint32_t *to, uint32_t width)
{
	uint32_t colours[16];

	for (unsigned int i = 0; i < 16; i++)
		colours[i] = vga_attribute_colour(v, i & v->attr[0x12] & 0x0f);
	for (uint32_t x = 0; x < width; x++) {
		const uint8_t *planes = from + (x / 8) * 4;
		unsigned int bit = 7 - x % 8;

		to[x] = colours[(planes[0] >> bit & 1) | (planes[1] >> bit & 1) << 1 | (planes[2] >> bit & 1) << 2
				| (planes[3] >> bit & 1) << 3];
	}
}

static void row_256(const struct vga *v, const uint8_t *from, uint32_t *to, uint32_t width)
{
	for (uint32_t x = 0; x < width; x++)
		to[x] = v->colours[from[x]];
}

/* Five or six bits widened so that full stays full. */
static uint32_t widen(uint32_t value, unsigned int bits)
{
	return value << (8 - bits) | value >> (2 * bits - 8);
}

static void row_15(const uint8_t *from, uint32_t *to, uint32_t width)
{
	for (uint32_t x = 0; x < width; x++, from += 2) {
		uint32_t p = from[0] | (uint32_t)from[1] << 8;

		to[x] = widen(p >> 10 & 31, 5) << 16 | widen(p >> 5 & 31, 5) << 8 | widen(p & 31, 5);
	}
}

static void row_16(const uint8_t *from, uint32_t *to, uint32_t width)
{
	for (uint32_t x = 0; x < width; x++, from += 2) {
		uint32_t p = from[0] | (uint32_t)from[1] << 8;

		to[x] = widen(p >> 11, 5) << 16 | widen(p >> 5 & 63, 6) << 8 | widen(p & 31, 5);
	}
}

static void row_24(const uint8_t *from, uint32_t *to, uint32_t width)
{
	for (uint32_t x = 0; x < width; x++, from += 3)
		to[x] = from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16;
}

static void row_lfb(const struct vga *v, uint32_t bpp, const uint8_t *from, uint32_t *to, uint32_t width)
{
	switch (bpp) {
	case 8: row_256(v, from, to, width); break;
	case 15: row_15(from, to, width); break;
	case 16: row_16(from, to, width); break;
	case 24: row_24(from, to, width); break;
	default: break;
	}
}

void vga_draw_row(struct vga *v, const struct vga_screen *s, uint32_t row)
{
	uint32_t at = s->start + row * s->line_bytes;
	const uint8_t *from = v->vram + (s->kind == SCREEN_LFB ? at : at & (VGA_PLANAR_BYTES - 1));
	uint32_t *to = v->surface + (size_t)row * s->width;

	if (s->kind == SCREEN_PLANAR)
		row_planar(v, from, to, s->width);
	else if (s->kind == SCREEN_256)
		row_256(v, from, to, s->width);
	else if (s->kind == SCREEN_LFB)
		row_lfb(v, s->bpp, from, to, s->width);
	else
		memset(to, 0, (size_t)s->width * 4);
}
