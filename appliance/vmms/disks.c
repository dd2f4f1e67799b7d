/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual disks: disks/<id>.raw, .vhd or .vhdx holds the sectors, disks/<id>.json says what they are. The description is written last
 * and removed first, so a data file without one is what a crash left and is removed at start.
 */
#include "library.h"

#include "partita/file.h"
#include "partita/log.h"
#include "storage/manage.h"
#include "uploads.h"
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

struct disk_item *disk_find(const struct vmms *v, const char *id)
{
	for (struct disk_item *d = v->disks; d; d = d->next)
		if (strcmp(d->id, id) == 0)
			return d;
	return NULL;
}

const struct disk_item *disk_named(const struct vmms *v, const char *name)
{
	for (const struct disk_item *d = v->disks; d; d = d->next)
		if (strcasecmp(d->name, name) == 0)
			return d;
	return NULL;
}

static void data_name(const char *id, unsigned int format, char *name, size_t size)
{
	snprintf(name, size, "%s.%s", id, disk_format_words[format]);
}

void disk_item_file(const struct disk_item *d, char *name, size_t size)
{
	data_name(d->id, d->format, name, size);
}

static void description_name(const char *id, char *name, size_t size)
{
	snprintf(name, size, "%s.json", id);
}

const struct disk_item *disk_item_child(const struct vmms *v, const struct disk_item *d)
{
	for (const struct disk_item *c = v->disks; c; c = c->next)
		if (strcmp(c->parent, d->id) == 0)
			return c;
	return NULL;
}

static json_t *children_to_json(const struct vmms *v, const struct disk_item *d)
{
	json_t *list = json_array();

	for (const struct disk_item *c = v->disks; c; c = c->next)
		if (strcmp(c->parent, d->id) == 0)
			json_array_append_new(list, json_pack("{s:s, s:s}", "id", c->id, "name", c->name));
	return list;
}

json_t *disk_item_to_json(const struct vmms *v, const struct disk_item *d)
{
	const struct disk_item *parent = disk_find(v, d->parent);
	char name[64];
	struct stat st = { 0 };

	disk_item_file(d, name, sizeof(name));
	fstatat(v->disks_dir, name, &st, AT_SYMLINK_NOFOLLOW);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:o, s:o, s:o, s:o, s:s}", "id", d->id, "name", d->name,
			 "format", disk_format_words[d->format], "type", disk_kind_words[d->kind], "sizeBytes",
			 (json_int_t)d->size_bytes, "allocatedBytes", (json_int_t)st.st_blocks * 512, "busy", d->busy, "parent",
			 parent ? json_pack("{s:s, s:s}", "id", parent->id, "name", parent->name) : json_null(), "children",
			 children_to_json(v, d), "attachedTo", vms_using(v, d->id), "createdAt", json_time(d->created_at),
			 "etag", "1");
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

int disk_item_save(const struct vmms *v, const struct disk_item *d)
{
	json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:o}", "formatVersion", 1, "id", d->id, "name", d->name,
			      "format", disk_format_words[d->format], "type", disk_kind_words[d->kind], "parent", d->parent,
			      "sizeBytes", (json_int_t)d->size_bytes, "createdWith", d->created_with, "createdAt",
			      json_time(d->created_at));
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
	struct disk_item_chain parents;		/* of a differencing disk */
	uint32_t block_bytes;
	int dir;
	disk_made *done;
	void *data;
};

static int write_image(const struct making *m, int fd)
{
	const struct disk_item *d = m->item;
	char relative[64];
	struct disk_new n = { .format = disk_format_words[d->format], .kind = (enum disk_kind)d->kind, .size_bytes = d->size_bytes,
			      .block_bytes = m->block_bytes, .parent_relative = relative };
	int r = m->parents.count ? disk_item_chain_open(&m->parents, true, &n.parent) : 0;

	if (r < 0)
		return r;
	if (n.parent)				/* parents have the format of their children */
		snprintf(relative, sizeof(relative), ".\\%s.%s", d->parent, n.format);
	else
		n.parent_relative = NULL;
	r = disk_create_image(fd, &n);
	disk_close(n.parent);
	return r;
}

