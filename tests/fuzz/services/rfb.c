/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A viewer that sends any bytes to an RFB session, in pieces, while the screen changes its size and the pointer its shape; what the
 * session writes is thrown away. Whatever is held is released when it ends.
 */
#include "tests/fuzz/input.h"

#include "rfb/session.h"

#include <stdlib.h>
#include <string.h>

#define SIDE	96u
#define PIECE	64u

static uint32_t *screen;

static void on_key(void *context, uint16_t scancode, bool down)
{
	bool *held = context;			/* by scancode; a key that is held may go down again */

	held[scancode] = down;
}

static void on_pointer(void *context, uint16_t x, uint16_t y, uint32_t buttons)
{
	(void)context;
	(void)buttons;
	if (x > 32767 || y > 32767)
		abort();
}

static void on_resize(void *context, uint16_t width, uint16_t height)
{
	(void)context;
	(void)width;
	(void)height;
}

static void on_want_cursor(void *context) { (void)context; }

static void show(struct session *s)
{
	uint32_t width = below(SIDE) + 1, height = below(SIDE) + 1;

	free(screen);
	screen = calloc(width * height, 4);
	input_take(screen, 32 < width * height * 4 ? 32 : 4);
	if (session_set_screen(s, &(struct screen){ (const uint8_t *)screen, width, height, width * 4 }) < 0)
		abort();
}

static void host_acts(struct session *s)
{
	struct display_cursor cursor = { .width = (uint16_t)below(8), .height = (uint16_t)below(8), .visible = below(2) };
	struct display_rect rects[2] = { { 0 } };
	uint32_t shape[64];

	switch (below(3)) {
	case 0:
		show(s);
		break;
	case 1:
		input_take(rects, sizeof(rects));
		session_damage(s, rects, 2);
		break;
	default:
		input_take(shape, sizeof(shape));
		session_set_cursor(s, &cursor, shape);
	}
}

static int client_sends(struct session *s)
{
	size_t size = below(PIECE) + 1;
	uint8_t *bytes;
	int r;

	size = size < input_left() ? size : input_left();
	bytes = input_copy(size);
	r = session_input(s, bytes, size);
	free(bytes);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t greeting[] = "RFB 003.008\n\1\1";
	struct session *s = calloc(1, sizeof(*s));
	static bool held[0x10000];
	int r = 0;

	input_begin(data, size);
	session_init(s, &(struct session_host){ on_key, on_pointer, on_resize, on_want_cursor, held });
	show(s);
	if (!once_in(8))
		r = session_input(s, greeting, sizeof(greeting) - 1);
	while (input_left() && r == 0) {
		r = once_in(6) ? 0 : client_sends(s);
		if (r == 0 && once_in(4))
			host_acts(s);
		if (r == 0)
			r = session_pump(s);
		s->out.sent = s->out.count = 0;
	}
	session_fini(s);
	if (memchr(held, true, sizeof(held)))
		abort();
	free(s);
	free(screen);
	screen = NULL;
	return 0;
}
