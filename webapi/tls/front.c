/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accept loop and its epoll set. A full house never locks people out: the connection that has waited
 * longest without finishing a request head makes room, or else the HTTP connection that has been idle
 * longest.
 */
#include "tls/front.h"

#include "tls/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX	512
#define EVENTS_MAX	64
#define TICK_MS		1000
#define IDLE_EVICT_MS	3000

struct front {
	int epoll, listener, signals;
	const struct front_handlers *handlers;
	void *context;
	struct tls_store *store;
	TAILQ_HEAD(, conn) conns;	/* oldest first */
	unsigned int count;
	int64_t next_tick_ms;
	bool stopping;
};

int64_t front_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void front_watch(struct front *f, struct conn_end *end)
{
	struct epoll_event event = { .events = end->wanted, .data.ptr = end };
	int op = end->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (end->wanted == end->registered)
		return;
	if (!end->wanted)		/* even an empty set reports EPOLLHUP, again and again */
		op = EPOLL_CTL_DEL;
	if (epoll_ctl(f->epoll, op, end->fd, &event) == 0)
		end->registered = end->wanted;
	else
		end->conn->state = CONN_DEAD;
}

void front_deliver(struct front *f, struct conn *c, int fd, const char *head, size_t length)
{
	if (c->websocket)
		f->handlers->websocket(f->context, fd, head, length, &c->peer);
	else
		f->handlers->http(f->context, fd, &c->peer);
}

static int listen_on(const char *address, int port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	bool is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
	const struct sockaddr *where = is_six ? (const void *)&six : (const void *)&four;
	int fd, one = 1, zero = 0;

	if (!is_six && inet_pton(AF_INET, address, &four.sin_addr) != 1)
		return -EINVAL;
	fd = socket(where->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (is_six)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, where, is_six ? sizeof(six) : sizeof(four)) < 0 || listen(fd, 512) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int watch_fixed(struct front *f, int *fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = fd };

	return epoll_ctl(f->epoll, EPOLL_CTL_ADD, *fd, &event) < 0 ? -errno : 0;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int front_create(const char *address, int port, struct tls_store *store,
                 const struct front_handlers *handlers, void *context, struct front **out)
{
	struct front *f = calloc(1, sizeof(*f));
	int r = -ENOMEM;

	if (!f)
		return r;
	TAILQ_INIT(&f->conns);
	f->handlers = handlers;
	f->context = context;
	f->store = store;
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->signals = open_signals();
	f->listener = listen_on(address, port);
	r = f->epoll < 0 || f->signals < 0 ? -EMFILE : f->listener < 0 ? f->listener : 0;
	r = r ? r : watch_fixed(f, &f->listener);
	r = r ? r : watch_fixed(f, &f->signals);
	if (r == 0)
		*out = f;
	else
		front_destroy(f);
	return r;
}

static void remove_conn(struct front *f, struct conn *c)
{
	TAILQ_REMOVE(&f->conns, c, link);
	f->count--;
	conn_destroy(c);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void front_destroy(struct front *f)
{
	struct conn *c;

	if (!f)
		return;
	while ((c = TAILQ_FIRST(&f->conns)))
		remove_conn(f, c);
	close_if_open(f->epoll);
	close_if_open(f->listener);
	close_if_open(f->signals);
	free(f);
}

static bool is_waiting_for_head(const struct conn *c)
{
	return c->state == CONN_HANDSHAKE || c->state == CONN_HEAD || c->state == CONN_LINGER;
}

/* Makes room: see the head of this file. False when everybody is busy. */
static bool evict_one(struct front *f)
{
	struct conn *c, *idle = NULL;

	TAILQ_FOREACH(c, &f->conns, link) {
		if (c->state != CONN_DEAD && is_waiting_for_head(c)) {
			c->state = CONN_DEAD;
			return true;
		}
		if (c->state == CONN_PUMP && !c->websocket && (!idle || c->active_ms < idle->active_ms))
			idle = c;
	}
	if (!idle || front_now_ms() - idle->active_ms < IDLE_EVICT_MS)
		return false;
	idle->state = CONN_DEAD;
	return true;
}

static void accept_one(struct front *f, int fd, const struct front_peer *peer)
{
	struct conn *c;
	int one = 1;

	if (f->count >= CONNECTIONS_MAX && !evict_one(f)) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	c = conn_create(f, fd, peer, f->store);
	if (!c) {
		close(fd);
		return;
	}
	TAILQ_INSERT_TAIL(&f->conns, c, link);
	f->count++;
	front_watch(f, &c->tcp);
}

static void accept_some(struct front *f)
{
	for (int i = 0; i < 32; i++) {
		struct front_peer peer = { .length = sizeof(peer.address) };
		int fd = accept4(f->listener, (struct sockaddr *)&peer.address, &peer.length,
		                 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			accept_one(f, fd, &peer);
		else if (errno == EMFILE || errno == ENFILE)
			evict_one(f);
		if (fd < 0)
			return;
	}
}

static void handle_event(struct front *f, const struct epoll_event *event)
{
	struct conn_end *end = event->data.ptr;

	if (event->data.ptr == &f->listener)
		accept_some(f);
	else if (event->data.ptr == &f->signals)
		f->stopping = true;
	else if (end->conn->state != CONN_DEAD)
		conn_step(end->conn);
}

/*
 * Ends what is dead or late and steps what asked for it; after the batch, when no event points at a
 * connection any more.
 */
static bool sweep(struct front *f)
{
	int64_t now = front_now_ms();
	struct conn *c, *next;
	bool again = false;

	for (c = TAILQ_FIRST(&f->conns); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state != CONN_DEAD && c->again)
			conn_step(c);
		again |= c->again && c->state != CONN_DEAD;
		if (c->state == CONN_DEAD || now > c->deadline_ms)
			remove_conn(f, c);
	}
	if (now >= f->next_tick_ms) {
		f->next_tick_ms = now + TICK_MS;
		f->handlers->tick(f->context);
	}
	return again;
}

int front_run(struct front *f)
{
	struct epoll_event events[EVENTS_MAX];
	bool again = false;

	while (!f->stopping) {
		int n = epoll_wait(f->epoll, events, EVENTS_MAX, again ? 0 : TICK_MS);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			handle_event(f, &events[i]);
		again = sweep(f);
	}
	return 0;
}
