/* SPDX-License-Identifier: Apache-2.0 */
/* VMBus as the machine sees it: life cycle, what exits and hypercalls of the guest bring, state. Devices use vmbus.h. */
#ifndef VMWP_VMBUS_SERVER_H
#define VMWP_VMBUS_SERVER_H

#include "vmwp/vmbus/vmbus.h"

/* Event loop's thread, machine lock held, unless said otherwise. */
int vmbus_create(struct machine *m, struct vmbus **out);
void vmbus_destroy(struct vmbus *bus);			/* accepts NULL; every offer is withdrawn first */
void vmbus_power_on(struct vmbus *bus);			/* a new partition: nothing connected, offers kept */
void vmbus_pause(struct vmbus *bus, bool pause);	/* paused: rings are left alone; afterwards each open channel is looked at */
void vmbus_state(struct vmbus *bus, struct state *s);	/* connection, channels, GPADLs, and each device's record */

/* A VP's HvCallPostMessage or HvCallSignalEvent, on its thread, without the machine lock: the HV_STATUS for the guest.
 * Nothing is carried out here; the event loop is woken. */
uint16_t vmbus_guest_post_message(struct vmbus *bus, uint32_t connection_id, uint32_t type, const void *payload, size_t size);
uint16_t vmbus_guest_signal_event(struct vmbus *bus, uint32_t connection_id, uint16_t flag);
/* The message slot of `sint` on VP `vp` is free again (SINT-deliverable intercept); VP's thread, without the lock. */
void vmbus_message_slot_free(struct vmbus *bus, uint32_t vp, uint8_t sint);

#endif
