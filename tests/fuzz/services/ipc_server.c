/* SPDX-License-Identifier: Apache-2.0 */
/* A peer of a message server that sends any bytes and descriptors in pieces of any size, and goes away whenever it likes. */
#include "tests/fuzz/input.h"

#include "partita/ipc.h"
#include "partita/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PIECE_MAX 300u

static sd_event *loop;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_size;

static void on_echo(struct ipc_request *r, json_t *parameters, void *context)
{
	(void)context;
	if (ipc_request_wants_more(r))
		ipc_notify(r, json_incref(parameters));
	ipc_reply(r, json_incref(parameters));
}

static void on_take(struct ipc_request *r, json_t *parameters, void *context)
{
	int fd = ipc_message_take_fd(ipc_request_message(r), 0);

	(void)parameters;
	(void)context;
	if (fd < 0) {
		ipc_fail(r, 422, "no_descriptor", "fd", "None came.");
		return;
	}
	close(fd);
	ipc_reply(r, NULL);
}

static void begin(void)
{
	static const struct ipc_method methods[] = { { "fuzz.Echo", on_echo }, { "fuzz.Take", on_take }, { NULL, NULL } };
	struct ipc_server *server;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	log_threshold(LOG_LEVEL_ERROR);
	address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) +
		       (socklen_t)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "partita-fuzz-%d", (int)getpid());
	if (sd_event_new(&loop) < 0 || bind(fd, (struct sockaddr *)&address, address_size) < 0 || listen(fd, 8) < 0 ||
	    ipc_serve(loop, fd, methods, NULL, NULL, &server) < 0)
		abort();
}

static void run(void)
{
	while (sd_event_run(loop, 0) > 0)
		;
}

static void send_piece(int peer)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(20 * sizeof(int))]; } control = { .bytes = { 0 } };
	uint8_t bytes[PIECE_MAX + 1];
	size_t size = below(PIECE_MAX) + 1, fds = once_in(8) ? below(20) : 0;
	struct iovec iov = { bytes, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int event = fds ? eventfd(0, 0) : -1;

	size = size < input_left() ? size : input_left();
	iov.iov_len = size ? size : 1;
	input_take(bytes, size);
	if (once_in(4) || !size)
		bytes[iov.iov_len - 1] = 0;			/* the end of a message */
	if (fds) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		control.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(fds * sizeof(int)) };
		for (size_t i = 0; i < fds; i++)
			memcpy(CMSG_DATA(&control.align) + i * sizeof(int), &event, sizeof(int));
	}
	(void)!sendmsg(peer, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (event >= 0)
		close(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answers[4096];

	if (!loop)
		begin();
	input_begin(data, size);
	if (peer < 0 || connect(peer, (struct sockaddr *)&address, address_size) < 0)
		abort();
	while (input_left()) {
		send_piece(peer);
		if (once_in(2))
			run();
		if (once_in(4))
			(void)!recv(peer, answers, sizeof(answers), MSG_DONTWAIT);
	}
	run();
	close(peer);
	run();
	return 0;
}
