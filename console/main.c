/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console: one open console. Descriptor 3 is the client's stream (RFB bytes, already authenticated by
 * webapi), descriptor 4 the worker's display socket. Started by vmpriv; ends when either side does. Holds
 * nothing else and may do nothing else. With --view-only keys, pointer and size of the client go nowhere.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "display_link.h"
#include "rfb/session.h"
#include "sandbox.h"

#define CLIENT_FD	3
#define DISPLAY_FD	4
#define SEND_MOST	262144u		/* at once, so that keys are read in between */

struct console { struct session session; struct display_link display; };

static void on_key(void *context, uint16_t scancode, bool down)
{
	display_link_key(&((struct console *)context)->display, scancode, down);
}

static void on_pointer(void *context, uint16_t x, uint16_t y, uint32_t buttons)
{
	display_link_pointer(&((struct console *)context)->display, x, y, buttons);
}

static void on_resize(void *context, uint16_t width, uint16_t height)
{
	display_link_resize(&((struct console *)context)->display, width, height);
}

static void on_want_cursor(void *context)
{
	display_link_want_cursor(&((struct console *)context)->display);
}

static void ignore_resize(void *context, uint16_t width, uint16_t height)
{
	(void)context;
	(void)width;
	(void)height;
}

static void ignore_key(void *context, uint16_t scancode, bool down)
{
	(void)context;
	(void)scancode;
	(void)down;
}

static void ignore_pointer(void *context, uint16_t x, uint16_t y, uint32_t buttons)
{
	(void)context;
	(void)x;
	(void)y;
	(void)buttons;
}

static int client_read(struct console *c)
{
	uint8_t bytes[4096];
	ssize_t n = recv(CLIENT_FD, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return n == 0 ? -ECONNRESET : session_input(&c->session, bytes, (size_t)n);
}

static int client_write(struct console *c)
{
	struct rfb_out *o = &c->session.out;
	size_t left = o->count - o->sent;
	ssize_t n = send(CLIENT_FD, o->bytes + o->sent, left < SEND_MOST ? left : SEND_MOST, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	out_consumed(o, (size_t)n);
	return 0;
}

static int display_read(struct console *c)
{
	struct display_damage damage;
	int r = display_link_receive(&c->display, &damage);

	if (r == DISPLAY_EVENT_DAMAGE)
		session_damage(&c->session, damage.rects, damage.count);
	if (r == DISPLAY_EVENT_CURSOR)
		session_set_cursor(&c->session, &c->display.cursor, c->display.cursor_pixels);
	if (r == DISPLAY_EVENT_MODE)
		r = session_set_screen(&c->session, &(struct screen) {
			c->display.pixels, c->display.mode.width, c->display.mode.height, c->display.mode.stride });
	return r < 0 ? r : 0;
}

/* Waits for either side and lets each that is ready move once. Before the first MODE the client has to wait. */
static int serve_once(struct console *c)
{
	short writing = out_is_empty(&c->session.out) ? 0 : POLLOUT;
	struct pollfd p[2] = {
		{ .fd = CLIENT_FD, .events = (short)((c->display.pixels ? POLLIN : 0) | writing) },
		{ .fd = DISPLAY_FD, .events = POLLIN },
	};
	int r = poll(p, 2, -1);

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	r = 0;
	if (p[1].revents)
		r = display_read(c);
	if (r == 0 && (p[0].revents & POLLOUT))
		r = client_write(c);
	if (r == 0 && (p[0].revents & (POLLIN | POLLHUP | POLLERR)))
		r = client_read(c);
	return r;
}

static int serve(struct console *c)
{
	int r = 0;

	while (r == 0) {
		r = serve_once(c);
		if (r == 0)
			r = session_pump(&c->session);
		if (r == 0 && session_wants_damage(&c->session))	/* the client waits and has room: only then do we ask */
			r = display_link_request(&c->display);
	}
	return r;
}

static const struct session_host full = { on_key, on_pointer, on_resize, on_want_cursor, NULL };
static const struct session_host viewing = { ignore_key, ignore_pointer, ignore_resize, on_want_cursor, NULL };

int main(int argc, char **argv)
{
	static struct console c = { .display.fd = DISPLAY_FD };
	struct session_host host;
	bool view_only = argc == 2 && strcmp(argv[1], "--view-only") == 0;
	int r;

	if (argc > 1 && !view_only) {
		fprintf(stderr, "usage: console [--view-only]\n");
		return 2;
	}
	r = sandbox_enter();
	if (r < 0) {
		fprintf(stderr, "console: sandbox: %s\n", strerror(-r));
		return 1;
	}
	host = view_only ? viewing : full;
	host.context = &c;
	session_init(&c.session, &host);
	r = serve(&c);
	session_fini(&c.session);
	display_link_close(&c.display);
	return r == -ECONNRESET || r == -EPIPE ? 0 : 1;
}
