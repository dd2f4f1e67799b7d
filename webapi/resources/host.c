/* SPDX-License-Identifier: Apache-2.0 */
/* /host, /healthz and /openapi.json. */
#include "http/field.h"
#include "http/route.h"
#include "openapi.h"
#include "upstream/vmms.h"

#include <stdlib.h>
#include <string.h>

static void host_get(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.GetHost", json_object(), "host", 200, rep);
}

static void power_get(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.GetHostPower", json_object(), "power", 200, rep);
}

static void power_post(struct request *req, struct reply *rep)
{
	struct field_check check = { .body = req->body };
	const char *action = need_string(&check, "action", 1, 16);

	no_other_fields(&check);
	if (!field_reply(&check, rep))
		vmms_reply_item(req->api->vmms, "vmms.PowerHost", json_pack("{s:s}", "action", action), "power", 202, rep);
}

static void health_get(struct request *req, struct reply *rep)
{
	struct ipc_message answer;

	if (vmms_call(req->api->vmms, "vmms.GetHost", json_object(), rep, &answer) < 0)
		return;
	ipc_message_clear(&answer);
	reply_json(rep, 200, json_pack("{s:s}", "status", "ok"));
}

static void openapi_get(struct request *req, struct reply *rep)
{
	char *copy = malloc(openapi_json_size);

	(void)req;
	if (!copy)
		return;
	memcpy(copy, openapi_json, openapi_json_size);
	reply_bytes(rep, 200, "application/json", copy, openapi_json_size);
}

const struct route host_routes[] = {
	{ "GET", "/host", ROLE_VIEWER, BODY_NONE, NULL, host_get, 0, NULL, NULL },
	{ "GET", "/host/power", ROLE_VIEWER, BODY_NONE, NULL, power_get, 0, NULL, NULL },
	{ "POST", "/host/power", ROLE_ADMINISTRATOR, BODY_JSON, NULL, power_post, 0, NULL, NULL },
	{ "GET", "/healthz", ROLE_NOBODY, BODY_NONE, NULL, health_get, 0, NULL, NULL },
	{ "GET", "/openapi.json", ROLE_NOBODY, BODY_NONE, NULL, openapi_get, 0, NULL, NULL },
	{ 0 }
};
