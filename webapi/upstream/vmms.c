/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of connections to vmms. An idle connection that has become readable was closed by a vmms that is
 * gone: it is dropped and a new one made, so that a restart of vmms costs no request. A call that was sent
 * is never repeated: it may have been done.
 */
#include "upstream/vmms.h"

#include "http/page.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_MAX	8
#define CALL_TIMEOUT_MS	30000

struct vmms {
	pthread_mutex_t lock;		/* guards idle and idle_count */
	char *path;
	struct ipc_client *idle[IDLE_MAX];
	unsigned int idle_count;
};

int vmms_create(const char *socket_path, struct vmms **out)
{
	struct vmms *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	pthread_mutex_init(&v->lock, NULL);
	v->path = strdup(socket_path);
	*out = v;
	return 0;
}

void vmms_destroy(struct vmms *v)
{
	if (!v)
		return;
	for (unsigned int i = 0; i < v->idle_count; i++)
		ipc_disconnect(v->idle[i]);
	pthread_mutex_destroy(&v->lock);
	free(v->path);
	free(v);
}

static bool is_stale(const struct ipc_client *c)
{
	struct pollfd p = { .fd = ipc_client_fd(c), .events = POLLIN | POLLRDHUP };

	return poll(&p, 1, 0) != 0;
}

static int connection_get(struct vmms *v, struct ipc_client **out)
{
	struct ipc_client *c = NULL;

	do {
		if (c)
			ipc_disconnect(c);
		pthread_mutex_lock(&v->lock);
		c = v->idle_count ? v->idle[--v->idle_count] : NULL;
		pthread_mutex_unlock(&v->lock);
	} while (c && is_stale(c));
	*out = c;
	return c ? 0 : ipc_connect(v->path, out);
}

static void connection_put(struct vmms *v, struct ipc_client *c)
{
	pthread_mutex_lock(&v->lock);
	if (v->idle_count < IDLE_MAX) {
		v->idle[v->idle_count++] = c;
		c = NULL;
	}
	pthread_mutex_unlock(&v->lock);
	ipc_disconnect(c);
}

static void reply_unreachable(struct reply *rep, int error)
{
	if (error == -EMSGSIZE)
		reply_error(rep, 413, "body_too_large", NULL, "The body is larger than 1 MiB.");
	else
		reply_error(
		    rep, 503, "service_unavailable", NULL,
		    "The management service does not answer (%s). Running virtual machines go on; try again.",
		    strerror(-error));
}

/* Turns vmms' {"error", "parameters":{status, detail, field}} into the problem it describes. */
static void reply_refused(struct reply *rep, json_t *message)
{
	const char *code = json_string_value(json_object_get(message, "error"));
	json_t *parameters = json_object_get(message, "parameters");
	int status = (int)json_integer_value(json_object_get(parameters, "status"));
	const char *detail = json_string_value(json_object_get(parameters, "detail"));
	const char *field = json_string_value(json_object_get(parameters, "field"));
	json_t *more = json_deep_copy(parameters);

	json_object_del(more, "status");
	json_object_del(more, "detail");
	json_object_del(more, "field");
	if (status < 400 || status > 599 || !code)
		status = 500;
	reply_problem(rep, status, code ? code : "internal_error", field && *field ? field : NULL,
		      detail ? detail : "The management service gave no reason.", more);
}

int vmms_call_fd(struct vmms *v, const char *method, json_t *parameters, int fd, struct reply *rep, struct ipc_message *answer)
{
	struct ipc_client *c = NULL;
	int r = connection_get(v, &c);

	*answer = (struct ipc_message){ 0 };
	if (r < 0) {
		json_decref(parameters);
		reply_unreachable(rep, r);
		return -1;
	}
	r = ipc_call(c, method, parameters, &fd, fd >= 0, CALL_TIMEOUT_MS, answer);
	if (r == 0 || r == -EREMOTE)
		connection_put(v, c);
	else
		ipc_disconnect(c);
	if (r == -EREMOTE)
		reply_refused(rep, answer->body);
	else if (r < 0)
		reply_unreachable(rep, r);
	if (r < 0)
		ipc_message_clear(answer);
	return r < 0 ? -1 : 0;
}

int vmms_call(struct vmms *v, const char *method, json_t *parameters, struct reply *rep,
              struct ipc_message *answer)
{
	return vmms_call_fd(v, method, parameters, -1, rep, answer);
}

int vmms_stream(struct vmms *v, const char *method, json_t *parameters, struct reply *rep,
                struct ipc_client **out)
{
	struct ipc_client *c = NULL;
	int r = ipc_connect(v->path, &c);

	if (r < 0)
		json_decref(parameters);
	else
		r = ipc_call_stream(c, method, parameters);
	if (r == 0) {
		*out = c;
		return 0;
	}
	ipc_disconnect(c);
	reply_unreachable(rep, r);
	return -1;
}

void vmms_reply_item(struct vmms *v, const char *method, json_t *parameters, const char *name, int status,
                     struct reply *rep)
{
	struct ipc_message answer;
	json_t *item;

	if (vmms_call(v, method, parameters, rep, &answer) < 0)
		return;
	item = name ? json_object_get(answer.body, name) : NULL;
	if (!name) {
		reply_empty(rep, status);
	} else if (!item) {
		reply_error(rep, 500, "internal_error", NULL, "The management service's answer has no %s.",
		            name);
	} else {
		reply_json(rep, status, json_incref(item));
		reply_set_etag(rep, item);
	}
	ipc_message_clear(&answer);
}

void vmms_reply_page(struct vmms *v, const char *method, const char *name, const struct request *req,
                     struct reply *rep)
{
	struct ipc_message answer;

	if (vmms_call(v, method, json_object(), rep, &answer) < 0)
		return;
	page_reply(req, rep, json_object_get(answer.body, name));
	ipc_message_clear(&answer);
}
