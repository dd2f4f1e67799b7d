/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See saved_state.h. Saving: pause, the worker writes a temporary file, a thread syncs and renames it, the worker ends.
 * Restoring: the worker reads the file; it gets its temporary name back, durably; then the guest runs; then it is removed.
 * A temporary file is removed by the next vmms, whatever it was.
 */
#include "saved_state.h"

#include "memory.h"
#include "no_space.h"
#include "partita/file.h"
#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define TEMPORARY_FILE	FILE_TEMPORARY_PREFIX SAVED_STATE_FILE

struct saving {
	struct vm *vm;			/* stays: a VM that is being saved is not deleted */
	int dir, fd;
	bool storing;			/* a thread has them */
};

static const char *why_of(const struct ipc_message *m, int result)
{
	const char *detail = NULL;

	if (result == -EREMOTE && m)
		detail = json_string_value(json_object_get(json_object_get(m->body, "parameters"), "detail"));
	return detail ? detail : strerror(-result);
}

static int folder_of(const struct vm *vm)
{
	return directory_open(vm->vmms->vms_dir, vm->id, 0700);
}

static int rename_durably(int dir, const char *from, const char *to)
{
	return renameat(dir, from, dir, to) < 0 || fsync(dir) < 0 ? -errno : 0;
}

static int folder_rename(const struct vm *vm, const char *from, const char *to)
{
	int dir = folder_of(vm), r = dir;

	if (dir < 0)
		return dir;
	r = rename_durably(dir, from, to);
	close(dir);
	return r;
}

static int folder_unlink(const struct vm *vm, const char *name)
{
	int dir = folder_of(vm), r = dir;

	if (dir < 0)
		return dir;
	r = file_remove(dir, name);
	close(dir);
	return r;
}

/* --- saving --- */

static int check_space(const struct vm *vm, struct problem *p)
{
	uint64_t need = memory_held(vm) + NO_SPACE_ENOUGH_BYTES, free;
	struct statvfs fs;

	if (fstatvfs(vm->vmms->vms_dir, &fs) < 0)
		return problem_from_errno(p, -errno, "The data volume");
	free = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free >= need)
		return 0;
	return problem_set(p, PROBLEM_NO_SPACE, NULL, "The data volume has %" PRIu64 " MiB free; to save %s takes up to %" PRIu64 " MiB.",
			   free >> 20, vm_name(vm), need >> 20);
}

int saved_state_check_save(struct vm *vm, struct problem *p)
{
	if (vm->worker.no_space[0])
		return problem_set(p, PROBLEM_NO_SPACE, NULL, "%s waits for free space on a volume; it cannot be saved now.", vm_name(vm));
	return check_space(vm, p);
}

static void saving_end(struct vm *vm)
{
	struct saving *s = vm->saving;

	vm->saving = NULL;
	(void)unlinkat(s->dir, TEMPORARY_FILE, 0);	/* not there any more when it is renamed */
	close(s->fd);
	close(s->dir);
	free(s);
}

static void on_running_again(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;
	char reason[160];

	(void)continues;
	if (vm->state != VM_SAVING)
		return;
	snprintf(reason, sizeof(reason), "It could not be resumed: %s", result < 0 ? why_of(m, result) : "");
	if (result < 0)
		power_set_state(vm, VM_PAUSED, reason);
	else
		power_set_running(vm);
}

/* As it was before. */
static void go_back(struct vm *vm)
{
	if (!vm->resumes)
		power_set_state(vm, VM_PAUSED, "");
	else if (worker_call(vm, "vmwp.Resume", NULL, NULL, 0, on_running_again, vm) < 0)
		on_running_again(NULL, -ENOTCONN, false, vm);
}

static void save_failed(struct vm *vm, const char *why)
{
	char detail[320];

	saving_end(vm);
	snprintf(detail, sizeof(detail), "%s was not saved: %s", vm_name(vm), why);
	power_finish_job(vm, JOB_FAILED, "save_failed", detail);
	go_back(vm);
}

/* On a thread. What the guest has written, and believes to be on its disks, must be there as surely as the saved state. */
static int store(void *data)
{
	struct saving *s = data;

	if (fsync(s->fd) < 0 || syncfs(s->dir) < 0)
		return -errno;
	return rename_durably(s->dir, TEMPORARY_FILE, SAVED_STATE_FILE);
}

