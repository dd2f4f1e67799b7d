/* SPDX-License-Identifier: Apache-2.0 */
/* /disks: the library of virtual disks. */
#include "http/page.h"
#include "http/route.h"
#include "upstream/vmms.h"

static void disks_list(struct request *req, struct reply *rep)
{
	vmms_reply_page(req->api->vmms, "vmms.ListDisks", "disks", req, rep);
}

static void disk_post(struct request *req, struct reply *rep)
{
	struct ipc_message answer;
	json_t *disk;

	if (vmms_call(req->api->vmms, "vmms.CreateDisk", json_pack("{s:O}", "disk", req->body), rep,
	              &answer) < 0)
		return;
	disk = json_object_get(answer.body, "disk");
	reply_json(rep, 201, json_incref(disk));
	reply_set_etag(rep, disk);
	reply_set_location(rep, API_PREFIX "/disks/%s", json_string_value(json_object_get(disk, "id")));
	ipc_message_clear(&answer);
}

static void disk_get(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.GetDisk", json_pack("{s:s}", "id", req->param[0]), "disk", 200,
	                rep);
}

static void disk_delete(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.DeleteDisk", json_pack("{s:s}", "id", req->param[0]), NULL, 204,
	                rep);
}

static void disk_action(struct request *req, struct reply *rep)
{
	struct ipc_message answer;
	json_t *job, *options = req->body ? json_incref(req->body) : json_object();

	if (vmms_call(req->api->vmms, "vmms.DiskAction",
		      json_pack("{s:s, s:s, s:o}", "id", req->param[0], "action", req->param[1], "options", options), rep,
		      &answer) < 0)
		return;
	job = json_object_get(answer.body, "job");
	reply_json(rep, 202, json_incref(job));
	reply_set_location(rep, API_PREFIX "/jobs/%s", json_string_value(json_object_get(job, "id")));
	ipc_message_clear(&answer);
}

const struct route disk_routes[] = {
	{ "GET", "/disks", ROLE_VIEWER, BODY_NONE, PAGE_QUERY, disks_list, 0, NULL, NULL },
	{ "POST", "/disks", ROLE_ADMINISTRATOR, BODY_JSON, NULL, disk_post, 0, NULL, NULL },
	{ "GET", "/disks/{id}", ROLE_VIEWER, BODY_NONE, NULL, disk_get, 0, NULL, NULL },
	{ "DELETE", "/disks/{id}", ROLE_ADMINISTRATOR, BODY_NONE, NULL, disk_delete, 0, NULL, NULL },
	{ "POST", "/disks/{id}/actions/{action}", ROLE_ADMINISTRATOR, BODY_OPTIONAL_JSON, NULL, disk_action, 0, NULL, NULL },
	{ 0 }
};
