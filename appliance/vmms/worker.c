/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker of a VM as vmms drives it: ask vmpriv for the process, connect to its socket, hand over the machine and its
 * descriptors, start it; later follow its state. Nothing here waits: a worker that hangs costs only its own VM.
 */
#include "vm.h"

#include "drives.h"
#include "guest.h"
#include "guest_items.h"
#include "firmware.h"
#include "library.h"
#include "memory.h"
#include "network.h"
#include "partita/log.h"
#include "processors.h"
#include "saved_state.h"
#include "smart_paging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIGURE_TIMEOUT_MS	120000	/* it allocates and maps all of the guest's memory */
#define CALL_TIMEOUT_MS		30000
#define SAVED_TIMEOUT_MS	(3600 * 1000)	/* memory to or from a file; whatever else is asked waits for it */
#define SLOTS			512u

/* What went wrong, from a reply or its absence. */
static void explain(const struct ipc_message *m, int result, const char *what, char *out, size_t size)
{
	const char *detail = NULL;

	if (result == -EREMOTE && m)
		detail = json_string_value(json_object_get(json_object_get(m->body, "parameters"), "detail"));
	snprintf(out, size, "%s: %s", what, detail ? detail : strerror(-result));
}

static void start_failed(struct vm *vm, const struct ipc_message *m, int result, const char *what)
{
	char reason[200];

	explain(m, result, what, reason, sizeof(reason));
	power_start_failed(vm, reason);
}

static bool slot_is_taken(const struct vmms *v, unsigned int slot)
{
	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		if (vm->worker.present && vm->worker.slot == slot)
			return true;
	return false;
}

static int slot_find(const struct vmms *v, unsigned int *slot)
{
	for (*slot = 0; *slot < SLOTS; (*slot)++)
		if (!slot_is_taken(v, *slot))
			return 0;
	return -EUSERS;
}

void worker_forget(struct vm *vm)
{
	guest_forget(vm);
	smart_paging_stop(vm);
	ipc_async_close(vm->worker.control);
	ipc_async_close(vm->worker.watch);
	vm->worker = (struct worker){ 0 };
	processors_apply(vm->vmms);	/* what it had is shared among the others */
}

void worker_kill(struct vm *vm)
{
	priv_call(vm->vmms, "vmpriv.StopWorker", json_pack("{s:s}", "id", vm->id), NULL, 0, NULL, NULL);
}

int worker_call(struct vm *vm, const char *method, json_t *parameters, const int *fds, size_t fd_count,
                ipc_async_reply *done, void *data)
{
	bool slow = vm->state == VM_SAVING || vm->state == VM_RESTORING;

	if (!vm->worker.control) {
		json_decref(parameters);
		return -ENOTCONN;
	}
	return ipc_async_call(vm->worker.control, method, parameters, fds, fd_count, slow ? SAVED_TIMEOUT_MS : CALL_TIMEOUT_MS, done,
	                      data);
}

/* --- following it --- */

/* The process may be ending, and vmpriv will say so; or it hangs, and then the VM says so. */
static void control_lost(struct ipc_async *a, int reason, void *data)
{
	struct vm *vm = data;

	ipc_async_close(a);
	if (a == vm->worker.watch)
		vm->worker.watch = NULL;
	else
		vm->worker.control = NULL;
	if (reason == -ETIMEDOUT) {
		log_warning("VM %s: its worker does not answer", vm_name(vm));
		vm->worker.unresponsive = true;
	}
}

static void on_watch(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;
	const char *state, *reason;

	(void)continues;
	if (result < 0)
		return;
	state = json_string_value(json_object_get(m->body, "state"));
	reason = json_string_value(json_object_get(m->body, "reason"));
	if (!state)
		return;
	vm->worker.said_off = strcmp(state, "off") == 0;
	if (vm->worker.said_off || strcmp(state, "failed") == 0)
		snprintf(vm->worker.reason, sizeof(vm->worker.reason), "%s", reason ? reason : "");
	power_worker_state(vm, state, reason ? reason : "");
}