/* On a thread: the item is not changed and not freed meanwhile (it is not ready). */
static int make_file(void *data)
{
	const struct making *m = data;
	char name[64];
	int fd, r;

	disk_item_file(m->item, name, sizeof(name));
	fd = openat(m->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_image(m, fd);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	close(fd);
	if (r == 0 && fsync(m->dir) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(m->dir, name, 0);
	return r;
}

int disk_item_publish(struct vmms *v, struct disk_item *d)
{
	int r = disk_item_save(v, d);

	if (r < 0) {
		disk_item_discard(v, d);
		return r;
	}
	d->ready = true;
	event_add(v, "disk.created", SEVERITY_INFO, object_ref("disk", d->id, d->name), NULL, "Disk %s was created.", d->name);
	return 0;
}

static void make_done(void *data, int result)
{
	struct making m = *(struct making *)data;
	struct problem p = { 0 };

	disk_item_chain_close(&m.parents);
	free(data);
	if (result < 0)
		disk_item_discard(m.vmms, m.item);
	else
		result = disk_item_publish(m.vmms, m.item);
	if (result < 0)
		problem_from_errno(&p, result, "The disk could not be made");
	m.done(m.vmms, result < 0 ? NULL : m.item, result < 0 ? &p : NULL, m.data);
}

static int check_new(const struct vmms *v, const struct disk_spec *spec, struct problem *p)
{
	struct statvfs fs;

	if (disk_named(v, spec->name) || upload_named(v, spec->name))
		return problem_set(p, PROBLEM_NAME_IN_USE, "name", "There is already a disk named %s.", spec->name);
	if (fstatvfs(v->disks_dir, &fs) < 0)
		return problem_from_errno(p, -errno, "The data volume");
	if (spec->format != DISK_FORMAT_RAW && spec->kind == DISK_FIXED && spec->size_bytes > fs.f_bavail * fs.f_frsize)
		return problem_set(p, PROBLEM_NO_SPACE, "sizeBytes",
		                   "sizeBytes is %" PRIu64 "; the data volume has %" PRIu64 " bytes free.",
		                   spec->size_bytes, (uint64_t)(fs.f_bavail * fs.f_frsize));
	return 0;
}

/* The parent of a new differencing disk: free, of the same format, and from now on only read. */
static int take_parent(const struct vmms *v, const struct disk_spec *spec, struct disk_item_chain *chain, struct problem *p)
{
	const struct disk_item *parent = disk_find(v, spec->parent);

	if (spec->kind != DISK_DIFFERENCING)
		return 0;
	if (!parent || !parent->ready)
		return problem_set(p, PROBLEM_DISK_NOT_FOUND, "parentId", "There is no disk with the id %s.", spec->parent);
	if (parent->format != spec->format)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "parentId", "%s is a %s disk; a %s disk needs a parent of its own format.",
				   parent->name, disk_format_words[parent->format], disk_format_words[spec->format]);
	if (spec->size_bytes && spec->size_bytes != parent->size_bytes)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "sizeBytes", "sizeBytes is %" PRIu64 "; the parent has %" PRIu64 " bytes.",
				   spec->size_bytes, parent->size_bytes);
	if (disk_item_check_free(v, parent, true, p) < 0)
		return -EINVAL;
	return disk_item_open_chain(v, parent->id, true, chain, p);
}

/* Listed by name at once, so that the name is taken; not ready. */
static struct disk_item *item_new(struct vmms *v, const struct disk_spec *spec)
{
	const struct disk_item *parent = disk_find(v, spec->parent);
	struct disk_item *d = calloc(1, sizeof(*d));

	if (!d || guid_new(d->id) < 0) {
		free(d);
		return NULL;
	}
	snprintf(d->name, sizeof(d->name), "%s", spec->name);
	snprintf(d->parent, sizeof(d->parent), "%s", spec->parent);
	d->format = spec->format;
	d->kind = spec->kind;
	d->size_bytes = parent ? parent->size_bytes : spec->size_bytes;
	d->created_at = time(NULL);
	insert_by_name(v, d);
	return d;
}

int disk_item_create(struct vmms *v, const struct disk_spec *spec, const char *created_with, disk_made *done,
                     void *data, struct problem *p)
{
	struct disk_item_chain parents = { .count = 0 };
	struct making *m;
	int r = check_new(v, spec, p);

	if (r == 0)
		r = take_parent(v, spec, &parents, p);
	if (r < 0)
		return r;
	m = calloc(1, sizeof(*m));
	if (m)
		*m = (struct making){ .vmms = v, .item = item_new(v, spec), .parents = parents, .done = done, .data = data,
				      .block_bytes = (uint32_t)spec->block_bytes, .dir = v->disks_dir };
	if (m && m->item) {
		snprintf(m->item->created_with, sizeof(m->item->created_with), "%s", created_with ? created_with : "");
		r = work_run(v, make_file, make_done, m);
		if (r == 0)
			return 0;
		disk_item_discard(v, m->item);
	}
	disk_item_chain_close(&parents);
	free(m);
	return problem_from_errno(p, r < 0 ? r : -ENOMEM, "The disk could not be made");
}

