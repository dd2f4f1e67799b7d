/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread per disk for what must wait: metadata commits, zeroing, the first write. Started with the first job. Flushes
 * that wait while another job runs share one commit.
 */
#ifndef STORAGE_WORKER_H
#define STORAGE_WORKER_H

#include <stdbool.h>

struct disk;
struct worker;

struct worker_job {
	struct worker_job *next;
	bool commit;				/* wants a commit after run() (or instead, when that is NULL) */
	int result;				/* of run(), then of the commit */
	int (*run)(struct worker_job *job);
	void (*done)(struct worker_job *job);	/* on the worker's thread */
};

int worker_create(struct disk *d, struct worker **out);
int worker_submit(struct worker *w, struct worker_job *job);
void worker_destroy(struct worker *w);		/* after its last job; accepts NULL */

#endif
