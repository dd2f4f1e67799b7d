/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long work on virtual disks, a job each: resize, compact, merge, convert, clone, check. The work runs on a thread over descriptors
 * opened before; the item is busy meanwhile, so that nobody attaches, deletes or changes it. Power cuts are storage/'s part: a
 * description changes only after the image has.
 */
#include "library.h"

#include "fields.h"
#include "job_work.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MERGE_OVER_MAX	DISK_ITEM_CHAIN_MAX

struct work;
struct action {
	const char *name;
	const char *const *fields;	/* of the body */
	bool writes;			/* its contents or its size: not a parent's */
	bool judges;			/* its file as it is, sound or not */
	bool cancellable;
	int (*check)(struct work *w, const json_t *body, struct problem *p);	/* on the loop, before the job; may be NULL */
	int (*run)(struct work *w);	/* on the thread */
	int (*finish)(struct work *w);	/* on the loop, after success; may be NULL */
};

struct work {
	struct job_work job;
	struct vmms *vmms;
	struct disk_item *item;
	const struct action *action;
	struct disk_item_chain chain;
	struct disk *disk, *parent;	/* merge: kept open between run and finish */
	struct disk_item *into;		/* merge: the parent's item, busy too */
	struct disk_item *over[MERGE_OVER_MAX];	/* merge: what lies over the item and gets its parent; busy too */
	struct disk_item_chain over_files;
	struct disk_spec spec;		/* convert, clone: what is made */
	struct disk_item *made;
	int made_fd;
	uint64_t size_bytes;		/* resize */
	bool repair;			/* check */
};

static int close_disk(struct disk *d, int result)
{
	int r = disk_close(d);

	return result < 0 ? result : r;
}

/* --- resize --- */

static int resize_check(struct work *w, const json_t *body, struct problem *p)
{
	struct fields f;

	fields_begin(&f, body, "", p);
	field_u64(&f, "sizeBytes", REQUIRED, DISK_SIZE_MIN, DISK_SIZE_MAX, &w->size_bytes);
	if (fields_end(&f) == 0 && w->size_bytes % 4096 != 0)
		problem_set(p, PROBLEM_OUT_OF_RANGE, "sizeBytes", "sizeBytes is %" PRIu64 "; it must be a multiple of 4096.", w->size_bytes);
	if (p->code == PROBLEM_NONE && w->size_bytes < w->item->size_bytes)
		problem_set(p, PROBLEM_OUT_OF_RANGE, "sizeBytes",
			    "sizeBytes is %" PRIu64 "; the disk has %" PRIu64 " and can only grow: its end may hold data.", w->size_bytes,
			    w->item->size_bytes);
	return p->code == PROBLEM_NONE ? 0 : -EINVAL;
}

static int resize_run(struct work *w)
{
	struct disk *d;
	int r = disk_item_chain_open(&w->chain, false, &d);

	return r < 0 ? r : close_disk(d, disk_resize(d, w->size_bytes));
}

static int resize_finish(struct work *w)
{
	w->item->size_bytes = w->size_bytes;
	return disk_item_save(w->vmms, w->item);
}

/* --- compact --- */

static int compact_run(struct work *w)
{
	struct disk_progress progress = job_work_progress(&w->job);
	struct disk *d;
	int r = disk_item_chain_open(&w->chain, false, &d);

	return r < 0 ? r : close_disk(d, disk_compact(d, &progress));
}

/* --- merge --- */

/* In a chain only the first can be written; here the second must be, too. */
static int reopen_parent(struct work *w, struct problem *p)
{
	struct disk_item_chain second = { .count = 0 };

	if (disk_item_open_file(w->vmms, w->into, false, &second, p) < 0)
		return -EINVAL;
	close(w->chain.fds[1]);
	w->chain.fds[1] = second.fds[0];
	return 0;
}

/* A VM that runs from any disk over this one would go on with what it knows of the files. */
static int check_descendants(const struct vmms *v, const struct disk_item *d, struct problem *p)
{
	int r = 0;

	for (const struct disk_item *c = v->disks; r == 0 && c; c = c->next) {
		if (strcmp(c->parent, d->id) != 0)
			continue;
		r = disk_item_check_idle(v, c, true, p);
		if (r == 0)
			r = check_descendants(v, c, p);
	}
	return r;
}

