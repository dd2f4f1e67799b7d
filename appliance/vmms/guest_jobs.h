/* SPDX-License-Identifier: Apache-2.0 */
/* Work that a guest does in its own time, as jobs: taking a file, setting addresses. */
#ifndef VMMS_GUEST_JOBS_H
#define VMMS_GUEST_JOBS_H

#include "vm.h"

struct guest_task {
	const char *type;		/* of the job: "vm.copy-file" */
	const char *method;		/* of the worker */
	json_t *parameters;		/* consumed, also on failure */
	int fd;				/* goes with the call; -1 none; stays the caller's */
	const char *cancel;		/* the worker's method that ends it early; NULL: it cannot be cancelled */
};
/* 0 and a job, or -EINVAL and *p: the VM does not run. */
int guest_job_start(struct vm *vm, const struct guest_task *task, struct job **job, struct problem *p);
/* 0: the guest was asked to stop, and the job ends when it has; -ENOENT: no job of this kind. */
int guest_job_cancel(struct vmms *v, const struct job *j, struct problem *p);
void guest_jobs_close(struct vmms *v);

#endif
