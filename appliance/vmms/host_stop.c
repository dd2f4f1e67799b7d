/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host goes down: every VM stops as its automaticStop says, and is remembered as one that was running. A guest that does
 * not shut down in time is turned off; the answer comes when no worker is left. Asked by a unit that systemd stops before us.
 */
#include "host_stop.h"

#include "methods.h"
#include "partita/log.h"

#include <stdlib.h>

#define ROUND_USEC	1000000u
#define PATIENCE_ROUNDS	125u		/* then turn off; power.c waits 120 s for a guest */
#define LAST_ROUND	150u		/* then answer, whatever is left */

struct host_stop {
	struct vmms *vmms;
	struct later *later;
	sd_event_source *timer;
	unsigned int rounds;
};

static void stop_vm(struct vm *vm, bool gently)
{
	const char *action = gently && vm->state == VM_RUNNING && vm->config.automatic_stop == STOP_SHUTDOWN ? "shutdown" : "turn-off";
	struct problem p = { 0 };
	struct job *job;

	vm->stopped_with_host = true;
	if (power_action(vm, action, &job, &p) < 0)
		log_warning("VM %s: %s", vm_name(vm), p.detail);
}

static unsigned int stop_all(struct vmms *v, bool gently)
{
	unsigned int left = 0;

	for (struct vm *vm = v->vms; vm; vm = vm->next) {
		if (!vm->worker.present)
			continue;
		left++;
		if (gently || vm->state == VM_RUNNING)
			stop_vm(vm, gently);
	}
	return left;
}

static unsigned int workers_left(const struct vmms *v)
{
	unsigned int left = 0;

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		left += vm->worker.present;
	return left;
}

static int on_round(sd_event_source *source, uint64_t usec, void *data)
{
	struct host_stop *s = data;
	unsigned int left = workers_left(s->vmms);
	struct ipc_request *r;

	(void)usec;
	if (left && ++s->rounds < LAST_ROUND) {
		if (s->rounds >= PATIENCE_ROUNDS)
			(void)stop_all(s->vmms, false);
		sd_event_source_set_time_relative(source, ROUND_USEC);
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	r = later_end(s->later);
	if (r)
		ipc_reply(r, json_pack("{s:i}", "left", (int)left));
	sd_event_source_disable_unref(s->timer);
	s->vmms->host_stop = NULL;
	free(s);
	return 0;
}

void host_stop_begin(struct vmms *v, struct ipc_request *r)
{
	struct host_stop *s;

	if (v->host_stop) {
		ipc_fail(r, 409, "vm_wrong_state", NULL, "The virtual machines are being stopped already.");
		return;
	}
	s = calloc(1, sizeof(*s));
	if (!s || sd_event_add_time_relative(v->loop, &s->timer, CLOCK_MONOTONIC, ROUND_USEC, 0, on_round, s) < 0) {
		free(s);
		ipc_fail(r, 500, "internal_error", NULL, "No memory.");
		return;
	}
	s->vmms = v;
	s->later = later_new(r);
	if (!s->later) {			/* answered so */
		sd_event_source_disable_unref(s->timer);
		free(s);
		return;
	}
	v->host_stop = s;
	log_info("the host goes down: %u virtual machines to stop", stop_all(v, true));
}

/* Nobody is answered any more; the machines stop by themselves. */
void host_stop_forget(struct vmms *v)
{
	struct host_stop *s = v->host_stop;

	if (!s)
		return;
	sd_event_source_disable_unref(s->timer);
	(void)later_end(s->later);
	v->host_stop = NULL;
	free(s);
}
