/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Viewers of the display (partita/display.h). Each has its own record of changed rows; the screen is looked
 * at only while one waits for damage, at most 30 times a second and less often while nothing happens.
 */
#include "vmwp/chipset/display.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmwp/chipset/ps2.h"

#define LOOK_INTERVAL_NS	(1000000000ull / 30)
#define LOOK_INTERVAL_QUIET_NS	(100000000ull)
#define QUIET_LOOKS		10u		/* in a row, then we look less often */
#define PACKETS_PER_WAKEUP	64u		/* a viewer may not keep the event loop for itself */
#define DISPLAY_VIEWERS		8u

struct display_viewer {
	int fd;				/* -1: free */
	bool wants;			/* has asked for damage and not got it */
	bool mode_due;			/* the socket was full when the mode changed */
	bool wants_cursor, cursor_due;
	uint64_t rows[DISPLAY_MAX_HEIGHT / 64];	/* changed since this viewer was last told */
};

struct display {
	struct device *device;
	struct display_source *sources;
	struct display_source *shown;	/* NULL: none is active */
	struct device_timer *timer;
	struct display_viewer viewer[DISPLAY_VIEWERS];
	unsigned int quiet;		/* looks in a row that found nothing */
	uint64_t looked_at;		/* when, ns */
	struct { const struct display_input_ops *ops; void *context; } input[DISPLAY_INPUTS];
};

static void viewer_close(struct display *d, struct display_viewer *w)
{
	device_unwatch_fd(d->device, w->fd);
	close(w->fd);
	*w = (struct display_viewer) { .fd = -1 };
}

/* --- to the viewer --- */

