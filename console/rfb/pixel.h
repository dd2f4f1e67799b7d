/* SPDX-License-Identifier: Apache-2.0 */
/* The client's pixel format, and pixels in it made of the screen's XRGB8888. */
#ifndef CONSOLE_RFB_PIXEL_H
#define CONSOLE_RFB_PIXEL_H

#include <stdbool.h>
#include <stdint.h>

#define PIXEL_FORMAT_BYTES 16

struct pixel_format {
	uint8_t bits, depth;
	bool big_endian;
	uint16_t red_max, green_max, blue_max;
	uint8_t red_shift, green_shift, blue_shift;
};

extern const struct pixel_format pixel_format_native;

int pixel_format_parse(const uint8_t *wire, struct pixel_format *f);	/* 0; -EPROTO: nonsense, or colour maps */
void pixel_format_write(const struct pixel_format *f, uint8_t *wire);
uint32_t pixel_value(const struct pixel_format *f, uint32_t xrgb);
/* Writes pixels in `bytes` bytes each (4, 2, 1, or 3 = a compressed pixel); returns the end. */
uint8_t *pixels_put(const struct pixel_format *f, unsigned int bytes, uint8_t *to, const uint32_t *xrgb, uint32_t count);
unsigned int pixel_cpixel_bytes(const struct pixel_format *f);		/* RFC 6143, 7.7.5: 3 when the fourth says nothing */

#endif
