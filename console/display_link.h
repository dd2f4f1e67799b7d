/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console's end of a display socket (partita/display.h). What the worker sends is checked before it is
 * used.
 */
#ifndef CONSOLE_DISPLAY_LINK_H
#define CONSOLE_DISPLAY_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "partita/display.h"

struct display_link {
	int fd;
	struct display_mode mode;	/* width 0: none yet */
	void *map;
	size_t map_size;
	const unsigned char *pixels;
	bool asked;			/* a REQUEST is on its way */
	struct display_cursor cursor;	/* of the last DISPLAY_EVENT_CURSOR, and its pixels, ARGB8888 */
	uint32_t cursor_pixels[DISPLAY_CURSOR_MAX * DISPLAY_CURSOR_MAX];
};

enum display_event { DISPLAY_EVENT_NONE, DISPLAY_EVENT_MODE, DISPLAY_EVENT_DAMAGE, DISPLAY_EVENT_CURSOR };

/*
 * Takes one packet; the kind of event, or negative errno (-ECONNRESET: the worker is gone, -EPROTO: it
 * broke a rule).
 */
int display_link_receive(struct display_link *d, struct display_damage *damage);
int display_link_request(struct display_link *d);		/* at most one at a time; 0 or negative errno */
void display_link_key(struct display_link *d, uint16_t scancode, bool down);
void display_link_pointer(struct display_link *d, uint16_t x, uint16_t y, uint32_t buttons);
void display_link_resize(struct display_link *d, uint16_t width, uint16_t height);
void display_link_want_cursor(struct display_link *d);
void display_link_close(struct display_link *d);

#endif