/* The disks right over the item, open for writing: they will name its parent instead. */
static int open_over(struct work *w, struct problem *p)
{
	for (struct disk_item *c = w->vmms->disks; c; c = c->next) {
		if (strcmp(c->parent, w->item->id) != 0)
			continue;
		if (w->over_files.count == MERGE_OVER_MAX)
			return problem_set(p, PROBLEM_TOO_MANY, NULL, "%s is the parent of more than %d disks.", w->item->name, MERGE_OVER_MAX);
		if (disk_item_open_file(w->vmms, c, false, &w->over_files, p) < 0)
			return -EINVAL;
		w->over[w->over_files.count - 1] = c;
	}
	return 0;
}

static int merge_check(struct work *w, const json_t *body, struct problem *p)
{
	const struct disk_item *parent = disk_find(w->vmms, w->item->parent);

	(void)body;
	if (!parent)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, NULL, "%s is no differencing disk; there is nothing to merge it into.", w->item->name);
	for (const struct disk_item *c = w->vmms->disks; c; c = c->next)
		if (c != w->item && strcmp(c->parent, parent->id) == 0)
			return problem_set(p, PROBLEM_DISK_HAS_CHILDREN, NULL, "%s is also the parent of %s, which the merge would change.",
					   parent->name, c->name);
	if (disk_item_check_idle(w->vmms, parent, true, p) < 0)
		return -EINVAL;
	if (check_descendants(w->vmms, w->item, p) < 0 || open_over(w, p) < 0)
		return -EINVAL;
	w->into = disk_find(w->vmms, w->item->parent);
	return reopen_parent(w, p);
}

/* On the thread: their files name the parent now; what vmms knows follows in merge_finish(), or when they are opened next. */
static int give_parent_to_files(struct work *w)
{
	char relative[80], name[64];
	int r = 0;

	disk_item_file(w->into, name, sizeof(name));
	snprintf(relative, sizeof(relative), ".\\%s", name);
	for (size_t i = 0; r == 0 && i < w->over_files.count; i++)
		r = disk_set_parent(w->over_files.formats[i], w->over_files.fds[i], w->parent, relative, NULL);
	return r;
}

static int merge_run(struct work *w)
{
	struct disk_progress progress = job_work_progress(&w->job);
	struct disk_source copies[DISK_ITEM_CHAIN_MAX];
	int r;

	disk_item_chain_copy(&w->chain, copies);
	r = disk_open_for_merge(copies, w->chain.count, &w->disk, &w->parent);
	if (r < 0) {
		disk_item_copies_close(copies, w->chain.count);
		return r;
	}
	r = disk_merge(w->disk, w->parent, &progress);
	if (r == 0)
		r = give_parent_to_files(w);
	if (r < 0)
		disk_merge_end(w->disk, w->parent, false);
	return r;
}

/* The VM that has the child, if any, is off, and stays so: both are busy. */
static int give_parent_to(struct vm *vm, const char *child, const char *parent)
{
	struct vm_config *c = malloc(sizeof(*c));
	struct problem p = { 0 };
	int r = -ENOMEM;

	if (c) {
		*c = vm->config;
		for (unsigned int i = 0; i < c->drive_count; i++)
			if (strcmp(c->drives[i].source, child) == 0)
				memcpy(c->drives[i].source, parent, sizeof(c->drives[i].source));
		r = vm_change(vm, c, &p);
	}
	free(c);
	return r < 0 ? -EIO : 0;
}

static int give_parent_to_items(struct work *w)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->over_files.count; i++) {
		memcpy(w->over[i]->parent, w->into->id, sizeof(w->over[i]->parent));
		r = disk_item_save(w->vmms, w->over[i]);
	}
	return r;
}

/*
 * All data is in the parent and safe. Drives change to it before the child goes, and the child goes before the parent may become
 * different from what it names: after a crash in between the child is still readable, and can be merged again or deleted.
 */
