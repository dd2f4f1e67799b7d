/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each job has connections of its own to the VM's worker: a guest may take minutes, and a late answer on the connection that
 * the VM is driven by would count as a worker that hangs. Answers come in the order of the calls, so progress is asked for on
 * a second one; it is what the worker says in GetStatus, if anything.
 */
#include "guest_jobs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS	(4 * 3600 * 1000)	/* vmwp gives up a silent guest long before */
#define LOOK_USEC	1000000u
#define STATUS_MS	5000

struct guest_job {
	struct guest_job *next;
	struct vmms *vmms;
	struct job *job;
	struct ipc_async *link;		/* the work */
	struct ipc_async *look;		/* its progress; NULL: not known any more */
	sd_event_source *timer;
	bool asking;			/* on `look` */
	const char *cancel;		/* as in the task */
	bool cancelled;
};

static void guest_job_free(struct guest_job *g)
{
	struct guest_job **at = &g->vmms->guest_jobs;

	while (*at && *at != g)
		at = &(*at)->next;
	if (*at)
		*at = g->next;
	sd_event_source_disable_unref(g->timer);
	ipc_async_close(g->look);
	ipc_async_close(g->link);
	free(g);
}

/* Work that was done before it could be cancelled is done. */
static void end(struct guest_job *g, int result, const char *code, const char *detail)
{
	enum job_state state = result == 0 ? JOB_SUCCEEDED : g->cancelled ? JOB_CANCELLED : JOB_FAILED;
	bool failed = state == JOB_FAILED;

	job_finish(g->vmms, g->job, state, failed ? code : NULL, failed ? detail : NULL);
	guest_job_free(g);
}

#define WORKER_ENDED	"The virtual machine stopped, or its worker does not answer."

static void on_lost(struct ipc_async *a, int reason, void *data)
{
	(void)a;
	(void)reason;
	end(data, -EIO, "worker_ended", WORKER_ENDED);
}

/* The worker's own words, or that it had none. */
static void on_done(struct ipc_message *m, int result, bool continues, void *data)
{
	const char *detail = NULL, *code = NULL;

	(void)continues;
	if (result == -EREMOTE) {
		code = json_string_value(json_object_get(m->body, "error"));
		detail = json_string_value(json_object_get(json_object_get(m->body, "parameters"), "detail"));
	}
	end(data, result, code ? code : "worker_ended", detail ? detail : WORKER_ENDED);
}

/* --- progress --- */

static void on_status(struct ipc_message *m, int result, bool continues, void *data)
{
	struct guest_job *g = data;
	const json_t *copy = result == 0 ? json_object_get(m->body, "fileCopy") : NULL;
	json_int_t sent = json_integer_value(json_object_get(copy, "sentBytes")), total = json_integer_value(json_object_get(copy, "totalBytes"));

	(void)continues;
	g->asking = false;
	if (total > 0 && sent >= 0 && sent <= total)
		job_progress(g->vmms, g->job, (unsigned int)((double)sent * 100 / (double)total));
}

static void on_look_lost(struct ipc_async *a, int reason, void *data)
{
	struct guest_job *g = data;

	(void)reason;
	ipc_async_close(a);
	g->look = NULL;
}

static int on_look(sd_event_source *source, uint64_t usec, void *data)
{
	struct guest_job *g = data;

	(void)usec;
	if (!g->look)
		return 0;
	if (!g->asking)
		g->asking = ipc_async_call(g->look, "vmwp.GetStatus", NULL, NULL, 0, STATUS_MS, on_status, g) == 0;
	sd_event_source_set_time_relative(source, LOOK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* --- cancel --- */

static void on_cancel_asked(struct ipc_message *m, int result, bool continues, void *data)
{
	struct guest_job *g = data;

	(void)m;
	(void)continues;
	if (result < 0)			/* too late: the job says how it went */
		g->cancelled = false;
}

int guest_job_cancel(struct vmms *v, const struct job *j, struct problem *p)
{
	struct guest_job *g = v->guest_jobs;

	while (g && g->job != j)
		g = g->next;
	if (!g)
		return -ENOENT;
	if (!g->cancel)
		return problem_set(p, PROBLEM_JOB_NOT_CANCELLABLE, NULL, "This job cannot be cancelled.");
	if (g->cancelled)
		return 0;
	if (!g->look || ipc_async_call(g->look, g->cancel, NULL, NULL, 0, STATUS_MS, on_cancel_asked, g) < 0)
		return problem_set(p, PROBLEM_UNAVAILABLE, NULL, "The worker of the virtual machine does not answer.");
	g->cancelled = true;
	return 0;
}

/* --- begin --- */

static int connect_worker(struct guest_job *g, const char *vm_id, void (*lost)(struct ipc_async *a, int reason, void *data),
			  struct ipc_async **out)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/vm/%s.sock", g->vmms->options.runtime_dir, vm_id);
	fd = ipc_connect_fd(path);
	return fd < 0 ? fd : ipc_async_from_fd(g->vmms->loop, fd, lost, g, out);
}

static int connect_both(struct guest_job *g, const char *vm_id)
{
	int r = connect_worker(g, vm_id, on_lost, &g->link);

	if (r == 0)
		r = connect_worker(g, vm_id, on_look_lost, &g->look);
	if (r == 0)
		r = sd_event_add_time_relative(g->vmms->loop, &g->timer, CLOCK_MONOTONIC, LOOK_USEC, 0, on_look, g);
	return r < 0 ? r : 0;
}

static struct guest_job *guest_job_new(struct vm *vm)
{
	struct guest_job *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->vmms = vm->vmms;
	g->next = vm->vmms->guest_jobs;
	vm->vmms->guest_jobs = g;
	return g;
}

static int begin(struct guest_job *g, struct vm *vm, const struct guest_task *task, json_t *parameters)
{
	int r = connect_both(g, vm->id);

	if (r < 0) {
		json_decref(parameters);
		return r;
	}
	g->cancel = task->cancel;
	g->job = job_start(g->vmms, task->type, vm->id, vm_name(vm), task->cancel != NULL);
	if (!g->job) {
		json_decref(parameters);
		return -ENOMEM;
	}
	return ipc_async_call(g->link, task->method, parameters, &task->fd, task->fd >= 0, PATIENCE_MS, on_done, g);
}

int guest_job_start(struct vm *vm, const struct guest_task *task, struct job **job, struct problem *p)
{
	struct guest_job *g;
	int r;

	if (vm->state != VM_RUNNING) {
		json_decref(task->parameters);
		return problem_set(p, PROBLEM_VM_NOT_RUNNING, NULL, "%s is %s; its guest has to run for that.", vm_name(vm), vm_state_words[vm->state]);
	}
	g = guest_job_new(vm);
	if (!g) {
		json_decref(task->parameters);
		return problem_from_errno(p, -ENOMEM, "The job");
	}
	r = begin(g, vm, task, task->parameters);
	*job = g->job;
	if (r < 0 && g->job)
		end(g, r, "worker_ended", WORKER_ENDED);
	else if (r < 0)
		guest_job_free(g);
	return r < 0 && !*job ? problem_from_errno(p, r, "The worker") : 0;
}

void guest_jobs_close(struct vmms *v)
{
	while (v->guest_jobs)
		guest_job_free(v->guest_jobs);
}
