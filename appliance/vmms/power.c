/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power state machine of a VM: off → starting → running → stopping → off, and paused, saved, and failed. Clients push it by
 * actions (a table: which states allow it, what it does), the worker's side by reports. A worker's end decides last.
 */
#include "vm.h"

#include "memory.h"
#include "no_space.h"
#include "partita/log.h"
#include "processors.h"
#include "saved_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SHUTDOWN_PATIENCE_USEC	(120ull * 1000000)	/* a guest that ignores the power button */
#define TURN_OFF_PATIENCE_USEC	(10ull * 1000000)	/* then the process is killed */
#define RESETS_TOLD_EVERY_USEC	(60ull * 1000000)

#define IN(state)	(1u << (state))

static uint64_t boot_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* What the next vmms must know; from "starting" on, it must look for a worker. */
static bool must_be_stored(enum vm_state before, enum vm_state state)
{
	unsigned int always = IN(VM_OFF) | IN(VM_FAILED) | IN(VM_STARTING) | IN(VM_SAVED) | IN(VM_SAVING) | IN(VM_RESTORING);

	return always & IN(state) || (IN(VM_SAVING) | IN(VM_RESTORING)) & IN(before);
}

void power_set_state(struct vm *vm, enum vm_state state, const char *reason)
{
	bool bad = state == VM_FAILED || (state == VM_PAUSED && vm->worker.no_space[0]) || (state == VM_SAVED && reason[0]);
	bool stored = must_be_stored(vm->state, state);
	bool alive = state == VM_RUNNING || state == VM_PAUSED || state == VM_STOPPING || state == VM_SAVING;

	if (vm->state == state && strcmp(vm->reason, reason) == 0)
		return;
	vm->state = state;
	snprintf(vm->reason, sizeof(vm->reason), "%s", reason);
	if (!alive)
		vm->started_usec = 0;
	if (stored)
		vm_state_save(vm);
	event_add(vm->vmms, "vm.state-changed", bad ? SEVERITY_ERROR : SEVERITY_INFO, object_ref("vm", vm->id, vm_name(vm)),
	          json_pack("{s:s, s:s}", "state", vm_state_words[state], "reason", reason),
	          "VM %s is %s%s%s", vm_name(vm), vm_state_words[state], reason[0] ? ": " : ".", reason);
}

void power_set_starting(struct vm *vm, const char *reason)
{
	power_set_state(vm, vm->has_saved_state ? VM_RESTORING : VM_STARTING, reason);
}

/* As far as we are concerned; its worker may have had to pause it. */
void power_set_running(struct vm *vm)
{
	power_set_state(vm, vm->worker.no_space[0] ? VM_PAUSED : VM_RUNNING, vm->worker.no_space);
}

void power_finish_job(struct vm *vm, enum job_state state, const char *code, const char *detail)
{
	struct job *job = vm->job;

	vm->job = NULL;
	job_finish(vm->vmms, job, state, code, detail);
}

/* --- patience --- */

static int on_patience_end(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm *vm = data;

	(void)source;
	(void)usec;
	if (vm->off_wanted) {
		log_warning("VM %s did not turn off; killing its worker", vm_name(vm));
		worker_kill(vm);
		return 0;
	}
	vm->start_again = false;
	power_set_running(vm);
	power_finish_job(vm, JOB_FAILED, "guest_did_not_shut_down",
	           "The guest did not react to the power button within two minutes.");
	return 0;
}

static void be_patient(struct vm *vm, uint64_t usec)
{
	if (vm->timer) {
		sd_event_source_set_time_relative(vm->timer, usec);
		sd_event_source_set_enabled(vm->timer, SD_EVENT_ONESHOT);
	} else if (sd_event_add_time_relative(vm->vmms->loop, &vm->timer, CLOCK_MONOTONIC, usec, 0,
	                                      on_patience_end, vm) < 0) {
		log_error("VM %s: no timer", vm_name(vm));
	}
}

