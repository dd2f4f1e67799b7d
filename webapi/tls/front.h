/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public port: accepts, ends TLS, and hands each connection as a plain socket to the HTTP or the
 * WebSocket server. It looks at the first request's head only to choose between them. One thread, epoll.
 */
#ifndef WEBAPI_TLS_FRONT_H
#define WEBAPI_TLS_FRONT_H

#include "tls/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct front_peer {
	struct sockaddr_storage address;
	socklen_t length;
};

struct front_handlers {		/* called in the front's thread; must not block; take fd */
	void (*http)(void *context, int fd, const struct front_peer *peer);
	void (*websocket)(void *context, int fd, const char *head, size_t length,
	                  const struct front_peer *peer);
	void (*tick)(void *context);		/* about once a second */
};

struct front;
int front_create(const char *bind, int port, struct tls_store *store,
                 const struct front_handlers *handlers, void *context, struct front **out);
int front_run(
    struct front *f); /* until SIGTERM or SIGINT, which the caller has blocked; 0 or negative errno */
void front_destroy(struct front *f);

/* for conn.c */
struct conn;
struct conn_end;
int64_t front_now_ms(void);
void front_watch(struct front *f, struct conn_end *end);	/* makes epoll agree with end->wanted */
void front_deliver(struct front *f, struct conn *c, int fd, const char *head, size_t length);

#endif
