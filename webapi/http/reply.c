/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds answers. A reply can be set again: what was there before is dropped, so an error can replace a
 * half-made answer.
 */
#include "http/reply.h"

#include "http/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" }, { 206, "Partial Content" }, { 304, "Not Modified" },
	{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 408, "Request Timeout" }, { 409, "Conflict" }, { 411, "Length Required" }, { 412, "Precondition Failed" }, { 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" }, { 416, "Range Not Satisfiable" }, { 422, "Unprocessable Content" }, { 423, "Locked" },
	{ 426, "Upgrade Required" }, { 429, "Too Many Requests" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
	{ 503, "Service Unavailable" }, { 507, "Insufficient Storage" },
};

const char *reply_phrase(int status)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Error";
}

void reply_clear(struct reply *rep)
{
	free(rep->data);
	free(rep->location);
	free(rep->etag);
	free(rep->cookie);
	free(rep->allow);
	free(rep->content_range);
	free(rep->disposition);
	if (rep->has_file)
		close(rep->file_fd);
	*rep = (struct reply){ 0 };
}

void reply_bytes(struct reply *rep, int status, const char *content_type, char *data, size_t size)
{
	free(rep->data);
	rep->status = status;
	rep->content_type = content_type;
	rep->data = data;
	rep->size = size;
}

void reply_file(struct reply *rep, int status, const char *content_type, int fd, uint64_t offset, uint64_t bytes)
{
	reply_bytes(rep, status, content_type, NULL, bytes);
	rep->has_file = true;
	rep->file_fd = fd;
	rep->file_offset = offset;
}

void reply_empty(struct reply *rep, int status)
{
	reply_bytes(rep, status, NULL, NULL, 0);
}

static void set_json(struct reply *rep, int status, const char *content_type, json_t *body)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	if (text)
		reply_bytes(rep, status, content_type, text, strlen(text));
	else
		reply_empty(rep, 500);		/* no memory even for a sentence */
}

void reply_json(struct reply *rep, int status, json_t *body)
{
	set_json(rep, status, "application/json", body);
}

void reply_problem(struct reply *rep, int status, const char *code, const char *field, const char *detail,
                   json_t *more)
{
	json_t *body =
	    json_pack("{s:s, s:s, s:i, s:s, s:s, s:s*}", "type", "about:blank", "title", reply_phrase(status),
	              "status", status, "code", code, "detail", detail, "field", field);

	reply_clear(rep);
	if (more)
		json_object_update_missing(body, more);
	json_decref(more);
	snprintf(rep->code, sizeof(rep->code), "%s", code);
	set_json(rep, status, "application/problem+json", body);
	if (status == 503 || status == 429)
		rep->retry_after = 2;
}

void reply_error(struct reply *rep, int status, const char *code, const char *field, const char *format, ...)
{
	char detail[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(detail, sizeof(detail), format, ap);
	va_end(ap);
	reply_problem(rep, status, code, field, detail, NULL);
}

void reply_set_etag(struct reply *rep, const json_t *item)
{
	const char *etag = json_string_value(json_object_get(item, "etag"));

	if (etag && !strpbrk(etag, "\"\r\n") && asprintf(&rep->etag, "\"%s\"", etag) < 0)
		rep->etag = NULL;
}

void reply_set_location(struct reply *rep, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&rep->location, format, ap) < 0)
		rep->location = NULL;
	va_end(ap);
}

void reply_each_header(const struct reply *rep,
                       void (*add)(void *context, const char *name, const char *value), void *context)
{
	char number[16];

	if (rep->content_type)
		add(context, "Content-Type", rep->content_type);
	if (rep->location)
		add(context, "Location", rep->location);
	if (rep->etag)
		add(context, "ETag", rep->etag);
	if (rep->cookie)
		add(context, "Set-Cookie", rep->cookie);
	if (rep->allow)
		add(context, "Allow", rep->allow);
	if (rep->content_range)
		add(context, "Content-Range", rep->content_range);
	if (rep->disposition)
		add(context, "Content-Disposition", rep->disposition);
	if (rep->has_file || rep->content_range)
		add(context, "Accept-Ranges", "bytes");
	if (rep->status == 401)
		add(context, "WWW-Authenticate", "Bearer realm=\"Partita\"");
	if (rep->status == 426)
		add(context, "Upgrade", "websocket");
	if (rep->retry_after) {
		snprintf(number, sizeof(number), "%u", rep->retry_after);
		add(context, "Retry-After", number);
	}
	add(context, "Cache-Control", "no-store");
	policy_each_header(add, context);
}
