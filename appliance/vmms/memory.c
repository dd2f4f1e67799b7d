/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See memory.h. A VM that waits for memory to start counts as holding its startup memory already: so the others give back what
 * they do not need, and nobody grows into it.
 */
#include "memory.h"

#include "dynmem/dynmem.h"
#include "partita/log.h"
#include "smart_paging.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define START_PATIENCE_USEC	(60ull * 1000 * 1000)	/* for idle memory to come back */
#define PROMISE_USEC		(20ull * 1000 * 1000)	/* a guest that has not grown by then is not going to */
#define GIVERS_NAMED		3
#define HOT_ADD_BLOCK		(128ull << 20)		/* Linux' memory blocks: less than one a guest cannot add at all */

struct round {			/* all VMs that hold memory, as the balancer sees them */
	struct dynmem_vm vms[VMS_MAX];
	struct vm *vm[VMS_MAX];
	size_t count;
	uint64_t capacity;
};

static uint64_t now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t memory_held(const struct vm *vm)
{
	uint64_t paged = smart_paging_bytes(vm);

	if (!vm->worker.present)
		return 0;
	if (paged)
		return vm->config.memory.startup - paged;
	if (vm->worker.memory.assigned == 0)	/* static, or it has not said anything yet */
		return vm->config.memory.startup;
	return larger(vm->worker.memory.assigned, vm->worker.memory.promised);
}

/* --- a round --- */

static void add_vm(struct round *r, struct vm *vm)
{
	const struct vm_memory *m = &vm->config.memory;
	const struct worker_memory *w = &vm->worker.memory;
	bool waits = vm->memory_deadline_usec != 0;

	r->vm[r->count] = vm;
	r->vms[r->count++] = (struct dynmem_vm){
		.minimum = m->minimum, .maximum = m->maximum, .assigned = waits ? m->startup : memory_held(vm),
		.demand = w->demand, .buffer_percent = (uint32_t)m->buffer_percent, .weight = (uint32_t)m->weight,
		.grow_step = HOT_ADD_BLOCK, .movable = m->dynamic && w->driver && vm->state == VM_RUNNING, .history = w->history,
	};
}

static void survey(const struct vmms *v, struct round *r)
{
	r->count = 0;
	r->capacity = host_memory_available(v);
	for (struct vm *vm = v->vms; vm && r->count < VMS_MAX; vm = vm->next) {
		r->capacity += memory_held(vm);
		if (vm->worker.present || vm->memory_deadline_usec)
			add_vm(r, vm);
	}
}

/* Growth in whole blocks, where there is room for it: the worker adds none of a broken one. */
static void round_growth(struct round *r)
{
	uint64_t held = 0, spare;

	for (size_t i = 0; i < r->count; i++)
		held += larger(r->vms[i].assigned, r->vms[i].target);
	spare = r->capacity > held ? r->capacity - held : 0;
	for (size_t i = 0; i < r->count; i++) {
		struct dynmem_vm *d = &r->vms[i];
		uint64_t has = r->vm[i]->worker.memory.assigned, whole;

		if (!d->movable || d->target <= has)
			continue;
		whole = has + (d->target - has + HOT_ADD_BLOCK - 1) / HOT_ADD_BLOCK * HOT_ADD_BLOCK;
		if (whole > d->maximum || whole - d->target > spare)
			continue;
		spare -= whole - d->target;
		d->target = whole;
	}
}

static void tell_status(struct vm *vm, enum dynmem_status status)
{
	struct worker_memory *w = &vm->worker.memory;

	if (status == w->status)
		return;
	w->status = status;
	event_add(vm->vmms, "vm.memory-status", status == DYNMEM_WARNING ? SEVERITY_WARNING : SEVERITY_INFO,
		  object_ref("vm", vm->id, vm_name(vm)), json_pack("{s:s}", "status", dynmem_status_name(status)),
		  "The memory of VM %s is %s: it needs %" PRIu64 " MiB and has %" PRIu64 " MiB.", vm_name(vm),
		  dynmem_status_name(status), w->demand >> 20, w->assigned >> 20);
}

