/* SPDX-License-Identifier: Apache-2.0 */
/* Methods on virtual disks and install media. */
#include "methods.h"

#include "library.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct disk_item *disk_of(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct disk_item *d = disk_find(v, text_of(parameters, "id"));
	struct problem p = { 0 };

	if (d && d->ready)
		return d;
	problem_set(&p, PROBLEM_DISK_NOT_FOUND, NULL, "There is no disk with this id.");
	problem_reply(r, &p);
	return NULL;
}

static struct iso_item *iso_of(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct iso_item *i = iso_find(v, text_of(parameters, "id"));
	struct problem p = { 0 };

	if (i)
		return i;
	problem_set(&p, PROBLEM_ISO_NOT_FOUND, NULL, "There is no ISO with this id.");
	problem_reply(r, &p);
	return NULL;
}

/* --- disks --- */

static void list_disks(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	json_t *list = json_array();

	(void)parameters;
	for (const struct disk_item *d = v->disks; d; d = d->next)
		if (d->ready)
			json_array_append_new(list, disk_item_to_json(v, d));
	ipc_reply(r, json_pack("{s:o}", "disks", list));
}

static void get_disk(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct disk_item *d = disk_of(v, r, parameters);

	if (d)
		ipc_reply(r, json_pack("{s:o}", "disk", disk_item_to_json(v, d)));
}

static void on_disk_made(struct vmms *v, struct disk_item *d, const struct problem *p, void *data)
{
	struct ipc_request *r = later_end(data);

	if (!r)
		return;				/* the client has gone; the disk stays and is listed */
	if (d)
		ipc_reply(r, json_pack("{s:o}", "disk", disk_item_to_json(v, d)));
	else
		problem_reply(r, p);
}

static void create_disk(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct disk_spec spec;
	struct problem p = { 0 };
	struct later *l;

	if (disk_spec_parse(json_object_get(parameters, "disk"), "", &spec, &p) < 0) {
		problem_reply(r, &p);
		return;
	}
	l = later_new(r);
	if (l && disk_item_create(v, &spec, NULL, on_disk_made, l, &p) < 0) {
		later_end(l);
		problem_reply(r, &p);
	}
}

static void delete_disk(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct disk_item *d = disk_of(v, r, parameters);
	struct problem p = { 0 };

	if (!d || !etag_matches(r, parameters, "1"))
		return;
	if (disk_item_delete(v, d, &p) < 0)
		problem_reply(r, &p);
	else
		ipc_reply(r, NULL);
}

static void disk_action(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct disk_item *d = disk_of(v, r, parameters);
	struct problem p = { 0 };
	struct job *job;

	if (!d)
		return;
	if (disk_job_start(v, d, text_of(parameters, "action"), json_object_get(parameters, "options"), &job, &p) < 0)
		problem_reply(r, &p);
	else
		ipc_reply(r, json_pack("{s:o}", "job", job_to_json(job)));
}

/* --- ISOs --- */

static void reply_iso(struct vmms *v, struct ipc_request *r, const struct iso_item *i)
{
	ipc_reply(r, json_pack("{s:o}", "iso", iso_item_to_json(v, i)));
}

static void list_isos(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	json_t *list = json_array();

	(void)parameters;
	for (const struct iso_item *i = v->isos; i; i = i->next)
		json_array_append_new(list, iso_item_to_json(v, i));
	ipc_reply(r, json_pack("{s:o}", "isos", list));
}

static void get_iso(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct iso_item *i = iso_of(v, r, parameters);

	if (i)
		reply_iso(v, r, i);
}

static void delete_iso(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct iso_item *i = iso_of(v, r, parameters);
	struct problem p = { 0 };

	if (!i || !etag_matches(r, parameters, i->ready ? "2" : "1"))
		return;
	if (iso_item_delete(v, i, &p) < 0)
		problem_reply(r, &p);
	else
		ipc_reply(r, NULL);
}

/* A wrong offset is answered with the right one. */
static void fail_upload(struct vmms *v, struct ipc_request *r, const struct iso_item *i,
                        const struct problem *p)
{
	if (p->code == PROBLEM_WRONG_OFFSET)
		ipc_fail_with(r, problem_name(p->code),
		              json_pack("{s:i, s:s, s:I}", "status", problem_status(p->code), "detail",
		                        p->detail, "receivedBytes",
		                        (json_int_t)(i ? iso_received(v, i) : 0)));
	else
		problem_reply(r, p);
}

static void begin_iso_upload(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	json_int_t size = json_integer_value(json_object_get(parameters, "sizeBytes"));
	json_int_t offset = json_integer_value(json_object_get(parameters, "offsetBytes"));
	struct iso_upload u = {.id = text_of(parameters, "id"),
	                       .name = text_of(parameters, "name"),
	                       .size_bytes = size < 0 ? 0 : (uint64_t)size,
	                       .offset_bytes = offset < 0 ? UINT64_MAX : (uint64_t)offset};
	struct iso_item *i = NULL;
	struct problem p = { 0 };
	int fd = iso_upload_begin(v, &u, &i, &p);

	if (fd < 0) {
		fail_upload(v, r, i, &p);
		return;
	}
	ipc_reply_fds(r, json_pack("{s:o}", "iso", iso_item_to_json(v, i)), &fd, 1);
	close(fd);
}

static void on_upload_checked(struct vmms *v, struct iso_item *i, const struct problem *p, void *data)
{
	struct ipc_request *r = later_end(data);

	if (!r)
		return;
	if (i)
		reply_iso(v, r, i);
	else
		problem_reply(r, p);
}

static void end_iso_upload(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	const char *id = text_of(parameters, "id");
	bool complete = json_is_true(json_object_get(parameters, "complete"));
	struct problem p = { 0 };
	struct later *l = later_new(r);

	if (l && iso_upload_end(v, id, complete, on_upload_checked, l, &p) < 0) {
		later_end(l);
		fail_upload(v, r, iso_find(v, id), &p);
	}
}

const struct method_row library_method_rows[] = {
	{ "vmms.ListDisks",	 "",				       list_disks },
	{ "vmms.GetDisk",	 "id:s",			       get_disk },
	{ "vmms.CreateDisk",	 "disk:v",			       create_disk },
	{ "vmms.DeleteDisk",	 "id:s etag?:s",		       delete_disk },
	{ "vmms.DiskAction",	 "id:s action:s options:v",	       disk_action },
	{ "vmms.ListIsos",	 "",				       list_isos },
	{ "vmms.GetIso",	 "id:s",			       get_iso },
	{ "vmms.DeleteIso",	 "id:s etag?:s",		       delete_iso },
	{ "vmms.BeginIsoUpload", "id:s name?:s sizeBytes:i offsetBytes:i", begin_iso_upload },
	{ "vmms.EndIsoUpload",	 "id:s receivedBytes?:i complete:b",  end_iso_upload },
	{ NULL, NULL, NULL },
};
