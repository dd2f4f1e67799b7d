/* SPDX-License-Identifier: Apache-2.0 */
/* Methods on disk files that come and go. */
#include "methods.h"

#include "uploads.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct upload_item *upload_of(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct upload_item *u = upload_find(v, text_of(parameters, "id"));
	struct problem p = { 0 };

	if (u)
		return u;
	problem_set(&p, PROBLEM_UPLOAD_NOT_FOUND, NULL, "There is no upload with this id.");
	problem_reply(r, &p);
	return NULL;
}

static void list_uploads(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	json_t *list = json_array();

	(void)parameters;
	for (const struct upload_item *u = v->uploads; u; u = u->next)
		json_array_append_new(list, upload_to_json(v, u));
	ipc_reply(r, json_pack("{s:o}", "uploads", list));
}

static void delete_upload(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct upload_item *u = upload_of(v, r, parameters);
	struct problem p = { 0 };

	if (!u)
		return;
	if (upload_delete(v, u, &p) < 0)
		problem_reply(r, &p);
	else
		ipc_reply(r, NULL);
}

/* A wrong offset is answered with the right one. */
static void fail_upload(struct vmms *v, struct ipc_request *r, const struct upload_item *u, const struct problem *p)
{
	if (p->code == PROBLEM_WRONG_OFFSET)
		ipc_fail_with(r, problem_name(p->code),
			      json_pack("{s:i, s:s, s:I}", "status", problem_status(p->code), "detail", p->detail, "receivedBytes",
					(json_int_t)(u ? upload_received(v, u) : 0)));
	else
		problem_reply(r, p);
}

static void begin_upload(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	json_int_t size = json_integer_value(json_object_get(parameters, "sizeBytes"));
	json_int_t offset = json_integer_value(json_object_get(parameters, "offsetBytes"));
	const struct upload_part part = { .id = text_of(parameters, "id"), .name = text_of(parameters, "name"),
					  .format = text_of(parameters, "format"), .sha256 = text_of(parameters, "sha256"),
					  .size_bytes = size < 0 ? 0 : (uint64_t)size,
					  .offset_bytes = offset < 0 ? UINT64_MAX : (uint64_t)offset };
	struct upload_item *u = NULL;
	struct problem p = { 0 };
	int fd = upload_begin(v, &part, &u, &p);

	if (fd < 0) {
		fail_upload(v, r, u, &p);
		return;
	}
	ipc_reply_fds(r, json_pack("{s:o}", "upload", upload_to_json(v, u)), &fd, 1);
	close(fd);
}

static void on_stored(struct vmms *v, struct upload_item *u, struct job *job, const struct problem *p, void *data)
{
	struct ipc_request *r = later_end(data);

	if (!r)
		return;
	if (p)
		problem_reply(r, p);
	else if (job)
		ipc_reply(r, json_pack("{s:o, s:o}", "upload", upload_to_json(v, u), "job", job_to_json(job)));
	else
		ipc_reply(r, json_pack("{s:o}", "upload", upload_to_json(v, u)));
}

static void end_upload(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	const char *id = text_of(parameters, "id");
	bool complete = json_is_true(json_object_get(parameters, "complete"));
	struct problem p = { 0 };
	struct later *l = later_new(r);

	if (l && upload_end(v, id, complete, on_stored, l, &p) < 0) {
		later_end(l);
		fail_upload(v, r, upload_find(v, id), &p);
	}
}

/* The version changes with every write to the file: a download that goes on later can tell. */
static json_t *version_of(int fd)
{
	struct stat st = { 0 };
	char text[64];

	fstat(fd, &st);
	snprintf(text, sizeof(text), "%jx-%jx%09lx", (uintmax_t)st.st_size, (uintmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	return json_string(text);
}

static json_int_t file_bytes(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? -1 : (json_int_t)st.st_size;
}

static void open_disk_file(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct disk_item *d = disk_find(v, text_of(parameters, "id"));
	struct problem p = { 0 };
	int fd;

	if (!d || !d->ready) {
		problem_set(&p, PROBLEM_DISK_NOT_FOUND, NULL, "There is no disk with this id.");
		problem_reply(r, &p);
		return;
	}
	fd = disk_item_open_download(v, d, &p);
	if (fd < 0) {
		problem_reply(r, &p);
		return;
	}
	ipc_reply_fds(r, json_pack("{s:o, s:I, s:o}", "disk", disk_item_to_json(v, d), "fileBytes", file_bytes(fd), "version", version_of(fd)),
		      &fd, 1);
	close(fd);
}

const struct method_row upload_method_rows[] = {
	{ "vmms.ListDiskUploads",  "",								 list_uploads },
	{ "vmms.DeleteDiskUpload", "id:s",							 delete_upload },
	{ "vmms.BeginDiskUpload",  "id:s name?:s format?:s sha256?:s sizeBytes:i offsetBytes:i", begin_upload },
	{ "vmms.EndDiskUpload",	   "id:s complete:b",						 end_upload },
	{ "vmms.OpenDiskFile",	   "id:s",							 open_disk_file },
	{ NULL, NULL, NULL },
};
