/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.log: one JSON line per request that changes something, opens a console or fails to log in. Thread-
 * safe.
 */
#ifndef WEBAPI_AUTH_AUDIT_H
#define WEBAPI_AUTH_AUDIT_H

#include "http/reply.h"
#include "http/request.h"

struct audit;
int audit_open(int dir_fd, struct audit **out);
void audit_close(struct audit *a);
void audit_write(struct audit *a, const struct request *req, const struct reply *rep);
json_t *audit_newest(struct audit *a, size_t limit);		/* array, newest first */

#endif
