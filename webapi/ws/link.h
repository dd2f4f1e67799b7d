/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One open WebSocket and what it is tied to. All of this runs in the libwebsockets thread. Back-pressure: a
 * side whose bytes the other side does not take is not read.
 */
#ifndef WEBAPI_WS_LINK_H
#define WEBAPI_WS_LINK_H

#include "ws/ws.h"

#include <libwebsockets.h>
#include <sys/queue.h>

struct frame {
	STAILQ_ENTRY(frame) entry;
	size_t size;
	unsigned char data[];		/* LWS_PRE bytes of room, then size bytes */
};
STAILQ_HEAD(frame_queue, frame);

struct link {
	LIST_ENTRY(link) entry;
	struct lws *socket;		/* the WebSocket; NULL once closed */
	struct lws *source;		/* the vmms side; NULL once closed */
	int socket_fd;			/* names the link until libwebsockets has finished the handshake */
	time_t adopted;
	struct ws_target target;
	struct identity who;
	struct frame_queue to_client, to_source;
	size_t to_client_bytes, to_source_bytes;
	int close_code;			/* not 0: close the WebSocket with it when to_client is empty */
};

struct link *link_create(const struct ws_target *target, const struct identity *who);
void link_destroy(struct link *l);
void link_close(struct link *l, int code);			/* asks for it; the callbacks follow */

/* What the libwebsockets callbacks do; a result of -1 closes the connection they were called for. */
int link_client_received(struct link *l, const void *data, size_t size);
int link_client_writable(struct link *l);
int link_source_received(struct link *l, const void *data, size_t size);
int link_source_writable(struct link *l);
int link_events_readable(struct link *l);

#endif
