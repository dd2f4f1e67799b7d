/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See alarms.h. A row per kind: how long its condition must hold to raise it, how long it must be gone to clear it, so that
 * what comes and goes in seconds wakes nobody. Alarms live in memory: a new vmms raises those that still hold anew.
 */
#include "alarms.h"

#include "guest.h"
#include "memory.h"
#include "smart_paging.h"
#include "volumes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

struct alarm {
	struct alarm *next;
	const struct alarm_row *row;
	char vm_id[GUID_TEXT_SIZE], name[4 * VM_NAME_CHARS + 1];	/* vm_id "": the host's */
	char message[320];
	bool raised;
	time_t since;
	uint64_t begun_seconds, gone_seconds;	/* of the condition; gone 0: it holds */
};

struct alarm_row {
	const char *type;
	enum severity severity;
	unsigned int raise_seconds, clear_seconds;
	bool (*host)(const struct vmms *v, bool raised, char *text, size_t size);	/* one of the two */
	bool (*vm)(const struct vm *vm, char *text, size_t size);
};

/* --- conditions; the text is filled when they hold --- */

static bool is_short_of_memory(const struct vmms *v, bool raised, char *text, size_t size)
{
	unsigned int waiting = memory_vms_in_need(v);

	(void)raised;
	if (waiting == 0)
		return false;
	snprintf(text, size, "The host's memory is short: %u virtual machines need more than it has for them. Lower the memory of others, turn some off, or add memory.",
		 waiting);
	return true;
}

static bool volume_is_low(const struct vmms *v, bool raised, char *text, size_t size)
{
	uint64_t percent = volume_warning_percent(v) + (raised ? 2 : 0);	/* once raised it takes a little more to be over */
	struct statvfs fs;

	if (fstatvfs(v->state_dir, &fs) < 0 || fs.f_blocks == 0 || fs.f_bavail >= fs.f_blocks / 100 * percent)
		return false;
	snprintf(text, size, "Of the data volume only %" PRIu64 " MiB are free, less than %" PRIu64 " %%. Virtual machines pause when it is full: delete disks or install media.",
		 (uint64_t)fs.f_bavail * fs.f_frsize >> 20, percent);
	return true;
}

static bool has_failed(const struct vm *vm, char *text, size_t size)
{
	return vm->state == VM_FAILED && snprintf(text, size, "VM %s failed: %s", vm_name(vm), vm->reason) > 0;
}

static bool finds_no_space(const struct vm *vm, char *text, size_t size)
{
	return vm->worker.no_space[0] &&
	       snprintf(text, size, "VM %s stands still because a disk found no free space; it goes on when there is some.", vm_name(vm)) > 0;
}

static bool needs_memory(const struct vm *vm, char *text, size_t size)
{
	const struct worker_memory *w = &vm->worker.memory;

	if (vm->state != VM_RUNNING || !vm->config.memory.dynamic || !w->driver || w->status != DYNMEM_WARNING)
		return false;
	snprintf(text, size, "The guest of VM %s needs %" PRIu64 " MiB and has %" PRIu64 " MiB. %s", vm_name(vm), w->demand >> 20,
		 w->assigned >> 20, w->demand > vm->config.memory.maximum ? "Raise its maximum." : "It waits for memory that others hold.");
	return true;
}

static bool boots_from_a_file(const struct vm *vm, char *text, size_t size)
{
	uint64_t bytes = smart_paging_bytes(vm);

	if (bytes == 0)
		return false;
	snprintf(text, size, "VM %s has %" PRIu64 " MiB of its memory in a paging file and is slow: memory was short when it restarted.%s", vm_name(vm), bytes >> 20,
		 smart_paging_is_late(vm) ? " Ten minutes later it still has not given them back: turn off others, or install dynamic memory's driver in its guest." : "");
	return true;
}

static bool lost_its_guest(const struct vm *vm, char *text, size_t size)
{
	return vm->state == VM_RUNNING && guest_is_lost(vm) &&
	       snprintf(text, size, "The guest of VM %s no longer answers the heartbeat.", vm_name(vm)) > 0;
}

static bool hangs(const struct vm *vm, char *text, size_t size)
{
	return vm->worker.unresponsive &&
	       snprintf(text, size, "The worker process of VM %s runs but does not answer. Turn the VM off and start it again.", vm_name(vm)) > 0;
}

