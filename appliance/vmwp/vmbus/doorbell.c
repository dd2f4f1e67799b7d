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

static int doorbell_on_ready(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct vmbus_channel *c = data;
	struct vmbus *bus = c->bus;

	(void)source;
	(void)fd;
	(void)events;
	machine_lock(bus->machine);
	atomic_fetch_or(&bus->arrivals.signals[c->doorbell_relid / 64], 1ull << c->doorbell_relid % 64);
	vmbus_run(bus);
	machine_unlock(bus->machine);
	return 0;
}

/* Edge-triggered: a signal is an event once, and the counter in the eventfd is never read. */
static int doorbell_watch(struct vmbus_channel *c)
{
	return sd_event_add_io(c->bus->machine->loop, &c->doorbell_source, c->doorbell_fd, EPOLLIN | EPOLLET, doorbell_on_ready, c);
}

static void doorbell_close(struct vmbus_channel *c)
{
	c->doorbell_source = sd_event_source_disable_unref(c->doorbell_source);
	close(c->doorbell_fd);
	c->doorbell_fd = -1;
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
	c->doorbell_relid = c->relid;
	r = doorbell_watch(c);
	if (r >= 0)
		r = hv_partition_bind_signal(partition, VMBUS_CONNECTION_SIGNAL + c->relid, c->doorbell_fd, true);
	if (r < 0)
		doorbell_close(c);
}

void doorbell_unbind(struct vmbus_channel *c)
{
	struct machine *m = c->bus->machine;

	if (c->doorbell_fd < 0)
		return;
	if (m->partition)		/* a new one knows nothing of it, which does no harm */
		(void)hv_partition_bind_signal(m->partition, VMBUS_CONNECTION_SIGNAL + c->doorbell_relid, c->doorbell_fd, false);
	doorbell_close(c);
}
