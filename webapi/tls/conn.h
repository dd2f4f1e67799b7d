/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TLS connection: handshake, request head, then bytes pumped between the TLS stream and a socketpair
 * whose other end libmicrohttpd or libwebsockets holds. Lives in the front's thread only; never blocks.
 */
#ifndef WEBAPI_TLS_CONN_H
#define WEBAPI_TLS_CONN_H

#include "tls/front.h"
#include "tls/head.h"

#include <mbedtls/ssl.h>
#include <stdint.h>
#include <sys/queue.h>

#define CONN_BUFFER_SIZE	HEAD_SIZE_MAX

enum conn_state {
	CONN_HANDSHAKE,
	CONN_HEAD, /* gathering the first request's head in `in` */
	CONN_PUMP,
	CONN_FLUSH, /* the application closed: what it wrote goes to the client */
	CONN_LINGER, /* close_notify is sent; the client's late bytes are dropped so that no RST eats the answer */
	CONN_DEAD,
};

struct conn_buffer {		/* bytes from..to of data are waiting */
	size_t from, to;
	char data[CONN_BUFFER_SIZE];
};

struct conn_end {		/* what epoll hands back: which of the two sockets woke up */
	struct conn *conn;
	int fd;
	uint32_t wanted, registered;
};

struct conn {
	TAILQ_ENTRY(conn) link;
	struct front *front;
	struct conn_end tcp, app;
	struct front_peer peer;
	struct tls_store *store;
	struct tls_context *tls;	/* the certificate it began with */
	mbedtls_ssl_context ssl;
	enum conn_state state;
	bool websocket;
	bool again; /* has work that no socket will announce; the front calls conn_step() soon */
	bool client_done, app_done;	/* no more bytes will come from there */
	bool input_dropped;		/* the application does not read any more */
	int64_t deadline_ms;		/* INT64_MAX: none */
	int64_t active_ms;		/* when bytes last moved */
	struct conn_buffer in, out;	/* client to application, application to client */
};

struct conn *conn_create(struct front *f, int tcp, const struct front_peer *peer,
                         struct tls_store *store);
void conn_step(struct conn *c);			/* does all it can; may end in CONN_DEAD */
void conn_destroy(struct conn *c);

#endif
