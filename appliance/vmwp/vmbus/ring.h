/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a channel's ring. The other side is hostile: our own index is private and only ever published, its
 * index is checked at every look, and packets leave and enter by copy. Knows neither channels nor packets.
 */
#ifndef VMWP_VMBUS_RING_H
#define VMWP_VMBUS_RING_H

#include "vmwp/vmbus/protocol.h"

struct ring {
	struct vmbus_ring_control *control;
	uint8_t **pages;		/* of the data area, in our address space */
	uint32_t size;			/* bytes of the data area */
	uint32_t index;			/* ours: read index of an incoming ring, write index of an outgoing one */
	uint32_t published;		/* what the other side was told last */
};

/* pages[0] is the control page; the array must outlive the ring. -EINVAL when the index in it makes no sense. */
int ring_init_incoming(struct ring *r, uint8_t **pages, uint32_t page_count);
int ring_init_outgoing(struct ring *r, uint8_t **pages, uint32_t page_count);

/* --- consumer --- */
int ring_readable(const struct ring *r, uint32_t *bytes);	/* 0, or -EBADMSG: the producer's index is nonsense */
void ring_peek(const struct ring *r, uint32_t offset, void *to, uint32_t bytes);	/* offset from our index; bytes < size */
void ring_skip(struct ring *r, uint32_t bytes);
void ring_mask(struct ring *r, bool mask);
/* Tells the producer how far we got. True: it waits for room and must be signalled. */
bool ring_publish_read(struct ring *r);

/* --- producer --- */
int ring_writable(const struct ring *r, uint32_t *bytes);	/* as ring_readable(); one octet group stays free always */
void ring_put(struct ring *r, const void *from, uint32_t bytes);
/* True: the consumer wants a signal for what was put since the last call. */
bool ring_publish_write(struct ring *r);
/* Ask to be signalled when more than `bytes` can be put; 0 withdraws it. */
void ring_wait_for_room(struct ring *r, uint32_t bytes);

#endif