static void stop_waiting(struct vm *vm)
{
	if (vm->timer)
		sd_event_source_set_enabled(vm->timer, SD_EVENT_OFF);
}

/* --- actions --- */

static void begin_start(struct vm *vm)
{
	vm->off_wanted = vm->start_again = vm->stopped_with_host = false;
	power_set_starting(vm, "");
	memory_begin_start(vm);
}

static int check_processor_reserve(const struct vm *vm, struct problem *p)
{
	const struct vm_processor *c = &vm->config.processor;
	uint64_t others = processors_reserved_percent(vm->vmms, vm);
	struct vm_limits host;

	host_limits(&host);
	if (c->reserve_percent == 0 || others + c->count * c->reserve_percent <= host.vps * 100)
		return 0;
	return problem_set(p, PROBLEM_NO_PROCESSOR, "processor.reservePercent",
			   "%s reserves %" PRIu64 " percent of a logical processor; of the host's %" PRIu64
			   ", running virtual machines have reserved %" PRIu64 ".",
			   vm_name(vm), c->count * c->reserve_percent, host.vps * 100, others);
}

static int do_start(struct vm *vm, struct problem *p)
{
	if (vm->vmms->host_going)
		return problem_set(p, PROBLEM_HOST_GOES_DOWN, NULL, "The host restarts or shuts down; nothing starts on it any more.");
	if (vm->worker.present)
		return problem_set(p, PROBLEM_VM_WRONG_STATE, NULL,
		                   "The last worker of %s has not ended yet.", vm_name(vm));
	vm->restarts = false;
	if (vm->has_saved_state && saved_state_check_start(vm, p) < 0)
		return -EINVAL;
	return memory_admit(vm, p) < 0 ? -EINVAL : check_processor_reserve(vm, p);
}

static void on_worker_reply(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;
	const char *detail = NULL;

	(void)continues;
	if (result == 0)
		return;
	if (result == -EREMOTE)
		detail = json_string_value(json_object_get(json_object_get(m->body, "parameters"), "detail"));
	vm->start_again = false;
	stop_waiting(vm);
	if (vm->state == VM_STOPPING && !vm->off_wanted)
		power_set_running(vm);
	if (vm->off_wanted)
		worker_kill(vm);
	else
		power_finish_job(vm, JOB_FAILED, "worker_failed", detail ? detail : strerror(-result));
}

static void run_shutdown(struct vm *vm)
{
	power_set_state(vm, VM_STOPPING, "");
	be_patient(vm, SHUTDOWN_PATIENCE_USEC);
	if (worker_call(vm, "vmwp.Shutdown", NULL, NULL, 0, on_worker_reply, vm) < 0)
		on_worker_reply(NULL, -ENOTCONN, false, vm);
}

static void run_restart(struct vm *vm)
{
	vm->start_again = true;
	run_shutdown(vm);
}

static void run_turn_off(struct vm *vm)
{
	vm->start_again = false;
	if (!vm->worker.present) {		/* it waits for memory */
		vm->memory_deadline_usec = 0;
		power_set_state(vm, vm->has_saved_state ? VM_SAVED : VM_OFF, vm->has_saved_state ? "" : "turned-off");
		power_finish_job(vm, JOB_SUCCEEDED, NULL, NULL);
		return;
	}
	power_set_state(vm, VM_STOPPING, "");
	power_end_worker(vm);
}

void power_end_worker(struct vm *vm)
{
	vm->off_wanted = true;
	be_patient(vm, TURN_OFF_PATIENCE_USEC);
	if (!vm->worker.started)
		return;				/* vmpriv is still starting it: on_launched() will kill it */
	if (worker_call(vm, "vmwp.TurnOff", NULL, NULL, 0, on_worker_reply, vm) < 0)
		worker_kill(vm);
}

static void on_done(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;

	if (result < 0)
		on_worker_reply(m, result, continues, data);
	else
		power_finish_job(vm, JOB_SUCCEEDED, NULL, NULL);
}

