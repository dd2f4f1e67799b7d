/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Body rules: a length is always announced, so that what is too large is refused at once, and JSON is an
 * object.
 */
#include "http/body.h"

#include "http/range.h"
#include "http/route.h"

#include <string.h>
#include <strings.h>

static const struct {
	enum route_body body;
	const char *type[2];
} accepted[] = {
	{ BODY_JSON, { "application/json" } },
	{ BODY_OPTIONAL_JSON, { "application/json" } },
	{ BODY_MERGE_PATCH, { "application/merge-patch+json", "application/json" } },
	{ BODY_UPLOAD, { "application/octet-stream", "application/x-iso9660-image" } },
};

/* The media type without its parameters ("; charset=utf-8"). */
static bool type_is(const char *header, const char *type)
{
	size_t length = strlen(type);

	return strncasecmp(header, type, length) == 0 && strchr("; \t", header[length]);
}

static bool type_is_accepted(enum route_body body, const char *header)
{
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
		for (size_t j = 0; j < 2; j++)
			if (accepted[i].body == body && accepted[i].type[j] &&
			    type_is(header, accepted[i].type[j]))
				return true;
	return false;
}

bool body_is_welcome(const struct request *req, struct reply *rep, uint64_t *size)
{
	const char *length = req->header[HEADER_CONTENT_LENGTH], *type = req->header[HEADER_CONTENT_TYPE];
	enum route_body body = req->route->body;
	bool optional = body == BODY_NONE || body == BODY_OPTIONAL_JSON;

	*size = 0;
	if (req->header[HEADER_TRANSFER_ENCODING] || (!length && !optional)) {
		reply_error(rep, 411, "length_required", NULL,
		            "Send Content-Length; chunked bodies are not taken.");
		return false;
	}
	if (length && decimal_parse(length, size) < 0) {
		reply_error(rep, 400, "malformed_request", NULL, "Content-Length is not a number.");
		return false;
	}
	if (body != BODY_UPLOAD && *size > REQUEST_BODY_MAX) {
		reply_error(rep, 413, "body_too_large", NULL, "The body has %llu bytes; at most %u are taken.",
			    (unsigned long long)*size, REQUEST_BODY_MAX);
		return false;
	}
	if (*size > 0 && body == BODY_NONE) {
		reply_error(rep, 400, "malformed_request", NULL, "This request takes no body.");
		return false;
	}
	if ((*size > 0 || !optional) && !(type && type_is_accepted(body, type))) {
		reply_error(rep, 415, "unsupported_media_type", NULL, "The body must be of type %s.",
			    body == BODY_UPLOAD ? "application/octet-stream" : "application/json");
		return false;
	}
	return true;
}

bool body_parse(struct request *req, const char *data, size_t size, struct reply *rep)
{
	json_error_t error;

	if (size == 0 && req->route->body != BODY_JSON && req->route->body != BODY_MERGE_PATCH)
		return true;
	req->body = json_loadb(data ? data : "", size, JSON_REJECT_DUPLICATES, &error);
	if (req->body && json_is_object(req->body))
		return true;
	reply_error(rep, 400, "malformed_json", NULL, "The body is not a JSON object%s%s.",
	            req->body ? "" : ": ", req->body ? "" : error.text);
	return false;
}