static void on_target_set(struct ipc_message *m, int result, bool continues, void *data)
{
	const struct vm *vm = data;

	(void)m;
	(void)continues;
	if (result < 0)
		log_warning("VM %s: its worker refuses a new amount of memory: %s", vm_name(vm), strerror(-result));
}

static void set_target(struct vm *vm, const struct dynmem_vm *d)
{
	struct worker_memory *w = &vm->worker.memory;

	dynmem_explain(d, w->reason, sizeof(w->reason));
	if (d->target > w->assigned) {
		w->promised = d->target;
		w->promised_until_usec = now_usec() + PROMISE_USEC;
	}
	(void)worker_call(vm, "vmwp.SetMemory", json_pack("{s:I}", "targetBytes", (json_int_t)d->target), NULL, 0,
			  on_target_set, vm);
}

/* A guest that stays below what it was promised cannot take it: the promise ends, and others may have it. */
static void end_promise(struct worker_memory *w)
{
	if (w->promised && (w->assigned >= w->promised || now_usec() > w->promised_until_usec))
		w->promised = 0;
}

/* Less than half of the buffer is left: what the balancer calls low. */
static bool lacks_memory(const struct vm *vm)
{
	const struct worker_memory *w = &vm->worker.memory;

	return vm->config.memory.dynamic && w->driver && w->assigned < vm->config.memory.maximum &&
	       w->demand + w->demand / 200 * vm->config.memory.buffer_percent > w->assigned;
}

bool memory_note(struct vm *vm, const json_t *memory)
{
	struct worker_memory *w = &vm->worker.memory;
	uint64_t before = w->demand;

	if (!memory)
		return false;

	w->assigned = (uint64_t)json_integer_value(json_object_get(memory, "assignedBytes"));
	w->demand = (uint64_t)json_integer_value(json_object_get(memory, "demandBytes"));
	w->moves = w->demand > before + before / 64 || before > w->demand + w->demand / 64;
	w->available = (uint64_t)json_integer_value(json_object_get(memory, "availableBytes"));
	w->driver = json_is_true(json_object_get(memory, "driver"));
	end_promise(w);
	return w->demand > before && lacks_memory(vm);
}

/* --- starting --- */

static uint64_t held_by_all(const struct vmms *v)
{
	uint64_t sum = 0;

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		sum += memory_held(vm);
	return sum;
}

static bool is_free(const struct vm *vm)
{
	return vm->config.memory.startup <= host_memory_available(vm->vmms);
}

/* What idle VMs hold comes back within seconds: that is better than a file. */
static bool comes_back(const struct vm *vm)
{
	struct problem p;

	return memory_admit(vm, &p) == 0;
}

static bool launch_paged(struct vm *vm)
{
	vm->paged_at_start = vm->restarts ? smart_paging_needs(vm, host_memory_available(vm->vmms)) : 0;
	if (vm->paged_at_start)
		worker_launch(vm);
	return vm->paged_at_start > 0;
}

static void start_waiting(struct vm *vm)
{
	char reason[160];

	if (vm->memory_deadline_usec == 0)
		return;
	if (is_free(vm)) {
		vm->memory_deadline_usec = 0;
		power_set_starting(vm, "");
		worker_launch(vm);
	} else if (now_usec() > vm->memory_deadline_usec) {
		vm->memory_deadline_usec = 0;
		if (launch_paged(vm))
			return;
		snprintf(reason, sizeof(reason), "Its memory did not become free: it needs %" PRIu64 " MiB, running VMs hold %" PRIu64 " MiB.",
			 vm->config.memory.startup >> 20, held_by_all(vm->vmms) >> 20);
		power_start_failed(vm, reason);
	}
}

void memory_begin_start(struct vm *vm)
{
	vm->paged_at_start = 0;
	if (is_free(vm)) {
		worker_launch(vm);
		return;
	}
	if (!comes_back(vm) && launch_paged(vm))
		return;
	vm->memory_deadline_usec = now_usec() + START_PATIENCE_USEC;
	power_set_starting(vm, "waits for memory that others give back");
}

