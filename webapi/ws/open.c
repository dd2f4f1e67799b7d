/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges a WebSocket upgrade like any other request, opens what it will carry, and only then lets
 * libwebsockets answer it. A refusal is an ordinary problem+json answer on the plain connection.
 */
#include "auth/audit.h"
#include "auth/gate.h"
#include "http/route.h"
#include "http/workers.h"
#include "partita/log.h"
#include "tls/head.h"
#include "ws/ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct upgrade {
	struct webapi *api;
	int fd;
	char *head;			/* as it came, for libwebsockets */
	size_t length;
	struct front_peer peer;
};

static void take_field(void *request, const char *name, const char *value)
{
	request_set_header(request, name, value);
}

static struct request *parse_request(const struct upgrade *u, struct reply *rep)
{
	char *copy = strndup(u->head, u->length);
	struct head_line line;
	struct request *fields = request_create(u->api, "/"), *req = NULL;

	if (copy && fields && strlen(copy) == u->length && head_parse(copy, &line, take_field, fields) == 0) {
		req = request_create(u->api, line.target);
		if (req && request_set_method(req, line.method) == 0) {
			memcpy(req->header, fields->header, sizeof(req->header));
			memset(fields->header, 0, sizeof(fields->header));
			req->malformed = fields->malformed;
			request_set_address(req, (const struct sockaddr *)&u->peer.address);
		}
	}
	if (!req)
		reply_error(rep, 400, "malformed_request", NULL, "The request's head is malformed.");
	request_destroy(fields);
	free(copy);
	return req;
}

/* What libwebsockets would only answer by hanging up, or let pass (RFC 6455 §4.2.1). */
static bool handshake_is_sound(const struct request *req, struct reply *rep)
{
	const char *version = req->header[HEADER_WS_VERSION];

	if (!version || strcmp(version, "13") != 0) {
		reply_error(rep, 426, "websocket_required", NULL, "Only version 13 of WebSocket is spoken here.");
		return false;
	}
	if (!req->header[HEADER_WS_KEY] || !request_header_lists(req, HEADER_CONNECTION, "upgrade")) {
		reply_error(rep, 400, "malformed_request", NULL, "The WebSocket handshake is incomplete.");
		return false;
	}
	if (req->header[HEADER_WS_PROTOCOL] && !request_header_lists(req, HEADER_WS_PROTOCOL, "binary") &&
	    !request_header_lists(req, HEADER_WS_PROTOCOL, "json")) {
		reply_error(rep, 400, "malformed_request", NULL, "The subprotocol is binary or json.");
		return false;
	}
	return true;
}

static bool judge(struct request *req, struct reply *rep)
{
	if (strncmp(req->path, API_PREFIX "/", strlen(API_PREFIX) + 1) != 0) {
		reply_error(rep, 404, "not_found", NULL, "There is no WebSocket here.");
		return false;
	}
	if (!route_find(req, rep))
		return false;
	if (!req->route->open) {
		reply_error(rep, 400, "malformed_request", NULL, "This resource is not a WebSocket.");
		return false;
	}
	return gate_admit(req, rep) && handshake_is_sound(req, rep);
}

static void print_header(void *file, const char *name, const char *value)
{
	fprintf(file, "%s: %s\r\n", name, value);
}

/* The socketpair's buffer is larger than any refusal, so one write does it. */
static void send_reply(int fd, const struct reply *rep)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return;
	fprintf(file, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\n", rep->status,
	        reply_phrase(rep->status), rep->size);
	reply_each_header(rep, print_header, file);
	fprintf(file, "\r\n");
	fwrite(rep->data, 1, rep->size, file);
	if (fclose(file) == 0 && send(fd, text, size, MSG_NOSIGNAL) != (ssize_t)size)
		log_debug("a refused WebSocket client is gone");
	free(text);
}

static void work_upgrade(void *argument)
{
	struct upgrade *u = argument;
	struct ws_target target = { .fd = -1 };
	struct reply rep = { 0 };
	struct request *req = parse_request(u, &rep);

	if (req && judge(req, &rep))
		req->route->open(req, &rep, &target);
	if (rep.status) {
		send_reply(u->fd, &rep);
		close(u->fd);
		free(u->head);
	} else {
		rep.status = 101;
		ws_adopt(u->api->ws, u->fd, u->head, u->length, &target, &req->who);
	}
	if (req && req->route)
		audit_write(u->api->audit, req, &rep);
	reply_clear(&rep);
	request_destroy(req);
	free(u);
}

void ws_open(struct webapi *api, int fd, const char *head, size_t length, const struct front_peer *peer)
{
	struct upgrade *u = calloc(1, sizeof(*u));
	char *copy = malloc(length);

	if (u && copy) {
		memcpy(copy, head, length);
		*u = (struct upgrade){ .api = api, .fd = fd, .head = copy, .length = length, .peer = *peer };
		if (workers_submit(api->workers, work_upgrade, u) == 0)
			return;
	}
	close(fd);
	free(copy);
	free(u);
}
