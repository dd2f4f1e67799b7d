/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See smart_paging.h. The file is a swap file (vmpriv's paging.h) in the folder "paging" of the volume, root's alone once in use.
 * Its name begins with the VM's id, so that the next vmms knows whose it is. It is removed when the kernel has left it.
 */
#include "smart_paging.h"

#include "memory.h"
#include "partita/file.h"
#include "partita/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FOLDER		"paging"
#define HEADER_BYTES	4096u			/* vmpriv's, at the file's begin */
#define VOLUME_SPARE	(256ull << 20)		/* stays free on the volume */
#define RESIDENT_MIN	(64ull << 20)		/* with less a guest does not get through its boot */
#define LATE_USEC	(600ull * 1000 * 1000)
#define NAME_SIZE	(2 * GUID_TEXT_SIZE)

enum paging_state {
	PAGING_FOUND,		/* an earlier vmms'; whether its VM runs is not known yet */
	PAGING_BEGINS,		/* vmpriv is asked */
	PAGING_ACTIVE,
	PAGING_ENDS,		/* the kernel reads it back */
};

struct paging {
	struct paging *next;
	struct vmms *vmms;
	char vm_id[GUID_TEXT_SIZE], name[NAME_SIZE];
	enum paging_state state;
	uint64_t bytes;			/* of the VM's memory that the host has not; at most the file's */
	uint64_t begun_usec;		/* CLOCK_MONOTONIC */
	bool asking;			/* vmpriv.LeavePaging is on its way */
	smart_paging_done *done;
};

static uint64_t now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The one that counts: those that end have no part in the VM's memory any more. */
static struct paging *paging_of(const struct vm *vm)
{
	struct paging *g = vm->vmms->pagings;

	while (g && (g->state == PAGING_ENDS || strcmp(g->vm_id, vm->id) != 0))
		g = g->next;
	return g;
}

uint64_t smart_paging_bytes(const struct vm *vm)
{
	const struct paging *g = paging_of(vm);

	return g ? g->bytes : 0;
}

bool smart_paging_is_late(const struct vm *vm)
{
	const struct paging *g = paging_of(vm);

	return g && now_usec() - g->begun_usec > LATE_USEC;
}

static struct paging *paging_add(struct vmms *v, const char *vm_id, const char *name, uint64_t bytes, enum paging_state state)
{
	struct paging *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	*g = (struct paging){ .next = v->pagings, .vmms = v, .bytes = bytes, .state = state, .begun_usec = now_usec() };
	snprintf(g->vm_id, sizeof(g->vm_id), "%s", vm_id);
	snprintf(g->name, sizeof(g->name), "%s", name);
	v->pagings = g;
	return g;
}

static void paging_remove(struct paging *g)
{
	struct paging **at = &g->vmms->pagings;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	if (unlinkat(g->vmms->paging_dir, g->name, 0) < 0 && errno != ENOENT)
		log_error("%s/%s stays: %s", FOLDER, g->name, strerror(errno));
	free(g);
}

static void tell(const struct paging *g, const char *state, const char *what)
{
	const struct vm *vm = vm_find(g->vmms, g->vm_id);

	if (vm)
		event_add(g->vmms, "vm.smart-paging", SEVERITY_INFO, object_ref("vm", vm->id, vm_name(vm)),
			  json_pack("{s:s, s:I}", "state", state, "bytes", (json_int_t)g->bytes), "VM %s %s", vm_name(vm), what);
}

/* --- limits of the VM's control group --- */

static void set_limits(const struct paging *g, uint64_t resident, uint64_t paged)
{
	(void)priv_call(g->vmms, "vmpriv.SetPaging",
			json_pack("{s:s, s:I, s:I}", "id", g->vm_id, "residentBytes", (json_int_t)resident, "pagedBytes", (json_int_t)paged), NULL,
			0, NULL, NULL);
}

/* What the worker itself takes is not the guest's. */
static uint64_t resident_bytes(const struct vm *vm, uint64_t paged)
{
	return vm->config.memory.startup - paged + HOST_MEMORY_PER_VM;
}

/* --- ending --- */

static void paging_end(struct paging *g)
{
	set_limits(g, 0, 0);
	g->state = PAGING_ENDS;
}

static void on_left(struct ipc_message *m, int result, bool continues, void *data)
{
	struct paging *g = data;

	(void)continues;
	g->asking = false;
	if (result < 0 || !json_is_true(json_object_get(m->body, "left")))
		return;				/* the next round asks again */
	tell(g, "ended", "has all of its memory again: its paging file is removed.");
	paging_remove(g);
}

static void ask_to_leave(struct paging *g)
{
	int fd = openat(g->vmms->paging_dir, g->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		paging_remove(g);
		return;
	}
	g->asking = priv_call(g->vmms, "vmpriv.LeavePaging", NULL, &fd, 1, on_left, g) == 0;
	close(fd);
}

void smart_paging_grant(struct vm *vm, uint64_t bytes)
{
	struct paging *g = paging_of(vm);

	if (!g || g->state != PAGING_ACTIVE || bytes == 0)
		return;
	g->bytes -= bytes < g->bytes ? bytes : g->bytes;
	if (g->bytes)
		set_limits(g, resident_bytes(vm, g->bytes), g->bytes);
	else
		paging_end(g);
}

/* The guest has given back what the host did not have; or others have, and nobody needs it more. */
static void give_back(struct vm *vm, const struct paging *g)
{
	const struct worker_memory *w = &vm->worker.memory;
	uint64_t free = host_memory_available(vm->vmms) / DYNMEM_STEP * DYNMEM_STEP;

	if (w->driver && w->assigned && w->assigned < vm->config.memory.startup - g->bytes + DYNMEM_STEP)
		smart_paging_grant(vm, g->bytes);
	else
		smart_paging_grant(vm, free < g->bytes ? free : g->bytes);
}

void smart_paging_round(struct vmms *v)
{
	for (struct paging *g = v->pagings, *next; g; g = next) {
		struct vm *vm = vm_find(v, g->vm_id);

		next = g->next;
		if (g->state == PAGING_ACTIVE && (!vm || !vm->worker.present))
			paging_end(g);
		else if (g->state == PAGING_ACTIVE && vm->worker.memory.assigned)
			give_back(vm, g);
		if (g->state == PAGING_ENDS && !g->asking)
			ask_to_leave(g);
	}
}

void smart_paging_stop(struct vm *vm)
{
	struct paging *g = paging_of(vm);

	if (!g)
		return;
	if (g->state == PAGING_BEGINS)
		g->done = NULL;			/* vmpriv's answer comes later, and ends it */
	else
		paging_end(g);
}

/* --- beginning --- */

uint64_t smart_paging_needs(const struct vm *vm, uint64_t free)
{
	const struct vm_memory *m = &vm->config.memory;
	uint64_t least = m->minimum > RESIDENT_MIN ? m->minimum : RESIDENT_MIN;

	if (!m->dynamic || m->minimum >= m->startup || free < least || free >= m->startup)
		return 0;
	return (m->startup - free + DYNMEM_STEP - 1) / DYNMEM_STEP * DYNMEM_STEP;
}

static int file_create(const struct vmms *v, const char *name, uint64_t bytes, struct problem *p)
{
	struct statvfs fs;
	int fd, r;

	if (fstatvfs(v->paging_dir, &fs) < 0 || (uint64_t)fs.f_bavail * fs.f_frsize < bytes + VOLUME_SPARE) {
		problem_set(p, PROBLEM_NO_SPACE, "memory.smartPagingVolumeId", "The volume has no room for a paging file of %" PRIu64 " MiB.", bytes >> 20);
		return -ENOSPC;
	}
	fd = openat(v->paging_dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : -posix_fallocate(fd, 0, (off_t)(bytes + HEADER_BYTES));
	if (r == 0)
		return fd;
	problem_from_errno(p, r, "The paging file");
	if (fd >= 0) {
		close(fd);
		unlinkat(v->paging_dir, name, 0);
	}
	return r;
}

static void on_begun(struct ipc_message *m, int result, bool continues, void *data)
{
	struct paging *g = data;
	struct vm *vm = vm_find(g->vmms, g->vm_id);
	const char *detail = m ? json_string_value(json_object_get(json_object_get(m->body, "parameters"), "detail")) : NULL;
	smart_paging_done *done = g->done;

	(void)continues;
	g->state = PAGING_ACTIVE;
	if (result < 0 || !vm || !done)
		g->state = PAGING_ENDS;		/* also when nobody knows whether it has begun */
	else
		tell(g, "began", "boots with a part of its memory in a paging file: memory is short.");
	if (vm && done)
		done(vm, result, detail ? detail : result < 0 ? strerror(-result) : "");
}

int smart_paging_begin(struct vm *vm, uint64_t bytes, smart_paging_done *done, struct problem *p)
{
	struct vmms *v = vm->vmms;
	char name[NAME_SIZE], guid[GUID_TEXT_SIZE];
	struct paging *g = NULL;
	int fd, r = guid_new(guid);

	if (r < 0)
		return problem_from_errno(p, r, "The paging file");
	snprintf(name, sizeof(name), "%s-%.8s", vm->id, guid);
	fd = file_create(v, name, bytes, p);
	if (fd < 0)
		return fd;
	g = paging_add(v, vm->id, name, bytes, PAGING_BEGINS);
	r = g ? priv_call(v, "vmpriv.BeginPaging",
			  json_pack("{s:s, s:I, s:I}", "id", vm->id, "residentBytes", (json_int_t)resident_bytes(vm, bytes), "pagedBytes",
				    (json_int_t)bytes), &fd, 1, on_begun, g) : -ENOMEM;
	close(fd);
	if (r < 0 && g)
		paging_remove(g);
	else if (r < 0)
		unlinkat(v->paging_dir, name, 0);
	else
		g->done = done;
	return r < 0 ? problem_from_errno(p, r, "The paging file") : 0;
}

/* --- after a restart of vmms --- */

/* A VM that runs boots on with its limits as they were at first: what was granted since is given again. */
static void recover(struct paging *g)
{
	struct vm *vm = vm_find(g->vmms, g->vm_id);

	if (!vm || !vm->worker.present || g->bytes >= vm->config.memory.startup) {
		g->state = PAGING_ENDS;
		return;
	}
	g->state = PAGING_ACTIVE;
	set_limits(g, resident_bytes(vm, g->bytes), g->bytes);
}

void smart_paging_recover(struct vmms *v)
{
	for (struct paging *g = v->pagings; g; g = g->next)
		if (g->state == PAGING_FOUND)
			recover(g);
}

static void find(struct vmms *v, const char *name)
{
	char vm_id[GUID_TEXT_SIZE];
	struct stat st;

	snprintf(vm_id, sizeof(vm_id), "%.*s", GUID_TEXT_SIZE - 1, name);
	if (!guid_is_valid(vm_id) || strlen(name) >= NAME_SIZE || fstatat(v->paging_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return;
	(void)paging_add(v, vm_id, name, st.st_size > HEADER_BYTES ? (uint64_t)st.st_size - HEADER_BYTES : 0, PAGING_FOUND);
}

int smart_paging_open(struct vmms *v)
{
	const struct dirent *entry;
	DIR *dir;
	int fd;

	v->paging_dir = directory_open(v->state_dir, FOLDER, 0700);
	if (v->paging_dir < 0)
		return v->paging_dir;
	fd = openat(v->paging_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return -EIO;
	}
	while ((entry = readdir(dir)))
		find(v, entry->d_name);
	closedir(dir);
	return 0;
}

void smart_paging_close(struct vmms *v)
{
	while (v->pagings) {
		struct paging *g = v->pagings;

		v->pagings = g->next;
		free(g);
	}
	if (v->paging_dir >= 0)
		close(v->paging_dir);
	v->paging_dir = -1;
}
