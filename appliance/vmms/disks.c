/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual disks: disks/<id>.raw or .vhd holds the sectors, disks/<id>.json says what they are. The description is written last
 * and removed first, so a data file without one is what a crash left and is removed at start.
 */
#include "library.h"

#include "partita/file.h"
#include "partita/log.h"
#include "storage/disk.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DESCRIPTION_MAX	65536

struct disk_item *disk_find(const struct vmms *v, const char *id)
{
	for (struct disk_item *d = v->disks; d; d = d->next)
		if (strcmp(d->id, id) == 0)
			return d;
	return NULL;
}

static void data_name(const char *id, unsigned int format, char *name, size_t size)
{
	snprintf(name, size, "%s.%s", id, disk_format_words[format]);
}

static void description_name(const char *id, char *name, size_t size)
{
	snprintf(name, size, "%s.json", id);
}

json_t *disk_item_to_json(const struct vmms *v, const struct disk_item *d)
{
	char name[64];
	struct stat st = { 0 };

	data_name(d->id, d->format, name, sizeof(name));
	fstatat(v->disks_dir, name, &st, AT_SYMLINK_NOFOLLOW);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:s}", "id", d->id, "name", d->name,
	                 "format", disk_format_words[d->format], "type", "fixed", "sizeBytes",
	                 (json_int_t)d->size_bytes, "allocatedBytes", (json_int_t)st.st_blocks * 512,
	                 "attachedTo", vms_using(v, d->id), "createdAt", json_time(d->created_at), "etag",
	                 "1");
}

static void insert_by_name(struct vmms *v, struct disk_item *d)
{
	struct disk_item **at = &v->disks;

	while (*at && strcasecmp((*at)->name, d->name) < 0)
		at = &(*at)->next;
	d->next = *at;
	*at = d;
}

static void unlink_item(struct vmms *v, struct disk_item *d)
{
	for (struct disk_item **at = &v->disks; *at; at = &(*at)->next)
		if (*at == d) {
			*at = d->next;
			return;
		}
}

static int description_save(const struct vmms *v, const struct disk_item *d)
{
	json_t *o =
	    json_pack("{s:i, s:s, s:s, s:s, s:I, s:s, s:o}", "formatVersion", 1, "id", d->id, "name", d->name,
	              "format", disk_format_words[d->format], "sizeBytes", (json_int_t)d->size_bytes,
	              "createdWith", d->created_with, "createdAt", json_time(d->created_at));
	char name[64];
	int r;

	description_name(d->id, name, sizeof(name));
	r = o ? file_write_json(v->disks_dir, name, o, 0600) : -ENOMEM;
	json_decref(o);
	return r;
}

/* --- making one --- */

struct making {
	struct vmms *vmms;
	struct disk_item *item;
	int dir;
	disk_made *done;
	void *data;
};

