/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to the guest. A VP has one slot per SINT; while the guest has not emptied it, messages wait here and the
 * hypervisor tells us when it has (SINT deliverable).
 */
#include "vmwp/vmbus/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void outbox_post(struct vmbus *bus, const void *message, size_t size)
{
	struct vmbus_outgoing *out = calloc(1, sizeof(*out));

	if (!out) {
		machine_fail(bus->machine, "error: out of memory for a VMBus message");
		return;
	}
	out->message.header.message_type = VMBUS_MESSAGE_TYPE;
	out->message.header.payload_size = (uint8_t)size;
	memcpy(out->message.payload, message, size);
	out->vp = bus->message_vp;
	*bus->outbox_end = out;
	bus->outbox_end = &out->next;
	bus->outbox_count++;
	outbox_flush(bus);
}

static void outbox_drop_first(struct vmbus *bus)
{
	struct vmbus_outgoing *out = bus->outbox;

	bus->outbox = out->next;
	if (!bus->outbox)
		bus->outbox_end = &bus->outbox;
	bus->outbox_count--;
	free(out);
}

void outbox_flush(struct vmbus *bus)
{
	struct machine *m = bus->machine;

	while (bus->outbox && m->partition && !bus->slot_awaited) {
		struct vmbus_outgoing *out = bus->outbox;
		int r = hv_partition_post_message(m->partition, out->vp, VMBUS_SINT, &out->message);

		if (r == 0) {
			outbox_drop_first(bus);
			continue;
		}
		/* Occupied, or the guest's SynIC is off for the moment: both end with "deliverable". */
		bus->slot_awaited = true;
		if (hv_partition_notify_deliverable(m->partition, out->vp, 1u << VMBUS_SINT) < 0) {
			bus->slot_awaited = false;
			machine_fail(m, "error: VP %u cannot be sent a VMBus message", out->vp);
			return;
		}
	}
}

void outbox_clear(struct vmbus *bus)
{
	while (bus->outbox)
		outbox_drop_first(bus);
}
