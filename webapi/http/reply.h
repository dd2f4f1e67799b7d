/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer being made: status, a few headers and a body in memory, or a part of a file. Errors are problem+json
 * (RFC 9457), always.
 */
#ifndef WEBAPI_HTTP_REPLY_H
#define WEBAPI_HTTP_REPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reply {
	int status;			/* 0 until something was decided */
	const char *content_type;
	char *data;			/* owned */
	size_t size;
	char *location, *etag, *cookie, *allow;	/* owned; NULL: no such header */
	bool has_file;			/* the body is `size` bytes of it */
	int file_fd;			/* owned */
	uint64_t file_offset;
	char *content_range, *disposition;	/* owned */
	unsigned int retry_after;	/* seconds; 0: no such header */
	char code[64];			/* of the problem, for the audit log */
};

void reply_clear(struct reply *rep);		/* accepts a zeroed one */
void reply_json(struct reply *rep, int status, json_t *body);		/* consumes body */
void reply_bytes(struct reply *rep, int status, const char *content_type, char *data,
                 size_t size); /* takes data */
void reply_empty(struct reply *rep, int status);
/* Bytes of a file, sent as the client takes them; fd is consumed. */
void reply_file(struct reply *rep, int status, const char *content_type, int fd, uint64_t offset, uint64_t bytes);
void reply_error(struct reply *rep, int status, const char *code, const char *field, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* The same with members to add to the problem (consumed; may be NULL). */
void reply_problem(struct reply *rep, int status, const char *code, const char *field, const char *detail,
                   json_t *more);
void reply_set_etag(struct reply *rep, const json_t *item);		/* from item's "etag" */
void reply_set_location(struct reply *rep, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *reply_phrase(int status);
/* Calls add() for every header of the answer, those of the security policy included. */
void reply_each_header(const struct reply *rep,
                       void (*add)(void *context, const char *name, const char *value), void *context);

#endif
