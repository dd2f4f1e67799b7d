/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Install media: isos/<id>.part while it arrives, isos/<id>.iso once checked, isos/<id>.json beside either. The bytes are written
 * by webapi through a descriptor that is locked (flock) for as long as webapi holds it: when webapi dies, so does the lock, and the
 * upload resumes at the file's size.
 */
#include "fields.h"
#include "library.h"

#include "partita/file.h"
#include "partita/log.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DESCRIPTION_MAX	65536
#define ISO_SIZE_MIN	(17ull * 2048)		/* up to its first volume descriptor */
#define ISO_SIZE_MAX	(1ull << 40)

struct iso_item *iso_find(const struct vmms *v, const char *id)
{
	for (struct iso_item *i = v->isos; i; i = i->next)
		if (strcmp(i->id, id) == 0)
			return i;
	return NULL;
}

static void file_name(const struct iso_item *i, const char *ending, char *name, size_t size)
{
	snprintf(name, size, "%s.%s", i->id, ending);
}

static const char *data_ending(const struct iso_item *i)
{
	return i->ready ? "iso" : "part";
}

uint64_t iso_received(const struct vmms *v, const struct iso_item *i)
{
	struct stat st = { 0 };
	char name[64];

	file_name(i, data_ending(i), name, sizeof(name));
	fstatat(v->isos_dir, name, &st, AT_SYMLINK_NOFOLLOW);
	return (uint64_t)st.st_size;
}

json_t *iso_item_to_json(const struct vmms *v, const struct iso_item *i)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:s}", "id", i->id, "name", i->name, "state",
	                 i->ready ? "ready" : "uploading", "sizeBytes", (json_int_t)i->size_bytes,
	                 "receivedBytes", (json_int_t)iso_received(v, i), "attachedTo", vms_using(v, i->id),
	                 "createdAt", json_time(i->created_at), "etag", i->ready ? "2" : "1");
}

static void insert_by_name(struct vmms *v, struct iso_item *i)
{
	struct iso_item **at = &v->isos;

	while (*at && strcasecmp((*at)->name, i->name) < 0)
		at = &(*at)->next;
	i->next = *at;
	*at = i;
}

static int description_save(const struct vmms *v, const struct iso_item *i)
{
	json_t *o = json_pack("{s:i, s:s, s:s, s:I, s:b, s:o}", "formatVersion", 1, "id", i->id, "name",
	                      i->name, "sizeBytes", (json_int_t)i->size_bytes, "ready", i->ready, "createdAt",
	                      json_time(i->created_at));
	char name[64];
	int r;

	file_name(i, "json", name, sizeof(name));
	r = o ? file_write_json(v->isos_dir, name, o, 0600) : -ENOMEM;
	json_decref(o);
	return r;
}

/* Removes the description first: data without one is removed at the next start. */
static void discard(struct vmms *v, struct iso_item *i)
{
	char name[64];

	file_name(i, "json", name, sizeof(name));
	file_remove(v->isos_dir, name);
	file_name(i, data_ending(i), name, sizeof(name));
	file_remove(v->isos_dir, name);
	for (struct iso_item **at = &v->isos; *at; at = &(*at)->next)
		if (*at == i) {
			*at = i->next;
			break;
		}
	free(i);
}

/* --- an upload begins or goes on --- */

static int upload_check(const struct vmms *v, const struct iso_upload *u, struct problem *p)
{
	struct statvfs fs;

	if (u->size_bytes < ISO_SIZE_MIN || u->size_bytes > ISO_SIZE_MAX)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "sizeBytes",
		                   "The file has %" PRIu64 " bytes; an ISO image has %llu to %llu.",
		                   u->size_bytes, ISO_SIZE_MIN, ISO_SIZE_MAX);
	if (text_length(u->name) > DISK_NAME_CHARS)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "name", "name has more than %d characters.",
		                   DISK_NAME_CHARS);
	if (name_check(u->name, "name", p) < 0)
		return -EINVAL;
	for (const struct iso_item *i = v->isos; i; i = i->next)
		if (strcasecmp(i->name, u->name) == 0)
			return problem_set(p, PROBLEM_NAME_IN_USE, "name",
			                   "There is already an ISO named %s.", i->name);
	if (u->offset_bytes != 0)
		return problem_set(p, PROBLEM_WRONG_OFFSET, NULL,
		                   "Nothing of this ISO has arrived yet; the first part must begin at 0.");
	if (fstatvfs(v->isos_dir, &fs) == 0 && u->size_bytes > fs.f_bavail * fs.f_frsize)
		return problem_set(p, PROBLEM_NO_SPACE, NULL,
		                   "The ISO has %" PRIu64 " bytes; the data volume has %" PRIu64 " free.",
		                   u->size_bytes, (uint64_t)(fs.f_bavail * fs.f_frsize));
	return 0;
}

static int upload_create(struct vmms *v, const struct iso_upload *u, struct iso_item **item,
                         struct problem *p)
{
	struct iso_item *i;
	int r = upload_check(v, u, p);