/* The VMs that could give most, as a list for the message. */
static void name_givers(const struct round *r, char *text, size_t size)
{
	bool named[VMS_MAX] = { false };

	text[0] = 0;
	for (unsigned int n = 0; n < GIVERS_NAMED; n++) {
		size_t best = r->count, used = strlen(text);

		for (size_t i = 0; i < r->count; i++)
			if (!named[i] && dynmem_squeezable(&r->vms[i]) > 0 &&
			    (best == r->count || dynmem_squeezable(&r->vms[i]) > dynmem_squeezable(&r->vms[best])))
				best = i;
		if (best == r->count)
			break;
		named[best] = true;
		snprintf(text + used, size - used, "%s%s (%" PRIu64 " MiB above its minimum)", n ? ", " : " Could give: ",
			 vm_name(r->vm[best]), dynmem_squeezable(&r->vms[best]) >> 20);
	}
}

int memory_admit(const struct vm *vm, struct problem *p)
{
	struct dynmem_shortage s;
	struct round r;
	char givers[400];

	survey(vm->vmms, &r);
	dynmem_balance(r.vms, r.count, r.capacity, now_usec() / 1000);	/* for the wishes; its targets are dropped */
	if (dynmem_admit(r.vms, r.count, r.capacity, vm->config.memory.startup, &s))
		return 0;
	name_givers(&r, givers, sizeof(givers));
	return problem_set(p, PROBLEM_NO_MEMORY, "memory.startupBytes",
			   "%s needs %" PRIu64 " bytes of memory; the host has %" PRIu64 " left for virtual machines and %" PRIu64
			   " idle in running ones: %" PRIu64 " are missing.%s",
			   vm_name(vm), s.needed, s.unassigned, s.idle, s.missing, givers);
}

/* --- a guest that starts anew in the same worker --- */

static void on_reset_paged(struct vm *vm, int result, const char *why)
{
	if (result < 0)
		event_add(vm->vmms, "vm.smart-paging", SEVERITY_WARNING, object_ref("vm", vm->id, vm_name(vm)),
			  json_pack("{s:s, s:I}", "state", "failed", "bytes", (json_int_t)0), "VM %s boots with more memory than is left for it, and Smart Paging failed: %s", vm_name(vm), why);
}

void memory_guest_was_reset(struct vm *vm)
{
	struct worker_memory *w = &vm->worker.memory;
	uint64_t held = memory_held(vm), startup = vm->config.memory.startup, free = host_memory_available(vm->vmms), paged;
	struct problem p = { 0 };

	if (!vm->config.memory.dynamic || smart_paging_bytes(vm))
		return;
	*w = (struct worker_memory){ .assigned = startup };
	paged = startup > held + free ? smart_paging_needs(vm, held + free) : 0;
	if (paged && smart_paging_begin(vm, paged, on_reset_paged, &p) < 0)
		on_reset_paged(vm, -EIO, p.detail);
}

/* --- static memory that is changed while the VM runs --- */

uint64_t memory_most(const struct vm *vm)
{
	struct vm_limits host;

	host_limits(&host);
	return larger(vm->config.memory.maximum, host.memory_bytes / VM_MEMORY_STEP * VM_MEMORY_STEP);
}

int memory_check_size(const struct vm *vm, const struct vm_memory *m, struct problem *p)
{
	uint64_t held = memory_held(vm), free = host_memory_available(vm->vmms);

	if (!vm->worker.present || m->dynamic || m->startup == vm->config.memory.startup)
		return 0;
	if (!vm->worker.memory.driver)
		return problem_set(p, PROBLEM_VM_NOT_OFF, "memory.startupBytes",
				   "%s runs, and its guest has no driver for dynamic memory: its memory can be changed while it is off.",
				   vm_name(vm));
	if (m->startup > held && m->startup - held > free)
		return problem_set(p, PROBLEM_NO_MEMORY, "memory.startupBytes",
				   "%s needs %" PRIu64 " bytes more; the host has %" PRIu64 " left for virtual machines.", vm_name(vm),
				   m->startup - held, free);
	return 0;
}

