/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for a request's body, before and after it arrives. */
#ifndef WEBAPI_HTTP_BODY_H
#define WEBAPI_HTTP_BODY_H

#include "http/reply.h"
#include "http/request.h"

/*
 * Judges Content-Type and Content-Length against the route before a byte is read. False: rep holds 411, 413
 * or 415.
 */
bool body_is_welcome(const struct request *req, struct reply *rep, uint64_t *size);
/* Parses a complete body into req->body. False: rep holds 400. */
bool body_parse(struct request *req, const char *data, size_t size, struct reply *rep);

#endif
