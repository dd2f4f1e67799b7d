/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing of the message sockets: JSON up to a NUL byte, descriptors by SCM_RIGHTS (docs/processes.md, "Messages").
 * Everything received is hostile: length, depth, descriptor count and JSON are judged here, meaning is judged above.
 */
#include "ipc_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RX_STEP	65536u

struct ipc_out {
	struct ipc_out *next;
	char *data;
	size_t len, sent;
	int fds[IPC_FDS_MAX];
	size_t fd_count;
};

static void close_all(int *fds, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*count = 0;
}

void ipc_message_clear(struct ipc_message *m)
{
	json_decref(m->body);
	m->body = NULL;
	close_all(m->fds, &m->fd_count);
}

int ipc_message_take_fd(struct ipc_message *m, size_t index)
{
	int fd;

	if (index >= m->fd_count || m->fds[index] < 0)
		return -EBADF;
	fd = m->fds[index];
	m->fds[index] = -1;
	return fd;
}

int ipc_wire_init(struct ipc_wire *w, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	*w = (struct ipc_wire){ .fd = fd };
	w->out_tail = &w->out;
	return 0;
}

static void out_free(struct ipc_out *o)
{
	close_all(o->fds, &o->fd_count);
	free(o->data);
	free(o);
}

void ipc_wire_fini(struct ipc_wire *w)
{
	while (w->out) {
		struct ipc_out *o = w->out;

		w->out = o->next;
		out_free(o);
	}
	close_all(w->rx_fds, &w->rx_fd_count);
	free(w->rx);
	if (w->fd >= 0)
		close(w->fd);
	*w = (struct ipc_wire){ .fd = -1 };
	w->out_tail = &w->out;
}

/* --- receiving --- */

static int rx_reserve(struct ipc_wire *w)
{
	size_t want = w->rx_len + RX_STEP;
	char *grown;

	if (w->rx_start > 0)
		memmove(w->rx, w->rx + w->rx_start, w->rx_len);
	w->rx_start = 0;
	if (want > IPC_MESSAGE_MAX + 1)
		want = IPC_MESSAGE_MAX + 1;
	if (want <= w->rx_size)
		return 0;
	grown = realloc(w->rx, want);
	if (!grown)
		return -ENOMEM;
	w->rx = grown;
	w->rx_size = want;
	return 0;
}

/* Keeps what fits of the descriptors that came; more than a message may carry is the peer's fault. */
static int rx_keep_fds(struct ipc_wire *w, struct msghdr *hdr)
{
	int r = hdr->msg_flags & MSG_CTRUNC ? -EBADMSG : 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (w->rx_fd_count < IPC_FDS_MAX) {
				w->rx_fds[w->rx_fd_count++] = fd;
			} else {
				close(fd);
				r = -EBADMSG;
			}
		}
	}
	return r;
}

/*
 * One recvmsg(). The kernel ends a read after the bytes that brought descriptors, and a sender never puts two messages
 * into one sendmsg(): so the descriptors belong to the last message that has bytes in the buffer.
 */
static int rx_read(struct ipc_wire *w)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)]; } control;
	struct iovec iov;
	struct msghdr hdr = {.msg_iov = &iov,
	                     .msg_iovlen = 1,
	                     .msg_control = control.bytes,
	                     .msg_controllen = sizeof(control)};
	ssize_t n;
	int r = rx_reserve(w);

	if (r < 0)
		return r;
	if (w->rx_len == w->rx_size)
		return -EMSGSIZE;
	iov = (struct iovec){ w->rx + w->rx_len, w->rx_size - w->rx_len };
	do
		n = recvmsg(w->fd, &hdr, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -ESHUTDOWN : -errno;
	if (n == 0)
		return -ESHUTDOWN;
	w->rx_len += (size_t)n;
	return rx_keep_fds(w, &hdr);
}

static int rx_take(struct ipc_wire *w, size_t len, struct ipc_message *m)
{
	json_t *body = json_loadb(w->rx + w->rx_start, len, JSON_REJECT_DUPLICATES, NULL);
	size_t rest = w->rx_len - len - 1;

	w->rx_start += len + 1;
	w->rx_len = rest;
	if (!json_is_object(body)) {
		json_decref(body);
		return -EBADMSG;
	}
	*m = (struct ipc_message){ .body = body };
	if (rest == 0) {
		memcpy(m->fds, w->rx_fds, sizeof(w->rx_fds));
		m->fd_count = w->rx_fd_count;
		w->rx_fd_count = 0;
	}
	return 1;
}

