/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first bytes of a connection, through all that judges a request before a resource sees it: where the head ends, its lines, the
 * route, the announcement of a body, cookies, entity tags, the query, a WebSocket's upgrade.
 */
#include "tests/fuzz/input.h"

#include "http/body.h"
#include "http/page.h"
#include "http/route.h"
#include "http/upload.h"
#include "tls/head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void on_header(void *context, const char *name, const char *value)
{
	request_set_header(context, name, value);
}

static void on_header_of_nobody(void *context, const char *name, const char *value)
{
	size_t *sum = context;

	*sum += strlen(name) + strlen(value);
}

static void read_query(struct request *req, struct reply *rep)
{
	char found[32];
	uint64_t number;

	free(request_query(req, "filter"));
	free(request_query(req, "cursor"));
	request_query_u64(req, "limit", 1, 1000, &number);
	request_query_has_other(req, PAGE_QUERY, found, sizeof(found));
	page_limit(req, rep, &number);
}

static void read_headers(struct request *req, struct reply *rep)
{
	struct upload u = { .fd = -1 };
	uint64_t size = 0;

	free(request_cookie(req, "partita-session"));
	free(request_if_match(req));
	request_header_lists(req, HEADER_CONNECTION, "upgrade");
	request_header_lists(req, HEADER_ACCEPT_ENCODING, "gzip");
	if (!req->route || !body_is_welcome(req, rep, &size))
		return;
	u.expected = size;
	if (req->route->body == BODY_UPLOAD)
		upload_part_parse(req, rep, &u, "empty");
}

static void judge(char *head)
{
	struct head_line line;
	struct reply rep = { 0 };
	struct request *req;
	size_t sum = 0;
	char *copy = strdup(head);

	if (head_parse(copy, &line, on_header_of_nobody, &sum) == 0) {
		req = request_create(NULL, line.target);
		request_set_method(req, line.method);
		head_parse(head, &line, on_header, req);
		if (strncmp(req->path, API_PREFIX "/", strlen(API_PREFIX) + 1) == 0)
			route_find(req, &rep);
		reply_clear(&rep);
		read_headers(req, &rep);
		reply_clear(&rep);
		read_query(req, &rep);
		reply_clear(&rep);
		request_destroy(req);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length = 0;
	char *head;

	for (size_t n = 1; n <= size && !length; n++)		/* it comes byte by byte */
		length = head_length((const char *)data, n, n - 1);
	if (length != head_length((const char *)data, size, 0) && length)
		abort();
	if (!length || length > size)
		return length > size ? abort(), 0 : 0;
	head = malloc(length + 1);
	memcpy(head, data, length);
	head[length] = 0;
	head_wants_websocket(head, length);
	if (!memchr(head, 0, length))
		judge(head);
	free(head);
	return 0;
}
