/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine of one TLS connection. Each step moves bytes until both directions would block, then
 * says which events it waits for. Back-pressure is the two fixed buffers: what the other side does not take
 * is not read.
 */
#include "tls/conn.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HANDSHAKE_MS	15000
#define HEAD_MS         15000 /* from the end of the handshake to the end of the first head: slow senders end here */
#define FLUSH_MS	30000	/* without progress */
#define LINGER_MS	2000
#define ROUNDS_MAX	32	/* then others have their turn */

static int bio_send(void *context, const unsigned char *data, size_t size)
{
	ssize_t n = send(((struct conn *)context)->tcp.fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		return (int)n;
	return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int bio_receive(void *context, unsigned char *data, size_t size)
{
	ssize_t n = recv(((struct conn *)context)->tcp.fd, data, size, MSG_DONTWAIT);

	if (n >= 0)
		return (int)n;
	return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

struct conn *conn_create(struct front *f, int tcp, const struct front_peer *peer,
                         struct tls_store *store)
{
	struct conn *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	memset(c, 0, offsetof(struct conn, in));	/* the buffers stay untouched until used */
	c->in.from = c->in.to = c->out.from = c->out.to = 0;
	c->front = f;
	c->peer = *peer;
	c->tcp = (struct conn_end){ .conn = c, .fd = tcp, .wanted = EPOLLIN };
	c->app = (struct conn_end){ .conn = c, .fd = -1 };
	c->active_ms = front_now_ms();
	c->deadline_ms = c->active_ms + HANDSHAKE_MS;
	c->store = store;
	c->tls = tls_store_get(store);
	mbedtls_ssl_init(&c->ssl);
	if (mbedtls_ssl_setup(&c->ssl, &c->tls->config)) {
		mbedtls_ssl_free(&c->ssl);
		tls_store_put(store, c->tls);
		free(c);
		return NULL;
	}
	mbedtls_ssl_set_bio(&c->ssl, c, bio_send, bio_receive, NULL);
	return c;
}

void conn_destroy(struct conn *c)
{
	mbedtls_ssl_free(&c->ssl);
	tls_store_put(c->store, c->tls);
	if (c->app.fd >= 0)
		close(c->app.fd);
	close(c->tcp.fd);
	free(c);
}

/* Maps a result of mbedTLS: true when the call is to be repeated once the socket is ready. */
static bool tls_would_block(struct conn *c, int result)
{
	if (result == MBEDTLS_ERR_SSL_WANT_READ)
		c->tcp.wanted |= EPOLLIN;
	else if (result == MBEDTLS_ERR_SSL_WANT_WRITE)
		c->tcp.wanted |= EPOLLOUT;
	else
		return false;
	return true;
}

static void step_handshake(struct conn *c)
{
	int r = mbedtls_ssl_handshake(&c->ssl);

	if (r == 0) {
		c->state = CONN_HEAD;
		c->deadline_ms = front_now_ms() + HEAD_MS;
	} else if (!tls_would_block(c, r)) {
		c->state = CONN_DEAD;
	}
}

/* Reads what fits into `in`. True when bytes came. */
static bool read_client(struct conn *c)
{
	int r = mbedtls_ssl_read(&c->ssl, (unsigned char *)c->in.data + c->in.to, CONN_BUFFER_SIZE - c->in.to);

	if (r > 0) {
		c->in.to += (size_t)r;
		c->active_ms = front_now_ms();
		return true;
	}
	if (!tls_would_block(c, r))
		c->client_done = true;
	return false;
}

/*
 * The head is complete: makes the socketpair and hands its far end over. An HTTP head itself travels
 * through the pair.
 */
static void deliver(struct conn *c, size_t head)
{
	int pair[2];

	c->websocket = head_wants_websocket(c->in.data, head);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
		c->state = CONN_DEAD;
		return;
	}
	c->app.fd = pair[0];
	c->state = CONN_PUMP;
	c->deadline_ms = INT64_MAX;
	front_deliver(c->front, c, pair[1], c->in.data, head);
	if (c->websocket)
		c->in.from = head;	/* it went with the call */
}

static void step_head(struct conn *c)
{
	size_t seen = c->in.to, head;

	if (!read_client(c)) {
		if (c->client_done)
			c->state = CONN_DEAD;
		return;
	}
	head = head_length(c->in.data, c->in.to, seen);
	if (head)
		deliver(c, head);
	else if (c->in.to == CONN_BUFFER_SIZE)
		deliver(c, 0);		/* too long for us, so for libmicrohttpd too: it answers 431 */
}

static void buffer_advance(struct conn_buffer *b, size_t n)
{
	b->from += n;
	if (b->from == b->to)
		b->from = b->to = 0;
}

static void drop_input(struct conn *c)
{
	c->input_dropped = true;
	c->in.from = c->in.to = 0;
}

/* Client to application, one buffer. True when bytes moved. */
static bool pump_in(struct conn *c)
{
	ssize_t n;

	if (c->in.from == c->in.to && (c->client_done || !read_client(c))) {
		if (c->client_done && !c->input_dropped) {
			shutdown(c->app.fd, SHUT_WR);
			c->input_dropped = true;
		}
		return false;
	}
	if (c->input_dropped) {
		drop_input(c);
		return true;
	}
	n = send(c->app.fd, c->in.data + c->in.from, c->in.to - c->in.from, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		buffer_advance(&c->in, (size_t)n);
	else if (errno == EAGAIN)
		c->app.wanted |= EPOLLOUT;
	else if (errno != EINTR)
		drop_input(c);
	return n > 0;
}

static bool read_application(struct conn *c)
{
	ssize_t n = recv(c->app.fd, c->out.data, CONN_BUFFER_SIZE, MSG_DONTWAIT);

	if (n > 0)
		c->out.to = (size_t)n;
	else if (n < 0 && (errno == EAGAIN || errno == EINTR))
		c->app.wanted |= EPOLLIN;
	else
		c->app_done = true;
	return n > 0;
}

/* Application to client, one buffer. True when bytes moved. */
static bool pump_out(struct conn *c)
{
	int r;

	if (c->out.from == c->out.to && (c->app_done || !read_application(c)))
		return false;
	r = mbedtls_ssl_write(&c->ssl, (unsigned char *)c->out.data + c->out.from, c->out.to - c->out.from);
	if (r > 0) {
		buffer_advance(&c->out, (size_t)r);
		c->active_ms = front_now_ms();
		return true;
	}
	if (!tls_would_block(c, r))
		c->state = CONN_DEAD;
	return false;
}

static void start_flush(struct conn *c)
{
	c->state = CONN_FLUSH;
	c->deadline_ms = front_now_ms() + FLUSH_MS;
	drop_input(c);
}

static void step_pump(struct conn *c)
{
	bool moved = true;

	for (int round = 0; moved && c->state == CONN_PUMP; round++) {
		if (round == ROUNDS_MAX) {
			c->again = true;
			return;
		}
		moved = pump_in(c);
		moved |= pump_out(c);
		if (c->state == CONN_PUMP && c->app_done)
			start_flush(c);
	}
}

static void step_flush(struct conn *c)
{
	int r;

	while (c->out.from != c->out.to && pump_out(c))
		c->deadline_ms = c->active_ms + FLUSH_MS;
	if (c->state != CONN_FLUSH || c->out.from != c->out.to)
		return;
	r = mbedtls_ssl_close_notify(&c->ssl);
	if (tls_would_block(c, r))
		return;
	shutdown(c->tcp.fd, SHUT_WR);
	c->state = CONN_LINGER;
	c->deadline_ms = front_now_ms() + LINGER_MS;
}

static void step_linger(struct conn *c)
{
	char waste[16384];
	ssize_t n = 1;

	for (int round = 0; round < ROUNDS_MAX && n > 0; round++)
		n = recv(c->tcp.fd, waste, sizeof(waste), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		c->state = CONN_DEAD;
	c->tcp.wanted = EPOLLIN;
}

void conn_step(struct conn *c)
{
	static void (*const steps[])(struct conn *c) = {
		[CONN_HANDSHAKE] = step_handshake, [CONN_HEAD] = step_head, [CONN_PUMP] = step_pump,
		[CONN_FLUSH] = step_flush, [CONN_LINGER] = step_linger,
	};
	enum conn_state before;

	c->again = false;
	do {
		c->tcp.wanted = c->app.wanted = 0;
		before = c->state;
		steps[before](c);
	} while (c->state != before && c->state != CONN_DEAD);
	if (c->state == CONN_HEAD && !c->tcp.wanted)
		c->again = true;	/* a head in several records that TLS already holds */
	if (c->state == CONN_DEAD)
		return;
	front_watch(c->front, &c->tcp);
	if (c->app.fd >= 0)
		front_watch(c->front, &c->app);
}