/* A rename that may not be on disk yet is taken back: both or none. */
static void on_store_failed(struct vm *vm, int result)
{
	char why[160];

	(void)unlinkat(vm->saving->dir, SAVED_STATE_FILE, 0);
	snprintf(why, sizeof(why), "its state could not be stored: %s", strerror(-result));
	if (vm->worker.present) {
		save_failed(vm, why);
		return;
	}
	saving_end(vm);
	power_set_state(vm, VM_FAILED, "The worker process ended while the virtual machine was being saved.");
	power_finish_job(vm, JOB_FAILED, "save_failed", why);
}

static void on_stored(void *data, int result)
{
	struct saving *s = data;
	struct vm *vm = s->vm;

	if (result < 0) {
		on_store_failed(vm, result);
		return;
	}
	saving_end(vm);
	vm->has_saved_state = true;
	if (vm->worker.present) {
		power_end_worker(vm);			/* its end makes the VM "saved" */
		return;
	}
	power_set_state(vm, VM_SAVED, "");
	power_finish_job(vm, JOB_SUCCEEDED, NULL, NULL);
}

static void on_saved(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;

	(void)continues;
	if (!vm->saving)
		return;
	if (result == -ESHUTDOWN) {			/* vmpriv tells of its end */
		worker_kill(vm);
		return;
	}
	if (result == 0)
		result = work_run(vm->vmms, store, on_stored, vm->saving);
	if (result < 0)
		save_failed(vm, why_of(m, result));
	else
		vm->saving->storing = true;
}

static void write_state(struct vm *vm)
{
	int r = worker_call(vm, "vmwp.SaveState", NULL, &vm->saving->fd, 1, on_saved, vm);

	if (r < 0)
		save_failed(vm, strerror(-r));
}

static void on_paused(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;

	(void)continues;
	if (!vm->saving)
		return;
	if (result == -ESHUTDOWN) {
		worker_kill(vm);
	} else if (result < 0) {			/* it did not run, and says why itself */
		saving_end(vm);
		power_finish_job(vm, JOB_FAILED, "save_failed", why_of(m, result));
		power_set_running(vm);
	} else {
		write_state(vm);
	}
}

static int saving_begin(struct vm *vm)
{
	struct saving *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct saving){ .vm = vm, .dir = folder_of(vm), .fd = -1 };
	r = s->dir;
	if (r >= 0)
		r = file_remove(s->dir, TEMPORARY_FILE);
	if (r == 0) {
		s->fd = openat(s->dir, TEMPORARY_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		r = s->fd < 0 ? -errno : 0;
	}
	if (r == 0) {
		vm->saving = s;
		return 0;
	}
	if (s->dir >= 0)
		close(s->dir);
	free(s);
	return r;
}

void saved_state_save(struct vm *vm)
{
	int r = saving_begin(vm);

	if (r < 0) {
		power_finish_job(vm, JOB_FAILED, "save_failed", strerror(-r));
		return;
	}
	vm->resumes = vm->state == VM_RUNNING;
	power_set_state(vm, VM_SAVING, "");
	if (!vm->resumes)
		write_state(vm);
	else if (worker_call(vm, "vmwp.Pause", NULL, NULL, 0, on_paused, vm) < 0)
		on_paused(NULL, -ENOTCONN, false, vm);
}

/* --- restoring --- */

