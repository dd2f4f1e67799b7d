/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that devices wait for. They sit in an epoll set of their own, which may be changed from any thread, and the
 * event loop watches that set.
 */
#include "vmwp/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define WATCH_BATCH	16

struct fd_watch {
	struct fd_watch *next;
	struct device *dev;
	int fd;
	void (*ready)(struct device *dev, int fd, uint32_t events);
};

struct fd_watches {
	int epoll_fd;
	sd_event_source *source;
	struct fd_watch *list;
};

static struct fd_watch *watch_find(struct fd_watches *w, int fd)
{
	struct fd_watch *watch = w->list;

	while (watch && watch->fd != fd)
		watch = watch->next;
	return watch;
}

static int watches_on_ready(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct machine *m = data;
	struct epoll_event events[WATCH_BATCH];
	int count = epoll_wait(fd, events, WATCH_BATCH, 0);

	(void)source;
	(void)revents;
	machine_lock(m);
	for (int i = 0; i < count; i++) {	/* looked up again: an earlier one may have removed it */
		struct fd_watch *watch = watch_find(m->watches, events[i].data.fd);

		if (watch)
			watch->ready(watch->dev, watch->fd, events[i].events);
	}
	machine_unlock(m);
	return 0;
}

int fd_watches_create(struct machine *m)
{
	struct fd_watches *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	m->watches = w;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll_fd < 0)
		return -errno;
	r = sd_event_add_io(m->loop, &w->source, w->epoll_fd, EPOLLIN, watches_on_ready, m);
	return r < 0 ? r : 0;
}

void fd_watches_destroy(struct machine *m)
{
	struct fd_watches *w = m->watches;

	if (!w)
		return;
	while (w->list)
		device_unwatch_fd(w->list->dev, w->list->fd);
	sd_event_source_disable_unref(w->source);
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	free(w);
	m->watches = NULL;
}

int device_watch_fd(struct device *dev, int fd, uint32_t events, void (*ready)(struct device *dev, int fd, uint32_t events))
{
	struct fd_watches *w = dev->machine->watches;
	struct epoll_event event = { .events = events, .data.fd = fd };
	struct fd_watch *watch = watch_find(w, fd);
	bool known = watch != NULL;

	if (!known)
		watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	if (epoll_ctl(w->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0) {
		int error = errno;

		if (!known)
			free(watch);
		return -error;
	}
	watch->dev = dev;
	watch->fd = fd;
	watch->ready = ready;
	if (!known) {
		watch->next = w->list;
		w->list = watch;
	}
	return 0;
}

void device_unwatch_fd(struct device *dev, int fd)
{
	struct fd_watches *w = dev->machine->watches;
	struct fd_watch **link = &w->list;

	while (*link && (*link)->fd != fd)
		link = &(*link)->next;
	if (*link) {
		struct fd_watch *watch = *link;

		*link = watch->next;
		(void)epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		free(watch);
	}
}
