/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of everything this server answers below /api/v1: each resource file has its rows, route.c lists
 * the files.
 */
#ifndef WEBAPI_HTTP_ROUTE_H
#define WEBAPI_HTTP_ROUTE_H

#include "http/reply.h"
#include "http/request.h"

#define API_PREFIX	"/api/v1"

enum route_body { BODY_NONE, BODY_JSON, BODY_OPTIONAL_JSON, BODY_MERGE_PATCH, BODY_UPLOAD };

enum {
	ROUTE_BEFORE_PASSWORD_CHANGE = 1 << 0,	/* works although the one-time password was not changed yet */
	ROUTE_NOT_REPEATABLE = 1 << 1,		/* no Idempotency-Key: its answer must not be kept */
};

struct upload;
struct ws_target;

struct upload_ops {		/* of a route with BODY_UPLOAD; in worker threads */
	void (*begin)(struct request *req, struct reply *rep,
	              struct upload *u); /* opens u->fd, or answers an error */
	void (*end)(struct request *req, struct reply *rep,
	            struct upload *u); /* u->received of u->expected bytes are stored */
};

struct route {			/* method, path below API_PREFIX, least role, body, query parameters, handler */
	const char *method;
	const char *path;
	enum role role;			/* ROLE_NOBODY: public */
	enum route_body body;
	const char *query;		/* permitted names, separated by blanks; NULL: none */
	void (*handle)(struct request *req, struct reply *rep);		/* in a worker thread; may block */
	unsigned int flags;
	const struct upload_ops *upload;
	/* WebSocket routes have this instead of handle: opens what the socket will carry, or answers an error in rep. */
	void (*open)(struct request *req, struct reply *rep, struct ws_target *target);
};

extern const struct route audit_routes[], disk_routes[], upload_routes[], volume_routes[], event_routes[], host_routes[], host_certificate_routes[], iso_routes[],
    job_routes[], session_routes[], token_routes[], user_routes[], vm_routes[], vm_disk_routes[],
    vm_screen_routes[], switch_routes[], vm_network_routes[], vm_guest_routes[], metrics_routes[];

/* Finds the row and fills req->route and req->param. False: it answered 404 or 405 (with Allow). */
bool route_find(struct request *req, struct reply *rep);
void route_list(void (*fn)(void *context, const struct route *route), void *context);

#endif
