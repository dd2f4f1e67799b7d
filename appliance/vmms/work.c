/* SPDX-License-Identifier: Apache-2.0 */
/* A thread per slow file operation (allocating a disk, syncing an ISO): the loop goes on answering meanwhile. */
#include "vmms.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct work {
	int (*run)(void *data);
	void (*done)(void *data, int result);
	void *data;
	int end;			/* the thread's end of a pipe: its result */
	sd_event_source *source;
};

static void *work_thread(void *data)
{
	struct work *w = data;
	int result = w->run(w->data);

	/* An int into an empty pipe whose reader lives until it was read: nothing can fail. */
	return write(w->end, &result, sizeof(result)) < 0 ? w : NULL;
}

static int work_on_end(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct work *w = data;
	int result = -EIO;

	(void)source;
	(void)events;
	if (read(fd, &result, sizeof(result)) != (ssize_t)sizeof(result))
		result = -EIO;
	sd_event_source_disable_unref(w->source);
	close(fd);
	close(w->end);
	w->done(w->data, result);
	free(w);
	return 0;
}

int work_run(struct vmms *v, int (*run)(void *data), void (*done)(void *data, int result), void *data)
{
	struct work *w = calloc(1, sizeof(*w));
	pthread_attr_t detached;
	pthread_t thread;
	int ends[2], r;

	if (!w)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		free(w);
		return -errno;
	}
	*w = (struct work){ .run = run, .done = done, .data = data, .end = ends[1] };
	r = sd_event_add_io(v->loop, &w->source, ends[0], EPOLLIN, work_on_end, w);
	if (r < 0)
		goto fail;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	r = -pthread_create(&thread, &detached, work_thread, w);
	pthread_attr_destroy(&detached);
	if (r == 0)
		return 0;
	sd_event_source_disable_unref(w->source);
fail:
	close(ends[0]);
	close(ends[1]);
	free(w);
	return r;
}
