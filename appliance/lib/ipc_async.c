/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that do not block: the answer comes as a callback on the sd_event loop. For daemons that must not wait for a peer
 * that may hang (vmms for its workers). Calls are answered in the order they were made; a stream takes a connection of its own.
 */
#include "ipc_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct ipc_pending {
	struct ipc_pending *next;
	ipc_async_reply *done;
	void *data;
	uint64_t deadline;		/* CLOCK_MONOTONIC microseconds; UINT64_MAX: none */
	bool stream;
};

struct ipc_async {
	struct ipc_wire wire;
	sd_event *loop;
	sd_event_source *io, *timer, *again;	/* `again` goes on after a burst */
	struct ipc_pending *pending, **pending_tail;
	void (*lost)(struct ipc_async *a, int reason, void *data);
	void *lost_data;
	bool in_callback, closed;	/* closed inside a callback: freed when it returns */
	bool dead;			/* lost: only ipc_async_close() is left */
};

static int async_on_io(sd_event_source *source, int fd, uint32_t events, void *data);
static int async_on_timer(sd_event_source *source, uint64_t usec, void *data);
static int async_on_again(sd_event_source *source, void *data);

int ipc_async_from_fd(sd_event *loop, int fd, void (*lost)(struct ipc_async *a, int reason, void *data),
                      void *data, struct ipc_async **out)
{
	struct ipc_async *a = calloc(1, sizeof(*a));
	int r = a ? ipc_wire_init(&a->wire, fd) : -ENOMEM;

	if (r < 0) {
		close(fd);
		free(a);
		return r;
	}
	a->loop = loop;
	a->pending_tail = &a->pending;
	a->lost = lost;
	a->lost_data = data;
	r = sd_event_add_io(loop, &a->io, fd, EPOLLIN, async_on_io, a);
	if (r >= 0)
		r = sd_event_add_time(loop, &a->timer, CLOCK_MONOTONIC, UINT64_MAX, 0, async_on_timer, a);
	if (r >= 0)
		r = sd_event_add_defer(loop, &a->again, async_on_again, a);
	if (r >= 0)
		r = sd_event_source_set_enabled(a->again, SD_EVENT_OFF);
	if (r < 0) {
		ipc_async_close(a);
		return r;
	}
	*out = a;
	return 0;
}

static void pending_pop(struct ipc_async *a)
{
	struct ipc_pending *p = a->pending;

	a->pending = p->next;
	if (!a->pending)
		a->pending_tail = &a->pending;
	free(p);
}

void ipc_async_close(struct ipc_async *a)
{
	if (!a)
		return;
	a->closed = true;
	if (a->in_callback)
		return;
	while (a->pending)
		pending_pop(a);
	sd_event_source_disable_unref(a->io);
	sd_event_source_disable_unref(a->timer);
	sd_event_source_disable_unref(a->again);
	ipc_wire_fini(&a->wire);
	free(a);
}

/* Every call that is still open gets the reason, then the owner, who closes. */
static void async_lose(struct ipc_async *a, int reason)
{
	a->in_callback = a->dead = true;
	sd_event_source_set_enabled(a->io, SD_EVENT_OFF);
	sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
	sd_event_source_set_enabled(a->again, SD_EVENT_OFF);
	while (a->pending && !a->closed) {
		struct ipc_pending p = *a->pending;

		pending_pop(a);
		p.done(NULL, reason, false, p.data);
	}
	if (!a->closed && a->lost)
		a->lost(a, reason, a->lost_data);
	a->in_callback = false;
	if (a->closed)
		ipc_async_close(a);
}

/* Answers the oldest call. False: this object is gone. */
static bool async_deliver(struct ipc_async *a, struct ipc_message *m)
{
	struct ipc_pending p = *a->pending;
	bool continues = false;
	int r = ipc_reply_open(m, &continues);

	continues = continues && p.stream;
	if (!continues)
		pending_pop(a);
	a->in_callback = true;
	p.done(m, r, continues, p.data);
	a->in_callback = false;
	ipc_message_clear(m);
	if (!a->closed)
		return true;
	ipc_async_close(a);
	return false;
}

static void async_update(struct ipc_async *a)
{
	uint64_t next = a->pending ? a->pending->deadline : UINT64_MAX;

	sd_event_source_set_io_events(a->io, EPOLLIN | (ipc_wire_has_output(&a->wire) ? EPOLLOUT : 0));
	sd_event_source_set_time(a->timer, next);
	sd_event_source_set_enabled(a->timer, next == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static int async_on_io(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct ipc_async *a = data;
	int r = events & EPOLLOUT ? ipc_wire_flush(&a->wire) : 0;

	(void)source;
	(void)fd;
	if (r == -EAGAIN || r == -EPIPE)
		r = 0;				/* what the peer said before it closed still counts */
	for (int burst = 0; r == 0; burst++) {
		struct ipc_message m = { 0 };

		if (burst == IPC_BURST) {
			sd_event_source_set_enabled(a->again, SD_EVENT_ONESHOT);
			break;
		}
		r = ipc_wire_receive(&a->wire, &m);
		if (r <= 0)
			break;
		r = a->pending ? 0 : -EBADMSG;	/* an answer nobody asked for */
		if (r == 0 && !async_deliver(a, &m))
			return 0;
		ipc_message_clear(&m);
	}
	if (r < 0)
		async_lose(a, r);
	else
		async_update(a);
	return 0;
}

static int async_on_again(sd_event_source *source, void *data)
{
	struct ipc_async *a = data;

	(void)source;
	return async_on_io(a->io, a->wire.fd, 0, a);
}

void ipc_async_drain(struct ipc_async *a)
{
	if (a && !a->dead && !a->in_callback)
		async_on_io(a->io, a->wire.fd, 0, a);
}

static int async_on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	async_lose(data, -ETIMEDOUT);
	return 0;
}

int ipc_async_call(struct ipc_async *a, const char *method, json_t *parameters, const int *fds,
                   size_t fd_count, int timeout_ms, ipc_async_reply *done, void *data)
{
	struct ipc_pending *p = calloc(1, sizeof(*p));
	json_t *body = ipc_call_body(method, parameters, timeout_ms < 0);
	uint64_t now = 0;
	int r = !p ? -ENOMEM : a->dead ? -ESHUTDOWN : ipc_wire_send(&a->wire, body, fds, fd_count);

	json_decref(body);
	if (r < 0) {
		free(p);
		return r;
	}
	sd_event_now(a->loop, CLOCK_MONOTONIC, &now);
	*p =
	    (struct ipc_pending){.done = done,
	                         .data = data,
	                         .stream = timeout_ms < 0,
	                         .deadline = timeout_ms < 0 ? UINT64_MAX : now + (uint64_t)timeout_ms * 1000};
	*a->pending_tail = p;
	a->pending_tail = &p->next;
	async_update(a);
	return 0;
}