static void on_paused(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;

	if (result == 0 && vm->state == VM_RUNNING)
		power_set_state(vm, VM_PAUSED, "");
	on_done(m, result, continues, data);
}

static void on_resumed(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;

	if (result == 0 && vm->state == VM_PAUSED && !vm->worker.no_space[0])	/* else the worker tells, and perhaps no good */
		power_set_state(vm, VM_RUNNING, "");
	on_done(m, result, continues, data);
}

static void call_or_fail(struct vm *vm, const char *method, ipc_async_reply *done)
{
	if (worker_call(vm, method, NULL, NULL, 0, done, vm) < 0)
		on_worker_reply(NULL, -ENOTCONN, false, vm);
}

static void on_reset(struct ipc_message *m, int result, bool continues, void *data)
{
	if (result == 0)
		memory_guest_was_reset(data);
	on_done(m, result, continues, data);
}

static void run_reset(struct vm *vm)
{
	call_or_fail(vm, "vmwp.Reset", on_reset);
}

static void run_pause(struct vm *vm)
{
	call_or_fail(vm, "vmwp.Pause", on_paused);
}

static void run_resume(struct vm *vm)
{
	call_or_fail(vm, "vmwp.Resume", on_resumed);
}

static const struct power_row {
	const char *action;
	unsigned int states;			/* in which it is legal */
	int (*check)(struct vm *vm, struct problem *p);
	void (*run)(struct vm *vm);
	bool cancellable;
} power_rows[] = {
	{ "start",    IN(VM_OFF) | IN(VM_FAILED) | IN(VM_SAVED),				 do_start, begin_start,	 false },
	{ "shutdown", IN(VM_RUNNING),								 NULL,	   run_shutdown, true },
	{ "turn-off", IN(VM_STARTING) | IN(VM_RUNNING) | IN(VM_STOPPING) | IN(VM_PAUSED) | IN(VM_RESTORING), NULL, run_turn_off, false },
	{ "reset",    IN(VM_RUNNING) | IN(VM_PAUSED),						 NULL,	   run_reset,	 false },
	{ "restart",  IN(VM_RUNNING),								 NULL,	   run_restart,	 true },
	{ "pause",    IN(VM_RUNNING),								 NULL,	   run_pause,	 false },
	{ "resume",   IN(VM_PAUSED),								 NULL,	   run_resume,	 false },
	{ "save",     IN(VM_RUNNING) | IN(VM_PAUSED),						 saved_state_check_save, saved_state_save, false },
	{ "discard-saved-state", IN(VM_SAVED),					 saved_state_check_discard, saved_state_discard, false },
};

static int check_action(struct vm *vm, const struct power_row *row, struct problem *p)
{
	if (!(row->states & IN(vm->state)) || (vm->off_wanted && vm->state == VM_STOPPING))
		return problem_set(p, PROBLEM_VM_WRONG_STATE, NULL, "%s is %s; %s is not possible now.",
		                   vm_name(vm), vm_state_words[vm->state], row->action);
	if (vm->job && row->run != run_turn_off)
		return problem_set(p, PROBLEM_LOCKED_BY_JOB, NULL, "%s is being worked on by another action.",
		                   vm_name(vm));
	return row->check ? row->check(vm, p) : 0;
}

int power_action(struct vm *vm, const char *action, struct job **job, struct problem *p)
{
	const struct power_row *row = NULL;
	char type[40];

	for (size_t i = 0; i < sizeof(power_rows) / sizeof(*power_rows); i++)
		if (strcmp(power_rows[i].action, action) == 0)
			row = &power_rows[i];
	if (!row)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, "action", "There is no action %.40s.", action);
	if (check_action(vm, row, p) < 0)
		return -EINVAL;
	snprintf(type, sizeof(type), "vm.%s", action);
	*job = job_start(vm->vmms, type, vm->id, vm_name(vm), row->cancellable);
	if (!*job)
		return problem_from_errno(p, -ENOMEM, "The job");
	if (vm->job)
		power_finish_job(vm, JOB_CANCELLED, "turned_off", "The virtual machine was turned off meanwhile.");
	vm->job = *job;
	row->run(vm);
	return 0;
}

