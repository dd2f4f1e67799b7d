/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks before any handler runs: who is it, may they, and is the request of the right shape. Never
 * blocks.
 */
#ifndef WEBAPI_AUTH_GATE_H
#define WEBAPI_AUTH_GATE_H

#include "http/reply.h"
#include "http/request.h"

/* Fills req->who. False: rep holds the refusal. Expects req->route. */
bool gate_admit(struct request *req, struct reply *rep);
/*
 * Whether the session or token that was admitted then is still good: for connections that last. Does not
 * count as use.
 */
bool gate_still_holds(struct webapi *api, const struct identity *who);
/* True when Origin is absent or names the host that was asked. */
bool gate_origin_is_ours(const struct request *req);

#endif
