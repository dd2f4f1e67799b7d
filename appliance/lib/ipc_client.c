/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocking calls over a message socket. One call at a time; a call that timed out leaves the connection unusable, because
 * its answer may still come and would be taken for the next one's.
 */
#include "ipc_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct ipc_client {
	struct ipc_wire wire;
	bool broken;		/* out of step with the peer: only ipc_disconnect() is left */
	bool streaming;		/* replies of a "more" call are still to come */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - now_ms();
		struct pollfd p = { .fd = fd, .events = events };
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

int ipc_client_from_fd(int fd, struct ipc_client **out)
{
	struct ipc_client *c = calloc(1, sizeof(*c));
	int r = c ? ipc_wire_init(&c->wire, fd) : -ENOMEM;

	if (r < 0) {
		close(fd);
		free(c);
		return r;
	}
	*out = c;
	return 0;
}

int ipc_connect_fd(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

int ipc_connect(const char *path, struct ipc_client **out)
{
	int fd = ipc_connect_fd(path);

	return fd < 0 ? fd : ipc_client_from_fd(fd, out);
}

void ipc_disconnect(struct ipc_client *c)
{
	if (!c)
		return;
	ipc_wire_fini(&c->wire);
	free(c);
}

int ipc_client_fd(const struct ipc_client *c)
{
	return c->wire.fd;
}

static int send_all(struct ipc_client *c, json_t *body, const int *fds, size_t fd_count, int64_t deadline)
{
	int r = ipc_wire_send(&c->wire, body, fds, fd_count);

	while (r == 0 && ipc_wire_has_output(&c->wire)) {
		r = wait_for(c->wire.fd, POLLOUT, deadline);
		if (r == 0)
			r = ipc_wire_flush(&c->wire);
		if (r == -EAGAIN)
			r = 0;
	}
	return r == -EPIPE ? -ESHUTDOWN : r;
}

static int receive_until(struct ipc_client *c, int64_t deadline, struct ipc_message *reply)
{
	for (;;) {
		int r = ipc_wire_receive(&c->wire, reply);

		if (r != 0)
			return r < 0 ? r : 0;
		r = wait_for(c->wire.fd, POLLIN, deadline);
		if (r < 0)
			return r;
	}
}

int ipc_call(struct ipc_client *c, const char *method, json_t *parameters, const int *fds, size_t fd_count,
	     int timeout_ms, struct ipc_message *reply)
{
	json_t *body = ipc_call_body(method, parameters, false);
	int64_t deadline = now_ms() + timeout_ms;
	int r = c->broken || c->streaming ? -ESHUTDOWN : send_all(c, body, fds, fd_count, deadline);
	bool sent = r == 0;

	json_decref(body);
	*reply = (struct ipc_message){ 0 };
	if (r == 0)
		r = receive_until(c, deadline, reply);
	if (r == 0)
		r = ipc_reply_open(reply, NULL);
	if (r < 0 && r != -EREMOTE) {
		ipc_message_clear(reply);
		c->broken = c->broken || sent || r != -EMSGSIZE;	/* too large: nothing went out */
	}
	return r;
}

int ipc_call_stream(struct ipc_client *c, const char *method, json_t *parameters)
{
	json_t *body = ipc_call_body(method, parameters, true);
	int r = c->broken || c->streaming ? -ESHUTDOWN : send_all(c, body, NULL, 0, now_ms() + 10000);

	json_decref(body);
	if (r == 0)
		c->streaming = true;
	else if (r != -EMSGSIZE)
		c->broken = true;
	return r;
}

int ipc_next(struct ipc_client *c, int timeout_ms, struct ipc_message *reply)
{
	bool continues;
	int r;

	*reply = (struct ipc_message){ 0 };
	if (c->broken || !c->streaming)
		return -ESHUTDOWN;
	r = receive_until(c, now_ms() + timeout_ms, reply);
	if (r == -ETIMEDOUT)
		return r;
	if (r == 0) {
		r = ipc_reply_open(reply, &continues);
		c->streaming = continues;
	}
	if (r < 0 && r != -EREMOTE) {
		ipc_message_clear(reply);
		c->broken = true;
	}
	return r;
}
