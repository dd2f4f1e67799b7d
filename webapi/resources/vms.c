/* SPDX-License-Identifier: Apache-2.0 */
/* /vms: virtual machines and their power actions. vmms judges the bodies: it alone knows what is right. */
#include "http/page.h"
#include "http/route.h"
#include "upstream/vmms.h"

#include <stdlib.h>
#include <string.h>

static const char *const actions[] = { "start", "shutdown", "turn-off", "reset", "restart", "pause", "resume", "save", "discard-saved-state" };

static void vms_list(struct request *req, struct reply *rep)
{
	vmms_reply_page(req->api->vmms, "vmms.ListVms", "vms", req, rep);
}

static void vm_post(struct request *req, struct reply *rep)
{
	struct ipc_message answer;
	json_t *vm;

	if (vmms_call(req->api->vmms, "vmms.CreateVm", json_pack("{s:O}", "vm", req->body), rep, &answer) < 0)
		return;
	vm = json_object_get(answer.body, "vm");
	reply_json(rep, 201, json_incref(vm));
	reply_set_etag(rep, vm);
	reply_set_location(rep, API_PREFIX "/vms/%s", json_string_value(json_object_get(vm, "id")));
	ipc_message_clear(&answer);
}

static void vm_get(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.GetVm", json_pack("{s:s}", "id", req->param[0]), "vm", 200, rep);
}

static void vm_patch(struct request *req, struct reply *rep)
{
	char *etag = request_if_match(req);

	vmms_reply_item(req->api->vmms, "vmms.UpdateVm",
	                json_pack("{s:s, s:O, s:s*}", "id", req->param[0], "patch", req->body, "etag", etag),
	                "vm", 200, rep);
	free(etag);
}

static void vm_delete(struct request *req, struct reply *rep)
{
	char *etag = request_if_match(req);

	vmms_reply_item(req->api->vmms, "vmms.DeleteVm",
	                json_pack("{s:s, s:s*}", "id", req->param[0], "etag", etag), NULL, 204, rep);
	free(etag);
}

static bool action_is_known(const char *action)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i], action) == 0)
			return true;
	return false;
}

static void vm_action(struct request *req, struct reply *rep)
{
	struct ipc_message answer;
	json_t *job;

	if (!action_is_known(req->param[1])) {
		reply_error(rep, 404, "not_found", NULL, "A virtual machine has no action of this name.");
		return;
	}
	if (req->body && json_object_size(req->body) > 0) {
		reply_problem(rep, 422, "unknown_field", json_object_iter_key(json_object_iter(req->body)),
			      "This field is not known here.", NULL);
		return;
	}
	if (vmms_call(req->api->vmms, "vmms.VmAction",
	              json_pack("{s:s, s:s}", "id", req->param[0], "action", req->param[1]), rep,
	              &answer) < 0)
		return;
	job = json_object_get(answer.body, "job");
	reply_json(rep, 202, json_incref(job));
	reply_set_location(rep, API_PREFIX "/jobs/%s", json_string_value(json_object_get(job, "id")));
	ipc_message_clear(&answer);
}

const struct route vm_routes[] = {
	{ "GET", "/vms", ROLE_VIEWER, BODY_NONE, PAGE_QUERY, vms_list, 0, NULL, NULL },
	{ "POST", "/vms", ROLE_ADMINISTRATOR, BODY_JSON, NULL, vm_post, 0, NULL, NULL },
	{ "GET", "/vms/{id}", ROLE_VIEWER, BODY_NONE, NULL, vm_get, 0, NULL, NULL },
	{ "PATCH", "/vms/{id}", ROLE_ADMINISTRATOR, BODY_MERGE_PATCH, NULL, vm_patch, 0, NULL, NULL },
	{ "DELETE", "/vms/{id}", ROLE_ADMINISTRATOR, BODY_NONE, NULL, vm_delete, 0, NULL, NULL },
	{ "POST", "/vms/{id}/actions/{action}", ROLE_OPERATOR, BODY_OPTIONAL_JSON, NULL, vm_action, 0, NULL, NULL },
	{ 0 }
};