static const struct alarm_row rows[] = {
	{ "host.memory-pressure", SEVERITY_WARNING, 10, 30, is_short_of_memory, NULL },
	{ "host.volume-low",	  SEVERITY_WARNING,  0,	 0, volume_is_low,	NULL },
	{ "vm.failed",		  SEVERITY_ERROR,    0,	 0, NULL,		has_failed },
	{ "vm.no-space",	  SEVERITY_ERROR,    0,	 0, NULL,		finds_no_space },
	{ "vm.memory-pressure",	  SEVERITY_WARNING, 30, 30, NULL,		needs_memory },
	{ "vm.smart-paging",	  SEVERITY_WARNING,  0,	 0, NULL,		boots_from_a_file },
	{ "vm.guest-lost",	  SEVERITY_WARNING,  0,	 0, NULL,		lost_its_guest },
	{ "vm.unresponsive",	  SEVERITY_WARNING,  0,	 0, NULL,		hangs },
};

/* --- raising and clearing --- */

static json_t *alarm_object(const struct alarm *a)
{
	return a->vm_id[0] ? object_ref("vm", a->vm_id, a->name) : object_ref("host", NULL, "host");
}

static json_t *alarm_to_json(const struct alarm *a)
{
	char id[120];

	snprintf(id, sizeof(id), "%s%s%s", a->row->type, a->vm_id[0] ? ":" : "", a->vm_id);
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "id", id, "type", a->row->type, "severity",
			 a->row->severity == SEVERITY_ERROR ? "error" : "warning", "object", alarm_object(a), "since", json_time(a->since),
			 "message", a->message);
}

static struct alarm **alarm_find(struct vmms *v, const struct alarm_row *row, const char *vm_id)
{
	struct alarm **at = &v->alarms;

	while (*at && ((*at)->row != row || strcmp((*at)->vm_id, vm_id) != 0))
		at = &(*at)->next;
	return at;
}

static void alarm_end(struct vmms *v, struct alarm **at)
{
	struct alarm *a = *at;

	*at = a->next;
	if (a->raised)
		event_add(v, "alarm.cleared", SEVERITY_INFO, alarm_object(a), alarm_to_json(a), "Over: %s", a->message);
	free(a);
}

static void alarm_raise(struct vmms *v, struct alarm *a)
{
	a->raised = true;
	event_add(v, "alarm.raised", a->row->severity, alarm_object(a), alarm_to_json(a), "%s", a->message);
}

static struct alarm *alarm_begin(struct alarm **at, const struct alarm_row *row, const struct vm *vm, uint64_t now)
{
	struct alarm *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	*a = (struct alarm){ .row = row, .since = time(NULL), .begun_seconds = now };
	if (vm) {
		snprintf(a->vm_id, sizeof(a->vm_id), "%s", vm->id);
		snprintf(a->name, sizeof(a->name), "%s", vm_name(vm));
	}
	*at = a;				/* the last one */
	return a;
}

static void look_at(struct vmms *v, const struct alarm_row *row, const struct vm *vm, uint64_t now)
{
	struct alarm **at = alarm_find(v, row, vm ? vm->id : ""), *a = *at;
	char text[sizeof(a->message)];
	bool holds = vm ? row->vm(vm, text, sizeof(text)) : row->host(v, a && a->raised, text, sizeof(text));

	if (!holds && !a)
		return;
	if (!holds) {
		a->gone_seconds = a->gone_seconds ? a->gone_seconds : now;
		if (!a->raised || now - a->gone_seconds >= row->clear_seconds)
			alarm_end(v, at);
		return;
	}
	if (!a && !(a = alarm_begin(at, row, vm, now)))
		return;
	a->gone_seconds = 0;
	snprintf(a->message, sizeof(a->message), "%s", text);
	if (!a->raised && now - a->begun_seconds >= row->raise_seconds)
		alarm_raise(v, a);
}

void alarms_round(struct vmms *v)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].host)
			look_at(v, &rows[i], NULL, (uint64_t)now.tv_sec);
		for (const struct vm *vm = rows[i].vm ? v->vms : NULL; vm; vm = vm->next)
			look_at(v, &rows[i], vm, (uint64_t)now.tv_sec);
	}
}

void alarms_forget(struct vmms *v, const char *vm_id)
{
	for (struct alarm **at = &v->alarms; *at;)
		if (strcmp((*at)->vm_id, vm_id) == 0)
			alarm_end(v, at);
		else
			at = &(*at)->next;
}

void alarms_close(struct vmms *v)
{
	while (v->alarms) {
		struct alarm *a = v->alarms;

		v->alarms = a->next;
		free(a);
	}
}

json_t *alarms_to_json(const struct vmms *v)
{
	json_t *list = json_array();

	for (const struct alarm *a = v->alarms; a; a = a->next)
		if (a->raised)
			json_array_append_new(list, alarm_to_json(a));
	return list;
}
