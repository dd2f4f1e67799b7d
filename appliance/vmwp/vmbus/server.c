/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VMBus server's life, and how what the guest's VPs bring reaches the event loop: they leave messages and signals in
 * `arrivals` and wake it; vmbus_run() carries out everything, so that devices have one thread to think about.
 */
#include "vmwp/vmbus/internal.h"

#include "partita/log.h"

#include <errno.h>
#include <hv_status.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ACCESS_EXECUTE	(1u << HV_INTERCEPT_ACCESS_EXECUTE)

/* --- from VP threads --- */

void vmbus_wake(struct vmbus *bus)
{
	uint64_t one = 1;

	if (!atomic_exchange(&bus->arrivals.woken, true) && write(bus->arrivals.fd, &one, sizeof(one)) < 0)
		atomic_store(&bus->arrivals.woken, false);
}

void vmbus_mark_signalled(struct vmbus *bus, uint32_t relid)
{
	uint64_t bit = 1ull << relid % 64;

	if (!(atomic_fetch_or(&bus->arrivals.signals[relid / 64], bit) & bit))
		vmbus_wake(bus);
}

void vmbus_relid_known(struct vmbus *bus, uint32_t relid, bool known)
{
	uint64_t bit = 1ull << relid % 64;

	if (known)
		atomic_fetch_or(&bus->arrivals.known[relid / 64], bit);
	else
		atomic_fetch_and(&bus->arrivals.known[relid / 64], ~bit);
}

uint16_t vmbus_guest_signal_event(struct vmbus *bus, uint32_t connection_id, uint16_t flag)
{
	uint32_t relid = connection_id - VMBUS_CONNECTION_SIGNAL;

	if (relid >= VMBUS_RELIDS || !(atomic_load(&bus->arrivals.known[relid / 64]) >> relid % 64 & 1))
		return HV_STATUS_INVALID_CONNECTION_ID;
	if (flag != 0)
		return HV_STATUS_INVALID_PARAMETER;
	vmbus_mark_signalled(bus, relid);
	return HV_STATUS_SUCCESS;
}

uint16_t vmbus_guest_post_message(struct vmbus *bus, uint32_t connection_id, uint32_t type, const void *payload, size_t size)
{
	struct vmbus_arrivals *a = &bus->arrivals;
	uint16_t status = HV_STATUS_SUCCESS;

	if (connection_id != VMBUS_CONNECTION_LEGACY && connection_id != VMBUS_CONNECTION_MULTI)
		return HV_STATUS_INVALID_CONNECTION_ID;
	if (type != VMBUS_MESSAGE_TYPE || size > VMBUS_MESSAGE_MAX)
		return HV_STATUS_INVALID_PARAMETER;
	pthread_mutex_lock(&a->lock);
	if (a->count < VMBUS_INBOX_MAX) {
		struct vmbus_incoming *in = &a->messages[(a->first + a->count++) % VMBUS_INBOX_MAX];

		in->size = (uint16_t)size;
		memcpy(in->bytes, payload, size);
	} else {
		status = HV_STATUS_INSUFFICIENT_BUFFERS;
	}
	pthread_mutex_unlock(&a->lock);
	if (status == HV_STATUS_SUCCESS)
		vmbus_wake(bus);
	return status;
}

void vmbus_message_slot_free(struct vmbus *bus, uint32_t vp, uint8_t sint)
{
	(void)vp;			/* one slot is awaited at a time */
	if (sint != VMBUS_SINT)
		return;
	atomic_store(&bus->arrivals.slot_free, true);
	vmbus_wake(bus);
}

/* --- on the event loop --- */

static bool arrivals_take_message(struct vmbus_arrivals *a, struct vmbus_incoming *in)
{
	bool any;

	pthread_mutex_lock(&a->lock);
	any = a->count > 0;
	if (any) {
		*in = a->messages[a->first];
		a->first = (a->first + 1) % VMBUS_INBOX_MAX;
		a->count--;
	}
	pthread_mutex_unlock(&a->lock);
	return any;
}

static void arrivals_clear(struct vmbus_arrivals *a)
{
	pthread_mutex_lock(&a->lock);
	a->count = 0;
	pthread_mutex_unlock(&a->lock);
	for (unsigned int i = 0; i < VMBUS_RELIDS / 64; i++)
		atomic_store(&a->signals[i], 0);
	atomic_store(&a->slot_free, false);
}