int ipc_wire_receive(struct ipc_wire *w, struct ipc_message *m)
{
	size_t scanned = 0;

	for (;;) {
		const char *data = w->rx ? w->rx + w->rx_start : "";
		const char *nul = w->rx_len > scanned ? memchr(data + scanned, 0, w->rx_len - scanned) : NULL;
		int r;

		if (nul)
			return rx_take(w, (size_t)(nul - data), m);
		if (w->rx_len > IPC_MESSAGE_MAX)
			return -EMSGSIZE;
		scanned = w->rx_len;
		r = rx_read(w);
		if (r < 0)
			return r == -EAGAIN ? 0 : r;
	}
}

/* --- sending --- */

static ssize_t out_write(int fd, const char *data, size_t len, const int *fds, size_t fd_count)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)]; } control = { 0 };
	struct iovec iov = { (char *)data, len };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd_count > 0) {
		struct cmsghdr *c;

		hdr.msg_control = control.bytes;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
	}
	do
		n = sendmsg(fd, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int out_send(struct ipc_wire *w, struct ipc_out *o)
{
	while (o->sent < o->len) {
		ssize_t n = out_write(w->fd, o->data + o->sent, o->len - o->sent, o->fds, o->fd_count);

		if (n < 0)
			return (int)n;
		o->sent += (size_t)n;
		close_all(o->fds, &o->fd_count);	/* they went with the first byte */
	}
	return 0;
}

int ipc_wire_flush(struct ipc_wire *w)
{
	while (w->out) {
		struct ipc_out *o = w->out;
		int r = out_send(w, o);

		if (r < 0)
			return r;
		w->out = o->next;
		if (!w->out)
			w->out_tail = &w->out;
		w->out_bytes -= o->len;
		out_free(o);
	}
	return 0;
}

static struct ipc_out *out_new(const json_t *body, const int *fds, size_t fd_count)
{
	struct ipc_out *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->data = json_dumps(body, JSON_COMPACT);
	if (!o->data)
		goto fail;
	o->len = strlen(o->data) + 1;			/* the NUL goes too */
	for (size_t i = 0; i < fd_count; i++) {
		int copy = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

		if (copy < 0)
			goto fail;
		o->fds[o->fd_count++] = copy;
	}
	return o;
fail:
	out_free(o);
	return NULL;
}

int ipc_wire_send(struct ipc_wire *w, const json_t *body, const int *fds, size_t fd_count)
{
	struct ipc_out *o;
	int r;

	if (fd_count > IPC_FDS_MAX)
		return -E2BIG;
	o = out_new(body, fds, fd_count);
	if (!o)
		return -ENOMEM;
	r = o->len > IPC_MESSAGE_MAX + 1 ? -EMSGSIZE : w->out_bytes + o->len > IPC_QUEUE_MAX ? -EAGAIN : 0;
	if (r < 0) {
		out_free(o);
		return r;
	}
	*w->out_tail = o;
	w->out_tail = &o->next;
	w->out_bytes += o->len;
	r = ipc_wire_flush(w);
	return r == -EAGAIN ? 0 : r;
}

bool ipc_wire_has_output(const struct ipc_wire *w)
{
	return w->out != NULL;
}

/* --- the two kinds of message a caller handles --- */

json_t *ipc_call_body(const char *method, json_t *parameters, bool more)
{
	json_t *body = json_object();

	json_object_set_new(body, "method", json_string(method));
	if (parameters)
		json_object_set_new(body, "parameters", parameters);
	if (more)
		json_object_set_new(body, "more", json_true());
	return body;
}

int ipc_reply_open(struct ipc_message *m, bool *continues)
{
	json_t *parameters = json_object_get(m->body, "parameters");

	if (continues)
		*continues = json_is_true(json_object_get(m->body, "continues"));
	if (json_is_string(json_object_get(m->body, "error")))
		return -EREMOTE;
	if (parameters && !json_is_object(parameters))
		return -EBADMSG;
	parameters = parameters ? json_incref(parameters) : json_object();
	json_decref(m->body);
	m->body = parameters;
	return 0;
}