int power_cancel(struct vmms *v, struct job *j, struct problem *p)
{
	struct vm *vm = vm_find(v, j->object_id);

	if (j->state != JOB_RUNNING)
		return problem_set(p, PROBLEM_JOB_FINISHED, NULL, "The job has already finished.");
	if (!j->cancellable || !vm || vm->job != j || vm->state != VM_STOPPING)
		return problem_set(p, PROBLEM_JOB_NOT_CANCELLABLE, NULL, "This job cannot be cancelled.");
	stop_waiting(vm); /* the guest may still shut down: then the VM is off, as if by itself */
	vm->start_again = false;
	power_set_running(vm);
	power_finish_job(vm, JOB_CANCELLED, NULL, NULL);
	return 0;
}

/* --- what the worker's side reports --- */

void power_running(struct vm *vm)
{
	vm->started_usec = boot_usec();
	if (vm->state != VM_STARTING && vm->state != VM_RESTORING)
		return;				/* it is being turned off already, or has failed */
	power_set_running(vm);
	power_finish_job(vm, JOB_SUCCEEDED, NULL, NULL);
}

/* The guest has not run since it was saved. */
static void stay_saved(struct vm *vm, const char *reason)
{
	power_set_state(vm, VM_SAVED, reason);
	power_finish_job(vm, JOB_FAILED, "restore_failed", reason);
}

/* The worker may still be there: its end is reported later and changes nothing any more. */
void power_start_failed(struct vm *vm, const char *reason)
{
	if (vm->worker.present)
		worker_kill(vm);
	if (vm->state != VM_STARTING && vm->state != VM_RESTORING)
		return;
	if (vm->has_saved_state) {
		stay_saved(vm, reason);
		return;
	}
	power_set_state(vm, VM_FAILED, reason);
	power_finish_job(vm, JOB_FAILED, "start_failed", reason);
}

/* The guest causes these, as often as it likes: not each becomes an event. */
static void guest_was_reset(struct vm *vm, const char *reason)
{
	uint64_t now = boot_usec();

	memory_guest_was_reset(vm);
	if (vm->reset_told_usec && now - vm->reset_told_usec < RESETS_TOLD_EVERY_USEC)
		return;
	vm->reset_told_usec = now;
	event_add(vm->vmms, "vm.updated", SEVERITY_INFO, object_ref("vm", vm->id, vm_name(vm)),
	          json_pack("{s:s}", "reason", reason), "VM %s: %s.", vm_name(vm), reason);
}

static void worker_gave_up(struct vm *vm, const char *reason)
{
	if (vm->saving || vm->has_saved_state) {	/* while it is saved, its end decides */
		if (vm->state == VM_RESTORING)
			stay_saved(vm, reason);
		worker_kill(vm);
		return;
	}
	stop_waiting(vm);
	power_set_state(vm, VM_FAILED, reason);
	power_finish_job(vm, JOB_FAILED, "worker_failed", reason);
	worker_kill(vm);			/* it ends by itself; this is for one that does not */
}

/* A VM that is shutting down stays in that state: it goes on with it when there is room. */
static void follow_space(struct vm *vm, const char *state, const char *reason)
{
	bool waited = vm->worker.no_space[0];

	no_space_note(vm, state, reason);
	if (vm->worker.no_space[0] && (vm->state == VM_RUNNING || vm->state == VM_PAUSED))
		power_set_state(vm, VM_PAUSED, vm->worker.no_space);
	else if (waited && vm->state == VM_PAUSED && strcmp(state, "running") == 0)
		power_set_state(vm, VM_RUNNING, "");
}

