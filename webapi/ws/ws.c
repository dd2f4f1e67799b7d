/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libwebsockets thread. Other threads only put links on the `arriving` list and wake it. A connection
 * that libwebsockets has not yet greeted is found by its descriptor, which is ours alone until then.
 */
#include "ws/ws.h"

#include "auth/gate.h"
#include "auth/sessions.h"
#include "partita/log.h"
#include "tls/head.h"
#include "ws/link.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK_SECONDS		5	/* how late a session that ended closes its sockets */
#define GREETING_SECONDS	20	/* for libwebsockets to finish a handshake whose head is complete */
#define READ_SIZE		32768
#define CLOSE_TRY_AGAIN_LATER                                                                                \
	1013 /* IANA WebSocket Close Code Number Registry; libwebsockets has no name for it */

struct arrival {
	STAILQ_ENTRY(arrival) entry;
	struct link *link;
	char *head;
	size_t length;
};

struct ws_server {
	struct webapi *api;
	struct lws_context *context;
	struct lws_vhost *vhost;
	pthread_t thread;
	atomic_bool stopping;
	lws_sorted_usec_list_t timer;
	pthread_mutex_t lock;			/* guards arriving */
	STAILQ_HEAD(, arrival) arriving;
	LIST_HEAD(, link) links;		/* the thread's own from here on */
};

static struct ws_server *server_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

static void forget_when_closed(struct link *l)
{
	if (l->socket || l->source)
		return;
	LIST_REMOVE(l, entry);
	link_destroy(l);
}

/* The link that waits for the handshake on this descriptor. */
static struct link *find_greeting(struct ws_server *s, int fd)
{
	struct link *l;

	LIST_FOREACH(l, &s->links, entry)
		if (!l->socket && l->socket_fd == fd)
			return l;
	return NULL;
}

static int start_source(struct ws_server *s, struct link *l)
{
	bool events = l->target.events != NULL;
	lws_adopt_desc_t d = {
		.vh = s->vhost,
		.type = events ? LWS_ADOPT_RAW_FILE_DESC : LWS_ADOPT_SOCKET,
		.vh_prot_name = events ? "source-events" : "source-bytes",
		.opaque = l,
	};

	d.fd.sockfd = events ? dup(ipc_client_fd(l->target.events)) : l->target.fd;
	l->source = lws_adopt_descriptor_vhost_via_info(&d);
	if (!events)
		l->target.fd = -1;	/* libwebsockets closes it, also when it refuses it */
	if (!l->source)
		return -1;
	return events ? link_events_readable(l) : 0;	/* what came with the first reply is already read */
}

static int on_established(struct lws *wsi)
{
	struct ws_server *s = server_of(wsi);
	struct link *l = find_greeting(s, lws_get_socket_fd(wsi));

	if (!l)
		return -1;
	l->socket = wsi;
	l->socket_fd = -1;
	lws_set_opaque_user_data(wsi, l);
	return start_source(s, l);
}

static void on_socket_closed(struct lws *wsi)
{
	struct link *l = lws_get_opaque_user_data(wsi);

	if (!l)
		return;
	lws_set_opaque_user_data(wsi, NULL);
	l->socket = NULL;
	if (l->source)
		lws_set_timeout(l->source, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
	forget_when_closed(l);
}

static void on_source_closed(struct lws *wsi)
{
	struct link *l = lws_get_opaque_user_data(wsi);

	if (!l)
		return;
	lws_set_opaque_user_data(wsi, NULL);
	l->source = NULL;
	link_close(l, l->target.events ? CLOSE_TRY_AGAIN_LATER : LWS_CLOSE_STATUS_NORMAL);
	forget_when_closed(l);
}

static void greet(struct ws_server *s, struct arrival *a)
{
	struct link *stale = find_greeting(s, a->link->socket_fd);

	if (stale) {			/* its handshake failed and the number was given out again */
		LIST_REMOVE(stale, entry);
		link_destroy(stale);
	}
	a->link->adopted = time(NULL);
	LIST_INSERT_HEAD(&s->links, a->link, entry);
	if (!lws_adopt_socket_vhost_readbuf(s->vhost, a->link->socket_fd, a->head, a->length))
		log_warning("libwebsockets did not take a connection");
	free(a->head);
	free(a);
}

static void greet_arrivals(struct ws_server *s)
{
	struct arrival *a;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		a = STAILQ_FIRST(&s->arriving);
		if (a)
			STAILQ_REMOVE_HEAD(&s->arriving, entry);
		pthread_mutex_unlock(&s->lock);
		if (!a)
			return;
		greet(s, a);
	}
}

static int on_client_received(struct lws *wsi, const void *data, size_t size)
{
	struct link *l = lws_get_opaque_user_data(wsi);

	if (!l)
		return -1;
	if (l->who.by_session)
		sessions_touch(server_of(wsi)->api->sessions, l->who.session, !l->target.events);
	return link_client_received(l, data, size);
}

