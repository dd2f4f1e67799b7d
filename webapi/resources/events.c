/* SPDX-License-Identifier: Apache-2.0 */
/* /events and /events/stream: what happened, and what happens. */
#include "http/page.h"
#include "http/route.h"
#include "upstream/vmms.h"
#include "ws/ws.h"

/* {"since": n} when the client gave it, and more members by the caller. NULL: refused. */
static json_t *since_parameters(const struct request *req, struct reply *rep)
{
	uint64_t since;
	int given = request_query_u64(req, "since", 0, INT64_MAX, &since);

	if (given < 0) {
		reply_error(rep, 422, "out_of_range", "since",
		            "since must be the sequence number of an event.");
		return NULL;
	}
	return given ? json_pack("{s:I}", "since", (json_int_t)since) : json_object();
}

static void events_list(struct request *req, struct reply *rep)
{
	struct ipc_message answer;
	uint64_t limit;
	json_t *parameters;

	if (page_limit(req, rep, &limit) < 0)
		return;
	parameters = since_parameters(req, rep);
	if (!parameters)
		return;
	json_object_set_new(parameters, "limit", json_integer((json_int_t)limit));
	if (vmms_call(req->api->vmms, "vmms.ListEvents", parameters, rep, &answer) < 0)
		return;
	reply_json(rep, 200, json_pack("{s:O}", "items", json_object_get(answer.body, "events")));
	ipc_message_clear(&answer);
}

static void stream_open(struct request *req, struct reply *rep, struct ws_target *target)
{
	json_t *parameters = since_parameters(req, rep);

	if (parameters)
		vmms_stream(req->api->vmms, "vmms.WatchEvents", parameters, rep, &target->events);
}

const struct route event_routes[] = {
	{ "GET", "/events", ROLE_VIEWER, BODY_NONE, "since limit", events_list, 0, NULL, NULL },
	{ "GET", "/events/stream", ROLE_VIEWER, BODY_NONE, "since", NULL, 0, NULL, stream_open },
	{ 0 }
};
