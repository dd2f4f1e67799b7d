/* SPDX-License-Identifier: Apache-2.0 */
/* One request as the resources see it, whether libmicrohttpd or a WebSocket upgrade brought it. */
#ifndef WEBAPI_HTTP_REQUEST_H
#define WEBAPI_HTTP_REQUEST_H

#include "auth/identity.h"
#include "webapi.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define REQUEST_PARAMS_MAX	2
#define REQUEST_BODY_MAX	(1u << 20)

enum request_header {
	HEADER_ACCEPT, HEADER_ACCEPT_ENCODING, HEADER_AUTHORIZATION, HEADER_CONTENT_LENGTH, HEADER_CONTENT_RANGE, HEADER_CONTENT_TYPE,
	HEADER_COOKIE, HEADER_CSRF, HEADER_HOST, HEADER_IDEMPOTENCY_KEY, HEADER_IF_MATCH, HEADER_IF_NONE_MATCH, HEADER_IF_RANGE, HEADER_ORIGIN, HEADER_RANGE,
	HEADER_CONNECTION, HEADER_TRANSFER_ENCODING, HEADER_WS_KEY, HEADER_WS_PROTOCOL, HEADER_WS_VERSION,
	HEADER_COUNT
};

struct route;

struct request {
	struct webapi *api;
	char *method;
	char *path;			/* without the query, not decoded: no route needs an encoded byte */
	char *query;			/* after '?', maybe empty */
	char *header[HEADER_COUNT];	/* NULL when absent */
	bool malformed;			/* a header that must be single came twice */
	char address[64];
	const struct route *route;
	char *param[REQUEST_PARAMS_MAX];	/* what {…} in the route's path matched, in order */
	struct identity who;
	json_t *body;			/* the JSON object of a request that has one */
};

struct request *request_create(struct webapi *api, const char *target);	/* NULL: no memory */
void request_destroy(struct request *r);		/* accepts NULL */
int request_set_method(struct request *r, const char *method);
int request_set_header(struct request *r, const char *name,
                       const char *value); /* ignores names it does not know */
const char *request_header_name(enum request_header h);
void request_set_address(struct request *r, const struct sockaddr *address);
bool request_is_unsafe(const struct request *r);		/* not GET or HEAD */

/* The decoded value of a query parameter, or NULL; the caller frees it. */
char *request_query(const struct request *r, const char *name);
/* Finds a parameter that is not among the blank-separated names; copies its name into `found`. */
bool request_query_has_other(const struct request *r, const char *names, char *found, size_t size);
/* Reads a decimal parameter. 1: read, 0: absent, -ERANGE: not a number from min to max. */
int request_query_u64(const struct request *r, const char *name, uint64_t min, uint64_t max, uint64_t *out);
/* Whether a header that is a list separated by commas has this word, in any case. */
bool request_header_lists(const struct request *r, enum request_header h, const char *word);
/* The value of a cookie, or NULL; the caller frees it. */
char *request_cookie(const struct request *r, const char *name);
/* The etag in If-Match without quotes, NULL when absent or "*"; the caller frees it. */
char *request_if_match(const struct request *r);

#endif
