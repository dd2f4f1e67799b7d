/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Cursor pseudo-encoding (RFC 6143, 7.8.1): the client draws the pointer itself, without the way to the guest and back.
 * It knows no half transparent pixels: those that are mostly there are drawn.
 */
#include "rfb/session.h"

#include <string.h>

#define OPAQUE	0x80u	/* alpha from here on */

static void put_pixels(struct session *s, const struct cursor *c)
{
	unsigned int bytes = s->encoder.format.bits / 8u;
	size_t count = (size_t)c->width * c->height;
	uint8_t *to = out_reserve(&s->out, count * bytes);

	if (!to)
		return;
	pixels_put(&s->encoder.format, bytes, to, c->argb, (uint32_t)count);
	out_advance(&s->out, count * bytes);
}

/* A bit per pixel, the leftmost the highest, each row on whole bytes. */
static void put_mask_row(struct session *s, const uint32_t *argb, uint32_t width)
{
	uint8_t row[(DISPLAY_CURSOR_MAX + 7) / 8] = { 0 };

	for (uint32_t x = 0; x < width; x++)
		if (argb[x] >> 24 >= OPAQUE)
			row[x / 8] |= (uint8_t)(0x80u >> x % 8);
	out_bytes(&s->out, row, (width + 7) / 8);
}

void cursor_put(struct session *s)
{
	const struct cursor *c = &s->cursor;

	rect_head_put(s, (struct rect) { c->hot_x, c->hot_y, c->width, c->height }, PSEUDO_CURSOR);
	put_pixels(s, c);
	for (uint32_t y = 0; y < c->height; y++)
		put_mask_row(s, c->argb + (size_t)y * c->width, c->width);
}

/* A pointer that the guest draws itself, or hides, is none to the client. */
void session_set_cursor(struct session *s, const struct display_cursor *c, const uint32_t *argb)
{
	struct cursor *to = &s->cursor;

	*to = (struct cursor) { .width = 0 };
	if (c->visible && c->width && c->height) {
		to->width = c->width;
		to->height = c->height;
		to->hot_x = c->hot_x;
		to->hot_y = c->hot_y;
		memcpy(to->argb, argb, (size_t)c->width * c->height * sizeof(to->argb[0]));
	}
	s->tell_cursor = s->can_cursor;
}
