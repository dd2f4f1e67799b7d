/* SPDX-License-Identifier: Apache-2.0 */
/* See display_link.h. */
#include "display_link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

union packet {
	uint32_t type;
	struct display_mode mode;
	struct display_damage damage;
	struct display_cursor cursor;
};

/* One packet and the descriptor that came with it (-1: none). */
static ssize_t receive(int socket, union packet *p, int *fd)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec iov = { p, sizeof(*p) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*fd = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	if (n > 0 && (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return -EPROTO;
	return n < 0 ? -errno : n;
}

static bool mode_is_sound(const struct display_mode *m)
{
	uint64_t last_row = (uint64_t)m->stride * (m->height - 1);

	return m->width && m->height && m->width <= DISPLAY_MAX_WIDTH && m->height <= DISPLAY_MAX_HEIGHT
		&& m->stride >= m->width * 4 && m->stride <= 1u << 20 && m->stride % 4 == 0 && m->offset % 4 == 0
		&& m->offset <= 1u << 28 && m->size >= last_row + m->width * 4 && m->size <= 1u << 28;
}

/* Memory that could shrink under us would kill us: only sealed memory is mapped. */
static bool memory_is_sound(int fd, uint64_t end)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK) && fstat(fd, &st) == 0 && (uint64_t)st.st_size >= end;
}

static int take_mode(struct display_link *d, const struct display_mode *m, int fd)
{
	size_t size = m->offset + m->size;
	void *map;

	if (fd < 0 || !mode_is_sound(m) || !memory_is_sound(fd, size))
		return -EPROTO;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	if (d->map)
		munmap(d->map, d->map_size);
	d->map = map;
	d->map_size = size;
	d->pixels = (const unsigned char *)map + m->offset;
	d->mode = *m;
	return DISPLAY_EVENT_MODE;
}

static int take_damage(struct display_link *d, const struct display_damage *from, size_t size, struct display_damage *to)
{
	if (from->count > DISPLAY_RECTS_MAX
	    || size != offsetof(struct display_damage, rects) + from->count * sizeof(from->rects[0]))
		return -EPROTO;
	memcpy(to, from, size);
	d->asked = false;
	return DISPLAY_EVENT_DAMAGE;
}

/* The worker draws the next shape into the same memory, so this one is copied at once. */
static int copy_shape(struct display_link *d, const struct display_cursor *c, int fd)
{
	size_t size = (size_t)c->width * c->height * 4;
	void *map;

	if (fd < 0 || !memory_is_sound(fd, size))
		return -EPROTO;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	memcpy(d->cursor_pixels, map, size);
	munmap(map, size);
	return 0;
}

static int take_cursor(struct display_link *d, const struct display_cursor *c, int fd)
{
	bool shape = c->width != 0 && c->height != 0;
	int r = 0;

	if (c->width > DISPLAY_CURSOR_MAX || c->height > DISPLAY_CURSOR_MAX || (shape && (c->hot_x >= c->width || c->hot_y >= c->height)))
		return -EPROTO;
	if (shape)
		r = copy_shape(d, c, fd);
	d->cursor = *c;
	return r < 0 ? r : DISPLAY_EVENT_CURSOR;
}

int display_link_receive(struct display_link *d, struct display_damage *damage)
{
	union packet p;
	int fd, r = -EPROTO;
	ssize_t n = receive(d->fd, &p, &fd);

	if (n == -EAGAIN || n == -EINTR)
		r = DISPLAY_EVENT_NONE;
	else if (n <= 0)
		r = n == 0 ? -ECONNRESET : (int)n;
	else if ((size_t)n == sizeof(p.mode) && p.type == DISPLAY_MODE)
		r = take_mode(d, &p.mode, fd);
	else if ((size_t)n >= offsetof(struct display_damage, rects) && p.type == DISPLAY_DAMAGE)
		r = take_damage(d, &p.damage, (size_t)n, damage);
	else if ((size_t)n == sizeof(p.cursor) && p.type == DISPLAY_CURSOR)
		r = take_cursor(d, &p.cursor, fd);
	if (fd >= 0)
		close(fd);
	return r;
}

int display_link_request(struct display_link *d)
{
	uint32_t type = DISPLAY_REQUEST;

	if (d->asked)
		return 0;
	if (send(d->fd, &type, sizeof(type), MSG_NOSIGNAL) < 0)
		return -errno;
	d->asked = true;
	return 0;
}

/* A worker that is gone is noticed by the next receive. */
void display_link_key(struct display_link *d, uint16_t scancode, bool down)
{
	struct display_key key = { DISPLAY_KEY, scancode, down };

	(void)!send(d->fd, &key, sizeof(key), MSG_NOSIGNAL);
}

void display_link_pointer(struct display_link *d, uint16_t x, uint16_t y, uint32_t buttons)
{
	struct display_pointer pointer = { DISPLAY_POINTER, x, y, buttons };

	(void)!send(d->fd, &pointer, sizeof(pointer), MSG_NOSIGNAL);
}

void display_link_resize(struct display_link *d, uint16_t width, uint16_t height)
{
	struct display_resize resize = { DISPLAY_RESIZE, width, height };

	(void)!send(d->fd, &resize, sizeof(resize), MSG_NOSIGNAL);
}

void display_link_want_cursor(struct display_link *d)
{
	uint32_t type = DISPLAY_CURSOR_WANTED;

	(void)!send(d->fd, &type, sizeof(type), MSG_NOSIGNAL);
}

void display_link_close(struct display_link *d)
{
	if (d->map)
		munmap(d->map, d->map_size);
	close(d->fd);
}