static int merge_finish(struct work *w)
{
	struct disk_item *child = w->item;
	struct vm *user = vm_using(w->vmms, child->id);

	if (user && (vm_using(w->vmms, w->into->id) || give_parent_to(user, child->id, w->into->id) < 0)) {
		disk_merge_end(w->disk, w->parent, false);
		return -EBUSY;
	}
	if (give_parent_to_items(w) < 0) {
		disk_merge_end(w->disk, w->parent, false);
		return -EIO;
	}
	w->item = NULL;
	disk_item_discard(w->vmms, child);
	return disk_merge_end(w->disk, w->parent, w->over_files.count == 0);	/* else they name its GUID */
}

/* --- convert and clone --- */

static int copy_check(struct work *w, const json_t *body, struct problem *p)
{
	json_t *spec = json_deep_copy(body);
	bool clone = strcmp(w->action->name, "clone") == 0;

	if (json_is_object(spec) && !json_object_get(spec, "sizeBytes"))
		json_object_set_new(spec, "sizeBytes", json_integer((json_int_t)w->item->size_bytes));
	if (json_is_object(spec) && clone) {
		json_object_set_new(spec, "format", json_string(disk_format_words[w->item->format]));
		json_object_set_new(spec, "type", json_string(disk_kind_words[w->item->kind == DISK_DIFFERENCING ? DISK_DYNAMIC : w->item->kind]));
	}
	disk_spec_parse(spec, "", &w->spec, p);
	json_decref(spec);
	if (p->code == PROBLEM_NONE && (w->spec.size_bytes != w->item->size_bytes || w->spec.kind == DISK_DIFFERENCING))
		problem_set(p, PROBLEM_OUT_OF_RANGE, "sizeBytes", "A copy is a fixed or dynamic disk and as large as the original, %" PRIu64 " bytes.",
			    w->item->size_bytes);
	return p->code == PROBLEM_NONE ? disk_item_reserve(w->vmms, &w->spec, &w->made, &w->made_fd, p) : -EINVAL;
}

static int copy_run(struct work *w)
{
	struct disk_progress progress = job_work_progress(&w->job);
	struct disk_new n = { .format = disk_format_words[w->spec.format], .kind = (enum disk_kind)w->spec.kind,
			      .size_bytes = w->spec.size_bytes, .block_bytes = (uint32_t)w->spec.block_bytes };
	struct disk *from, *to;
	int r = disk_create_image(w->made_fd, &n);

	if (r == 0)
		r = disk_open(n.format, w->made_fd, false, &to);
	if (r < 0)
		return r;
	w->made_fd = -1;				/* the disk's now */
	r = disk_item_chain_open(&w->chain, true, &from);
	if (r == 0)
		r = close_disk(from, disk_copy(from, to, &progress));
	if (r == 0)
		r = disk_flush(to);
	return close_disk(to, r);
}

static int copy_finish(struct work *w)
{
	struct disk_item *made = w->made;

	w->made = NULL;
	return disk_item_publish(w->vmms, made);
}

/* --- check --- */

static int check_check(struct work *w, const json_t *body, struct problem *p)
{
	struct fields f;

	fields_begin(&f, body, "", p);
	field_bool(&f, "repair", &w->repair);
	return fields_end(&f);
}

