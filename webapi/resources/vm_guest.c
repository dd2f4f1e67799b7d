/* SPDX-License-Identifier: Apache-2.0 */
/* /vms/{id}/guest: files, addresses and items that the host puts into a guest. */
#include "http/route.h"
#include "http/upload.h"
#include "upstream/vmms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void reply_job(struct reply *rep, const struct ipc_message *answer)
{
	json_t *job = json_object_get(answer->body, "job");

	reply_json(rep, 202, json_incref(job));
	reply_set_location(rep, API_PREFIX "/jobs/%s", json_string_value(json_object_get(job, "id")));
}

/* --- files: first to a nameless file here, then by the guest's own daemon --- */

struct copy { char *folder, *name; bool overwrite, create_folder; };

static bool query_flag(const struct request *req, const char *name, struct reply *rep, bool *out)
{
	char *text = request_query(req, name);
	bool right = !text || strcmp(text, "true") == 0 || strcmp(text, "false") == 0;

	*out = text && strcmp(text, "true") == 0;
	free(text);
	if (!right)
		reply_error(rep, 422, "wrong_type", name, "%s must be true or false.", name);
	return right;
}

static void copy_clear(struct copy *c)
{
	free(c->folder);
	free(c->name);
}

static bool copy_parse(const struct request *req, struct reply *rep, struct copy *c)
{
	*c = (struct copy){ .folder = request_query(req, "folder"), .name = request_query(req, "name") };
	if (!c->folder || !c->folder[0])
		reply_problem(rep, 422, "missing_field", "folder", "Say in which folder of the guest: ?folder=.", NULL);
	else if (!c->name || !c->name[0] || strpbrk(c->name, "/\\"))
		reply_problem(rep, 422, "missing_field", "name", "Say how the file is named there: ?name=, without / and \\.", NULL);
	else if (query_flag(req, "overwrite", rep, &c->overwrite) && query_flag(req, "createFolder", rep, &c->create_folder))
		return true;
	copy_clear(c);
	return false;
}

static void guest_file_begin(struct request *req, struct reply *rep, struct upload *u)
{
	struct ipc_message answer;
	struct copy c;

	if (!copy_parse(req, rep, &c))
		return;
	copy_clear(&c);
	u->total = u->expected;
	if (vmms_call(req->api->vmms, "vmms.BeginGuestCopy",
		      json_pack("{s:s, s:I}", "id", req->param[0], "sizeBytes", (json_int_t)u->expected), rep, &answer) < 0)
		return;
	u->fd = ipc_message_take_fd(&answer, 0);
	if (u->fd < 0)
		reply_error(rep, 500, "internal_error", NULL, "The management service opened no file.");
	ipc_message_clear(&answer);
}

static void start_copy(struct request *req, struct reply *rep, const struct upload *u, const struct copy *c)
{
	struct ipc_message answer;

	if (vmms_call_fd(req->api->vmms, "vmms.CopyToGuest",
			 json_pack("{s:s, s:s, s:s, s:b, s:b}", "id", req->param[0], "folder", c->folder, "name", c->name, "overwrite",
				   c->overwrite, "createFolder", c->create_folder), u->fd, rep, &answer) < 0)
		return;
	reply_job(rep, &answer);
	ipc_message_clear(&answer);
}

static void guest_file_end(struct request *req, struct reply *rep, struct upload *u)
{
	struct copy c;

	if (u->error || u->received != u->expected) {
		reply_error(rep, u->error == -ENOSPC ? 507 : 500, u->error == -ENOSPC ? "no_space" : "internal_error", NULL,
			    "The file did not arrive whole: %s.", u->error ? strerror(-u->error) : "the connection was cut");
	} else if (copy_parse(req, rep, &c)) {
		start_copy(req, rep, u, &c);
		copy_clear(&c);
	}
}

static const struct upload_ops guest_file = { guest_file_begin, guest_file_end };

/* --- addresses --- */

static void addresses_post(struct request *req, struct reply *rep)
{
	struct ipc_message answer;

	if (vmms_call(req->api->vmms, "vmms.SetGuestAddresses",
		      json_pack("{s:s, s:s, s:O}", "id", req->param[0], "adapterId", req->param[1], "addresses", req->body), rep, &answer) < 0)
		return;
	reply_job(rep, &answer);
	ipc_message_clear(&answer);
}

/* --- items --- */

static void items_get(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.GetGuestItems", json_pack("{s:s}", "id", req->param[0]), "guestItems", 200, rep);
}

static void items_patch(struct request *req, struct reply *rep)
{
	json_t *items = json_object_get(req->body, "items");

	if (!items)
		reply_problem(rep, 422, "missing_field", "items", "This field is required.", NULL);
	else if (json_object_size(req->body) != 1)
		reply_problem(rep, 422, "unknown_field", NULL, "Only items is known here.", NULL);
	else
		vmms_reply_item(req->api->vmms, "vmms.UpdateGuestItems", json_pack("{s:s, s:O}", "id", req->param[0], "items", items),
				"guestItems", 200, rep);
}

const struct route vm_guest_routes[] = {
	{ "POST", "/vms/{id}/guest/files", ROLE_ADMINISTRATOR, BODY_UPLOAD, "folder name overwrite createFolder", NULL, ROUTE_NOT_REPEATABLE, &guest_file, NULL },
	{ "GET", "/vms/{id}/guest/items", ROLE_VIEWER, BODY_NONE, NULL, items_get, 0, NULL, NULL },
	{ "PATCH", "/vms/{id}/guest/items", ROLE_ADMINISTRATOR, BODY_MERGE_PATCH, NULL, items_patch, 0, NULL, NULL },
	{ "POST", "/vms/{id}/network-adapters/{adapterId}/guest-addresses", ROLE_ADMINISTRATOR, BODY_JSON, NULL, addresses_post, 0, NULL, NULL },
	{ 0 }
};
