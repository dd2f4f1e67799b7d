/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See status.h. Every second for a VM with dynamic memory, else every other second. Most answers are asked to be brief;
 * every third has what the guest says of itself, too. A worker that has not answered is not asked again before it does or is
 * given up by its connection.
 */
#include "status.h"

#include "alarms.h"
#include "guest.h"
#include "memory.h"
#include "metrics.h"
#include "processors.h"

#include <time.h>

#define ROUND_USEC	(1000ull * 1000)
#define AT_ONCE_USEC	(200ull * 1000)	/* between rounds of the balancer that somebody could not wait for */
#define WHOLE_EVERY	3u

/* A guest that has just begun to lack memory does not wait for the next round; many of them share one. */
static void balance_at_once(struct vmms *v)
{
	struct timespec now;
	uint64_t usec;

	clock_gettime(CLOCK_MONOTONIC, &now);
	usec = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	if (usec - v->balanced_usec < AT_ONCE_USEC)
		return;
	v->balanced_usec = usec;
	memory_round(v);
}

static void on_status(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;

	(void)continues;
	vm->worker.asked = false;
	if (result < 0)
		return;
	if (memory_note(vm, json_object_get(m->body, "memory")))
		balance_at_once(vm->vmms);
	metrics_note(vm, json_object_get(m->body, "meters"));
	if (json_object_get(m->body, "guest"))
		guest_note(vm, m->body);
}

/* Not all in the same round: who is asked for everything differs from VM to VM. */
static void ask(struct vm *vm)
{
	bool brief = vm->worker.rounds++ % WHOLE_EVERY != 0;

	vm->worker.asked = worker_call(vm, "vmwp.GetStatus", brief ? json_pack("{s:b}", "brief", 1) : NULL, NULL, 0, on_status, vm) == 0;
}

/* Half of those whose memory does not move in each round. */
static bool is_due(const struct vm *vm)
{
	return vm->worker.rounds == 0 || memory_moves(vm) || (vm->config.memory.dynamic && vm->worker.memory.driver) || vm->worker.slot % 2 == vm->vmms->status_rounds % 2;
}

static int on_round(sd_event_source *source, uint64_t usec, void *data)
{
	struct vmms *v = data;

	(void)usec;
	memory_round(v);
	metrics_round(v);
	alarms_round(v);
	processors_usage_round(v);
	v->status_rounds++;
	for (struct vm *vm = v->vms; vm; vm = vm->next)
		if ((vm->state == VM_RUNNING || vm->state == VM_PAUSED) && !vm->worker.asked && is_due(vm))
			ask(vm);
	sd_event_source_set_time_relative(source, ROUND_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int status_open(struct vmms *v)
{
	int r = sd_event_add_time_relative(v->loop, &v->status_timer, CLOCK_MONOTONIC, ROUND_USEC, 0, on_round, v);

	return r < 0 ? r : 0;
}

void status_close(struct vmms *v)
{
	v->status_timer = sd_event_source_disable_unref(v->status_timer);
}
