/* SPDX-License-Identifier: Apache-2.0 */
/* Raw encoding (RFC 6143, 7.7.1): what every client understands. */
#include "rfb/encode.h"

static void raw_rect(struct encoder *e, struct rect r)
{
	unsigned int bytes = e->format.bits / 8u;

	for (uint32_t y = 0; y < r.height; y++) {
		uint8_t *to = out_reserve(e->out, (size_t)r.width * bytes);

		if (!to)
			return;
		pixels_put(&e->format, bytes, to, encoder_row(e, r, y), r.width);
		out_advance(e->out, (size_t)r.width * bytes);
	}
}

const struct encoding encoding_raw = { .number = 0, .rect = raw_rect };
