/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one Hyper-V socket. Whoever does not read is not sent more: guest bytes wait in the ring, host bytes in the
 * program's socket. A message of no length ends one direction; when both have ended the host takes the channel away.
 */
#include "vmwp/vsp/hvsock_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void hvsock_stream_watch(struct hvsock_connection *k)
{
	uint32_t events = (k->blocked ? EPOLLOUT : 0) | (k->host_eof || k->pending_bytes ? 0 : EPOLLIN);

	if (k->fd < 0)
		return;
	if (events)
		(void)device_watch_fd(k->device, k->fd, events, hvsock_ready);
	else
		device_unwatch_fd(k->device, k->fd);	/* a socket that was closed is ready for ever */
}

static void host_gone(struct hvsock_connection *k)
{
	if (k->fd < 0)
		return;
	device_unwatch_fd(k->device, k->fd);
	close(k->fd);
	k->fd = -1;
}

static void withdraw_when_over(struct hvsock_connection *k)
{
	if (k->host_eof && k->guest_eof && !k->pending_bytes)
		hvsock_withdraw(k);
}

/* --- guest to host --- */

/* True: the packet is done with. */
static bool write_to_host(struct hvsock_connection *k, const uint8_t *bytes, size_t size)
{
	while (k->fd >= 0 && k->written < size) {
		ssize_t n = send(k->fd, bytes + k->written, size - k->written, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			k->blocked = true;
			hvsock_stream_watch(k);
			return false;
		}
		if (n < 0)
			break;			/* nobody reads any more: the guest's bytes go nowhere */
		k->written += (size_t)n;
	}
	k->written = 0;
	return true;
}

static void guest_end(struct hvsock_connection *k)
{
	k->guest_eof = true;
	if (k->fd >= 0)
		shutdown(k->fd, SHUT_WR);
	withdraw_when_over(k);
}

static bool stream_received(struct vmbus_channel *c, const struct vmbus_packet *p)
{
	struct hvsock_connection *k = vmbus_channel_context(c);
	const uint8_t *bytes;
	int size = p->type == VMBUS_PACKET_INBAND ? vmbus_pipe_message(p, &bytes) : -EBADMSG;

	if (size < 0 || k->guest_eof) {
		vmbus_channel_fault(c, "no message of a stream");
		return true;
	}
	if (size > 0)
		return write_to_host(k, bytes, (size_t)size);
	guest_end(k);
	return true;
}

/* --- host to guest --- */

static void send_pending(struct hvsock_connection *k)
{
	if (k->pending_bytes && vmbus_pipe_send(k->channel, k->pending, k->pending_bytes) == 0)
		k->pending_bytes = 0;
}

/* The end of the program's bytes; a ring without room has the message sent from `writable`. */
static void host_end(struct hvsock_connection *k)
{
	if (vmbus_pipe_send(k->channel, NULL, 0) < 0)
		return;
	k->host_eof = true;
	withdraw_when_over(k);
}

static void read_from_host(struct hvsock_connection *k)
{
	ssize_t n;

	if (k->pending_bytes || k->host_eof || k->fd < 0)
		return;
	n = recv(k->fd, k->pending, sizeof(k->pending), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		k->pending_bytes = (size_t)n;
		send_pending(k);
		hvsock_stream_watch(k);
		return;
	}
	device_unwatch_fd(k->device, k->fd);
	host_end(k);
}

void hvsock_stream_ready(struct device *dev, struct hvsock_connection *k, uint32_t events)
{
	(void)dev;
	if (k->blocked && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
		k->blocked = false;
		hvsock_stream_watch(k);
		vmbus_channel_resume(k->channel);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_from_host(k);		/* k may be gone afterwards */
}

static void stream_writable(struct vmbus_channel *c)
{
	struct hvsock_connection *k = vmbus_channel_context(c);

	send_pending(k);
	if (!k->pending_bytes)
		read_from_host(k);
}

/* --- open and close --- */

static int stream_opened(struct vmbus_channel *c, const uint8_t user[120])
{
	struct hvsock_connection *k = vmbus_channel_context(c);
	char ok[24];

	(void)user;
	if (k->state != HVSOCK_OFFERED)
		return -ECONNREFUSED;
	k->state = HVSOCK_OPEN;
	snprintf(ok, sizeof(ok), "OK %u\n", k->host_port);
	if (k->from_host && send(k->fd, ok, strlen(ok), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -ECONNABORTED;
	hvsock_stream_watch(k);
	return 0;
}

static bool stream_closed(struct vmbus_channel *c)
{
	struct hvsock_connection *k = vmbus_channel_context(c);

	host_gone(k);
	if (k->state == HVSOCK_OPEN)
		hvsock_withdraw(k);
	return true;
}

const struct vmbus_device hvsock_stream_kind = {
	.name = "hvsock", .offer_flags = VMBUS_OFFER_HVSOCK | VMBUS_OFFER_PIPE | VMBUS_OFFER_ENUMERATE,
	.opened = stream_opened, .received = stream_received, .writable = stream_writable, .closed = stream_closed,
};
