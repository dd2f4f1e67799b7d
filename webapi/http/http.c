/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between libmicrohttpd and the handlers. libmicrohttpd runs one epoll thread which must never wait: it
 * checks heads and gathers bodies; handlers run in worker threads while their connection is suspended. An
 * exchange is touched by one thread at a time: by a worker between suspend and resume, else by the HTTP
 * thread.
 */
#include "http/http.h"

#include "auth/audit.h"
#include "auth/gate.h"
#include "http/body.h"
#include "http/idempotency.h"
#include "http/policy.h"
#include "http/route.h"
#include "http/static.h"
#include "http/upload.h"
#include "http/workers.h"
#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IDLE_SECONDS		30
#define BODY_SECONDS		30	/* for a whole JSON body, however it trickles in */
#define CONNECTION_MEMORY	65536	/* request head and the window of an upload */
#define DISCARD_MAX		(16u << 20)	/* of a failed upload, to be able to say why it failed */

enum stage {
	STAGE_HEAD,		/* first call for this request */
	STAGE_STATIC,		/* one of the UI's files, at the next call */
	STAGE_BODY,		/* gathering a JSON body */
	STAGE_OPENING,		/* a worker opens the upload */
	STAGE_RECEIVING,	/* an upload's bytes */
	STAGE_WORKING,		/* a worker makes the answer */
	STAGE_ANSWERED,
};

struct exchange {
	struct MHD_Connection *connection;
	struct request *req;
	struct reply rep;
	enum stage stage;
	char *body;
	uint64_t body_size;		/* announced */
	size_t body_fill;
	time_t deadline;
	bool uploading;			/* upload.fd is open and end() is owed */
	uint64_t discarded;
	struct upload upload;
};

struct http_server {
	struct webapi *api;
	struct MHD_Daemon *daemon;
	int ui_fd;			/* -1: no UI installed */
};

static void exchange_free(struct exchange *x)
{
	request_destroy(x->req);
	reply_clear(&x->rep);
	upload_fini(&x->upload);
	free(x->body);
	free(x);
}

static void add_header(void *response, const char *name, const char *value)
{
	if (MHD_add_response_header(response, name, value) != MHD_YES)
		log_error("header %s is refused", name);
}

static enum MHD_Result queue_reply(struct exchange *x)
{
	struct reply *rep = &x->rep;
	struct MHD_Response *response = rep->has_file
	                                    ? MHD_create_response_from_fd_at_offset64(rep->size, rep->file_fd, rep->file_offset)
	                                    : MHD_create_response_from_buffer_with_free_callback(rep->size, rep->data, free);
	enum MHD_Result r;

	if (!response)
		return MHD_NO;
	reply_each_header(rep, add_header, response);
	rep->data = NULL;		/* the response's now, like the file */
	rep->has_file = false;
	r = MHD_queue_response(x->connection, (unsigned int)rep->status, response);
	MHD_destroy_response(response);
	x->stage = STAGE_ANSWERED;
	return r;
}

static bool has_body(const struct request *req)
{
	const char *length = req->header[HEADER_CONTENT_LENGTH];

	return req->header[HEADER_TRANSFER_ENCODING] || (length && strcmp(length, "0") != 0);
}

/*
 * A refusal before any handler ran; the audit log wants those of changes too. An answer queued now makes
 * libmicrohttpd close the connection: right when a body would follow that nobody wants, wasteful else, so
 * then the next call answers.
 */
static enum MHD_Result refuse(struct exchange *x)
{
	if (request_is_unsafe(x->req))
		audit_write(x->req->api->audit, x->req, &x->rep);
	return has_body(x->req) ? queue_reply(x) : MHD_YES;
}

static enum MHD_Result queue_file(struct exchange *x, const struct static_file *file)
{
	struct MHD_Response *response = file->not_modified
	                                    ? MHD_create_response_from_buffer_static(0, "")
	                                    : MHD_create_response_from_fd64(file->size, file->fd);
	enum MHD_Result r;

