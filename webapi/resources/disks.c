/* SPDX-License-Identifier: Apache-2.0 */
/* /disks: the library of virtual disks. */
#include "http/page.h"
#include "http/route.h"
#include "upstream/vmms.h"

static void disks_list(struct request *req, struct reply *rep)
{
	struct ipc_message answer;

	if (vmms_call(req->api->vmms, "vmms.ListDisks", json_object(), rep, &answer) < 0)
		return;
	page_reply(req, rep, json_object_get(answer.body, "disks"));
	ipc_message_clear(&answer);
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

const struct route disk_routes[] = {
	{ "GET", "/disks", ROLE_VIEWER, BODY_NONE, "limit cursor", disks_list, 0, NULL, NULL },
	{ "POST", "/disks", ROLE_ADMINISTRATOR, BODY_JSON, NULL, disk_post, 0, NULL, NULL },
	{ "GET", "/disks/{id}", ROLE_VIEWER, BODY_NONE, NULL, disk_get, 0, NULL, NULL },
	{ "DELETE", "/disks/{id}", ROLE_ADMINISTRATOR, BODY_NONE, NULL, disk_delete, 0, NULL, NULL },
	{ 0 }
};
