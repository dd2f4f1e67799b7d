/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work of a job on files: run() on a thread, which says how far it is and looks whether it was cancelled; then done() on the
 * loop, which says how it ended and frees it. The first member of whatever else the work needs.
 */
#ifndef VMMS_JOB_WORK_H
#define VMMS_JOB_WORK_H

#include "storage/manage.h"
#include "vmms.h"

#include <stdatomic.h>

struct job_work {
	struct vmms *vmms;
	struct job *job;
	sd_event_source *timer;
	atomic_uint percent;
	atomic_bool cancelled;
	char report[320];		/* why it failed, or what was found */
	int (*run)(struct job_work *w);			/* NULL: it goes on by other means, whose end calls done() */
	void (*done)(struct job_work *w, int result);
	void (*cancel)(struct job_work *w);		/* tells whoever does not look at `cancelled`; may be NULL */
};

/* The caller has filled run, done and cancel. 0, and done() will come, perhaps at once; or negative, and it will not. */
int job_work_start(struct vmms *v, struct job_work *w, const char *type, const char *id, const char *name, bool cancellable,
		   struct job **job);
/* From done(), or later on the loop: run() once more, then done(). Negative: they will not come. */
int job_work_again(struct job_work *w);
/* From done(): ends the job; `code` is that of a failure. Afterwards the work may be freed. */
void job_work_end(struct job_work *w, int result, const char *code);
int job_work_cancel(struct job *j, struct problem *p);	/* -ENOENT: a job without such a work */
struct disk_progress job_work_progress(struct job_work *w);

#endif