void memory_resize(struct vm *vm)
{
	struct dynmem_vm d = {
		.minimum = vm->config.memory.startup, .maximum = vm->config.memory.startup, .assigned = memory_held(vm),
		.demand = vm->worker.memory.demand, .wish = vm->config.memory.startup, .target = vm->config.memory.startup,
		.reason = DYNMEM_LIMITS_CHANGED,
	};

	if (!vm->config.memory.dynamic && vm->worker.present && d.target != d.assigned)
		set_target(vm, &d);
}

/* --- every second --- */

/* With a paging file the guest has more than is its: what it is to have now comes from the host, the rest it must give back. */
static void follow_paged(struct vm *vm, const struct dynmem_vm *d)
{
	if (d->target > d->assigned)
		smart_paging_grant(vm, d->target - d->assigned);
	if (vm->worker.memory.assigned <= d->target)
		return;
	set_target(vm, d);
	snprintf(vm->worker.memory.reason, sizeof(vm->worker.memory.reason), "Gives back %" PRIu64 " MiB that were in a paging file for its start.",
		 (vm->worker.memory.assigned - d->target) >> 20);
}

static void follow(struct vm *vm, const struct dynmem_vm *d)
{
	struct worker_memory *w = &vm->worker.memory;

	w->history = d->history;
	w->waits = d->movable && d->status != DYNMEM_OK && (d->reason == DYNMEM_SHORTAGE || d->reason == DYNMEM_WAITS);
	if (!d->movable)
		return;
	if (smart_paging_bytes(vm))
		follow_paged(vm, d);
	else if (d->target != memory_held(vm))
		set_target(vm, d);
	tell_status(vm, d->status);
}

void memory_round(struct vmms *v)
{
	struct round r;

	for (struct vm *vm = v->vms, *next; vm; vm = next) {
		next = vm->next;
		start_waiting(vm);
	}
	smart_paging_round(v);
	survey(v, &r);
	dynmem_balance(r.vms, r.count, r.capacity, now_usec() / 1000);
	round_growth(&r);
	for (size_t i = 0; i < r.count; i++)
		follow(r.vm[i], &r.vms[i]);
}

bool memory_moves(const struct vm *vm)
{
	const struct worker_memory *w = &vm->worker.memory;

	return vm->config.memory.dynamic && (w->moves || w->promised || (w->driver && w->status != DYNMEM_OK));
}

/* --- as clients see it --- */

uint64_t memory_demand(const struct vmms *v)
{
	uint64_t sum = 0;

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		if (vm->worker.present)
			sum += vm->worker.memory.driver ? vm->worker.memory.demand : memory_held(vm);
	return sum;
}

unsigned int memory_vms_in_need(const struct vmms *v)
{
	unsigned int count = 0;

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		count += vm->memory_deadline_usec || (vm->worker.present && vm->worker.memory.waits);
	return count;
}

uint64_t memory_could_give(const struct vm *vm)
{
	const struct vm_memory *m = &vm->config.memory;
	const struct dynmem_vm d = {
		.minimum = m->minimum, .assigned = memory_held(vm),
		.movable = m->dynamic && vm->worker.memory.driver && vm->state == VM_RUNNING,
	};

	return dynmem_squeezable(&d);
}

static json_t *nodes_to_json(const struct worker_usage *u)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < u->nodes; i++)
		json_array_append_new(list, json_integer((json_int_t)u->node_bytes[i]));
	return list;
}

void memory_add_to_json(const struct vm *vm, json_t *memory)
{
	const struct worker_memory *w = &vm->worker.memory;
	bool known = w->driver && vm->worker.present;

	json_object_update_new(memory,
			       json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:s, s:s}", "assignedBytes",
					 (json_int_t)(w->assigned ? w->assigned : memory_held(vm)), "demandBytes",
					 (json_int_t)(known ? w->demand : 0), "availableBytes", (json_int_t)(known ? w->available : 0),
					 "backedBytes", (json_int_t)vm->worker.usage.guest_bytes, "largePageBytes", (json_int_t)vm->worker.usage.large_page_bytes,
					 "nodeBytes", nodes_to_json(&vm->worker.usage), "smartPagingBytes", (json_int_t)smart_paging_bytes(vm),
					 "status", known && vm->config.memory.dynamic ? dynmem_status_name(w->status) : "unavailable", "reason", w->reason));
}
