/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matches a path against the tables. A {name} stands for one segment: an id must be a UUID, anything else
 * is the handler's.
 */
#include "http/route.h"

#include "partita/guid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct route *const tables[] = {
	session_routes, user_routes, token_routes, host_routes, host_certificate_routes, vm_routes, vm_disk_routes, vm_screen_routes, disk_routes, upload_routes, volume_routes, iso_routes,
	switch_routes, vm_network_routes, vm_guest_routes, job_routes, event_routes, audit_routes, metrics_routes,
};

void route_list(void (*fn)(void *context, const struct route *route), void *context)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct route *r = tables[i]; r->method; r++)
			fn(context, r);
}

static bool segment_matches(const char *pattern, size_t pattern_size, const char *segment, size_t size)
{
	bool is_id = pattern_size >= 4 && strncasecmp(pattern + pattern_size - 3, "id}", 3) == 0;
	char text[GUID_TEXT_SIZE];

	if (pattern[0] != '{')
		return pattern_size == size && memcmp(pattern, segment, size) == 0;
	if (!is_id)
		return size > 0;
	snprintf(text, sizeof(text), "%.*s", (int)size, segment);
	return size == GUID_TEXT_SIZE - 1 && guid_is_valid(text);
}

/* Walks both paths; with `req` also keeps what the {…} matched. */
static bool path_matches(const char *pattern, const char *path, struct request *req)
{
	size_t params = 0;

	while (*pattern && *path) {
		size_t a, b;

		if (*pattern++ != '/' || *path++ != '/')
			return false;
		a = strcspn(pattern, "/");
		b = strcspn(path, "/");
		if (!segment_matches(pattern, a, path, b))
			return false;
		if (req && pattern[0] == '{' && params < REQUEST_PARAMS_MAX)
			req->param[params++] = strndup(path, b);
		pattern += a;
		path += b;
	}
	return !*pattern && !*path;
}

static bool method_matches(const char *method, const char *asked)
{
	return strcmp(method, asked) == 0 || (strcmp(asked, "HEAD") == 0 && strcmp(method, "GET") == 0);
}

struct search {
	const struct request *req;
	const char *path;
	const struct route *found;
	char allow[64];			/* methods of the rows whose path matches */
};

static void search_row(void *context, const struct route *route)
{
	struct search *s = context;
	size_t used = strlen(s->allow);

	if (s->found || !path_matches(route->path, s->path, NULL))
		return;
	if (method_matches(route->method, s->req->method))
		s->found = route;
	else
		snprintf(s->allow + used, sizeof(s->allow) - used, "%s%s", used ? ", " : "", route->method);
}

bool route_find(struct request *req, struct reply *rep)
{
	struct search s = { .req = req, .path = req->path + strlen(API_PREFIX) };

	route_list(search_row, &s);
	if (s.found) {
		req->route = s.found;
		path_matches(s.found->path, s.path, req);
		return true;
	}
	if (!s.allow[0]) {
		reply_error(rep, 404, "not_found", NULL,
		            "There is no such resource. Ids are lower-case UUIDs.");
		return false;
	}
	reply_error(rep, 405, "method_not_allowed", NULL, "This resource takes %s.", s.allow);
	rep->allow = strdup(s.allow);
	return false;
}
