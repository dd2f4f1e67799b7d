/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot of a VM's screen: open a display as a viewer would, wait for its mode and one answer to "what changed", copy the
 * pixels out with pread() (a mapping would let a worker that truncates its memfd kill vmms), close the display.
 */
#include "vm.h"

#include "partita/display.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETTLE_USEC	400000		/* for the answer; a still screen has nothing to tell */
#define GIVE_UP_USEC	5000000		/* for the mode */

struct screen {
	int display, pixels;
	struct display_mode mode;
	sd_event_source *io, *timer;
	screen_taken *done;
	void *data;
};

static void screen_end(struct screen *s, int result)
{
	int fd = result < 0 ? -1 : result;

	s->done(fd < 0 ? result : 0, (int)s->mode.width, (int)s->mode.height, (int)s->mode.width * 4, fd,
	        s->data);
	if (fd >= 0)
		close(fd);
	sd_event_source_disable_unref(s->io);
	sd_event_source_disable_unref(s->timer);
	if (s->display >= 0)
		close(s->display);
	if (s->pixels >= 0)
		close(s->pixels);
	free(s);
}

static bool mode_is_sane(const struct display_mode *m)
{
	return m->width >= 1 && m->width <= DISPLAY_MAX_WIDTH && m->height >= 1 &&
	       m->height <= DISPLAY_MAX_HEIGHT && m->stride >= m->width * 4 &&
	       m->stride <= DISPLAY_MAX_WIDTH * 16 && m->offset < 1ull << 40;
}

/* Row by row into a memfd of our own without gaps; what the worker's does not have stays black. */
static int copy_pixels(const struct screen *s)
{
	const struct display_mode *m = &s->mode;
	size_t row = (size_t)m->width * 4;
	int fd = memfd_create("screen", MFD_CLOEXEC);
	unsigned char *to;

	if (fd < 0 || ftruncate(fd, (off_t)(row * m->height)) < 0)
		goto fail;
	to = mmap(NULL, row * m->height, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (to == MAP_FAILED)
		goto fail;
	for (uint32_t y = 0; y < m->height; y++)
		if (pread(s->pixels, to + y * row, row, (off_t)(m->offset + (uint64_t)y * m->stride)) <
		    (ssize_t)row)
			break;
	munmap(to, row * m->height);
	return fd;
fail:
	if (fd >= 0)
		close(fd);
	return -ENOMEM;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	struct screen *s = data;

	(void)source;
	(void)usec;
	screen_end(s, s->pixels < 0 ? -ETIMEDOUT : copy_pixels(s));
	return 0;
}

/* A new mode, with its pixels; then ask what changed: that makes the worker draw. */
static int take_mode(struct screen *s, const struct display_mode *m, int fd)
{
	const uint32_t request = DISPLAY_REQUEST;

	if (fd < 0 || !mode_is_sane(m)) {
		if (fd >= 0)
			close(fd);
		return -EBADMSG;
	}
	if (s->pixels >= 0)
		close(s->pixels);
	s->pixels = fd;
	s->mode = *m;
	if (send(s->display, &request, sizeof(request), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return sd_event_source_set_time_relative(s->timer, SETTLE_USEC);
}

static ssize_t receive(int socket, void *to, size_t size, int *fd)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec iov = { to, size };
	struct msghdr hdr = {.msg_iov = &iov,
	                     .msg_iovlen = 1,
	                     .msg_control = control.bytes,
	                     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(socket, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&hdr) : NULL;

	*fd = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return n < 0 ? -errno : n;
}

static int on_display(sd_event_source *source, int socket, uint32_t events, void *data)
{
	union { uint32_t type; struct display_mode mode; struct display_damage damage; } packet;
	struct screen *s = data;
	int fd, r = 0;
	ssize_t n = receive(socket, &packet, sizeof(packet), &fd);

	(void)source;
	(void)events;
	if (n == -EAGAIN)
		return 0;
	if (n <= 0) {
		screen_end(s, s->pixels < 0 ? -ESHUTDOWN : copy_pixels(s));
		return 0;
	}
	if (n == (ssize_t)sizeof(packet.mode) && packet.type == DISPLAY_MODE) {
		r = take_mode(s, &packet.mode, fd);
	} else {
		if (fd >= 0)
			close(fd);
		if (n >= (ssize_t)sizeof(uint32_t) && packet.type == DISPLAY_DAMAGE && s->pixels >= 0)
			r = 1;
	}
	if (r != 0)
		screen_end(s, r < 0 ? r : copy_pixels(s));
	return 0;
}

static void on_opened(struct ipc_message *m, int result, bool continues, void *data)
{
	struct screen *s = data;

	(void)continues;
	s->display = result == 0 ? ipc_message_take_fd(m, 0) : -1;
	if (result == 0 && s->display < 0)
		result = -EBADMSG;
	if (result == 0)
		result = sd_event_add_io(sd_event_source_get_event(s->timer), &s->io, s->display, EPOLLIN,
		                         on_display, s);
	if (result < 0) {
		screen_end(s, result);
		return;
	}
	sd_event_source_set_time_relative(s->timer, GIVE_UP_USEC);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

int screen_take(struct vm *vm, screen_taken *done, void *data)
{
	struct screen *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct screen){ .display = -1, .pixels = -1, .done = done, .data = data };
	r = sd_event_add_time_relative(vm->vmms->loop, &s->timer, CLOCK_MONOTONIC, GIVE_UP_USEC, 0,
	                               on_timeout, s);
	if (r >= 0)
		r = sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = worker_call(vm, "vmwp.OpenDisplay", NULL, NULL, 0, on_opened, s);
	if (r < 0) {
		sd_event_source_disable_unref(s->timer);
		free(s);
		return r;
	}
	return 0;
}