/* On a thread: the item is not changed and not freed meanwhile (it is not ready). */
static int make_file(void *data)
{
	const struct making *m = data;
	const struct disk_item *d = m->item;
	char name[64];
	int fd, r;

	data_name(d->id, d->format, name, sizeof(name));
	fd = openat(m->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = disk_create(disk_format_words[d->format], fd, d->size_bytes);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	close(fd);
	if (r == 0 && fsync(m->dir) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(m->dir, name, 0);
	return r;
}

static void make_done(void *data, int result)
{
	struct making m = *(struct making *)data;
	struct problem p = { 0 };

	free(data);
	if (result == 0)
		result = description_save(m.vmms, m.item);
	if (result < 0) {
		problem_from_errno(&p, result, "The disk could not be made");
		disk_item_discard(m.vmms, m.item);
		m.done(m.vmms, NULL, &p, m.data);
		return;
	}
	m.item->ready = true;
	event_add(m.vmms, "disk.created", SEVERITY_INFO, object_ref("disk", m.item->id, m.item->name), NULL,
	          "Disk %s was created.", m.item->name);
	m.done(m.vmms, m.item, NULL, m.data);
}

static int check_new(const struct vmms *v, const struct disk_spec *spec, struct problem *p)
{
	struct statvfs fs;

	for (const struct disk_item *d = v->disks; d; d = d->next)
		if (strcasecmp(d->name, spec->name) == 0)
			return problem_set(p, PROBLEM_NAME_IN_USE, "name",
			                   "There is already a disk named %s.", d->name);
	if (fstatvfs(v->disks_dir, &fs) < 0)
		return problem_from_errno(p, -errno, "The data volume");
	if (spec->format == DISK_FORMAT_VHD && spec->size_bytes > fs.f_bavail * fs.f_frsize)
		return problem_set(p, PROBLEM_NO_SPACE, "sizeBytes",
		                   "sizeBytes is %" PRIu64 "; the data volume has %" PRIu64 " bytes free.",
		                   spec->size_bytes, (uint64_t)(fs.f_bavail * fs.f_frsize));
	return 0;
}

int disk_item_create(struct vmms *v, const struct disk_spec *spec, const char *created_with, disk_made *done,
                     void *data, struct problem *p)
{
	struct disk_item *d = NULL;
	struct making *m = NULL;
	int r = check_new(v, spec, p);

	if (r < 0)
		return r;
	d = calloc(1, sizeof(*d));
	m = calloc(1, sizeof(*m));
	r = d && m ? guid_new(d->id) : -ENOMEM;
	if (r == 0) {
		snprintf(d->name, sizeof(d->name), "%s", spec->name);
		snprintf(d->created_with, sizeof(d->created_with), "%s", created_with ? created_with : "");
		d->format = spec->format;
		d->size_bytes = spec->size_bytes;
		d->created_at = time(NULL);
		*m = (struct making){ .vmms = v, .item = d, .dir = v->disks_dir, .done = done, .data = data };
		r = work_run(v, make_file, make_done, m);
	}
	if (r < 0) {
		free(d);
		free(m);
		return problem_from_errno(p, r, "The disk could not be made");
	}
	insert_by_name(v, d);			/* the name is taken from now on */
	return 0;
}

/* --- removing one --- */

void disk_item_discard(struct vmms *v, struct disk_item *d)
{
	char name[64];

	description_name(d->id, name, sizeof(name));
	file_remove(v->disks_dir, name);
	data_name(d->id, d->format, name, sizeof(name));
	file_remove(v->disks_dir, name);
	if (d->ready)
		event_add(v, "disk.deleted", SEVERITY_INFO, object_ref("disk", d->id, d->name), NULL,
		          "Disk %s was deleted.", d->name);
	unlink_item(v, d);
	free(d);
}

int disk_item_delete(struct vmms *v, struct disk_item *d, struct problem *p)
{
	const struct vm *user = vm_using(v, d->id);

	if (user)
		return problem_set(p, PROBLEM_DISK_ATTACHED, NULL,
		                   "The disk %s is attached to the VM %s; detach it first.", d->name,
		                   vm_name(user));
	if (!d->ready)
		return problem_set(p, PROBLEM_DISK_ATTACHED, NULL, "The disk %s is still being made.",
		                   d->name);
	disk_item_discard(v, d);
	return 0;
}

/* --- opening one for a worker --- */

int disk_item_open(const struct vmms *v, const char *id, bool read_only, struct problem *p)
{
	const struct disk_item *d = disk_find(v, id);
	struct disk *disk = NULL;
	char name[64];
	int fd, copy, r;

	if (!d || !d->ready)
		return problem_set(p, PROBLEM_DISK_NOT_FOUND, NULL, "The disk %s does not exist any more.",
		                   id);
	data_name(id, d->format, name, sizeof(name));
	fd = openat(v->disks_dir, name, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return problem_from_errno(p, -errno, d->name);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	r = copy < 0 ? -errno : 0;
	if (r == 0)				/* is it what it says? */
		r = disk_open(disk_format_words[d->format], copy, read_only, &disk);
	if (r < 0) {
		if (copy >= 0)
			close(copy);
		close(fd);
		return problem_set(p, PROBLEM_INTERNAL, NULL, "The disk %s is damaged: %s.", d->name,
		                   strerror(-r));
	}
	disk_close(disk);
	return fd;
}

/* --- at start --- */

static struct disk_item *item_from_json(const json_t *o)
{
	struct disk_item *d = calloc(1, sizeof(*d));
	const char *id = NULL, *name = NULL, *format = NULL, *with = "";
	json_int_t size = 0;

	if (!d ||
	    json_unpack((json_t *)o, "{s:s, s:s, s:s, s:I, s?s}", "id", &id, "name", &name, "format", &format,
	                "sizeBytes", &size, "createdWith", &with) < 0 ||
	    !guid_is_valid(id)) {
		free(d);
		return NULL;
	}
	snprintf(d->id, sizeof(d->id), "%s", id);
	snprintf(d->name, sizeof(d->name), "%s", name);
	snprintf(d->created_with, sizeof(d->created_with), "%s", with);
	d->format = strcmp(format, "vhd") == 0 ? DISK_FORMAT_VHD : DISK_FORMAT_RAW;
	d->size_bytes = (uint64_t)size;
	d->created_at = json_to_time(json_object_get(o, "createdAt"));
	d->ready = true;
	return d;
}

static void load_description(struct vmms *v, const char *name)
{
	json_t *o = NULL;
	struct disk_item *d =
	    file_read_json(v->disks_dir, name, DESCRIPTION_MAX, &o) == 0 ? item_from_json(o) : NULL;

	json_decref(o);
	if (d)
		insert_by_name(v, d);
	else
		log_error("disks/%s cannot be read; the disk is not listed", name);
}

int disks_open(struct vmms *v)
{
	const struct library_folder folder = { v->disks_dir, "disks", { ".raw", ".vhd" }, load_description };

	return library_scan(v, &folder);
}