	if (r < 0)
		return r;
	i = calloc(1, sizeof(*i));
	if (!i)
		return problem_from_errno(p, -ENOMEM, "The upload");
	snprintf(i->id, sizeof(i->id), "%s", u->id);
	snprintf(i->name, sizeof(i->name), "%s", u->name);
	i->size_bytes = u->size_bytes;
	i->created_at = time(NULL);
	r = description_save(v, i);
	if (r < 0) {
		free(i);
		return problem_from_errno(p, r, "The upload");
	}
	insert_by_name(v, i);
	*item = i;
	event_add(v, "iso.created", SEVERITY_INFO, object_ref("iso", i->id, i->name), NULL,
	          "The upload of ISO %s began.", i->name);
	return 0;
}

static int upload_resume_check(const struct vmms *v, const struct iso_item *i, const struct iso_upload *u,
                               struct problem *p)
{
	uint64_t have = iso_received(v, i);

	if (i->ready)
		return problem_set(p, PROBLEM_WRONG_OFFSET, NULL,
		                   "The ISO %s is complete; delete it to upload another under this id.",
		                   i->name);
	if (i->checking)
		return problem_set(p, PROBLEM_UPLOAD_IN_PROGRESS, NULL, "The ISO %s is being checked.",
		                   i->name);
	if (u->size_bytes != i->size_bytes)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "sizeBytes",
		                   "The upload began with a size of %" PRIu64 " bytes, not %" PRIu64 ".",
		                   i->size_bytes, u->size_bytes);
	if (u->offset_bytes != have)
		return problem_set(p, PROBLEM_WRONG_OFFSET, NULL,
		                   "%" PRIu64 " bytes have arrived; the next part must begin there.", have);
	return 0;
}

static int upload_open(const struct vmms *v, const struct iso_item *i, uint64_t offset, struct problem *p)
{
	char name[64];
	int fd;

	file_name(i, "part", name, sizeof(name));
	fd = openat(v->isos_dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return problem_from_errno(p, -errno, "The upload");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return problem_set(p, PROBLEM_UPLOAD_IN_PROGRESS, NULL, "Another upload of %s is going on.",
		                   i->name);
	}
	if (lseek(fd, (off_t)offset, SEEK_SET) < 0) {
		int r = -errno;

		close(fd);
		return problem_from_errno(p, r, "The upload");
	}
	return fd;
}

int iso_upload_begin(struct vmms *v, const struct iso_upload *u, struct iso_item **item, struct problem *p)
{
	struct iso_item *i = iso_find(v, u->id);
	int r;

	if (!guid_is_valid(u->id))
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "id", "The id must be a UUID in lower case.");
	r = i ? upload_resume_check(v, i, u, p) : upload_create(v, u, &i, p);
	if (r < 0) {
		*item = i;
		return r;
	}
	*item = i;
	return upload_open(v, i, u->offset_bytes, p);
}

/* --- a part has arrived --- */

struct ending {
	struct vmms *vmms;
	char id[GUID_TEXT_SIZE];
	int fd;
	bool complete;
	uint64_t volume_bytes;
	iso_checked *done;
	void *data;
};

static int ending_run(void *data)
{
	struct ending *e = data;

	if (fdatasync(e->fd) < 0)
		return -errno;
	return e->complete ? iso9660_check(e->fd, &e->volume_bytes) : 0;
}

static int make_ready(struct vmms *v, struct iso_item *i)
{
	char part[64], iso[64];
	int r;

	file_name(i, "part", part, sizeof(part));
	file_name(i, "iso", iso, sizeof(iso));
	if (renameat(v->isos_dir, part, v->isos_dir, iso) < 0 || fsync(v->isos_dir) < 0)
		return -errno;
	i->ready = true;
	r = description_save(v, i);
	if (r == 0)
		event_add(v, "iso.updated", SEVERITY_INFO, object_ref("iso", i->id, i->name), NULL,
		          "ISO %s is complete.", i->name);
	return r;
}

static void ending_explain(const struct ending *e, const struct iso_item *i, int result, struct problem *p)
{
	if (result == -ENODATA)
		problem_set(p, PROBLEM_ISO_TRUNCATED, NULL,
		            "%s is cut off: the image says that it has %" PRIu64
		            " bytes, the file has %" PRIu64 ".",
		            i->name, e->volume_bytes, i->size_bytes);
	else if (result == -EILSEQ)
		problem_set(p, PROBLEM_ISO_INVALID, NULL, "%s is no ISO 9660 image.", i->name);
	else
		problem_from_errno(p, result, "The ISO could not be stored");
}

static void ending_done(void *data, int result)
{
	struct ending e = *(struct ending *)data;
	struct iso_item *i = iso_find(e.vmms, e.id);
	struct problem p = { 0 };

	free(data);
	close(e.fd);
	i->checking = false;			/* it cannot have been deleted while it was set */
	if (result == 0 && e.complete)
		result = make_ready(e.vmms, i);
	if (result == 0) {
		e.done(e.vmms, i, NULL, e.data);
		return;
	}
	ending_explain(&e, i, result, &p);
	if (result == -ENODATA || result == -EILSEQ) {
		event_add(e.vmms, "iso.deleted", SEVERITY_WARNING, object_ref("iso", i->id, i->name), NULL,
		          "%s", p.detail);
		discard(e.vmms, i);
	}
	e.done(e.vmms, NULL, &p, e.data);
}

