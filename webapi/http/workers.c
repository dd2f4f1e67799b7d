/* SPDX-License-Identifier: Apache-2.0 */
/* First come, first served. The queue needs no bound of its own: each connection has at most one task. */
#include "http/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>

#define THREADS_MAX	16

struct task {
	STAILQ_ENTRY(task) link;
	void (*run)(void *argument);
	void *argument;
};

struct workers {
	pthread_mutex_t lock;		/* guards queue and stopping */
	pthread_cond_t wake;
	STAILQ_HEAD(, task) queue;
	bool stopping;
	unsigned int count;
	pthread_t threads[THREADS_MAX];
};

static struct task *next_task(struct workers *w)
{
	struct task *task;

	pthread_mutex_lock(&w->lock);
	while (STAILQ_EMPTY(&w->queue) && !w->stopping)
		pthread_cond_wait(&w->wake, &w->lock);
	task = STAILQ_FIRST(&w->queue);
	if (task)
		STAILQ_REMOVE_HEAD(&w->queue, link);
	pthread_mutex_unlock(&w->lock);
	return task;
}

static void *work(void *argument)
{
	struct task *task;

	while ((task = next_task(argument))) {
		task->run(task->argument);
		free(task);
	}
	return NULL;
}

int workers_start(unsigned int threads, struct workers **out)
{
	struct workers *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	STAILQ_INIT(&w->queue);
	for (; w->count < threads && w->count < THREADS_MAX; w->count++)
		if (pthread_create(&w->threads[w->count], NULL, work, w) != 0)
			break;
	if (w->count == 0) {
		workers_destroy(w);
		return -EAGAIN;
	}
	*out = w;
	return 0;
}

void workers_stop(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	for (unsigned int i = 0; i < w->count; i++)
		pthread_join(w->threads[i], NULL);
	w->count = 0;
}

void workers_destroy(struct workers *w)
{
	if (!w)
		return;
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int workers_submit(struct workers *w, void (*run)(void *task), void *argument)
{
	struct task *task = malloc(sizeof(*task));
	int r = -ESHUTDOWN;

	if (!task)
		return -ENOMEM;
	task->run = run;
	task->argument = argument;
	pthread_mutex_lock(&w->lock);
	if (!w->stopping) {
		STAILQ_INSERT_TAIL(&w->queue, task, link);
		pthread_cond_signal(&w->wake);
		r = 0;
	}
	pthread_mutex_unlock(&w->lock);
	if (r < 0)
		free(task);
	return r;
}