int worker_connect_also(const struct vm *vm, void (*lost)(struct ipc_async *a, int reason, void *data), void *data, struct ipc_async **out)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/vm/%s.sock", vm->vmms->options.runtime_dir, vm->id);
	fd = ipc_connect_fd(path);
	return fd < 0 ? fd : ipc_async_from_fd(vm->vmms->loop, fd, lost, data, out);
}

static int worker_connect(struct vm *vm)
{
	int r = worker_connect_also(vm, control_lost, vm, &vm->worker.control);

	return r < 0 ? r : worker_connect_also(vm, control_lost, vm, &vm->worker.watch);
}

/* --- the machine and its descriptors --- */

static json_t *pack_firmware(const struct vm *vm, struct parcel *a, struct problem *p)
{
	struct firmware_part parts[FIRMWARE_PARTS];
	json_t *o;

	if (firmware_open(vm, parts, p) < 0)
		return NULL;
	o = json_object();
	for (unsigned int i = 0; i < FIRMWARE_PARTS && parts[i].key; i++)
		json_object_set_new(o, parts[i].key, json_integer(parcel_add(a, parts[i].fd)));
	return o;
}

static int pack_machine(struct vm *vm, json_t **machine, struct parcel *a, struct problem *p)
{
	const struct vm_config *c = &vm->config;
	json_t *order = json_array(), *disks = json_array(), *firmware = pack_firmware(vm, a, p);

	*machine = json_pack("{s:s, s:s, s:i, s:I, s:I, s:o, s:o}", "id", vm->id, "name", c->name,
	                     "generation", (int)c->generation, "processors", (json_int_t)c->processor.count, "memoryBytes",
	                     (json_int_t)c->memory.startup, "bootOrder", order, "disks", disks);
	json_object_update_new(*machine, json_pack("{s:b, s:I}", "dynamicMemory", c->memory.dynamic, "maximumMemoryBytes",
						    (json_int_t)memory_most(vm)));
	if (!firmware)
		return -EINVAL;
	json_object_set_new(*machine, "firmware", firmware);
	for (unsigned int i = 0; i < c->boot_count; i++)
		json_array_append_new(order, json_string(medium_words[c->boot[i]]));
	return drives_pack(vm, disks, a, p);
}

/* --- starting --- */

/* A worker that died says so through vmpriv, with the reason; one that only hung up is made to. */
static bool hung_up(struct vm *vm, int result)
{
	if (result == -ESHUTDOWN)
		worker_kill(vm);
	return result == -ESHUTDOWN;
}

static void on_machine_started(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;

	(void)continues;
	if (hung_up(vm, result))
		return;
	if (result < 0)
		start_failed(vm, m, result, "The machine did not start");
	else
		power_running(vm);
}

static void machine_start(struct vm *vm)
{
	int result = 0;

	if (vm->has_saved_state)
		saved_state_restore(vm);
	else
		result = worker_call(vm, "vmwp.Start", NULL, NULL, 0, on_machine_started, vm);
	if (result < 0)
		start_failed(vm, NULL, result, "The machine could not be set up");
}

static void drives_plugged(struct vm *vm)
{
	network_plug_all(vm, machine_start);
}

static void drive_refused(struct vm *vm, struct ipc_message *m, int result)
{
	if (!hung_up(vm, result))
		start_failed(vm, m, result, "A drive could not be attached");
}

static void on_configured(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;

	(void)continues;
	if (hung_up(vm, result))
		return;
	if (result == 0)
		result = ipc_async_call(vm->worker.watch, "vmwp.Watch", NULL, NULL, 0, -1, on_watch, vm);
	if (result < 0) {
		start_failed(vm, m, result, "The machine could not be set up");
		return;
	}
	guest_apply_services(vm);
	guest_items_apply(vm);
	guest_listen(vm);
	drives_plug_rest(vm, drives_plugged, drive_refused);
}

