/* SPDX-License-Identifier: Apache-2.0 */
/* /switches: virtual switches; /host/network-adapters: what an external one can use. */
#include "http/page.h"
#include "http/route.h"
#include "upstream/vmms.h"

#include <stdlib.h>

static void switches_list(struct request *req, struct reply *rep)
{
	vmms_reply_page(req->api->vmms, "vmms.ListSwitches", "switches", req, rep);
}

static void switch_post(struct request *req, struct reply *rep)
{
	struct ipc_message answer;
	json_t *item;

	if (vmms_call(req->api->vmms, "vmms.CreateSwitch", json_pack("{s:O}", "switch", req->body), rep, &answer) < 0)
		return;
	item = json_object_get(answer.body, "switch");
	reply_json(rep, 201, json_incref(item));
	reply_set_etag(rep, item);
	reply_set_location(rep, API_PREFIX "/switches/%s", json_string_value(json_object_get(item, "id")));
	ipc_message_clear(&answer);
}

static void switch_get(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.GetSwitch", json_pack("{s:s}", "id", req->param[0]), "switch", 200, rep);
}

static void switch_patch(struct request *req, struct reply *rep)
{
	char *etag = request_if_match(req);

	vmms_reply_item(req->api->vmms, "vmms.UpdateSwitch",
	                json_pack("{s:s, s:O, s:s*}", "id", req->param[0], "patch", req->body, "etag", etag), "switch", 200, rep);
	free(etag);
}

static void switch_delete(struct request *req, struct reply *rep)
{
	char *etag = request_if_match(req);

	vmms_reply_item(req->api->vmms, "vmms.DeleteSwitch", json_pack("{s:s, s:s*}", "id", req->param[0], "etag", etag), NULL, 204, rep);
	free(etag);
}

static void uplinks_list(struct request *req, struct reply *rep)
{
	struct ipc_message answer;

	if (vmms_call(req->api->vmms, "vmms.ListUplinks", json_object(), rep, &answer) < 0)
		return;
	reply_json(rep, 200, json_pack("{s:O}", "items", json_object_get(answer.body, "networkAdapters")));
	ipc_message_clear(&answer);
}

const struct route switch_routes[] = {
	{ "GET", "/switches", ROLE_VIEWER, BODY_NONE, PAGE_QUERY, switches_list, 0, NULL, NULL },
	{ "POST", "/switches", ROLE_ADMINISTRATOR, BODY_JSON, NULL, switch_post, 0, NULL, NULL },
	{ "GET", "/switches/{id}", ROLE_VIEWER, BODY_NONE, NULL, switch_get, 0, NULL, NULL },
	{ "PATCH", "/switches/{id}", ROLE_ADMINISTRATOR, BODY_MERGE_PATCH, NULL, switch_patch, 0, NULL, NULL },
	{ "DELETE", "/switches/{id}", ROLE_ADMINISTRATOR, BODY_NONE, NULL, switch_delete, 0, NULL, NULL },
	{ "GET", "/host/network-adapters", ROLE_VIEWER, BODY_NONE, NULL, uplinks_list, 0, NULL, NULL },
	{ 0 }
};