static int send_packet(struct display_viewer *w, const void *packet, size_t size, int fd)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)packet, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	return sendmsg(w->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* False: not now, the socket is full. The viewer is told when it next asks. */
static bool viewer_send_mode(struct display *d, struct display_viewer *w)
{
	w->mode_due = send_packet(w, &d->shown->mode, sizeof(d->shown->mode), d->shown->mode_fd) < 0;
	return !w->mode_due;
}

static void viewer_send_cursor(struct display *d, struct display_viewer *w)
{
	const struct display_source *s = d->shown;

	if (w->wants_cursor && s)
		w->cursor_due = send_packet(w, &s->cursor, sizeof(s->cursor), s->cursor.width ? s->cursor_fd : -1) < 0;
}

static bool row_is_set(const struct display_viewer *w, uint32_t row)
{
	return w->rows[row / 64] & (1ull << (row % 64));
}

static void add_band(struct display_damage *damage, const struct display *d, uint32_t first, uint32_t end)
{
	struct display_rect *last = &damage->rects[DISPLAY_RECTS_MAX - 1];

	if (damage->count == DISPLAY_RECTS_MAX)		/* no room: the last one covers the rest */
		last->height = (uint16_t)(end - last->y);
	else
		damage->rects[damage->count++] = (struct display_rect) {
			0, (uint16_t)first, (uint16_t)d->shown->mode.width, (uint16_t)(end - first),
		};
}

static void collect_damage(const struct display *d, const struct display_viewer *w, struct display_damage *damage)
{
	uint32_t height = d->shown->mode.height;

	for (uint32_t row = 0; row < height; row++) {
		uint32_t first = row;

		while (row < height && row_is_set(w, row))
			row++;
		if (row > first)
			add_band(damage, d, first, row);
	}
}

static void viewer_tell(struct display *d, struct display_viewer *w)
{
	struct display_damage damage = { .type = DISPLAY_DAMAGE };
	size_t size;

	if (w->cursor_due)
		viewer_send_cursor(d, w);
	if (!w->wants || (w->mode_due && !viewer_send_mode(d, w)))
		return;
	collect_damage(d, w, &damage);
	if (damage.count == 0)
		return;
	size = offsetof(struct display_damage, rects) + damage.count * sizeof(damage.rects[0]);
	if (send_packet(w, &damage, size, -1) < 0)
		return;
	memset(w->rows, 0, sizeof(w->rows));
	w->wants = false;
}

/* --- looking --- */

static bool anybody_wants(const struct display *d)
{
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		if (d->viewer[i].fd >= 0 && d->viewer[i].wants)
			return true;
	return false;
}

static void arm(struct display *d)
{
	uint64_t interval = d->quiet >= QUIET_LOOKS ? LOOK_INTERVAL_QUIET_NS : LOOK_INTERVAL_NS;

	device_timer_arm(d->timer, anybody_wants(d) ? d->looked_at + interval : 0);
}

static void look(struct display *d)
{
	d->looked_at = machine_now_ns(d->device->machine);
	d->quiet++;				/* refresh resets it by reporting */
	if (!d->shown)
		return;
	d->shown->refresh(d->shown);
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		if (d->viewer[i].fd >= 0)
			viewer_tell(d, &d->viewer[i]);
}

static void timer_fired(struct device *dev)
{
	struct display *d = device_state(dev);

	look(d);
	arm(d);
}

static void request(struct display *d, struct display_viewer *w)
{
	w->wants = true;
	if (machine_now_ns(d->device->machine) >= d->looked_at + LOOK_INTERVAL_NS)
		look(d);
	arm(d);
}

static void tell_mode(struct display *d)
{
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		if (d->viewer[i].fd >= 0)
			viewer_send_mode(d, &d->viewer[i]);
}

static void tell_cursor(struct display *d)
{
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		if (d->viewer[i].fd >= 0)
			viewer_send_cursor(d, &d->viewer[i]);
}

/* --- sources --- */

void display_set_mode(struct display_source *s, int fd, const struct display_mode *mode)
{
	s->mode = *mode;
	s->mode_fd = fd;
	if (s == s->display->shown)
		tell_mode(s->display);
}

void display_set_cursor(struct display_source *s, int fd, const struct display_cursor *cursor)
{
	s->cursor = *cursor;
	s->cursor_fd = fd;
	if (s == s->display->shown)
		tell_cursor(s->display);
}

void display_rows_changed(struct display_source *s, uint32_t first, uint32_t count)
{
	struct display *d = s->display;

	if (s != d->shown)
		return;			/* MODE says that all is damaged when it is shown */
	d->quiet = 0;
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		for (uint32_t row = first; row < first + count && row < DISPLAY_MAX_HEIGHT; row++)
			d->viewer[i].rows[row / 64] |= 1ull << (row % 64);
}

static void choose_source(struct display *d)
{
	struct display_source *best = NULL;

	for (struct display_source *s = d->sources; s; s = s->next)
		if (s->active && (!best || s->rank > best->rank))
			best = s;
	if (best == d->shown)
		return;
	d->shown = best;
	if (best)
		best->refresh(best);
	if (best && best->mode_fd >= 0)
		tell_mode(d);
	tell_cursor(d);
}

int display_source_add(struct machine *m, struct display_source *s)
{
	struct device *dev = machine_device(m, &display_model);

	if (!dev)
		return -ENODEV;
	s->display = device_state(dev);
	s->mode_fd = s->cursor_fd = -1;
	s->cursor = (struct display_cursor) { .type = DISPLAY_CURSOR, .visible = 1 };
	s->next = s->display->sources;
	s->display->sources = s;
	return 0;
}

void display_source_set_active(struct display_source *s, bool active)
{
	s->active = active;
	choose_source(s->display);
}

void display_source_remove(struct display_source *s)
{
	struct display_source **link;

	if (!s->display)
		return;
	display_source_set_active(s, false);
	for (link = &s->display->sources; *link != s; link = &(*link)->next)
		;
	*link = s->next;
	s->display = NULL;
}

/* --- from the viewer --- */

union viewer_packet {
	uint32_t type;
	struct display_key key;
	struct display_pointer pointer;
	struct display_resize resize;
};

static bool pointer_is_sound(const struct display_pointer *p)
{
	return p->x <= 32767 && p->y <= 32767;
}

static bool resize_is_sound(const struct display_resize *r)
{
	return r->width >= 16 && r->height >= 16;
}

/* Also sources that are not shown: what the firmware cannot do, the driver after it can. */
static void resize(struct display *d, const struct display_resize *r)
{
	for (struct display_source *s = d->sources; s; s = s->next)
		if (s->resize)
			s->resize(s, r->width, r->height);
}

static void want_cursor(struct display *d, struct display_viewer *w)
{
	w->wants_cursor = true;
	viewer_send_cursor(d, w);
}

static void key(struct display *d, const struct display_key *k)
{
	struct device *ps2 = machine_device(d->device->machine, &ps2_model);

	if (d->input[DISPLAY_KEYBOARD].ops)
		d->input[DISPLAY_KEYBOARD].ops->key(d->input[DISPLAY_KEYBOARD].context, k->scancode, k->down);
	else if (ps2)
		ps2_key(ps2, k->scancode, k->down);
}

static void pointer(struct display *d, const struct display_pointer *p)
{
	struct device *ps2 = machine_device(d->device->machine, &ps2_model);

	if (d->input[DISPLAY_MOUSE].ops)
		d->input[DISPLAY_MOUSE].ops->pointer(d->input[DISPLAY_MOUSE].context, p->x, p->y, p->buttons);
	else if (ps2 && d->shown)
		ps2_pointer(ps2, p->x, p->y, p->buttons, d->shown->mode.width, d->shown->mode.height);
}

void display_set_input(struct machine *m, enum display_input kind, const struct display_input_ops *ops, void *context)
{
	struct device *dev = machine_device(m, &display_model);
	struct display *d = dev ? device_state(dev) : NULL;

	if (!d)
		return;
	d->input[kind].ops = ops;
	d->input[kind].context = context;
}

/* False: a packet that no viewer may send. */
static bool handle_packet(struct display *d, struct display_viewer *w, const union viewer_packet *p, size_t size)
{
	if (size < sizeof(p->type))
		return false;
	if (p->type == DISPLAY_REQUEST && size == sizeof(p->type)) {
		request(d, w);
		return true;
	}
	if (p->type == DISPLAY_CURSOR_WANTED && size == sizeof(p->type)) {
		want_cursor(d, w);
		return true;
	}
	if (p->type == DISPLAY_RESIZE && size == sizeof(p->resize) && resize_is_sound(&p->resize))
		resize(d, &p->resize);
	else if (p->type == DISPLAY_KEY && size == sizeof(p->key) && p->key.down <= 1)
		key(d, &p->key);
	else if (p->type == DISPLAY_POINTER && size == sizeof(p->pointer) && pointer_is_sound(&p->pointer))
		pointer(d, &p->pointer);
	else
		return false;
	d->quiet = 0;				/* what the guest makes of it should be seen soon */
	arm(d);
	return true;
}

static struct display_viewer *viewer_of(struct display *d, int fd)
{
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		if (d->viewer[i].fd == fd)
			return &d->viewer[i];
	return NULL;
}

static void viewer_ready(struct device *dev, int fd, uint32_t events)
{
	struct display *d = device_state(dev);
	struct display_viewer *w = viewer_of(d, fd);
	union viewer_packet p;

	(void)events;
	for (unsigned int i = 0; w && i < PACKETS_PER_WAKEUP; i++) {
		ssize_t n = recv(fd, &p, sizeof(p), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0 || (size_t)n > sizeof(p) || !handle_packet(d, w, &p, (size_t)n)) {
			viewer_close(d, w);
			arm(d);
			return;
		}
	}
}

static int viewer_create(struct display *d, struct display_viewer *w, int *viewer_fd)
{
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	r = device_watch_fd(d->device, fds[0], EPOLLIN, viewer_ready);
	if (r < 0) {
		close(fds[0]);
		close(fds[1]);
		return r;
	}
	*w = (struct display_viewer) { .fd = fds[0] };
	*viewer_fd = fds[1];
	return 0;
}

int display_open(struct machine *m, int *viewer_fd)
{
	struct device *dev = machine_device(m, &display_model);
	struct display *d = dev ? device_state(dev) : NULL;
	struct display_viewer *w = d ? viewer_of(d, -1) : NULL;
	int r;

	if (!d || !d->shown)
		return -ENODEV;
	if (!w)
		return -EMFILE;
	d->shown->refresh(d->shown);		/* before it counts as a viewer: one MODE, its pixels drawn */
	r = viewer_create(d, w, viewer_fd);
	if (r == 0)
		viewer_send_mode(d, w);
	return r;
}

static int display_init(struct device *dev)
{
	struct display *d = device_state(dev);

	d->device = dev;
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		d->viewer[i].fd = -1;
	d->timer = device_timer_new(dev, timer_fired);
	return d->timer ? 0 : -ENOMEM;
}

static void display_fini(struct device *dev)
{
	struct display *d = device_state(dev);

	if (!d->timer)
		return;
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		if (d->viewer[i].fd >= 0)
			viewer_close(d, &d->viewer[i]);
	device_timer_free(d->timer);
}

const struct device_model display_model = {
	.name = "display", .state_size = sizeof(struct display), .state_version = 1,
	.init = display_init, .fini = display_fini,
};