	if (!response) {
		close(file->fd);
		return MHD_NO;
	}
	add_header(response, "Content-Type", file->content_type);
	add_header(response, "Cache-Control", file->cache);
	if (file->etag[0])
		add_header(response, "ETag", file->etag);
	add_header(response, "Vary", "Accept-Encoding");
	if (file->encoding)
		add_header(response, "Content-Encoding", file->encoding);
	policy_each_header(add_header, response);
	r = MHD_queue_response(x->connection, file->not_modified ? 304 : 200, response);
	MHD_destroy_response(response);
	x->stage = STAGE_ANSWERED;
	return r;
}

static enum MHD_Result answer_static(struct http_server *s, struct exchange *x)
{
	struct static_file file;

	if (request_is_unsafe(x->req)) {
		reply_error(&x->rep, 405, "method_not_allowed", NULL, "This resource takes GET.");
		x->rep.allow = strdup("GET, HEAD");
	} else if (s->ui_fd >= 0 && static_open(s->ui_fd, x->req, &file) == 0) {
		return queue_file(x, &file);
	} else {
		reply_error(&x->rep, 404, "not_found", NULL, "There is no such file.");
	}
	return queue_reply(x);
}

/* Suspends the connection until a worker has run `task`, which ends with resume(). */
static enum MHD_Result run_in_worker(struct exchange *x, void (*task)(void *x))
{
	MHD_suspend_connection(x->connection);
	if (workers_submit(x->req->api->workers, task, x) < 0) {
		reply_error(&x->rep, 503, "service_unavailable", NULL, "The service is shutting down.");
		MHD_resume_connection(x->connection);
	}
	return MHD_YES;
}

static void run_handler(struct request *req, struct reply *rep)
{
	const char *key = req->header[HEADER_IDEMPOTENCY_KEY];
	bool remember = key && strcmp(req->method, "POST") == 0 && !(req->route->flags & ROUTE_NOT_REPEATABLE);

	if (remember && !idempotency_begin(req->api->idempotency, req, rep))
		return;
	req->route->handle(req, rep);
	if (!rep->status)
		reply_error(rep, 500, "internal_error", NULL, "The request was not answered.");
	if (remember)
		idempotency_end(req->api->idempotency, req, rep);
}

static void work_request(void *argument)
{
	struct exchange *x = argument;

	if (x->req->route->open)
		reply_error(&x->rep, 426, "websocket_required", NULL, "Open this with a WebSocket.");
	else if (body_parse(x->req, x->body, x->body_fill, &x->rep))
		run_handler(x->req, &x->rep);
	if (request_is_unsafe(x->req))
		audit_write(x->req->api->audit, x->req, &x->rep);
	MHD_resume_connection(x->connection);
}

static void work_upload_begin(void *argument)
{
	struct exchange *x = argument;

	if (upload_init(&x->upload) < 0) {
		reply_error(&x->rep, 503, "service_unavailable", NULL, "No memory for another upload.");
	} else {
		x->upload.expected = x->body_size;
		x->req->route->upload->begin(x->req, &x->rep, &x->upload);
		x->uploading = x->upload.fd >= 0;
	}
	if (x->rep.status)
		audit_write(x->req->api->audit, x->req, &x->rep);
	MHD_resume_connection(x->connection);
}

static void work_upload_flush(void *argument)
{
	struct exchange *x = argument;

	upload_flush(&x->upload);
	MHD_resume_connection(x->connection);
}

static void finish_upload(struct exchange *x)
{
	upload_flush(&x->upload);
	x->uploading = false;
	x->req->route->upload->end(x->req, &x->rep, &x->upload);
	audit_write(x->req->api->audit, x->req, &x->rep);
}

static void work_upload_end(void *argument)
{
	struct exchange *x = argument;

	finish_upload(x);
	MHD_resume_connection(x->connection);
}

static void work_upload_cut(void *argument)	/* the connection is gone; this owns the exchange */
{
	finish_upload(argument);
	exchange_free(argument);
}

static enum MHD_Result take_header(void *argument, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct exchange *x = argument;

	(void)kind;
	return request_set_header(x->req, name, value ? value : "") == 0 ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_head(struct http_server *s, struct exchange *x, const char *method)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct request *req = x->req;

	if (request_set_method(req, method) < 0)
		return MHD_NO;
	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, take_header, x);
	request_set_address(req, info ? info->client_addr : NULL);
	if (strncmp(req->path, API_PREFIX "/", strlen(API_PREFIX) + 1) != 0) {
		x->stage = STAGE_STATIC;
		return has_body(req) ? answer_static(s, x) : MHD_YES;
	}
	if (!route_find(req, &x->rep) || !gate_admit(req, &x->rep) ||
	    !body_is_welcome(req, &x->rep, &x->body_size))
		return refuse(x);
	x->deadline = time(NULL) + BODY_SECONDS;
	x->stage = req->route->upload ? STAGE_OPENING : STAGE_BODY;
	return x->stage == STAGE_OPENING ? run_in_worker(x, work_upload_begin) : MHD_YES;
}