/*
 * "running" and "paused" are only what we asked for, and answered to us, but for want of space; "off" counts when the
 * process has ended.
 */
void power_worker_state(struct vm *vm, const char *state, const char *reason)
{
	if (vm->state == VM_FAILED || vm->state == VM_SAVED)
		return;
	follow_space(vm, state, reason);
	if (strcmp(state, "failed") == 0)
		worker_gave_up(vm, reason[0] ? reason : "The worker gave up.");
	else if (strcmp(state, "running") == 0 && strcmp(reason, "guest-reset") == 0)
		guest_was_reset(vm, reason);
}

static void ended_off(struct vm *vm)
{
	bool again = vm->start_again;
	char reason[160];

	snprintf(reason, sizeof(reason), "%s", vm->off_wanted ? "turned-off" : vm->worker.reason);
	worker_forget(vm);
	vm->off_wanted = vm->start_again = false;
	power_set_state(vm, VM_OFF, reason);
	if (again) {
		vm->restarts = true;
		begin_start(vm);		/* the job goes on until it runs */
		return;
	}
	power_finish_job(vm, JOB_SUCCEEDED, NULL, NULL);
}

static void explain_end(const struct vm *vm, const char *how, char *out, size_t size)
{
	bool explained = vm->worker.reason[0] && !vm->worker.said_off;

	snprintf(out, size, "The worker process %s%s%s", how, explained ? ": " : "", explained ? vm->worker.reason : "");
}

/* It was saved, or could not be restored, or was turned off before it was. */
static void ended_saved(struct vm *vm, const char *how)
{
	bool restored = vm->state == VM_RESTORING && !vm->off_wanted;
	char reason[320];

	explain_end(vm, how, reason, sizeof(reason));
	worker_forget(vm);
	vm->off_wanted = vm->start_again = false;
	if (restored) {
		stay_saved(vm, reason);
		return;
	}
	power_set_state(vm, VM_SAVED, "");
	power_finish_job(vm, JOB_SUCCEEDED, NULL, NULL);
}

static void ended_badly(struct vm *vm, const char *how)
{
	char reason[320];

	explain_end(vm, how, reason, sizeof(reason));
	worker_forget(vm);
	vm->off_wanted = vm->start_again = false;
	if (vm->state != VM_FAILED)
		power_set_state(vm, VM_FAILED, reason);
	power_finish_job(vm, JOB_FAILED, "worker_ended", reason);
}

void power_worker_ended(struct vm *vm, int exit_code, int signal, const char *reason)
{
	bool unknown = exit_code < 0 && signal < 0;

	if (!vm->worker.present && (vm->state == VM_OFF || vm->state == VM_FAILED || vm->state == VM_SAVED))
		return;
	stop_waiting(vm);
	ipc_async_drain(vm->worker.watch);	/* its last words may not have been read yet */
	if (vm->state == VM_FAILED || vm->state == VM_SAVED)
		worker_forget(vm);
	else if (saved_state_worker_ended(vm))
		log_info("VM %s: its worker ended while its state is being stored", vm_name(vm));
	else if (vm->has_saved_state)
		ended_saved(vm, reason);
	else if (vm->off_wanted || exit_code == 0 || (unknown && vm->worker.said_off))
		ended_off(vm);
	else
		ended_badly(vm, reason);
}

void power_recovered(struct vm *vm, const char *state, uint64_t uptime_seconds)
{
	vm->started_usec = boot_usec() - uptime_seconds * 1000000;
	if (strcmp(state, "created") == 0) {
		log_warning("VM %s: its worker was never started; ending it", vm_name(vm));
		vm->off_wanted = true;
		worker_kill(vm);
	} else if (strcmp(state, "paused") == 0) {
		power_set_state(vm, VM_PAUSED, "");
		if (vm->resumes)		/* paused only to be saved, or restored: that was cut off */
			run_resume(vm);
	} else {
		power_set_state(vm, VM_RUNNING, "");
	}
	vm->resumes = false;
}
