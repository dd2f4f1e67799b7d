/* SPDX-License-Identifier: Apache-2.0 */
/* /volumes: where the files of VMs are, and how full that is. */
#include "http/page.h"
#include "http/route.h"
#include "upstream/vmms.h"

#include <stdlib.h>

static void volumes_list(struct request *req, struct reply *rep)
{
	vmms_reply_page(req->api->vmms, "vmms.ListVolumes", "volumes", req, rep);
}

static void volume_get(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.GetVolume", json_pack("{s:s}", "id", req->param[0]), "volume", 200, rep);
}

static void volume_patch(struct request *req, struct reply *rep)
{
	char *etag = request_if_match(req);

	vmms_reply_item(req->api->vmms, "vmms.UpdateVolume",
			json_pack("{s:s, s:s*, s:O}", "id", req->param[0], "etag", etag, "patch", req->body), "volume", 200, rep);
	free(etag);
}

const struct route volume_routes[] = {
	{ "GET", "/volumes", ROLE_VIEWER, BODY_NONE, PAGE_QUERY, volumes_list, 0, NULL, NULL },
	{ "GET", "/volumes/{id}", ROLE_VIEWER, BODY_NONE, NULL, volume_get, 0, NULL, NULL },
	{ "PATCH", "/volumes/{id}", ROLE_ADMINISTRATOR, BODY_MERGE_PATCH, NULL, volume_patch, 0, NULL, NULL },
	{ 0 }
};
