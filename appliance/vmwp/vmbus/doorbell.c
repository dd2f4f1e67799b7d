/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest signals without a trip of the VP to us: where the hypervisor has a signal window, each open channel's connection id
 * is bound to an eventfd, and the guest's SignalEvent ends there. Everything else comes as an intercept (server.c).
 */
#include "vmwp/vmbus/internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BATCH	64

static int doorbells_on_ready(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct vmbus *bus = data;
	struct epoll_event events[BATCH];
	int count = epoll_wait(fd, events, BATCH, 0);

	(void)source;
	(void)revents;
	machine_lock(bus->machine);
	for (int i = 0; i < count; i++)
		atomic_fetch_or(&bus->arrivals.signals[events[i].data.u32 / 64], 1ull << events[i].data.u32 % 64);
	vmbus_run(bus);
	machine_unlock(bus->machine);
	return 0;
}

int doorbells_create(struct vmbus *bus)
{
	int r;

	bus->doorbells_fd = epoll_create1(EPOLL_CLOEXEC);
	if (bus->doorbells_fd < 0)
		return -errno;
	r = sd_event_add_io(bus->machine->loop, &bus->doorbells_source, bus->doorbells_fd, EPOLLIN, doorbells_on_ready, bus);
	return r < 0 ? r : 0;
}

void doorbells_destroy(struct vmbus *bus)
{
	sd_event_source_disable_unref(bus->doorbells_source);
	if (bus->doorbells_fd >= 0)
		close(bus->doorbells_fd);
}

/* Edge-triggered: a signal is an event once, and the counter in the eventfd is never read. */
static int doorbell_watch(struct vmbus_channel *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = c->relid };

	return epoll_ctl(c->bus->doorbells_fd, EPOLL_CTL_ADD, c->doorbell_fd, &event) < 0 ? -errno : 0;
}

/* Failing is no error: the channel's signals are intercepted then. */
void doorbell_bind(struct vmbus_channel *c)
{
	struct hv_partition *partition = c->bus->machine->partition;
	int r;

	if (!c->bus->has_signal_window || !partition)
		return;
	c->doorbell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->doorbell_fd < 0)
		return;
	r = doorbell_watch(c);
	if (r == 0)
		r = hv_partition_bind_signal(partition, VMBUS_CONNECTION_SIGNAL + c->relid, c->doorbell_fd, true);
	if (r == 0) {
		c->doorbell_relid = c->relid;
		return;
	}
	close(c->doorbell_fd);
	c->doorbell_fd = -1;
}

void doorbell_unbind(struct vmbus_channel *c)
{
	struct machine *m = c->bus->machine;

	if (c->doorbell_fd < 0)
		return;
	if (m->partition)		/* a new one knows nothing of it, which does no harm */
		(void)hv_partition_bind_signal(m->partition, VMBUS_CONNECTION_SIGNAL + c->doorbell_relid, c->doorbell_fd, false);
	close(c->doorbell_fd);
	c->doorbell_fd = -1;
}