static void worker_configure(struct vm *vm)
{
	struct parcel a = { 0 };
	struct problem p = { 0 };
	json_t *machine = NULL;
	int r = pack_machine(vm, &machine, &a, &p);

	if (r < 0) {
		json_decref(machine);
		power_start_failed(vm, p.detail);
	} else {
		r = ipc_async_call(vm->worker.control, "vmwp.Configure", json_pack("{s:o}", "vm", machine),
		                   a.fds, a.count, CONFIGURE_TIMEOUT_MS, on_configured, vm);
		if (r < 0)
			start_failed(vm, NULL, r, "The machine could not be described");
	}
	parcel_close(&a);
}

static const char *text_member(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static void worker_begin(struct vm *vm)
{
	int r = worker_connect(vm);

	if (r < 0)
		start_failed(vm, NULL, r, "The worker process does not answer");
	else
		worker_configure(vm);
}

static void on_paging(struct vm *vm, int result, const char *why)
{
	if (vm->off_wanted)
		worker_kill(vm);
	else if (result < 0)
		power_start_failed(vm, why);
	else
		worker_begin(vm);
}

static void on_launched(struct ipc_message *m, int result, bool continues, void *data)
{
	struct problem p = { 0 };
	struct vm *vm = data;

	(void)continues;
	if (result < 0) {
		worker_forget(vm);
		start_failed(vm, m, result, "The worker process could not be started");
		return;
	}
	vm->worker.started = true;
	snprintf(vm->worker.core_scheduling, sizeof(vm->worker.core_scheduling), "%s", text_member(m->body, "coreScheduling"));
	processors_apply(vm->vmms);
	if (vm->off_wanted) {			/* turned off before it was there */
		worker_kill(vm);
		return;
	}
	if (!vm->paged_at_start)
		worker_begin(vm);
	else if (smart_paging_begin(vm, vm->paged_at_start, on_paging, &p) < 0)
		power_start_failed(vm, p.detail);
}

void worker_launch(struct vm *vm)
{
	unsigned int slot;
	int r = slot_find(vm->vmms, &slot);

	if (r == 0) {
		vm->worker = (struct worker){ .present = true, .slot = slot };
		r = priv_call(vm->vmms, "vmpriv.StartWorker",
		              json_pack("{s:s, s:i, s:I, s:I, s:b}", "id", vm->id, "slot", (int)slot,
		                        "memoryBytes", (json_int_t)memory_most(vm), "vps",
		                        (json_int_t)vm->config.processor.count, "shareCores", vm->config.processor.share_cores),
		              NULL, 0, on_launched, vm);
	}
	if (r < 0) {
		worker_forget(vm);
		start_failed(vm, NULL, r, "The worker process could not be started");
	}
}

/* --- finding it again --- */

static void on_status(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;
	const char *state = result == 0 ? json_string_value(json_object_get(m->body, "state")) : NULL;
	json_int_t uptime = result == 0 ? json_integer_value(json_object_get(m->body, "uptimeSeconds")) : 0;

	(void)continues;
	if (!state) {
		vm->worker.unresponsive = true;
		return;
	}
	power_recovered(vm, state, uptime > 0 ? (uint64_t)uptime : 0);
	if (ipc_async_call(vm->worker.watch, "vmwp.Watch", NULL, NULL, 0, -1, on_watch, vm) < 0)
		vm->worker.unresponsive = true;
}

void worker_adopt(struct vm *vm, unsigned int slot)
{
	int r;

	vm->worker = (struct worker){ .present = true, .started = true, .slot = slot };
	processors_apply(vm->vmms);
	if (vm->has_saved_state) {		/* of being saved or restored: its guest stands still, and is in the file */
		worker_kill(vm);
		return;
	}
	r = worker_connect(vm);
	if (r == 0)
		guest_listen(vm);
	if (r == 0)
		r = worker_call(vm, "vmwp.GetStatus", NULL, NULL, 0, on_status, vm);
	if (r < 0) {
		log_warning("VM %s: its worker runs but cannot be reached: %s", vm_name(vm), strerror(-r));
		vm->worker.unresponsive = true;
	}
}
