/* SPDX-License-Identifier: Apache-2.0 */
/* See pixel.h; the wire layout is RFC 6143, 7.4. */
#include "rfb/pixel.h"

#include <errno.h>
#include <string.h>

const struct pixel_format pixel_format_native = { 32, 24, false, 255, 255, 255, 16, 8, 0 };

static bool is_mask(uint16_t max)
{
	return max && !(max & (max + 1u));
}

static bool component_fits(uint8_t bits, uint16_t max, uint8_t shift)
{
	return is_mask(max) && shift < bits && ((uint64_t)max << shift) >> bits == 0;
}

int pixel_format_parse(const uint8_t *w, struct pixel_format *out)
{
	struct pixel_format f = {
		w[0], w[1], w[2] != 0, (uint16_t)(w[4] << 8 | w[5]), (uint16_t)(w[6] << 8 | w[7]), (uint16_t)(w[8] << 8 | w[9]),
		w[10], w[11], w[12],
	};

	if ((f.bits != 8 && f.bits != 16 && f.bits != 32) || f.depth > f.bits || !w[3])
		return -EPROTO;
	if (!component_fits(f.bits, f.red_max, f.red_shift) || !component_fits(f.bits, f.green_max, f.green_shift)
	    || !component_fits(f.bits, f.blue_max, f.blue_shift))
		return -EPROTO;
	*out = f;
	return 0;
}

void pixel_format_write(const struct pixel_format *f, uint8_t *w)
{
	const uint16_t maxima[3] = { f->red_max, f->green_max, f->blue_max };

	memset(w, 0, PIXEL_FORMAT_BYTES);
	w[0] = f->bits;
	w[1] = f->depth;
	w[2] = f->big_endian;
	w[3] = 1;			/* true colour */
	for (unsigned int i = 0; i < 3; i++) {
		w[4 + 2 * i] = (uint8_t)(maxima[i] >> 8);
		w[5 + 2 * i] = (uint8_t)maxima[i];
	}
	w[10] = f->red_shift;
	w[11] = f->green_shift;
	w[12] = f->blue_shift;
}

static uint32_t component(uint32_t value, uint16_t max, uint8_t shift)
{
	return max == 255 ? value << shift : (value * max + 127) / 255 << shift;
}

uint32_t pixel_value(const struct pixel_format *f, uint32_t p)
{
	return component(p >> 16 & 255, f->red_max, f->red_shift) | component(p >> 8 & 255, f->green_max, f->green_shift)
		| component(p & 255, f->blue_max, f->blue_shift);
}

/* Bits that carry colour, in the least or the most significant three bytes. */
static uint32_t used_bits(const struct pixel_format *f)
{
	return (uint32_t)f->red_max << f->red_shift | (uint32_t)f->green_max << f->green_shift
		| (uint32_t)f->blue_max << f->blue_shift;
}

unsigned int pixel_cpixel_bytes(const struct pixel_format *f)
{
	uint32_t used = used_bits(f);

	if (f->bits == 32 && f->depth <= 24 && (!(used & 0xff000000u) || !(used & 0xffu)))
		return 3;
	return f->bits / 8u;
}

static bool is_native(const struct pixel_format *f)
{
	return f->bits == 32 && !f->big_endian && f->red_max == 255 && f->green_max == 255 && f->blue_max == 255
		&& f->red_shift == 16 && f->green_shift == 8 && f->blue_shift == 0;
}

static uint8_t *put_value(const struct pixel_format *f, unsigned int bytes, uint8_t *to, uint32_t value)
{
	if (bytes == 3 && (used_bits(f) & 0xff000000u))
		value >>= 8;
	for (unsigned int i = 0; i < bytes; i++)
		*to++ = (uint8_t)(value >> 8 * (f->big_endian ? bytes - 1 - i : i));
	return to;
}

uint8_t *pixels_put(const struct pixel_format *f, unsigned int bytes, uint8_t *to, const uint32_t *xrgb, uint32_t count)
{
	bool native = is_native(f);

	if (native && bytes == 4) {
		memcpy(to, xrgb, (size_t)count * 4);
		return to + (size_t)count * 4;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t value = native ? xrgb[i] & 0xffffff : pixel_value(f, xrgb[i]);

		to = put_value(f, bytes, to, value);
	}
	return to;
}
