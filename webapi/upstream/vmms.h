/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to vmms (docs/processes.md). Blocking, for worker threads; each call has a connection of its own
 * from a small pool.
 */
#ifndef WEBAPI_UPSTREAM_VMMS_H
#define WEBAPI_UPSTREAM_VMMS_H

#include "http/reply.h"
#include "http/request.h"
#include "partita/ipc.h"

struct vmms;
int vmms_create(const char *socket_path, struct vmms **out);
void vmms_destroy(struct vmms *v);

/*
 * Consumes parameters. 0: *answer is the caller's to clear. -1: rep holds vmms' problem, or 503 when vmms
 * is away.
 */
int vmms_call(struct vmms *v, const char *method, json_t *parameters, struct reply *rep,
              struct ipc_message *answer);
/* The same with a descriptor that goes along; it stays the caller's. */
int vmms_call_fd(struct vmms *v, const char *method, json_t *parameters, int fd, struct reply *rep, struct ipc_message *answer);
/* Opens a stream on a connection that becomes the caller's. */
int vmms_stream(struct vmms *v, const char *method, json_t *parameters, struct reply *rep,
                struct ipc_client **out);

/* The common handlers: call, then answer with the member `name` of the answer (status 200 adds an ETag). */
void vmms_reply_item(struct vmms *v, const char *method, json_t *parameters, const char *name, int status,
                     struct reply *rep);
/* A list without parameters, as the page of its member `name` that the request's query asks for. */
void vmms_reply_page(struct vmms *v, const char *method, const char *name, const struct request *req,
                     struct reply *rep);

#endif
