/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency-Key: remembers the answers of POSTs for ten minutes, so that a client may repeat what it is
 * unsure of. Thread-safe.
 */
#ifndef WEBAPI_HTTP_IDEMPOTENCY_H
#define WEBAPI_HTTP_IDEMPOTENCY_H

#include "http/reply.h"
#include "http/request.h"

struct idempotency;
int idempotency_create(time_t (*now)(time_t *), struct idempotency **out);
void idempotency_destroy(struct idempotency *m);
/*
 * True: run the handler, then call idempotency_end(). False: rep is the answer (the first one again, 409 or
 * 422).
 */
bool idempotency_begin(struct idempotency *m, const struct request *req, struct reply *rep);
void idempotency_end(struct idempotency *m, const struct request *req, const struct reply *rep);

#endif
