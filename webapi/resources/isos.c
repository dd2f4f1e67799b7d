/* SPDX-License-Identifier: Apache-2.0 */
/* /isos: install media, uploaded in one or several parts straight to the descriptor that vmms opened. */
#include "http/page.h"
#include "http/route.h"
#include "http/upload.h"
#include "upstream/vmms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void isos_list(struct request *req, struct reply *rep)
{
	vmms_reply_page(req->api->vmms, "vmms.ListIsos", "isos", req, rep);
}

static void iso_get(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.GetIso", json_pack("{s:s}", "id", req->param[0]), "iso", 200,
	                rep);
}

static void iso_delete(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.DeleteIso", json_pack("{s:s}", "id", req->param[0]), NULL, 204,
	                rep);
}

static void iso_upload_begin(struct request *req, struct reply *rep, struct upload *u)
{
	struct ipc_message answer;
	char *name;

	if (!upload_part_parse(req, rep, u, "iso_truncated"))
		return;
	name = request_query(req, "name");
	if (!name && u->offset == 0) {
		reply_problem(rep, 422, "missing_field", "name", "A new file needs ?name=.", NULL);
		return;
	}
	if (vmms_call(req->api->vmms, "vmms.BeginIsoUpload",
	              json_pack("{s:s, s:s*, s:I, s:I}", "id", req->param[0], "name", name, "sizeBytes",
	                        (json_int_t)u->total, "offsetBytes", (json_int_t)u->offset),
	              rep, &answer) == 0) {
		u->fd = ipc_message_take_fd(&answer, 0);
		if (u->fd < 0)
			reply_error(rep, 500, "internal_error", NULL, "The management service opened no file.");
		ipc_message_clear(&answer);
	}
	free(name);
}

static void iso_upload_end(struct request *req, struct reply *rep, struct upload *u)
{
	uint64_t stored = u->offset + u->received;
	bool complete = stored == u->total && !u->error;
	json_t *parameters = json_pack("{s:s, s:I, s:b}", "id", req->param[0], "receivedBytes",
	                               (json_int_t)stored, "complete", complete);

	vmms_reply_item(req->api->vmms, "vmms.EndIsoUpload", parameters, "iso", complete ? 201 : 200, rep);
	if (u->error)
		reply_error(rep, u->error == -ENOSPC || u->error == -EDQUOT ? 507 : 500,
		            u->error == -ENOSPC || u->error == -EDQUOT ? "no_space" : "internal_error", NULL,
		            "Writing stopped after %llu bytes: %s.", (unsigned long long)stored,
		            strerror(-u->error));
	else if (rep->status == 201)
		reply_set_location(rep, API_PREFIX "/isos/%s", req->param[0]);
}

static const struct upload_ops iso_upload = { iso_upload_begin, iso_upload_end };

const struct route iso_routes[] = {
	{ "GET", "/isos", ROLE_VIEWER, BODY_NONE, PAGE_QUERY, isos_list, 0, NULL, NULL },
	{ "GET", "/isos/{id}", ROLE_VIEWER, BODY_NONE, NULL, iso_get, 0, NULL, NULL },
	{ "PUT", "/isos/{id}", ROLE_ADMINISTRATOR, BODY_UPLOAD, "name", NULL, 0, &iso_upload, NULL },
	{ "DELETE", "/isos/{id}", ROLE_ADMINISTRATOR, BODY_NONE, NULL, iso_delete, 0, NULL, NULL },
	{ 0 }
};