static int socket_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *data,
                           size_t size)
{
	struct link *l;

	switch (reason) {
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		greet_arrivals(server_of(wsi));
		return 0;
	case LWS_CALLBACK_ESTABLISHED:
		return on_established(wsi);
	case LWS_CALLBACK_RECEIVE:
		return on_client_received(wsi, data, size);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		l = lws_get_opaque_user_data(wsi);
		return l ? link_client_writable(l) : -1;
	case LWS_CALLBACK_CLOSED:
		on_socket_closed(wsi);
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, user, data, size);
	}
}

static int source_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *data,
                           size_t size)
{
	struct link *l = lws_get_opaque_user_data(wsi);

	(void)user;
	switch (reason) {
	case LWS_CALLBACK_RAW_RX:
		return l ? link_source_received(l, data, size) : -1;
	case LWS_CALLBACK_RAW_WRITEABLE:
		return l ? link_source_writable(l) : -1;
	case LWS_CALLBACK_RAW_RX_FILE:
		return l ? link_events_readable(l) : -1;
	case LWS_CALLBACK_RAW_CLOSE:
	case LWS_CALLBACK_RAW_CLOSE_FILE:
		on_source_closed(wsi);
		return 0;
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {	/* the first serves clients that name no subprotocol */
	{ "any", socket_callback, 0, READ_SIZE, 0, NULL, 0 },
	{ "binary", socket_callback, 0, READ_SIZE, 0, NULL, 0 },
	{ "json", socket_callback, 0, READ_SIZE, 0, NULL, 0 },
	{ "source-bytes", source_callback, 0, READ_SIZE, 0, NULL, 0 },
	{ "source-events", source_callback, 0, READ_SIZE, 0, NULL, 0 },
	{ NULL, NULL, 0, 0, 0, NULL, 0 },
};

/*
 * Every few seconds: closes the sockets of sessions and tokens that have ended, and forgets handshakes that
 * were never finished.
 */
static void check_links(lws_sorted_usec_list_t *timer)
{
	struct ws_server *s = lws_container_of(timer, struct ws_server, timer);
	struct link *l, *next;

	for (l = LIST_FIRST(&s->links); l; l = next) {
		next = LIST_NEXT(l, entry);
		if (l->socket && !gate_still_holds(s->api, &l->who))
			link_close(l, LWS_CLOSE_STATUS_POLICY_VIOLATION);
		if (!l->socket && !l->source && time(NULL) - l->adopted > GREETING_SECONDS)
			forget_when_closed(l);
	}
	lws_sul_schedule(s->context, 0, &s->timer, check_links, CHECK_SECONDS * LWS_US_PER_SEC);
}

static void *serve(void *argument)
{
	struct ws_server *s = argument;

	lws_sul_schedule(s->context, 0, &s->timer, check_links, CHECK_SECONDS * LWS_US_PER_SEC);
	while (!atomic_load(&s->stopping) && lws_service(s->context, 0) >= 0)
		;
	return NULL;
}

static void on_log(int level, const char *line)
{
	(void)level;			/* it reports routine steps as errors */
	log_debug("libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

int ws_start(struct webapi *api, struct ws_server **out)
{
	static const lws_retry_bo_t idle = { .secs_since_valid_ping = 30, .secs_since_valid_hangup = 75 };
	struct lws_context_creation_info info = {
	    .port = CONTEXT_PORT_NO_LISTEN_SERVER,
	    .protocols = protocols,
	    .gid = (gid_t)-1,
	    .uid = (uid_t)-1,
	    .pt_serv_buf_size = READ_SIZE,
	    .max_http_header_data = HEAD_SIZE_MAX,
	    .retry_and_idle_policy = &idle,
	};
	struct ws_server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->api = api;
	pthread_mutex_init(&s->lock, NULL);
	STAILQ_INIT(&s->arriving);
	LIST_INIT(&s->links);
	lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
	info.user = s;
	info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	s->context = lws_create_context(&info);
	s->vhost = s->context ? lws_create_vhost(s->context, &info) : NULL;
	if (!s->vhost || pthread_create(&s->thread, NULL, serve, s) != 0) {
		if (s->context)
			lws_context_destroy(s->context);
		free(s);
		return -EIO;
	}
	*out = s;
	return 0;
}

void ws_stop(struct ws_server *s)
{
	struct link *l;

	if (!s)
		return;
	atomic_store(&s->stopping, true);
	lws_cancel_service(s->context);
	pthread_join(s->thread, NULL);
	lws_context_destroy(s->context);	/* its close callbacks end most links */
	while ((l = LIST_FIRST(&s->links))) {
		LIST_REMOVE(l, entry);
		link_destroy(l);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void ws_adopt(struct ws_server *s, int fd, char *head, size_t length, const struct ws_target *target,
              const struct identity *who)
{
	struct arrival *a = calloc(1, sizeof(*a));
	struct link *l = link_create(target, who);

	if (!a || !l) {
		struct ws_target unused = *target;

		ws_target_close(&unused);
		close(fd);
		free(head);
		free(a);
		free(l);
		return;
	}
	l->socket_fd = fd;
	*a = (struct arrival){ .link = l, .head = head, .length = length };
	pthread_mutex_lock(&s->lock);
	STAILQ_INSERT_TAIL(&s->arriving, a, entry);
	pthread_mutex_unlock(&s->lock);
	lws_cancel_service(s->context);
}
