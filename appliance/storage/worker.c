/* SPDX-License-Identifier: Apache-2.0 */
/* See worker.h. Jobs run in the order they came; `lock` guards the list and the flags. */
#include "storage/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "storage/formats.h"

struct worker {
	struct disk *disk;
	pthread_mutex_t lock;
	pthread_cond_t more;
	pthread_t thread;
	bool started, stopping;
	struct worker_job *first, **last;
};

static void run_jobs(struct worker_job *jobs)
{
	for (struct worker_job *job = jobs; job; job = job->next)
		job->result = job->run ? job->run(job) : 0;
}

static void finish_jobs(struct worker_job *jobs, int committed)
{
	struct worker_job *next;

	for (struct worker_job *job = jobs; job; job = next) {
		next = job->next;	/* done() may free or reuse it */
		if (job->commit && job->result == 0)
			job->result = committed;
		job->done(job);
	}
}

static bool wants_commit(const struct worker_job *jobs)
{
	for (; jobs; jobs = jobs->next)
		if (jobs->commit && jobs->result == 0)
			return true;
	return false;
}

static struct worker_job *take_jobs(struct worker *w)
{
	struct worker_job *jobs;

	pthread_mutex_lock(&w->lock);
	while (!w->first && !w->stopping)
		pthread_cond_wait(&w->more, &w->lock);
	jobs = w->first;
	w->first = NULL;
	w->last = &w->first;
	pthread_mutex_unlock(&w->lock);
	return jobs;
}

static void *worker_main(void *context)
{
	struct worker *w = context;
	struct worker_job *jobs;

	while ((jobs = take_jobs(w))) {
		run_jobs(jobs);
		finish_jobs(jobs, wants_commit(jobs) ? w->disk->ops->commit(w->disk) : 0);
	}
	return NULL;
}

/* Signals are for the threads of whoever uses the library. */
static int start_thread(struct worker *w)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&w->thread, NULL, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int worker_submit(struct worker *w, struct worker_job *job)
{
	int r = 0;

	pthread_mutex_lock(&w->lock);
	if (!w->started)
		r = start_thread(w);
	if (r == 0) {
		w->started = true;
		job->next = NULL;
		*w->last = job;
		w->last = &job->next;
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
	return r;
}

int worker_create(struct disk *d, struct worker **out)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->disk = d;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	*out = w;
	return 0;
}

void worker_destroy(struct worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	if (w->started)
		pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
