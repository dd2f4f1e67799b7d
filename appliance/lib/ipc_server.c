/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answering side: accepts peers, checks who they are, hands each request to its row of the method table. A peer has one
 * request in work at a time; the next is not read before it is answered. A peer that breaks a rule is disconnected.
 */
#include "ipc_wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define IPC_PEERS_MAX	256

struct ipc_request {
	struct ipc_peer *peer;
	struct ipc_message message;
	const char *method;		/* borrowed from message */
	bool more;
	void (*gone)(struct ipc_request *r, void *data);
	void *gone_data;
};

struct ipc_peer {
	struct ipc_peer *next, **link;
	struct ipc_server *server;
	struct ipc_wire wire;
	sd_event_source *io, *again;	/* `again` looks at input left over when an answer came later */
	uid_t uid;
	struct ipc_request *request;	/* in work */
	bool in_handler, lost;		/* lost: to be closed when the handler has returned */
};

struct ipc_server {
	sd_event *loop;
	sd_event_source *io;
	int fd;
	const struct ipc_method *methods;
	bool (*permit)(uid_t uid, void *context);
	void *context;
	struct ipc_peer *peers;
	unsigned int peer_count;
};

static void request_free(struct ipc_request *r)
{
	ipc_message_clear(&r->message);
	free(r);
}

static void peer_close(struct ipc_peer *p)
{
	if (p->request) {
		struct ipc_request *r = p->request;

		p->request = NULL;
		if (r->gone)
			r->gone(r, r->gone_data);
		request_free(r);
	}
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	p->server->peer_count--;
	sd_event_source_disable_unref(p->io);
	sd_event_source_disable_unref(p->again);
	ipc_wire_fini(&p->wire);
	free(p);
}

/* Waits for input only when no request is in work, for room only when something is queued; a hang-up always wakes. */
static void peer_update_events(struct ipc_peer *p)
{
	uint32_t events = EPOLLRDHUP;

	if (!p->request)
		events = EPOLLIN;
	if (ipc_wire_has_output(&p->wire))
		events |= EPOLLOUT;
	if (sd_event_source_set_io_events(p->io, events) < 0)
		p->lost = true;
}

static const struct ipc_method *method_find(const struct ipc_server *s, const char *name)
{
	for (const struct ipc_method *m = s->methods; m->name; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

/* Only the members of a request, each of its type. */
static bool request_is_well_formed(json_t *body)
{
	json_t *parameters = json_object_get(body, "parameters");
	json_t *more = json_object_get(body, "more");
	size_t known = 1 + (parameters != NULL) + (more != NULL);

	return json_is_string(json_object_get(body, "method")) &&
	       (!parameters || json_is_object(parameters)) && (!more || json_is_boolean(more)) &&
	       json_object_size(body) == known;
}

static int request_new(struct ipc_peer *p, struct ipc_message *m)
{
	struct ipc_request *r;

	if (!request_is_well_formed(m->body))
		return -EBADMSG;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	if (!json_object_get(m->body, "parameters"))
		json_object_set_new(m->body, "parameters", json_object());
	r->peer = p;
	r->message = *m;
	r->method = json_string_value(json_object_get(m->body, "method"));
	r->more = json_is_true(json_object_get(m->body, "more"));
	*m = (struct ipc_message){ 0 };
	p->request = r;
	return 0;
}

static void request_dispatch(struct ipc_peer *p)
{
	struct ipc_request *r = p->request;
	const struct ipc_method *method = method_find(p->server, r->method);

	p->in_handler = true;
	if (method)
		method->handle(r, json_object_get(r->message.body, "parameters"), p->server->context);
	else
		ipc_fail(r, 404, "method_not_found", NULL, "There is no method %s.", r->method);
	p->in_handler = false;
}

/* Handles whole requests until one stays in work, the input is used up or it is another's turn. Negative: close the peer. */
static int peer_process(struct ipc_peer *p)
{
	for (int burst = 0; !p->request && !p->lost; burst++) {
		struct ipc_message m = { 0 };
		int r;

		if (burst == IPC_BURST) {
			sd_event_source_set_enabled(p->again, SD_EVENT_ONESHOT);
			break;
		}
		r = ipc_wire_receive(&p->wire, &m);

		if (r == 0)
			break;
		if (r > 0)
			r = request_new(p, &m);
		ipc_message_clear(&m);
		if (r < 0)
			return r;
		request_dispatch(p);
	}
	peer_update_events(p);
	return p->lost ? -ESHUTDOWN : 0;
}

static int peer_on_io(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct ipc_peer *p = data;
	int r = 0;

	(void)source;
	(void)fd;
	if (events & EPOLLOUT) {
		r = ipc_wire_flush(&p->wire);
		if (r == -EAGAIN)
			r = 0;
	}
	if (r == 0 && p->request && (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)))
		r = -ESHUTDOWN;
	if (r == 0)
		r = peer_process(p);
	if (r < 0)
		peer_close(p);
	return 0;
}

static int peer_on_again(sd_event_source *source, void *data)
{
	struct ipc_peer *p = data;

	(void)source;
	if (peer_process(p) < 0)
		peer_close(p);
	return 0;
}

/* --- accepting --- */

static int peer_attach(struct ipc_server *s, int fd, uid_t uid)
{
	struct ipc_peer *p = calloc(1, sizeof(*p));
	int r = p ? ipc_wire_init(&p->wire, fd) : -ENOMEM;

	if (r < 0)
		goto fail;
	p->server = s;
	p->uid = uid;
	r = sd_event_add_io(s->loop, &p->io, fd, EPOLLIN, peer_on_io, p);
	if (r < 0)
		goto fail;
	r = sd_event_add_defer(s->loop, &p->again, peer_on_again, p);
	if (r >= 0)
		r = sd_event_source_set_enabled(p->again, SD_EVENT_OFF);
	if (r < 0)
		goto fail;
	p->next = s->peers;
	p->link = &s->peers;
	if (p->next)
		p->next->link = &p->next;
	s->peers = p;
	s->peer_count++;
	return 0;
fail:
	if (p) {
		sd_event_source_disable_unref(p->io);
		sd_event_source_disable_unref(p->again);
	}
	free(p);
	return r;
}

static bool peer_is_permitted(struct ipc_server *s, int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	*uid = peer.uid;
	return !s->permit || s->permit(peer.uid, s->context);
}

static int server_on_io(sd_event_source *source, int listen_fd, uint32_t events, void *data)
{
	struct ipc_server *s = data;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uid_t uid = (uid_t)-1;

	(void)source;
	(void)events;
	if (fd < 0)
		return 0; /* the peer left again, or no descriptors: it stays in the backlog */
	if (s->peer_count >= IPC_PEERS_MAX || !peer_is_permitted(s, fd, &uid) || peer_attach(s, fd, uid) < 0)
		close(fd);
	return 0;
}

int ipc_serve(sd_event *loop, int listen_fd, const struct ipc_method *methods,
              bool (*permit)(uid_t uid, void *context), void *context, struct ipc_server **out)
{
	struct ipc_server *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		close(listen_fd);
		return -ENOMEM;
	}
	*s = (struct ipc_server){ .loop = loop, .fd = listen_fd, .methods = methods, .permit = permit, .context = context };
	r = sd_event_add_io(loop, &s->io, listen_fd, EPOLLIN, server_on_io, s);
	if (r < 0) {
		close(listen_fd);
		free(s);
		return r;
	}
	*out = s;
	return 0;
}