int disk_item_reserve(struct vmms *v, const struct disk_spec *spec, struct disk_item **out, int *fd, struct problem *p)
{
	char name[64];
	int r = check_new(v, spec, p);

	if (r < 0)
		return r;
	*out = item_new(v, spec);
	if (!*out)
		return problem_from_errno(p, -ENOMEM, "The disk");
	disk_item_file(*out, name, sizeof(name));
	*fd = openat(v->disks_dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *fd < 0 ? problem_from_errno(p, -errno, spec->name) : 0;
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

int disk_item_check_idle(const struct vmms *v, const struct disk_item *d, bool parents_too, struct problem *p)
{
	const struct vm *user = vm_using(v, d->id);
	const struct disk_item *child = disk_item_child(v, d);

	if (user && user->state != VM_OFF && user->state != VM_FAILED)
		return problem_set(p, PROBLEM_DISK_ATTACHED, NULL, "The disk %s is attached to the VM %s, which is not off.", d->name,
				   vm_name(user));
	if (!d->ready)
		return problem_set(p, PROBLEM_DISK_ATTACHED, NULL, "The disk %s is still being made.", d->name);
	if (d->busy)
		return problem_set(p, PROBLEM_LOCKED_BY_JOB, NULL, "A job works on the disk %s.", d->name);
	if (child && !parents_too)
		return problem_set(p, PROBLEM_DISK_HAS_CHILDREN, NULL, "The disk %s is the parent of %s.", d->name, child->name);
	return 0;
}

int disk_item_check_free(const struct vmms *v, const struct disk_item *d, bool parents_too, struct problem *p)
{
	const struct vm *user = vm_using(v, d->id);

	if (user)
		return problem_set(p, PROBLEM_DISK_ATTACHED, NULL, "The disk %s is attached to the VM %s; detach it first.", d->name,
				   vm_name(user));
	return disk_item_check_idle(v, d, parents_too, p);
}

int disk_item_delete(struct vmms *v, struct disk_item *d, struct problem *p)
{
	if (disk_item_check_free(v, d, false, p) < 0)
		return -EINVAL;
	disk_item_discard(v, d);
	return 0;
}

/* --- opening one, with its parents --- */

void disk_item_chain_close(struct disk_item_chain *chain)
{
	while (chain->count > 0)
		close(chain->fds[--chain->count]);
}

void disk_item_chain_copy(const struct disk_item_chain *chain, struct disk_source copies[DISK_ITEM_CHAIN_MAX])
{
	for (size_t i = 0; i < chain->count; i++)
		copies[i] = (struct disk_source){ chain->formats[i], fcntl(chain->fds[i], F_DUPFD_CLOEXEC, 3) };
}

void disk_item_copies_close(struct disk_source *copies, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(copies[i].fd);
}

int disk_item_chain_open(const struct disk_item_chain *chain, bool read_only, struct disk **out)
{
	struct disk_source copies[DISK_ITEM_CHAIN_MAX];
	int r;

	disk_item_chain_copy(chain, copies);
	r = disk_open_chain(copies, chain->count, read_only, out);
	if (r < 0)
		disk_item_copies_close(copies, chain->count);
	return r;
}

/* Is it what it says? */
static int judge_chain(const struct disk_item_chain *chain, bool read_only)
{
	struct disk *disk;
	int r = disk_item_chain_open(chain, read_only, &disk);

	return r < 0 ? r : disk_close(disk);
}

/* A download holds a shared lock as long as its descriptor is open, in whatever process. */
static bool is_being_read(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return true;
	flock(fd, LOCK_UN);
	return false;
}

int disk_item_open_file(const struct vmms *v, const struct disk_item *d, bool read_only, struct disk_item_chain *chain, struct problem *p)
{
	char name[64];
	int fd;

	disk_item_file(d, name, sizeof(name));
	fd = openat(v->disks_dir, name, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return problem_from_errno(p, -errno, d->name);
	if (!read_only && is_being_read(fd)) {
		close(fd);
		return problem_set(p, PROBLEM_LOCKED_BY_JOB, NULL, "The disk %s is being downloaded.", d->name);
	}
	chain->formats[chain->count] = disk_format_words[d->format];
	chain->fds[chain->count++] = fd;
	return 0;
}

/* Whoever wrote to it last died with data in the image's log: opening it for writing puts that in its place. */
static int settle_log(const struct vmms *v, const struct disk_item *top, const struct disk_item_chain *chain)
{
	struct disk_item_chain writable = { .count = 0 }, tail = *chain;
	struct problem p = { 0 };
	int r = disk_item_open_file(v, top, false, &writable, &p);

	if (r < 0)
		return r;
	tail.fds[0] = writable.fds[0];
	r = judge_chain(&tail, false);
	disk_item_chain_close(&writable);
	return r;
}

/*
 * A merge that a crash cut off can have left a disk whose file names its grandparent already, by the GUID of its data: then the
 * chain opens without the disk in between, and the description follows the file.
 */
static int follow_file(const struct vmms *v, const char *top, struct disk_item_chain *chain, bool read_only)
{
	struct disk_item *d = disk_find(v, top);

	for (size_t i = 1; d && i + 1 < chain->count; i++, d = disk_find(v, d->parent)) {
		const struct disk_item *between = disk_find(v, d->parent);
		struct disk_item_chain shorter = *chain;

		memmove(&shorter.fds[i], &shorter.fds[i + 1], (chain->count - i - 1) * sizeof(shorter.fds[0]));
		shorter.count--;
		if (!between || judge_chain(&shorter, read_only) < 0)
			continue;
		log_warning("disk %s lies over the parent of %s since a merge that was cut off", d->name, between->name);
		close(chain->fds[i]);
		*chain = shorter;
		memcpy(d->parent, between->parent, sizeof(d->parent));
		return disk_item_save(v, d);
	}
	return -EXDEV;
}

int disk_item_open_chain(const struct vmms *v, const char *id, bool read_only, struct disk_item_chain *chain, struct problem *p)
{
	const struct disk_item *top = disk_find(v, id), *d = top;
	int r = 0, verdict = 0;

	*chain = (struct disk_item_chain){ .count = 0 };
	if (!d || !d->ready)
		return problem_set(p, PROBLEM_DISK_NOT_FOUND, NULL, "The disk %s does not exist any more.", id);
	if (!read_only && disk_item_child(v, d))
		return problem_set(p, PROBLEM_DISK_HAS_CHILDREN, NULL, "The disk %s is the parent of %s and can only be read.", d->name,
				   disk_item_child(v, d)->name);
	for (; r == 0 && d; d = disk_find(v, d->parent)) {
		if (d->busy)
			r = problem_set(p, PROBLEM_LOCKED_BY_JOB, NULL, "A job works on the disk %s.", d->name);
		else if (chain->count == DISK_ITEM_CHAIN_MAX)
			r = problem_set(p, PROBLEM_TOO_MANY, NULL, "The disk %s has more than %d parents.", top->name, DISK_ITEM_CHAIN_MAX - 1);
		else
			r = disk_item_open_file(v, d, read_only || d != top, chain, p);
	}
	if (r == 0)
		verdict = judge_chain(chain, read_only);
	if (verdict == -EROFS && read_only && settle_log(v, top, chain) == 0)
		verdict = judge_chain(chain, read_only);
	if (verdict == -EXDEV)
		verdict = follow_file(v, id, chain, read_only);
	if (r == 0 && verdict < 0)
		r = problem_set(p, PROBLEM_INTERNAL, NULL, "The disk %s cannot be opened: %s.", top->name, disk_error_text());
	if (r < 0)
		disk_item_chain_close(chain);
	return r;
}

/* --- at start --- */

bool word_find(const char *const *words, const char *word, unsigned int *index)
{
	for (*index = 0; words[*index]; ++*index)
		if (strcmp(words[*index], word) == 0)
			return true;
	return false;
}

static struct disk_item *item_from_json(const json_t *o)
{
	struct disk_item *d = calloc(1, sizeof(*d));
	const char *id = NULL, *name = NULL, *format = NULL, *with = "", *kind = "fixed", *parent = "";
	json_int_t size = 0;

	if (!d ||
	    json_unpack((json_t *)o, "{s:s, s:s, s:s, s:I, s?s, s?s, s?s}", "id", &id, "name", &name, "format", &format,
	                "sizeBytes", &size, "createdWith", &with, "type", &kind, "parent", &parent) < 0 ||
	    !guid_is_valid(id) || !word_find(disk_format_words, format, &d->format) || !word_find(disk_kind_words, kind, &d->kind)) {
		free(d);
		return NULL;
	}
	snprintf(d->id, sizeof(d->id), "%s", id);
	snprintf(d->name, sizeof(d->name), "%s", name);
	snprintf(d->created_with, sizeof(d->created_with), "%s", with);
	snprintf(d->parent, sizeof(d->parent), "%s", parent);
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

struct disk_item *disk_item_load(struct vmms *v, const char *id)
{
	char name[64];

	description_name(id, name, sizeof(name));
	load_description(v, name);
	return disk_find(v, id);
}

int disks_open(struct vmms *v)
{
	const struct library_folder folder = { v->disks_dir, "disks", { ".raw", ".vhd", ".vhdx" }, load_description };

	return library_scan(v, &folder);
}