static int ending_check(const struct vmms *v, const struct iso_item *i, bool complete, struct problem *p)
{
	uint64_t have;

	if (!i || i->ready)
		return problem_set(p, PROBLEM_ISO_NOT_FOUND, NULL, "There is no upload with this id.");
	if (i->checking)
		return problem_set(p, PROBLEM_UPLOAD_IN_PROGRESS, NULL, "The ISO %s is being checked.",
		                   i->name);
	have = iso_received(v, i);
	if (complete && have != i->size_bytes)
		return problem_set(p, PROBLEM_WRONG_OFFSET, NULL,
		                   "%" PRIu64 " of %" PRIu64 " bytes have arrived.", have, i->size_bytes);
	return 0;
}

int iso_upload_end(struct vmms *v, const char *id, bool complete, iso_checked *done, void *data,
                   struct problem *p)
{
	struct iso_item *i = iso_find(v, id);
	struct ending *e;
	char name[64];
	int r = ending_check(v, i, complete, p);

	if (r < 0)
		return r;
	e = calloc(1, sizeof(*e));
	if (!e)
		return problem_from_errno(p, -ENOMEM, "The upload");
	file_name(i, "part", name, sizeof(name));
	*e = (struct ending){ .vmms = v, .complete = complete, .done = done, .data = data };
	snprintf(e->id, sizeof(e->id), "%s", i->id);
	e->fd = openat(v->isos_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	r = e->fd < 0 ? -errno : work_run(v, ending_run, ending_done, e);
	if (r < 0) {
		if (e->fd >= 0)
			close(e->fd);
		free(e);
		return problem_from_errno(p, r, "The upload");
	}
	i->checking = true;
	return 0;
}

int iso_item_delete(struct vmms *v, struct iso_item *i, struct problem *p)
{
	const struct vm *user = vm_using(v, i->id);

	if (user)
		return problem_set(p, PROBLEM_ISO_ATTACHED, NULL,
		                   "The ISO %s is in a drive of the VM %s; eject it first.", i->name,
		                   vm_name(user));
	if (i->checking)
		return problem_set(p, PROBLEM_UPLOAD_IN_PROGRESS, NULL, "The ISO %s is being checked.",
		                   i->name);
	event_add(v, "iso.deleted", SEVERITY_INFO, object_ref("iso", i->id, i->name), NULL,
	          "ISO %s was deleted.", i->name);
	discard(v, i);
	return 0;
}

int iso_item_open(const struct vmms *v, const char *id, struct problem *p)
{
	const struct iso_item *i = iso_find(v, id);
	char name[64];
	int fd;

	if (!i || !i->ready)
		return problem_set(p, PROBLEM_ISO_NOT_FOUND, NULL, "The ISO %s does not exist any more.", id);
	file_name(i, "iso", name, sizeof(name));
	fd = openat(v->isos_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? problem_from_errno(p, -errno, i->name) : fd;
}

/* --- at start --- */

/* A crash between the rename and the description: the data file decides. */
static void settle_state(struct vmms *v, struct iso_item *i)
{
	bool was = i->ready;
	char name[64];

	file_name(i, "iso", name, sizeof(name));
	i->ready = faccessat(v->isos_dir, name, F_OK, 0) == 0;
	if (i->ready != was)
		description_save(v, i);
}

static void load_description(struct vmms *v, const char *file)
{
	struct iso_item *i = calloc(1, sizeof(*i));
	const char *id = NULL, *name = NULL;
	json_int_t size = 0;
	int ready = 0;
	json_t *o = NULL;

	if (!i || file_read_json(v->isos_dir, file, DESCRIPTION_MAX, &o) < 0 ||
	    json_unpack(o, "{s:s, s:s, s:I, s:b}", "id", &id, "name", &name, "sizeBytes", &size, "ready",
	                &ready) < 0 ||
	    !guid_is_valid(id)) {
		log_error("isos/%s cannot be read; the ISO is not listed", file);
		free(i);
	} else {
		snprintf(i->id, sizeof(i->id), "%s", id);
		snprintf(i->name, sizeof(i->name), "%s", name);
		i->size_bytes = (uint64_t)size;
		i->ready = ready;
		i->created_at = json_to_time(json_object_get(o, "createdAt"));
		settle_state(v, i);
		insert_by_name(v, i);
	}
	json_decref(o);
}

int isos_open(struct vmms *v)
{
	const struct library_folder folder = { v->isos_dir, "isos", { ".iso", ".part" }, load_description };

	return library_scan(v, &folder);
}

void library_close(struct vmms *v)
{
	while (v->isos) {
		struct iso_item *i = v->isos;

		v->isos = i->next;
		free(i);
	}
	while (v->disks) {
		struct disk_item *d = v->disks;

		v->disks = d->next;
		free(d);
	}
}
