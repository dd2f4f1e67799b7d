/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While a VM is paused because a volume is full, a timer looks at the free space of the state directory's volume, where the
 * disks are, and resumes it when there is enough. Where that volume has room but the disk still finds none (a quota, another
 * volume) it pauses again: such a VM is tried once a minute, not every time.
 */
#include "no_space.h"

#include "partita/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define LOOK_USEC	(5ull * 1000000)
#define AGAIN_USEC	(60ull * 1000000)

static bool has_room(const struct vmms *v)
{
	struct statvfs fs;

	return fstatvfs(v->state_dir, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize >= NO_SPACE_ENOUGH_BYTES;
}

static void on_resumed(struct ipc_message *m, int result, bool continues, void *data)
{
	const struct vm *vm = data;

	(void)m;
	(void)continues;
	if (result < 0)			/* the next look tries again */
		log_warning("VM %s cannot be resumed: %s", vm_name(vm), strerror(-result));
}

static void resume(struct vm *vm, uint64_t now)
{
	bool busy = vm->job && vm->state != VM_STOPPING;	/* a person's action goes first; a shutdown goes on with room */

	if (busy || vm->off_wanted || (vm->worker.resumed_usec && now - vm->worker.resumed_usec < AGAIN_USEC))
		return;
	vm->worker.resumed_usec = now;
	(void)worker_call(vm, "vmwp.Resume", NULL, NULL, 0, on_resumed, vm);
}

static int on_look(sd_event_source *source, uint64_t usec, void *data)
{
	struct vmms *v = data;
	bool room = has_room(v), any = false;

	for (struct vm *vm = v->vms; vm; vm = vm->next) {
		if (!vm->worker.no_space[0])
			continue;
		any = true;
		if (room)
			resume(vm, usec);
	}
	if (!any)
		return 0;			/* a oneshot: off now */
	sd_event_source_set_time_relative(source, LOOK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void look_later(struct vmms *v)
{
	int enabled = SD_EVENT_OFF;

	if (!v->space_timer) {
		if (sd_event_add_time_relative(v->loop, &v->space_timer, CLOCK_MONOTONIC, LOOK_USEC, 0, on_look, v) < 0)
			log_error("No timer looks for free space; VMs that wait for it have to be resumed by hand");
		return;
	}
	sd_event_source_get_enabled(v->space_timer, &enabled);
	if (enabled != SD_EVENT_OFF)
		return;
	sd_event_source_set_time_relative(v->space_timer, LOOK_USEC);
	sd_event_source_set_enabled(v->space_timer, SD_EVENT_ONESHOT);
}

void no_space_note(struct vm *vm, const char *state, const char *reason)
{
	bool full = strcmp(state, "paused") == 0 && strncmp(reason, NO_SPACE_REASON, strlen(NO_SPACE_REASON)) == 0;

	snprintf(vm->worker.no_space, sizeof(vm->worker.no_space), "%s", full ? reason : "");
	if (full)
		look_later(vm->vmms);
}

void no_space_close(struct vmms *v)
{
	v->space_timer = sd_event_source_disable_unref(v->space_timer);
}
