/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSockets: libwebsockets does the handshake and the framing in a thread of its own; what a socket
 * carries is a byte stream (RFB, serial) or the event stream, opened from vmms before libwebsockets hears
 * of the connection.
 */
#ifndef WEBAPI_WS_WS_H
#define WEBAPI_WS_WS_H

#include "auth/identity.h"
#include "partita/ipc.h"
#include "tls/front.h"
#include "webapi.h"

struct ws_target {		/* exactly one of the two */
	int fd;				/* stream socket of bytes; -1: events */
	struct ipc_client *events;	/* a "more" call; each reply has an `event` */
};

struct ws_server;
int ws_start(struct webapi *api, struct ws_server **out);
void ws_stop(struct ws_server *s);		/* accepts NULL */

/*
 * A connection whose head asks for a WebSocket: checks and opens it in a worker. Takes fd. Any thread; does
 * not block.
 */
void ws_open(struct webapi *api, int fd, const char *head, size_t length, const struct front_peer *peer);

/*
 * For ws_open: hands an admitted connection to libwebsockets. Takes fd, head (malloc'd) and target. Any
 * thread.
 */
void ws_adopt(struct ws_server *s, int fd, char *head, size_t length, const struct ws_target *target,
              const struct identity *who);
void ws_target_close(struct ws_target *t);

#endif
