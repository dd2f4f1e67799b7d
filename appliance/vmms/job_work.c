/* SPDX-License-Identifier: Apache-2.0 */
/* See job_work.h. */
#include "job_work.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOOK_USEC	(500ull * 1000)		/* how often progress is looked at */

static bool on_step(void *context, uint64_t done, uint64_t total)
{
	struct job_work *w = context;

	atomic_store(&w->percent, total ? (unsigned int)(done * 100 / total) : 0);
	return atomic_load(&w->cancelled);
}

struct disk_progress job_work_progress(struct job_work *w)
{
	return (struct disk_progress){ on_step, w };
}

static int on_look(sd_event_source *source, uint64_t usec, void *data)
{
	struct job_work *w = data;

	(void)usec;
	job_progress(w->vmms, w->job, atomic_load(&w->percent));
	sd_event_source_set_time_relative(source, LOOK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_thread(void *data)
{
	struct job_work *w = data;
	int r = w->run(w);

	if (r < 0 && !w->report[0])
		snprintf(w->report, sizeof(w->report), "%s%s%s.", strerror(-r), disk_error_text()[0] ? ": " : "", disk_error_text());
	return r;
}

static void on_end(void *data, int result)
{
	struct job_work *w = data;

	w->done(w, result);
}

int job_work_start(struct vmms *v, struct job_work *w, const char *type, const char *id, const char *name, bool cancellable,
		   struct job **job)
{
	int r;

	w->vmms = v;
	w->job = *job = job_start(v, type, id, name, cancellable);
	if (!w->job)
		return -ENOMEM;
	w->job->work = w;
	(void)sd_event_add_time_relative(v->loop, &w->timer, CLOCK_MONOTONIC, LOOK_USEC, 0, on_look, w);
	r = w->run ? work_run(v, on_thread, on_end, w) : 0;
	if (r < 0)
		w->done(w, r);
	return 0;
}

int job_work_again(struct job_work *w)
{
	return work_run(w->vmms, on_thread, on_end, w);
}

void job_work_end(struct job_work *w, int result, const char *code)
{
	w->timer = sd_event_source_disable_unref(w->timer);
	if (result == 0) {
		snprintf(w->job->result, sizeof(w->job->result), "%s", w->report);
		job_finish(w->vmms, w->job, JOB_SUCCEEDED, NULL, NULL);
	} else if (result == -ECANCELED) {
		job_finish(w->vmms, w->job, JOB_CANCELLED, NULL, NULL);
	} else {
		job_finish(w->vmms, w->job, JOB_FAILED, code, w->report[0] ? w->report : strerror(-result));
	}
}

int job_work_cancel(struct job *j, struct problem *p)
{
	struct job_work *w = j->work;

	if (strncmp(j->type, "vm.", 3) == 0)	/* power.c's */
		return -ENOENT;
	if (j->state != JOB_RUNNING || !w)
		return problem_set(p, PROBLEM_JOB_FINISHED, NULL, "The job has already finished.");
	if (!j->cancellable)
		return problem_set(p, PROBLEM_JOB_NOT_CANCELLABLE, NULL, "This job cannot be cancelled.");
	atomic_store(&w->cancelled, true);
	if (w->cancel)
		w->cancel(w);
	return 0;
}
