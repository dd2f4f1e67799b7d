/* SPDX-License-Identifier: Apache-2.0 */
/* /vms/{id}/network-adapters: the network adapters of a virtual machine. */
#include "http/route.h"
#include "upstream/vmms.h"

static void adapters_list(struct request *req, struct reply *rep)
{
	struct ipc_message answer;
	json_t *vm;

	if (vmms_call(req->api->vmms, "vmms.GetVm", json_pack("{s:s}", "id", req->param[0]), rep, &answer) < 0)
		return;
	vm = json_object_get(answer.body, "vm");
	reply_json(rep, 200, json_pack("{s:O}", "items", json_object_get(vm, "networkAdapters")));
	ipc_message_clear(&answer);
}

static void adapter_post(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.AttachNetworkAdapter",
	                json_pack("{s:s, s:O}", "id", req->param[0], "adapter", req->body), "vm", 201, rep);
}

static void adapter_patch(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.UpdateNetworkAdapter",
	                json_pack("{s:s, s:s, s:O}", "id", req->param[0], "adapterId", req->param[1], "patch", req->body), "vm", 200, rep);
}

static void adapter_delete(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.DetachNetworkAdapter",
	                json_pack("{s:s, s:s}", "id", req->param[0], "adapterId", req->param[1]), "vm", 200, rep);
}

const struct route vm_network_routes[] = {
	{ "GET", "/vms/{id}/network-adapters", ROLE_VIEWER, BODY_NONE, NULL, adapters_list, 0, NULL, NULL },
	{ "POST", "/vms/{id}/network-adapters", ROLE_ADMINISTRATOR, BODY_JSON, NULL, adapter_post, 0, NULL, NULL },
	{ "PATCH", "/vms/{id}/network-adapters/{adapterId}", ROLE_ADMINISTRATOR, BODY_MERGE_PATCH, NULL, adapter_patch, 0, NULL, NULL },
	{ "DELETE", "/vms/{id}/network-adapters/{adapterId}", ROLE_ADMINISTRATOR, BODY_NONE, NULL, adapter_delete, 0, NULL, NULL },
	{ 0 }
};
