/* SPDX-License-Identifier: Apache-2.0 */
/* /uploads/disks: the files of virtual disks, in parts to the descriptor that vmms opened, and back from one. */
#include "http/page.h"
#include "http/range.h"
#include "http/route.h"
#include "http/upload.h"
#include "upstream/vmms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void uploads_list(struct request *req, struct reply *rep)
{
	vmms_reply_page(req->api->vmms, "vmms.ListDiskUploads", "uploads", req, rep);
}

static void upload_delete(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.DeleteDiskUpload", json_pack("{s:s}", "id", req->param[0]), NULL, 204, rep);
}

/* --- in --- */

static void begin(struct request *req, struct reply *rep, struct upload *u)
{
	char *name, *format, *sha256;
	struct ipc_message answer;

	if (!upload_part_parse(req, rep, u, "disk_invalid"))
		return;
	name = request_query(req, "name");
	format = request_query(req, "format");
	sha256 = request_query(req, "sha256");
	if (!name && u->offset == 0) {
		reply_problem(rep, 422, "missing_field", "name", "A new disk needs ?name=.", NULL);
	} else if (vmms_call(req->api->vmms, "vmms.BeginDiskUpload",
			     json_pack("{s:s, s:s*, s:s*, s:s*, s:I, s:I}", "id", req->param[0], "name", name, "format", format, "sha256",
				       sha256, "sizeBytes", (json_int_t)u->total, "offsetBytes", (json_int_t)u->offset),
			     rep, &answer) == 0) {
		u->fd = ipc_message_take_fd(&answer, 0);
		if (u->fd < 0)
			reply_error(rep, 500, "internal_error", NULL, "The management service opened no file.");
		ipc_message_clear(&answer);
	}
	free(name);
	free(format);
	free(sha256);
}

static void reply_stored(struct request *req, struct reply *rep, struct ipc_message *answer)
{
	json_t *job = json_object_get(answer->body, "job");

	reply_json(rep, job ? 202 : 200, json_incref(job ? job : json_object_get(answer->body, "upload")));
	if (job)
		reply_set_location(rep, API_PREFIX "/jobs/%s", json_string_value(json_object_get(job, "id")));
	(void)req;
}

static void end(struct request *req, struct reply *rep, struct upload *u)
{
	uint64_t stored = u->offset + u->received;
	bool complete = stored == u->total && !u->error, full = u->error == -ENOSPC || u->error == -EDQUOT;
	struct ipc_message answer;

	if (vmms_call(req->api->vmms, "vmms.EndDiskUpload", json_pack("{s:s, s:b}", "id", req->param[0], "complete", complete), rep,
		      &answer) == 0) {
		reply_stored(req, rep, &answer);
		ipc_message_clear(&answer);
	}
	if (u->error)
		reply_error(rep, full ? 507 : 500, full ? "no_space" : "internal_error", NULL, "Writing stopped after %llu bytes: %s.",
			    (unsigned long long)stored, strerror(-u->error));
}

static const struct upload_ops disk_upload = { begin, end };

/* --- out --- */

/* RFC 6266 and 8187: a plain name for old clients, the real one in UTF-8. */
static char *disposition(const json_t *disk)
{
	const char *name = json_string_value(json_object_get(disk, "name")), *format = json_string_value(json_object_get(disk, "format"));
	char *plain = NULL, *coded = NULL, *out = NULL;
	size_t size;
	FILE *a = open_memstream(&plain, &size), *b = open_memstream(&coded, &size);

	for (const char *c = name ? name : "disk"; a && b && *c; c++) {
		bool simple = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("-._", *c);

		fputc(simple || *c == ' ' ? *c : '_', a);
		if (simple)
			fputc(*c, b);
		else
			fprintf(b, "%%%02X", (unsigned char)*c);
	}
	if (a)
		fclose(a);
	if (b)
		fclose(b);
	if (!plain || !coded || asprintf(&out, "attachment; filename=\"%s.%s\"; filename*=UTF-8''%s.%s", plain, format, coded, format) < 0)
		out = NULL;
	free(plain);
	free(coded);
	return out;
}

/* Is what the client has of this version? A header that is absent asks nothing. */
static bool names_version(const char *header, const char *version)
{
	return header && strstr(header, version);
}

static void reply_part(const struct request *req, struct reply *rep, int fd, uint64_t size, const char *version)
{
	const char *range = req->header[HEADER_RANGE], *only_if = req->header[HEADER_IF_RANGE];
	uint64_t first = 0, last = size ? size - 1 : 0;
	int r = range && (!only_if || names_version(only_if, version)) ? byte_range_parse(range, size, &first, &last) : -EINVAL;

	if (r == -ERANGE) {
		reply_error(rep, 416, "range_not_satisfiable", NULL, "The file has %llu bytes.", (unsigned long long)size);
		if (asprintf(&rep->content_range, "bytes */%llu", (unsigned long long)size) < 0)
			rep->content_range = NULL;
		close(fd);
		return;
	}
	reply_file(rep, r == 0 ? 206 : 200, "application/octet-stream", fd, r == 0 ? first : 0, r == 0 ? last - first + 1 : size);
	if (r == 0 && asprintf(&rep->content_range, "bytes %llu-%llu/%llu", (unsigned long long)first, (unsigned long long)last,
			       (unsigned long long)size) < 0)
		rep->content_range = NULL;
}

static void reply_disk_file(const struct request *req, struct reply *rep, struct ipc_message *answer)
{
	const char *version = json_string_value(json_object_get(answer->body, "version"));
	json_int_t size = json_integer_value(json_object_get(answer->body, "fileBytes"));
	int fd = ipc_message_take_fd(answer, 0);

	if (fd < 0 || !version || size < 0) {
		reply_error(rep, 500, "internal_error", NULL, "The management service opened no file.");
		if (fd >= 0)
			close(fd);
		return;
	}
	if (names_version(req->header[HEADER_IF_NONE_MATCH], version)) {
		close(fd);
		reply_empty(rep, 304);
	} else {
		reply_part(req, rep, fd, (uint64_t)size, version);
		rep->disposition = disposition(json_object_get(answer->body, "disk"));
	}
	if (rep->status != 416 && asprintf(&rep->etag, "\"%s\"", version) < 0)
		rep->etag = NULL;
}

static void download(struct request *req, struct reply *rep)
{
	struct ipc_message answer;

	if (vmms_call(req->api->vmms, "vmms.OpenDiskFile", json_pack("{s:s}", "id", req->param[0]), rep, &answer) < 0)
		return;
	reply_disk_file(req, rep, &answer);
	ipc_message_clear(&answer);
}

const struct route upload_routes[] = {
	{ "GET", "/uploads/disks", ROLE_ADMINISTRATOR, BODY_NONE, PAGE_QUERY, uploads_list, 0, NULL, NULL },
	{ "PUT", "/uploads/disks/{id}", ROLE_ADMINISTRATOR, BODY_UPLOAD, "name format sha256", NULL, 0, &disk_upload, NULL },
	{ "GET", "/uploads/disks/{id}", ROLE_ADMINISTRATOR, BODY_NONE, NULL, download, 0, NULL, NULL },
	{ "DELETE", "/uploads/disks/{id}", ROLE_ADMINISTRATOR, BODY_NONE, NULL, upload_delete, 0, NULL, NULL },
	{ 0 }
};
