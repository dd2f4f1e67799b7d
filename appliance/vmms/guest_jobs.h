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
};
/* 0 and a job, or -EINVAL and *p: the VM does not run. */
int guest_job_start(struct vm *vm, const struct guest_task *task, struct job **job, struct problem *p);
void guest_jobs_close(struct vmms *v);

#endif