/* A guest that does not take its replies, or whose last connection is still being taken down, is not heard. */
static void run_messages(struct vmbus *bus)
{
	struct vmbus_incoming in;

	while (bus->wait == VMBUS_WAIT_NONE && bus->outbox_count < VMBUS_OUTBOX_MAX && arrivals_take_message(&bus->arrivals, &in))
		connection_message(bus, in.bytes, in.size);
}

static void run_signals(struct vmbus *bus)
{
	for (unsigned int word = 0; word < VMBUS_RELIDS / 64; word++) {
		uint64_t bits = atomic_load_explicit(&bus->arrivals.signals[word], memory_order_relaxed) ?
				atomic_exchange(&bus->arrivals.signals[word], 0) : 0;

		for (; bits; bits &= bits - 1) {
			struct vmbus_channel *c = channel_by_relid(bus, word * 64 + (unsigned int)__builtin_ctzll(bits));

			if (c)
				channel_pump(c);
		}
	}
}

void vmbus_run(struct vmbus *bus)
{
	bus->missed = bus->paused;		/* vmbus_pause() makes up for it */
	if (bus->paused)
		return;
	bus->busy++;
	if (atomic_exchange(&bus->arrivals.slot_free, false)) {
		bus->slot_awaited = false;
		outbox_flush(bus);
	}
	run_messages(bus);
	run_signals(bus);
	bus->busy--;
	channels_reap(bus);
}

static int vmbus_on_wake(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct vmbus *bus = data;
	uint64_t count;

	(void)source;
	(void)events;
	if (read(fd, &count, sizeof(count)) < 0)
		return 0;
	machine_lock(bus->machine);
	atomic_store(&bus->arrivals.woken, false);	/* before looking: what comes from now on wakes again */
	vmbus_run(bus);
	machine_unlock(bus->machine);
	return 0;
}

/* --- life --- */

int vmbus_create(struct machine *m, struct vmbus **out)
{
	struct vmbus *bus = calloc(1, sizeof(*bus));
	int r;

	if (!bus)
		return -ENOMEM;
	bus->machine = m;
	bus->outbox_end = &bus->outbox;
	pthread_mutex_init(&bus->arrivals.lock, NULL);
	bus->arrivals.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = bus->arrivals.fd < 0 ? -errno : sd_event_add_io(m->loop, &bus->source, bus->arrivals.fd, EPOLLIN, vmbus_on_wake, bus);
	if (r < 0) {
		vmbus_destroy(bus);
		return r;
	}
	*out = bus;
	return 0;
}

void vmbus_destroy(struct vmbus *bus)
{
	if (!bus)
		return;
	offers_destroy(bus);
	outbox_clear(bus);
	gpadls_destroy(bus);
	sd_event_source_disable_unref(bus->source);
	if (bus->arrivals.fd >= 0)
		close(bus->arrivals.fd);
	pthread_mutex_destroy(&bus->arrivals.lock);
	free(bus->packet);
	free(bus);
}

void vmbus_power_on(struct vmbus *bus)
{
	static const enum hv_intercept_type ours[] = {
		HV_INTERCEPT_HYPERCALL, HV_INTERCEPT_UNKNOWN_CONNECTION, HV_INTERCEPT_RETARGET_UNKNOWN_DEVICE,
	};
	int r = 0;

	arrivals_clear(&bus->arrivals);
	bus->busy++;
	connection_reset(bus);
	bus->busy--;
	channels_reap(bus);
	bus->wait = VMBUS_WAIT_NONE;
	bus->slot_awaited = false;
	bus->has_signal_window = hv_partition_has_signal_window(bus->machine->partition);
	outbox_clear(bus);
	for (unsigned int i = 0; r == 0 && i < sizeof(ours) / sizeof(ours[0]); i++)
		r = hv_partition_install_intercept(bus->machine->partition, ours[i], ACCESS_EXECUTE, 0);
	if (r < 0)
		log_warning("vmbus: no intercepts, the guest will find no devices: errno %d", -r);
}

void vmbus_pause(struct vmbus *bus, bool pause)
{
	bus->paused = pause;
	if (pause)
		return;
	for (struct vmbus_channel *c = bus->channels; c; c = c->next)
		if (c->state == CHANNEL_OPEN)
			vmbus_mark_signalled(bus, c->relid);
	if (bus->missed)
		vmbus_wake(bus);
}

uint32_t vmbus_version(const struct vmbus *bus)
{
	return bus->version;
}
