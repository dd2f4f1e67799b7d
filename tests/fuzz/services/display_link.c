/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that was taken over, at the other end of the console's display socket: any packets, any memory with them or none. */
#include "tests/fuzz/input.h"

#include "display_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_MAX 700u

static volatile uint8_t seen;

static int memory_new(void)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, 4096 * (off_t)below(32)) < 0)
		abort();
	if (!once_in(8))
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	return fd;
}

static size_t packet_make(uint8_t *bytes)
{
	struct display_mode mode = { .type = DISPLAY_MODE, .width = below(64) + 1, .height = below(64) + 1 };
	struct display_cursor cursor = { .type = DISPLAY_CURSOR, .width = (uint16_t)below(100), .height = (uint16_t)below(100), .visible = 1 };
	uint32_t damage[2] = { DISPLAY_DAMAGE, below(66) };
	size_t size;

	mode.stride = mode.width * 4 * (below(2) + 1);
	mode.size = once_in(4) ? input_number(8) : (uint64_t)mode.stride * mode.height;
	mode.offset = once_in(4) ? input_number(8) : 4096 * (uint64_t)below(4);
	switch (below(4)) {
	case 0:
		memcpy(bytes, &mode, sizeof(mode));
		return sizeof(mode);
	case 1:
		input_take(&cursor.hot_x, 4);
		memcpy(bytes, &cursor, sizeof(cursor));
		return sizeof(cursor);
	case 2:
		size = sizeof(damage) + damage[1] * sizeof(struct display_rect);
		input_take(bytes, size);
		memcpy(bytes, damage, sizeof(damage));
		return size + below(2);
	default:
		size = below(PACKET_MAX) + 1;
		input_take(bytes, size);
		return size;
	}
}

static void worker_sends(int worker)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(2 * sizeof(int))]; } control = { .bytes = { 0 } };
	uint8_t bytes[PACKET_MAX + 1] = { 0 };
	struct iovec iov = { bytes, packet_make(bytes) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t fds = once_in(8) ? 2 : once_in(4) ? 0 : 1;
	int fd = memory_new(), twice[2] = { fd, fd };

	if (fds) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		control.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(fds * sizeof(int)) };
		memcpy(CMSG_DATA(&control.align), twice, fds * sizeof(int));
	}
	(void)!sendmsg(worker, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void look(const struct display_link *d)
{
	for (uint32_t y = 0; y < d->mode.height; y += 7)
		for (uint32_t x = 0; x < d->mode.width * 4; x += 64)
			seen = d->pixels[(size_t)y * d->mode.stride + x];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct display_link *d = calloc(1, sizeof(*d));
	struct display_damage damage;
	int pair[2], r = 0;

	input_begin(data, size);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	d->fd = pair[0];
	while (input_left() && r >= 0) {
		worker_sends(pair[1]);
		r = display_link_receive(d, &damage);
		if (r == DISPLAY_EVENT_MODE)
			look(d);
		if (r == DISPLAY_EVENT_DAMAGE && damage.count > DISPLAY_RECTS_MAX)
			abort();
	}
	display_link_close(d);
	close(pair[1]);
	free(d);
	return 0;
}