int ipc_listen(const char *path, mode_t mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	old = umask(0777 & ~mode);		/* never more open than asked, not even for a moment */
	r = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(old);
	if (r == 0)
		r = listen(fd, 64);
	if (r < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int ipc_serve_path(sd_event *loop, const char *path, mode_t mode, const struct ipc_method *methods,
		   bool (*permit)(uid_t uid, void *context), void *context, struct ipc_server **out)
{
	int fd = ipc_listen(path, mode);

	return fd < 0 ? fd : ipc_serve(loop, fd, methods, permit, context, out);
}

void ipc_server_stop(struct ipc_server *s)
{
	if (!s)
		return;
	while (s->peers)
		peer_close(s->peers);
	sd_event_source_disable_unref(s->io);
	close(s->fd);
	free(s);
}

/* --- what a handler may ask and answer --- */

struct ipc_message *ipc_request_message(struct ipc_request *r)
{
	return &r->message;
}

const char *ipc_request_method(const struct ipc_request *r)
{
	return r->method;
}

uid_t ipc_request_uid(const struct ipc_request *r)
{
	return r->peer->uid;
}

bool ipc_request_wants_more(const struct ipc_request *r)
{
	return r->more;
}

void ipc_request_on_gone(struct ipc_request *r, void (*gone)(struct ipc_request *r, void *data), void *data)
{
	r->gone = gone;
	r->gone_data = data;
}

/* Sends the last message of a request and makes room for the peer's next one. */
static void request_finish(struct ipc_request *r, json_t *body, const int *fds, size_t fd_count)
{
	struct ipc_peer *p = r->peer;

	if (ipc_wire_send(&p->wire, body, fds, fd_count) < 0)
		p->lost = true;
	json_decref(body);
	p->request = NULL;
	request_free(r);
	if (!p->in_handler) /* input left over, or the peer is lost: look from the loop, not from here */
		sd_event_source_set_enabled(p->again, SD_EVENT_ONESHOT);
}

void ipc_reply_fds(struct ipc_request *r, json_t *parameters, const int *fds, size_t fd_count)
{
	json_t *body = json_object();

	json_object_set_new(body, "parameters", parameters ? parameters : json_object());
	request_finish(r, body, fds, fd_count);
}

void ipc_reply(struct ipc_request *r, json_t *parameters)
{
	ipc_reply_fds(r, parameters, NULL, 0);
}

int ipc_notify(struct ipc_request *r, json_t *parameters)
{
	json_t *body = json_object();
	int result;

	json_object_set_new(body, "parameters", parameters ? parameters : json_object());
	json_object_set_new(body, "continues", json_true());
	result = ipc_wire_send(&r->peer->wire, body, NULL, 0);
	json_decref(body);
	if (!r->peer->in_handler)
		peer_update_events(r->peer);
	return result;
}

/* A text that was cut in the middle of a character would be no JSON: the broken character goes too. */
static json_t *text_value(char *text)
{
	json_t *value = json_string(text);

	for (size_t len = strlen(text); !value && len > 0; value = json_string(text))
		text[--len] = 0;
	return value;
}

void ipc_fail(struct ipc_request *r, int status, const char *code, const char *field, const char *format, ...)
{
	json_t *parameters = json_object();
	char detail[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	json_object_set_new(parameters, "status", json_integer(status));
	json_object_set_new(parameters, "detail", text_value(detail));
	if (field)
		json_object_set_new(parameters, "field", json_string(field));
	ipc_fail_with(r, code, parameters);
}

void ipc_fail_with(struct ipc_request *r, const char *code, json_t *parameters)
{
	json_t *body = json_object();

	json_object_set_new(body, "error", json_string(code));
	json_object_set_new(body, "parameters", parameters ? parameters : json_object());
	request_finish(r, body, NULL, 0);
}
