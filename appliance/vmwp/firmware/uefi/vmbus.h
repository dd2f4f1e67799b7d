/* SPDX-License-Identifier: Apache-2.0 */
/* VMBus as firmware uses it: the list of offers, and channels that are polled. docs of the other end: ../../vmbus/vmbus.h */
#ifndef UEFI_VMBUS_H
#define UEFI_VMBUS_H

#include <Uefi.h>

struct vmbus_offer {
	EFI_GUID class, instance;
	UINT32 relid, connection;
};

struct vmbus_channel;

EFI_STATUS vmbus_connect(VOID);			/* and takes the list of offers */
VOID vmbus_disconnect(VOID);			/* the host lets go of all our memory; allocates nothing */
UINTN vmbus_offers(const EFI_GUID *class, struct vmbus_offer *offers, UINTN max);	/* as many as there are, in the host's order */

EFI_STATUS vmbus_open(const struct vmbus_offer *offer, struct vmbus_channel **out);
/* A packet with a payload and, when `bytes` is not 0, the memory at `buffer`, which the host reads or writes until it answers. */
EFI_STATUS vmbus_send(struct vmbus_channel *c, UINT64 transaction, BOOLEAN answer, const VOID *payload, UINT32 size, VOID *buffer, UINT32 bytes);
/* The next packet, cut to `max` bytes. EFI_NOT_READY when there is none, EFI_DEVICE_ERROR when the ring makes no sense. */
EFI_STATUS vmbus_receive(struct vmbus_channel *c, UINT64 *transaction, BOOLEAN *answer, VOID *payload, UINT32 max);
/* Sends and waits for the answer, which replaces the payload. */
EFI_STATUS vmbus_ask(struct vmbus_channel *c, VOID *payload, UINT32 size, VOID *buffer, UINT32 bytes, UINT64 timeout);

#endif
