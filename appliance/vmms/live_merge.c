/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging a disk into its parent while its VM runs: the worker does it (storage/live_merge.c), and tells how far it is by a stream.
 * What decides is the disk's file: once it is empty all its data is in the parent, and the VM's drive gets that. A crash in between
 * is made good at the next start, by the same rule.
 */
#include "drives.h"
#include "job_work.h"
#include "library.h"
#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct live_merge {
	struct job_work job;
	struct disk_item *child, *parent;	/* busy: they stay */
	char vm_id[GUID_TEXT_SIZE];
	struct ipc_async *stream;
};

/* --- what the file says --- */

static bool is_merged(const struct vmms *v, const struct disk_item *d)
{
	struct stat st;
	char name[64];

	disk_item_file(d, name, sizeof(name));
	return d->ready && d->parent[0] && fstatat(v->disks_dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size == 0;
}

static int give_parent_to(struct vm *vm, const struct disk_item *d)
{
	struct vm_config *c = malloc(sizeof(*c));
	struct problem p = { 0 };
	int r;

	if (!c)
		return -ENOMEM;
	*c = vm->config;
	for (unsigned int i = 0; i < c->drive_count; i++)
		if (strcmp(c->drives[i].source, d->id) == 0)
			memcpy(c->drives[i].source, d->parent, sizeof(c->drives[i].source));
	r = vm_change(vm, c, &p);
	free(c);
	return r;
}

/* Its users get its parent; the disk goes last, and stays if one of them could not be stored. */
static int follow_data(struct vmms *v, struct disk_item *d)
{
	for (struct vm *user; (user = vm_using(v, d->id)); )
		if (give_parent_to(user, d) < 0)
			return -EIO;
	disk_item_discard(v, d);
	return 0;
}

int live_merges_settle(struct vmms *v)
{
	struct disk_item *next;

	for (struct disk_item *d = v->disks; d; d = next) {
		next = d->next;
		if (!is_merged(v, d))
			continue;
		log_info("disk %s was merged into its parent before the service ended", d->name);
		if (follow_data(v, d) < 0)
			log_error("disk %s: its merge cannot be written down", d->name);
	}
	return 0;
}

/* --- while the worker does it --- */

static const struct drive *drive_with(const struct vm *vm, const struct disk_item *d)
{
	for (unsigned int i = 0; vm && i < vm->config.drive_count; i++)
		if (strcmp(vm->config.drives[i].source, d->id) == 0)
			return &vm->config.drives[i];
	return NULL;
}

static void merge_end(struct live_merge *m, int result)
{
	ipc_async_close(m->stream);
	m->stream = NULL;
	m->job.done(&m->job, result);
}

static void on_news(struct ipc_message *message, int result, bool continues, void *data)
{
	struct live_merge *m = data;
	json_t *parameters = result == -EREMOTE ? json_object_get(message->body, "parameters") : NULL;
	const char *detail = json_string_value(json_object_get(parameters, "detail"));

	if (result == 0 && continues) {
		atomic_store(&m->job.percent, (unsigned int)json_integer_value(json_object_get(message->body, "progressPercent")));
		return;
	}
	if (detail)
		snprintf(m->job.report, sizeof(m->job.report), "%s", detail);
	if (json_integer_value(json_object_get(parameters, "status")) == 507)
		result = -ENOSPC;
	merge_end(m, result);
}

/* After on_news() with the reason nothing is left to be told; else the worker ended in silence. */
static void on_lost(struct ipc_async *stream, int reason, void *data)
{
	struct live_merge *m = data;

	(void)stream;
	merge_end(m, reason);
}

/* The stream tells what came of it. */
static void on_cancel_told(struct ipc_message *message, int result, bool continues, void *data)
{
	(void)message;
	(void)result;
	(void)continues;
	(void)data;
}

static void merge_cancel(struct job_work *job)
{
	struct live_merge *m = (struct live_merge *)job;
	struct vm *vm = vm_find(job->vmms, m->vm_id);
	const struct drive *d = drive_with(vm, m->child);

	if (d)
		(void)worker_call(vm, "vmwp.CancelMerge", json_pack("{s:o}", "controller", drive_controller_json(d)), NULL, 0, on_cancel_told,
				  NULL);
}

/* Whatever was answered: an empty file is merged. */
static void merge_done(struct job_work *job, int result)
{
	struct live_merge *m = (struct live_merge *)job;
	struct vmms *v = job->vmms;

	m->child->busy = m->parent->busy = false;
	if (is_merged(v, m->child)) {
		job->report[0] = '\0';
		result = follow_data(v, m->child);
	} else if (atomic_load(&job->cancelled)) {
		result = -ECANCELED;
	} else if (result == 0) {
		result = -EIO;
	}
	job_work_end(job, result, result == -ENOSPC ? "no_space" : "disk_job_failed");
	free(m);
}

static int ask_worker(struct live_merge *m, const struct vm *vm, int parent_fd)
{
	json_t *parameters = json_pack("{s:o, s:i}", "controller", drive_controller_json(drive_with(vm, m->child)), "fd", 0);
	int r = worker_connect_also(vm, on_lost, m, &m->stream);

	if (r < 0) {
		json_decref(parameters);
		return r;
	}
	return ipc_async_call(m->stream, "vmwp.MergeDisk", parameters, &parent_fd, 1, -1, on_news, m);
}

static int check(const struct vmms *v, const struct disk_item *d, const struct disk_item *parent, const struct vm *vm, struct problem *p)
{
	const struct disk_item *child = disk_item_child(v, d);

	if (!parent)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, NULL, "%s is no differencing disk; there is nothing to merge it into.", d->name);
	if (d->busy)
		return problem_set(p, PROBLEM_LOCKED_BY_JOB, NULL, "A job works on the disk %s.", d->name);
	if (child)
		return problem_set(p, PROBLEM_DISK_HAS_CHILDREN, NULL, "%s is the parent of %s.", d->name, child->name);
	for (const struct disk_item *c = v->disks; c; c = c->next)
		if (c != d && strcmp(c->parent, parent->id) == 0)
			return problem_set(p, PROBLEM_DISK_HAS_CHILDREN, NULL, "%s is also the parent of %s, which the merge would change.",
					   parent->name, c->name);
	if (drive_with(vm, d)->read_only)
		return problem_set(p, PROBLEM_DISK_ATTACHED, NULL, "The VM %s has the disk %s for reading only.", vm_name(vm), d->name);
	return disk_item_check_free(v, parent, true, p);
}

int live_merge_start(struct vmms *v, struct disk_item *d, struct job **job, struct problem *p)
{
	struct disk_item *parent = disk_find(v, d->parent);
	const struct vm *vm = vm_using(v, d->id);
	struct disk_item_chain file = { .count = 0 };
	struct live_merge *m;
	int r;

	if (check(v, d, parent, vm, p) < 0 || disk_item_open_file(v, parent, false, &file, p) < 0)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (m)
		*m = (struct live_merge){ .job = { .done = merge_done, .cancel = merge_cancel }, .child = d, .parent = parent };
	r = m ? ask_worker(m, vm, file.fds[0]) : -ENOMEM;
	disk_item_chain_close(&file);
	if (r == 0) {
		snprintf(m->vm_id, sizeof(m->vm_id), "%s", vm->id);
		r = job_work_start(v, &m->job, "disk.merge", d->id, d->name, true, job);
	}
	if (r == 0) {
		d->busy = parent->busy = true;
		return 0;
	}
	if (m)
		ipc_async_close(m->stream);
	free(m);
	return problem_from_errno(p, r, "The worker of the VM cannot be asked");
}
