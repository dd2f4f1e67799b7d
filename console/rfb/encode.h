/* SPDX-License-Identifier: Apache-2.0 */
/* What an encoding is: a number on the wire and a function that writes one rectangle's payload. */
#ifndef CONSOLE_RFB_ENCODE_H
#define CONSOLE_RFB_ENCODE_H

#include <zlib.h>

#include "rfb/out.h"
#include "rfb/pixel.h"

struct rect { uint32_t x, y, width, height; };

#define ENCODE_STREAMS 2		/* zlib streams live as long as the client: ZRLE's and Tight's */
struct encoder {
	struct rfb_out *out;
	struct pixel_format format;
	const uint32_t *pixels;		/* the view: what the client shall see */
	uint32_t stride;		/* in pixels */
	int quality;			/* JPEG 0..9 as the client asked; -1: lossless only */
	z_stream stream[ENCODE_STREAMS];
	bool stream_open[ENCODE_STREAMS];
};

struct encoding {
	int32_t number;
	uint32_t most_pixels, most_width;	/* of one rectangle; 0: any */
	void (*rect)(struct encoder *e, struct rect r);
};

extern const struct encoding encoding_raw, encoding_zrle, encoding_tight;

static inline const uint32_t *encoder_row(const struct encoder *e, struct rect r, uint32_t row)
{
	return e->pixels + (size_t)(r.y + row) * e->stride + r.x;
}

/* Compresses into out through stream `index`, flushed so that the client can show it. */
void encoder_deflate(struct encoder *e, unsigned int index, const uint8_t *bytes, size_t count);
void encoder_close(struct encoder *e);

/* Up to `most` different colours of the rectangle; most + 1 when there are more. */
unsigned int encoder_palette(const struct encoder *e, struct rect r, uint32_t *palette, unsigned int most);

/*
 * Where a colour is in a palette that has it; `last` remembers the answer for the runs that screens are
 * made of.
 */
static inline uint8_t palette_index(const uint32_t *palette, uint32_t colour, uint8_t *last)
{
	if (palette[*last] != colour)
		for (*last = 0; palette[*last] != colour; (*last)++)
			;
	return *last;
}

#endif
