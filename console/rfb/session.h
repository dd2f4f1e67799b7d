/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One RFB 3.8 client (RFC 6143). Bytes in, bytes out, no descriptors: main.c moves them. What the client
 * sends is hostile; any rule it breaks ends the session. session.c reads messages, update.c answers update
 * requests.
 */
#ifndef CONSOLE_RFB_SESSION_H
#define CONSOLE_RFB_SESSION_H

#include "partita/display.h"
#include "rfb/encode.h"

#define SESSION_INPUT_BYTES	8192u		/* the longest message that is kept whole */

struct session_host {			/* what the session asks of whoever runs it */
	void (*key)(void *context, uint16_t scancode, bool down);
	void (*pointer)(void *context, uint16_t x, uint16_t y, uint32_t buttons);	/* 0..32767 */
	void (*resize)(void *context, uint16_t width, uint16_t height);	/* what the client has room for */
	void (*want_cursor)(void *context);				/* session_set_cursor() from now on */
	void *context;
};

enum session_state { SESSION_VERSION, SESSION_SECURITY, SESSION_CLIENT_INIT, SESSION_RUNNING };

struct screen { const uint8_t *pixels; uint32_t width, height, stride; };	/* the worker's; changes under us */

struct cursor {				/* the pointer's shape; width 0: none is known */
	uint16_t width, height, hot_x, hot_y;
	uint32_t argb[DISPLAY_CURSOR_MAX * DISPLAY_CURSOR_MAX];
};

struct session {
	struct session_host host;
	enum session_state state;
	int minor;			/* RFB 3.minor */
	uint8_t input[SESSION_INPUT_BYTES];
	size_t input_count;
	uint64_t skip;			/* bytes of clipboard text still to be thrown away */
	struct rfb_out out;

	struct encoder encoder;
	const struct encoding *encoding;
	bool can_resize, can_resize_extended, can_extended_keys, can_cursor;
	bool tell_extended_keys, tell_size, tell_cursor;	/* pseudo-rectangles due with the next update */
	struct cursor cursor;
	uint16_t size_reason, size_status;	/* of an ExtendedDesktopSize */

	struct screen screen;
	uint32_t width, height;		/* of the client's frame buffer */
	uint32_t *view;			/* what the client was last sent */
	uint64_t *stale;		/* a bit per tile: may differ from the view */
	bool requested, all_requested;	/* the client waits for an update; a non-incremental one */
	bool screen_changed;		/* size or memory */
	bool shift_held[2];
	uint8_t keys_down[64];		/* a bit per scancode, 0x100 + for the 0xe0 set */
};

void session_init(struct session *s, const struct session_host *host);
void session_fini(struct session *s);			/* releases the keys that are still down */
int session_input(struct session *s, const uint8_t *bytes, size_t count);	/* 0; -EPROTO or -ENOMEM: end it */
int session_set_screen(struct session *s, const struct screen *screen);	/* a new mode; 0 or -ENOMEM */
void session_damage(struct session *s, const struct display_rect *rects, unsigned int count);
void session_set_cursor(struct session *s, const struct display_cursor *c, const uint32_t *argb);
int session_pump(struct session *s);			/* writes an update into out when one is due and out is empty */
bool session_wants_damage(const struct session *s);	/* the client waits and nothing is known to have changed */

/* update.c */
int view_resize(struct session *s, uint32_t width, uint32_t height);
void view_mark(struct session *s, struct rect r);
void rect_head_put(struct session *s, struct rect r, int32_t encoding);

/* cursor.c */
#define PSEUDO_CURSOR (-239)
void cursor_put(struct session *s);

#endif