static int check_run(struct work *w)
{
	struct disk_findings found = { 0 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int r;

	if (!out)
		return -ENOMEM;
	r = disk_check(w->chain.formats[0], w->chain.fds[0], w->repair, &found, out);
	fclose(out);
	if (r == 0 && found.errors > found.repaired)
		r = -EUCLEAN;
	snprintf(w->job.report, sizeof(w->job.report), "%u errors, %u leaks, %u repaired.%s%.200s", found.errors, found.leaks, found.repaired,
		 text && text[0] ? " " : "", text ? text : "");
	free(text);
	return r;
}

/* --- the job around it --- */

static const char *const no_fields[] = { NULL }, *const resize_fields[] = { "sizeBytes", NULL }, *const check_fields[] = { "repair", NULL },
	*const clone_fields[] = { "name", NULL }, *const convert_fields[] = { "name", "format", "type", "blockBytes", NULL };

static const struct action actions[] = {
	{ "resize",  resize_fields,  true,  false, false, resize_check, resize_run,  resize_finish },
	{ "compact", no_fields,	     true,  false, true,  NULL,		compact_run, NULL },
	{ "merge",   no_fields,	     false, false, true,  merge_check,	merge_run,   merge_finish },
	{ "convert", convert_fields, false, false, true,  copy_check,	copy_run,    copy_finish },
	{ "clone",   clone_fields,   false, false, true,  copy_check,	copy_run,    copy_finish },
	{ "check",   check_fields,   false, true,  false, check_check,	check_run,   NULL },
};

/* Nobody else may open, change or delete these meanwhile. */
static void works_on(struct work *w, bool busy)
{
	if (w->item)
		w->item->busy = busy;
	if (w->into)
		w->into->busy = busy;
	for (size_t i = 0; i < MERGE_OVER_MAX && w->over[i]; i++)
		w->over[i]->busy = busy;
}

static void work_free(struct work *w)
{
	disk_item_chain_close(&w->chain);
	disk_item_chain_close(&w->over_files);
	if (w->made)
		disk_item_discard(w->vmms, w->made);
	if (w->made_fd >= 0)
		close(w->made_fd);
	free(w);
}

static int work_thread(struct job_work *job)
{
	struct work *w = (struct work *)job;

	return w->action->run(w);
}

static void work_done(struct job_work *job, int result)
{
	struct work *w = (struct work *)job;
	const char *code;

	if (result == 0 && w->action->finish)
		result = w->action->finish(w);
	code = result == -ENOSPC ? "no_space" : result == -EUCLEAN ? "disk_damaged" : "disk_job_failed";
	works_on(w, false);			/* before anybody hears that the job has ended */
	job_work_end(job, result, code);
	work_free(w);
}

static int body_check(const struct action *a, const json_t *body, struct problem *p)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)body, name, value) {
		const char *const *known = a->fields;

		while (*known && strcmp(*known, name) != 0)
			known++;
		if (!*known)
			return problem_set(p, PROBLEM_UNKNOWN_FIELD, name, "%s is not known to %s.", name, a->name);
	}
	return 0;
}

static int work_open(struct work *w, const json_t *body, struct problem *p)
{
	const struct action *a = w->action;
	int r = body_check(a, body, p);

	if (r == 0)
		r = disk_item_check_idle(w->vmms, w->item, !a->writes, p);
	if (r == 0)
		r = a->judges ? disk_item_open_file(w->vmms, w->item, false, &w->chain, p)
			      : disk_item_open_chain(w->vmms, w->item->id, !a->writes, &w->chain, p);
	if (r == 0 && a->check)
		r = a->check(w, body, p);
	return r;
}

static bool is_in_use(const struct vmms *v, const struct disk_item *d)
{
	const struct vm *user = vm_using(v, d->id);

	return user && (user->state == VM_RUNNING || user->state == VM_PAUSED);
}

int disk_job_start(struct vmms *v, struct disk_item *d, const char *action, const json_t *body, struct job **job, struct problem *p)
{
	const struct action *a = NULL;
	struct work *w;
	char type[32];
	int r;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, action) == 0)
			a = &actions[i];
	if (!a)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "action", "There is no action %.40s.", action);
	if (a->run == merge_run && is_in_use(v, d))
		return body_check(a, body, p) < 0 ? -EINVAL : live_merge_start(v, d, job, p);
	w = calloc(1, sizeof(*w));
	if (!w)
		return problem_from_errno(p, -ENOMEM, "The job");
	*w = (struct work){ .job = { .run = work_thread, .done = work_done }, .vmms = v, .item = d, .action = a, .made_fd = -1 };
	r = work_open(w, body, p);
	if (r == 0) {
		works_on(w, true);
		snprintf(type, sizeof(type), "disk.%s", a->name);
		r = job_work_start(v, &w->job, type, d->id, d->name, a->cancellable, job);
		if (r == 0)
			return 0;
		works_on(w, false);
		problem_from_errno(p, r, "The job");
	}
	work_free(w);
	return r;
}