static enum MHD_Result on_body(struct exchange *x, const char *data, size_t *size)
{
	if (!x->body && x->body_size)
		x->body = malloc(x->body_size);
	if ((x->body_size && !x->body) || x->body_fill + *size > x->body_size || time(NULL) > x->deadline)
		return MHD_NO;
	if (*size == 0) {
		x->stage = STAGE_WORKING;
		return run_in_worker(x, work_request);
	}
	memcpy(x->body + x->body_fill, data, *size);
	x->body_fill += *size;
	*size = 0;
	return MHD_YES;
}

static enum MHD_Result on_upload(struct exchange *x, const char *data, size_t *size)
{
	size_t taken;

	if (*size == 0) {
		x->stage = STAGE_WORKING;
		return run_in_worker(x, work_upload_end);
	}
	taken = upload_take(&x->upload, data, *size);
	*size -= taken;
	if (x->upload.error && (x->discarded += taken) > DISCARD_MAX)
		return MHD_NO;
	return upload_is_full(&x->upload) ? run_in_worker(x, work_upload_flush) : MHD_YES;
}

static enum MHD_Result on_request(void *server, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **state)
{
	struct exchange *x = *state;

	(void)url;
	(void)version;
	if (!x)
		return MHD_NO;
	x->connection = connection;
	if (x->rep.status && x->stage != STAGE_ANSWERED)	/* refused, or a worker has answered */
		return queue_reply(x);
	switch (x->stage) {
	case STAGE_HEAD:
		return on_head(server, x, method);
	case STAGE_STATIC:
		return answer_static(server, x);
	case STAGE_BODY:
		return on_body(x, data, size);
	case STAGE_OPENING:
		x->stage = STAGE_RECEIVING;
		return MHD_YES;		/* this was still the call for the head: libmicrohttpd reads on */
	case STAGE_RECEIVING:
		return on_upload(x, data, size);
	default:
		return MHD_NO;
	}
}

/* Called with the request line's target as it came; what it returns is the request's state from then on. */
static void *on_target(void *server, const char *target, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->connection = connection;
	x->upload.fd = -1;
	x->req = request_create(((struct http_server *)server)->api, target);
	if (x->req)
		return x;
	exchange_free(x);
	return NULL;
}

static void on_completed(void *server, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *state;

	(void)server;
	(void)connection;
	(void)why;
	*state = NULL;
	if (!x)
		return;
	if (x->uploading && workers_submit(x->req->api->workers, work_upload_cut, x) == 0)
		return;
	exchange_free(x);
}

static void on_log(void *unused, const char *format, va_list ap)
{
	char line[512];

	(void)unused;
	vsnprintf(line, sizeof(line), format, ap);
	log_debug("libmicrohttpd: %s", line);
}

int http_start(struct webapi *api, struct http_server **out)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->api = api;
	s->ui_fd = open(api->options.ui_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC |
				     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, s,
				     MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
				     MHD_OPTION_URI_LOG_CALLBACK, on_target, s,
				     MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
				     MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
				     MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
				     MHD_OPTION_CONNECTION_LIMIT, 1024,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				     MHD_OPTION_END);
	if (!s->daemon) {
		http_stop(s);
		return -EIO;
	}
	*out = s;
	return 0;
}

void http_add(struct http_server *s, int fd, const struct sockaddr *peer, socklen_t length)
{
	/* On failure libmicrohttpd has closed fd. */
	if (MHD_add_connection(s->daemon, fd, peer, length) != MHD_YES)
		log_warning("a connection was not taken: %s", strerror(errno));
}

void http_stop(struct http_server *s)
{
	if (!s)
		return;
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	if (s->ui_fd >= 0)
		close(s->ui_fd);
	free(s);
}