static int file_open(const struct vm *vm)
{
	int dir = folder_of(vm), fd;

	if (dir < 0)
		return dir;
	fd = openat(dir, SAVED_STATE_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	fd = fd < 0 ? -errno : fd;
	close(dir);
	return fd;
}

/* Memory that was added to the guest is more than it starts with; how much of it holds something, the file's size tells. */
int saved_state_check_start(const struct vm *vm, struct problem *p)
{
	uint64_t available = host_memory_available(vm->vmms);
	int fd = file_open(vm), r;
	struct stat st;

	if (fd < 0)
		return problem_from_errno(p, fd, "The saved state");
	r = fstat(fd, &st) < 0 ? -errno : 0;
	close(fd);
	if (r < 0)
		return problem_from_errno(p, r, "The saved state");
	if ((uint64_t)st.st_size > vm->config.memory.startup && (uint64_t)st.st_size > available)
		return problem_set(p, PROBLEM_NO_MEMORY, NULL, "The saved state of %s holds %" PRIu64 " MiB of memory; the host has %" PRIu64 " MiB left.",
				   vm_name(vm), (uint64_t)st.st_size >> 20, available >> 20);
	return 0;
}

static void restore_failed(struct vm *vm, const char *why)
{
	char reason[160];

	snprintf(reason, sizeof(reason), "The saved state could not be restored: %s", why);
	power_start_failed(vm, reason);
}

/* Refused: the guest has not run, and its saved state is good for another try. No answer: it may have run. */
static void on_runs(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;

	(void)continues;
	if (result == -EREMOTE && vm->state == VM_RESTORING && folder_rename(vm, TEMPORARY_FILE, SAVED_STATE_FILE) == 0)
		vm->has_saved_state = true;
	else
		(void)folder_unlink(vm, TEMPORARY_FILE);
	if (result == -ESHUTDOWN)
		worker_kill(vm);
	else if (result < 0)
		restore_failed(vm, why_of(m, result));
	else
		power_running(vm);
}

static void let_run(struct vm *vm)
{
	int r = folder_rename(vm, SAVED_STATE_FILE, TEMPORARY_FILE);

	if (r < 0) {
		restore_failed(vm, strerror(-r));
		return;
	}
	vm->has_saved_state = false;
	vm->resumes = true;
	vm_state_save(vm);
	r = worker_call(vm, "vmwp.Resume", NULL, NULL, 0, on_runs, vm);
	if (r == 0)
		return;
	if (folder_rename(vm, TEMPORARY_FILE, SAVED_STATE_FILE) == 0)
		vm->has_saved_state = true;
	restore_failed(vm, strerror(-r));
}

static void on_restored(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;

	(void)continues;
	if (vm->state != VM_RESTORING)			/* turned off meanwhile */
		return;
	if (result == -ESHUTDOWN)
		worker_kill(vm);
	else if (result < 0)
		restore_failed(vm, why_of(m, result));
	else
		let_run(vm);
}

void saved_state_restore(struct vm *vm)
{
	int fd = file_open(vm), r = fd;

	if (fd >= 0) {
		r = worker_call(vm, "vmwp.RestoreState", NULL, &fd, 1, on_restored, vm);
		close(fd);
	}
	if (r < 0)
		restore_failed(vm, strerror(-r));
}

bool saved_state_worker_ended(struct vm *vm)
{
	if (vm->saving && vm->saving->storing) {
		worker_forget(vm);
		return true;
	}
	if (vm->saving) {
		saving_end(vm);
		power_finish_job(vm, JOB_FAILED, "save_failed", "The worker process ended meanwhile.");
	}
	if (vm->state == VM_RESTORING)			/* after let_run(): its guest may have run */
		(void)folder_unlink(vm, TEMPORARY_FILE);
	return false;
}

/* --- discarding, and what must not change --- */

int saved_state_check_discard(struct vm *vm, struct problem *p)
{
	if (vm->worker.present)
		return problem_set(p, PROBLEM_VM_WRONG_STATE, NULL, "The last worker of %s has not ended yet.", vm_name(vm));
	return 0;
}

void saved_state_discard(struct vm *vm)
{
	int r = folder_unlink(vm, SAVED_STATE_FILE);

	if (r < 0) {
		power_finish_job(vm, JOB_FAILED, "discard_failed", strerror(-r));
		return;
	}
	vm->has_saved_state = false;
	power_set_state(vm, VM_OFF, "");
	power_finish_job(vm, JOB_SUCCEEDED, NULL, NULL);
}

static json_t *machine_of(const struct vm_config *c)
{
	static const char *const free_to_change[] = { "name", "notes", "automaticStart", "automaticStop" };
	json_t *o = vm_config_to_json(c);

	for (size_t i = 0; i < sizeof(free_to_change) / sizeof(free_to_change[0]); i++)
		(void)json_object_del(o, free_to_change[i]);
	return o;
}

int saved_state_guard(const struct vm *vm, const struct vm_config *c, struct problem *p)
{
	json_t *before, *after;
	bool same;

	if (vm->state != VM_SAVED && vm->state != VM_SAVING && vm->state != VM_RESTORING)
		return 0;
	before = machine_of(&vm->config);
	after = machine_of(c);
	same = json_equal(before, after);
	json_decref(before);
	json_decref(after);
	if (same)
		return 0;
	return problem_set(p, PROBLEM_VM_NOT_OFF, NULL, "%s is %s, and its saved state depends on this: start it, or discard the saved state, first.",
			   vm_name(vm), vm_state_words[vm->state]);
}
