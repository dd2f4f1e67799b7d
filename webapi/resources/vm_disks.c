/* SPDX-License-Identifier: Apache-2.0 */
/* /vms/{id}/disks: the drives of a virtual machine. */
#include "http/route.h"
#include "upstream/vmms.h"

static void vm_disks_list(struct request *req, struct reply *rep)
{
	struct ipc_message answer;
	json_t *vm;

	if (vmms_call(req->api->vmms, "vmms.GetVm", json_pack("{s:s}", "id", req->param[0]), rep, &answer) < 0)
		return;
	vm = json_object_get(answer.body, "vm");
	reply_json(rep, 200, json_pack("{s:O}", "items", json_object_get(vm, "disks")));
	ipc_message_clear(&answer);
}

static void vm_disk_post(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.AttachDisk",
	                json_pack("{s:s, s:O}", "id", req->param[0], "disk", req->body), "vm", 201, rep);
}

static void vm_disk_delete(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.DetachDisk",
	                json_pack("{s:s, s:s}", "id", req->param[0], "diskSlotId", req->param[1]), "vm", 200,
	                rep);
}

const struct route vm_disk_routes[] = {
	{ "GET", "/vms/{id}/disks", ROLE_VIEWER, BODY_NONE, NULL, vm_disks_list, 0, NULL, NULL },
	{ "POST", "/vms/{id}/disks", ROLE_ADMINISTRATOR, BODY_JSON, NULL, vm_disk_post, 0, NULL, NULL },
	{ "DELETE", "/vms/{id}/disks/{diskSlotId}", ROLE_ADMINISTRATOR, BODY_NONE, NULL, vm_disk_delete, 0, NULL, NULL },
	{ 0 }
};
