/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Viewers of a COM port: stream sockets. The scrollback is also each viewer's send queue: one that does not
 * read falls behind and, when it is more than the scrollback behind, misses what was in between.
 */
#include "vmwp/chipset/serial_internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct device *device_of(struct serial_port *p) { return p->serial->device; }

static void stream_close(struct serial_port *p, struct serial_stream *s)
{
	if (s->watched)
		device_unwatch_fd(device_of(p), s->fd);
	close(s->fd);
	*s = (struct serial_stream) { .fd = -1 };
}

static void stream_ready(struct device *dev, int fd, uint32_t events);

/*
 * Asks for input only while the UART has room, for output only while something is unsent; always to hear
 * that the peer went.
 */
static void stream_watch(struct serial_port *p, struct serial_stream *s)
{
	uint32_t events = EPOLLRDHUP | (serial_room(p) ? EPOLLIN : 0) | (s->sent < p->written ? EPOLLOUT : 0);

	if (events == s->watched)
		return;
	if (s->watched)
		device_unwatch_fd(device_of(p), s->fd);
	s->watched = events;
	if (device_watch_fd(device_of(p), s->fd, events, stream_ready) < 0) {
		s->watched = 0;
		stream_close(p, s);
	}
}

/* Sends what it may; false when the stream was closed. */
static bool stream_flush(struct serial_port *p, struct serial_stream *s)
{
	if (p->written - s->sent > SERIAL_SCROLLBACK)
		s->sent = p->written - SERIAL_SCROLLBACK;
	while (s->sent < p->written) {
		uint64_t at = s->sent % SERIAL_SCROLLBACK, most = SERIAL_SCROLLBACK - at, left = p->written - s->sent;
		ssize_t n = send(s->fd, p->scrollback + at, left < most ? left : most, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR) {
			stream_close(p, s);
			return false;
		}
		s->sent += n > 0 ? (uint64_t)n : 0;
	}
	stream_watch(p, s);
	return true;
}

static void stream_read(struct serial_port *p, struct serial_stream *s)
{
	uint8_t bytes[SERIAL_FIFO];
	uint32_t room = serial_room(p);
	ssize_t n;

	if (room == 0)
		return;
	n = recv(s->fd, bytes, room, MSG_DONTWAIT);
	if (n > 0) {
		serial_receive(p, bytes, (uint32_t)n);
		stream_watch(p, s);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		stream_close(p, s);
	}
}

static struct serial_stream *stream_find(struct serial *serial, int fd, struct serial_port **port)
{
	for (unsigned int i = 0; i < SERIAL_PORTS * SERIAL_STREAMS; i++) {
		*port = &serial->port[i / SERIAL_STREAMS];
		if ((*port)->stream[i % SERIAL_STREAMS].fd == fd)
			return &(*port)->stream[i % SERIAL_STREAMS];
	}
	return NULL;
}

static void stream_ready(struct device *dev, int fd, uint32_t events)
{
	struct serial_port *p;
	struct serial_stream *s = stream_find(device_state(dev), fd, &p);

	if (!s)
		return;
	if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) {
		stream_close(p, s);
		return;
	}
	if (stream_flush(p, s) && (events & EPOLLIN))
		stream_read(p, s);
}

void serial_streams_put(struct serial_port *p, uint8_t byte)
{
	p->scrollback[p->written++ % SERIAL_SCROLLBACK] = byte;
	for (unsigned int i = 0; i < SERIAL_STREAMS; i++)
		if (p->stream[i].fd >= 0 && !(p->stream[i].watched & EPOLLOUT))	/* else it waits for room already */
			stream_flush(p, &p->stream[i]);
}

void serial_streams_room(struct serial_port *p)
{
	for (unsigned int i = 0; i < SERIAL_STREAMS; i++)
		if (p->stream[i].fd >= 0)
			stream_watch(p, &p->stream[i]);
}

void serial_streams_init(struct serial_port *p)
{
	for (unsigned int i = 0; i < SERIAL_STREAMS; i++)
		p->stream[i].fd = -1;
}

void serial_streams_close(struct serial_port *p)
{
	for (unsigned int i = 0; i < SERIAL_STREAMS; i++)
		if (p->stream[i].fd >= 0)
			stream_close(p, &p->stream[i]);
}

int serial_open(struct device *dev, unsigned int port, int *stream_fd)
{
	struct serial *serial = device_state(dev);
	struct serial_port *p;
	int fds[2];

	if (port < 1 || port > SERIAL_PORTS)
		return -EINVAL;
	p = &serial->port[port - 1];
	for (unsigned int i = 0; i < SERIAL_STREAMS; i++) {
		struct serial_stream *s = &p->stream[i];

		if (s->fd >= 0)
			continue;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
			return -errno;
		*s = (struct serial_stream) { .fd = fds[0],
			.sent = p->written > SERIAL_SCROLLBACK ? p->written - SERIAL_SCROLLBACK : 0 };
		if (!stream_flush(p, s)) {
			close(fds[1]);
			return -EIO;
		}
		*stream_fd = fds[1];
		return 0;
	}
	return -EMFILE;
}
