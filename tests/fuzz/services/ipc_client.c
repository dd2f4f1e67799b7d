/* SPDX-License-Identifier: Apache-2.0 */
/* A server that answers a client's calls, one blocking and one on an event loop, with any bytes. */
#include "tests/fuzz/input.h"

#include "partita/ipc.h"
#include "partita/problem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_reply(struct ipc_message *reply, int result, bool continues, void *data)
{
	(void)continues;
	(void)data;
	if ((result == 0 || result == -EREMOTE) && !json_is_object(reply->body))
		abort();
}

static void on_lost(struct ipc_async *a, int reason, void *data)
{
	(void)a;
	(void)reason;
	*(bool *)data = true;
}

static void answer(int server, const uint8_t *bytes, size_t size)
{
	(void)!send(server, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(server, SHUT_WR);
}

static void blocking(const uint8_t *bytes, size_t size)
{
	struct ipc_message reply = { 0 };
	struct ipc_client *c;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 || ipc_client_from_fd(pair[0], &c) < 0)
		abort();
	answer(pair[1], bytes, size);
	do {
		r = ipc_call(c, "fuzz.Call", json_object(), NULL, 0, 1000, &reply);
		if ((r == 0 || r == -EREMOTE) && !json_is_object(reply.body))
			abort();
		ipc_message_clear(&reply);
	} while (r == 0 || r == -EREMOTE);
	ipc_disconnect(c);
	close(pair[1]);
}

static void on_a_loop(const uint8_t *bytes, size_t size)
{
	static sd_event *loop;
	struct ipc_async *a;
	bool lost = false;
	int pair[2];

	if ((!loop && sd_event_new(&loop) < 0) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
	    ipc_async_from_fd(loop, pair[0], on_lost, &lost, &a) < 0)
		abort();
	ipc_async_call(a, "fuzz.One", json_object(), NULL, 0, 1000, on_reply, NULL);
	ipc_async_call(a, "fuzz.Two", json_object(), NULL, 0, 1000, on_reply, NULL);
	answer(pair[1], bytes, size);
	while (!lost && sd_event_run(loop, 1000000) > 0)
		;
	if (!lost)
		abort();
	ipc_async_close(a);
	close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	blocking(data, size);
	on_a_loop(data, size);
	return 0;
}
