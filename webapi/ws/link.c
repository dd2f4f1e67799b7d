/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves frames between a WebSocket and its source. Two queues with a high mark each; above it the other
 * side rests.
 */
#include "ws/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HIGH_MARK	(256u << 10)

struct link *link_create(const struct ws_target *target, const struct identity *who)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->target = *target;
	l->who = *who;
	STAILQ_INIT(&l->to_client);
	STAILQ_INIT(&l->to_source);
	return l;
}

static void queue_clear(struct frame_queue *q)
{
	struct frame *f;

	while ((f = STAILQ_FIRST(q))) {
		STAILQ_REMOVE_HEAD(q, entry);
		free(f);
	}
}

void ws_target_close(struct ws_target *t)
{
	if (t->fd >= 0)
		close(t->fd);
	ipc_disconnect(t->events);
	*t = (struct ws_target){ .fd = -1 };
}

void link_destroy(struct link *l)
{
	queue_clear(&l->to_client);
	queue_clear(&l->to_source);
	ws_target_close(&l->target);
	free(l);
}

void link_close(struct link *l, int code)
{
	if (!l->close_code)
		l->close_code = code;
	if (l->socket)
		lws_callback_on_writable(l->socket);
}

/* Appends and stops `from` above the high mark. */
static int push(struct frame_queue *q, size_t *bytes, const void *data, size_t size, struct lws *from,
                struct lws *to)
{
	struct frame *f = malloc(sizeof(*f) + LWS_PRE + size);

	if (!f)
		return -1;
	f->size = size;
	memcpy(f->data + LWS_PRE, data, size);
	STAILQ_INSERT_TAIL(q, f, entry);
	*bytes += size;
	if (*bytes >= HIGH_MARK && from)
		lws_rx_flow_control(from, 0);
	if (to)
		lws_callback_on_writable(to);
	return 0;
}

/*
 * Writes the first frame; lets `from` go on below the high mark; asks to be called again while there is
 * more.
 */
static int pop(struct frame_queue *q, size_t *bytes, struct lws *to, enum lws_write_protocol how,
               struct lws *from)
{
	struct frame *f = STAILQ_FIRST(q);
	bool was_high = *bytes >= HIGH_MARK;
	int n;

	if (!f)
		return 0;
	n = lws_write(to, f->data + LWS_PRE, f->size, how);
	STAILQ_REMOVE_HEAD(q, entry);
	*bytes -= f->size;
	free(f);
	if (was_high && *bytes < HIGH_MARK && from)
		lws_rx_flow_control(from, 1);
	if (!STAILQ_EMPTY(q))
		lws_callback_on_writable(to);
	return n < 0 ? -1 : 0;
}

int link_client_received(struct link *l, const void *data, size_t size)
{
	if (l->target.events || !l->source || size == 0)
		return 0;		/* the event stream takes nothing; a closed source neither */
	return push(&l->to_source, &l->to_source_bytes, data, size, l->socket, l->source);
}

int link_client_writable(struct link *l)
{
	if (!STAILQ_EMPTY(&l->to_client))
		return pop(&l->to_client, &l->to_client_bytes, l->socket,
		           l->target.events ? LWS_WRITE_TEXT : LWS_WRITE_BINARY, l->source);
	if (!l->close_code)
		return 0;
	lws_close_reason(l->socket, (enum lws_close_status)l->close_code, NULL, 0);
	return -1;
}

int link_source_received(struct link *l, const void *data, size_t size)
{
	return push(&l->to_client, &l->to_client_bytes, data, size, l->source, l->socket);
}

int link_source_writable(struct link *l)
{
	return pop(&l->to_source, &l->to_source_bytes, l->source, LWS_WRITE_RAW, l->socket);
}

static int push_event(struct link *l, const json_t *reply)
{
	json_t *event = json_object_get(reply, "event");
	char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
	int r = text ? push(&l->to_client, &l->to_client_bytes, text, strlen(text), l->source, l->socket) : 0;

	free(text);
	return r;
}

int link_events_readable(struct link *l)
{
	struct ipc_message m = { 0 };
	int r = 0, got;

	while (r == 0 && (got = ipc_next(l->target.events, 0, &m)) == 0) {
		r = push_event(l, m.body);
		ipc_message_clear(&m);
	}
	return r == 0 && got == -ETIMEDOUT ? 0 : -1;
}
