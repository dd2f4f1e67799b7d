/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Viewers of the display (partita/display.h). Each has its own record of changed rows; the screen is looked
 * at only while one waits for damage, at most 30 times a second and less often while nothing happens.
 */
#include "vmwp/chipset/display_internal.h"

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
	w->mode_due = send_packet(w, &d->mode, sizeof(d->mode), d->mode_fd) < 0;
	return !w->mode_due;
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
			0, (uint16_t)first, (uint16_t)d->mode.width, (uint16_t)(end - first),
		};
}

static void collect_damage(const struct display *d, const struct display_viewer *w, struct display_damage *damage)
{
	uint32_t height = d->mode.height;

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
	d->refresh(d);
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

void display_set_mode(struct display *d, int fd, const struct display_mode *mode)
{
	d->mode = *mode;
	d->mode_fd = fd;
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		if (d->viewer[i].fd >= 0)
			viewer_send_mode(d, &d->viewer[i]);
}

void display_rows_changed(struct display *d, uint32_t first, uint32_t count)
{
	d->quiet = 0;
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		for (uint32_t row = first; row < first + count && row < DISPLAY_MAX_HEIGHT; row++)
			d->viewer[i].rows[row / 64] |= 1ull << (row % 64);
}

/* --- from the viewer --- */

union viewer_packet {
	uint32_t type;
	struct display_key key;
	struct display_pointer pointer;
};

static bool pointer_is_sound(const struct display_pointer *p)
{
	return p->x <= 32767 && p->y <= 32767;
}

/* False: a packet that no viewer may send. */
static bool handle_packet(struct display *d, struct display_viewer *w, const union viewer_packet *p, size_t size)
{
	struct device *ps2 = machine_device(d->device->machine, &ps2_model);

	if (size < sizeof(p->type))
		return false;
	if (p->type == DISPLAY_REQUEST && size == sizeof(p->type)) {
		request(d, w);
		return true;
	}
	if (p->type == DISPLAY_KEY && size == sizeof(p->key) && p->key.down <= 1) {
		if (ps2)
			ps2_key(ps2, p->key.scancode, p->key.down);
	} else if (p->type == DISPLAY_POINTER && size == sizeof(p->pointer) && pointer_is_sound(&p->pointer)) {
		if (ps2)
			ps2_pointer(ps2, p->pointer.x, p->pointer.y, p->pointer.buttons, d->mode.width, d->mode.height);
	} else {
		return false;
	}
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

int display_open(struct device *vga, int *viewer_fd)
{
	struct display *d = device_state(vga);
	struct display_viewer *w = viewer_of(d, -1);
	int fds[2], r;

	if (!w)
		return -EMFILE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	r = device_watch_fd(vga, fds[0], EPOLLIN, viewer_ready);
	if (r < 0) {
		close(fds[0]);
		close(fds[1]);
		return r;
	}
	d->refresh(d);				/* before it counts as a viewer: one MODE, its pixels drawn */
	*w = (struct display_viewer) { .fd = fds[0] };
	viewer_send_mode(d, w);
	*viewer_fd = fds[1];
	return 0;
}

int display_init(struct display *d, struct device *dev, void (*refresh)(struct display *))
{
	d->device = dev;
	d->refresh = refresh;
	d->mode_fd = -1;
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		d->viewer[i].fd = -1;
	d->timer = device_timer_new(dev, timer_fired);
	return d->timer ? 0 : -ENOMEM;
}

void display_fini(struct display *d)
{
	if (!d->timer)
		return;
	for (unsigned int i = 0; i < DISPLAY_VIEWERS; i++)
		if (d->viewer[i].fd >= 0)
			viewer_close(d, &d->viewer[i]);
	device_timer_free(d->timer);
	d->timer = NULL;
}
