/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets: out of the incoming ring into a private copy, judged, handed to the device; and into the outgoing ring. A guest
 * that writes nonsense loses that channel, nothing else.
 */
#include "vmwp/vmbus/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PUMP_BUDGET	64u		/* packets of a channel before others have their turn */
#define TRAILER_BYTES	8u
#define QWORD		8u

/* --- judging a copy --- */

static bool parse_gpa_direct(struct vmbus *bus, struct vmbus_packet *p, const uint8_t *head, size_t size)
{
	struct vmbus_gpa_direct_header direct;
	size_t at = sizeof(direct);

	if (size < sizeof(direct))
		return false;
	memcpy(&direct, head, sizeof(direct));
	if (direct.range_count == 0 || direct.range_count > VMBUS_PACKET_RANGES_MAX)
		return false;
	for (uint32_t i = 0; i < direct.range_count; i++) {
		struct vmbus_gpa_range range;
		uint64_t pages;

		if (size - at < sizeof(range))
			return false;
		memcpy(&range, head + at, sizeof(range));
		at += sizeof(range);
		pages = ((uint64_t)range.offset + range.bytes + VMBUS_PAGE - 1) / VMBUS_PAGE;
		if (range.offset >= VMBUS_PAGE || pages > (size - at) / sizeof(uint64_t))
			return false;
		bus->ranges[i] = (struct vmbus_range){ .bytes = range.bytes, .offset = range.offset,
						       .pfns = (const uint64_t *)(const void *)(head + at) };
		at += pages * sizeof(uint64_t);
	}
	p->ranges = bus->ranges;
	p->range_count = direct.range_count;
	return true;
}

static bool parse_head(struct vmbus *bus, struct vmbus_packet *p, const uint8_t *head, size_t size)
{
	struct vmbus_transfer_header transfer;

	switch (p->type) {
	case VMBUS_PACKET_INBAND:
	case VMBUS_PACKET_COMPLETION:
		return true;
	case VMBUS_PACKET_GPA_DIRECT:
		return parse_gpa_direct(bus, p, head, size);
	case VMBUS_PACKET_TRANSFER_PAGES:
		if (size < sizeof(transfer))
			return false;
		memcpy(&transfer, head, sizeof(transfer));
		p->page_set = transfer.page_set;
		return true;
	}
	return false;
}

/* --- receiving --- */

static bool packet_make_room(struct vmbus *bus, uint32_t bytes)
{
	uint64_t *room;

	if (bytes <= bus->packet_size)
		return true;
	room = realloc(bus->packet, bytes);
	if (!room)
		return false;
	bus->packet = room;
	bus->packet_size = bytes;
	return true;
}

/* 1: a packet, *total bytes with its trailer. 0: none. Negative: nonsense. */
static int packet_copy(struct vmbus_channel *c, struct vmbus_packet *p, uint32_t *total)
{
	uint32_t payload_max = c->device->packet_max ? c->device->packet_max : VMBUS_PACKET_MAX;
	struct vmbus_descriptor d;
	uint32_t readable, bytes, head;
	uint8_t *copy;

	if (ring_readable(&c->in, &readable) < 0)
		return -EBADMSG;
	if (readable == 0)
		return 0;
	if (readable < sizeof(d) + TRAILER_BYTES)
		return -EBADMSG;
	ring_peek(&c->in, 0, &d, sizeof(d));
	bytes = d.total_qwords * QWORD;
	head = d.header_qwords * QWORD;
	if (head < sizeof(d) || head > bytes || bytes > readable - TRAILER_BYTES || head > VMBUS_PACKET_HEADER_MAX ||
	    bytes - head > payload_max || !packet_make_room(c->bus, bytes))
		return -EBADMSG;
	copy = (uint8_t *)c->bus->packet;
	ring_peek(&c->in, sizeof(d), copy + sizeof(d), bytes - (uint32_t)sizeof(d));
	*p = (struct vmbus_packet){
		.type = d.type, .wants_completion = d.flags & VMBUS_PACKET_WANTS_COMPLETION, .transaction_id = d.transaction_id,
		.payload = copy + head, .size = bytes - head,
	};
	*total = bytes + TRAILER_BYTES;
	return parse_head(c->bus, p, copy + sizeof(d), head - sizeof(d)) ? 1 : -EBADMSG;
}

/* 1: go on. 0: nothing to do, or not now. The channel may be closed afterwards. */
static int pump_one(struct vmbus_channel *c)
{
	struct vmbus_packet p;
	uint32_t total;
	int r = packet_copy(c, &p, &total);

	if (r < 0)
		vmbus_channel_fault(c, "a malformed packet");
	if (r <= 0)
		return 0;
	if (!c->device->received(c, &p)) {
		c->held = c->state == CHANNEL_OPEN;
		return 0;
	}
	if (c->state != CHANNEL_OPEN)
		return 0;
	ring_skip(&c->in, total);
	return 1;
}

static unsigned int pump_some(struct vmbus_channel *c)
{
	unsigned int count = 0;

	vmbus_batch_begin(c);
	if (c->device->turn)
		c->device->turn(c, true);
	while (count < PUMP_BUDGET && pump_one(c))
		count++;
	if (c->state == CHANNEL_OPEN && ring_publish_read(&c->in))
		channel_signal(c);
	vmbus_batch_end(c);
	if (c->device->turn)
		c->device->turn(c, false);
	return count;
}

static void pump_room(struct vmbus_channel *c)
{
	uint32_t writable;

	if (!c->wants_room)
		return;
	if (ring_writable(&c->out, &writable) < 0) {
		c->broken = "a nonsensical read index";
		return;
	}
	if (writable < c->room_wanted)
		return;
	c->wants_room = false;
	ring_wait_for_room(&c->out, 0);
	if (c->device->writable)
		c->device->writable(c);
}

void channel_pump(struct vmbus_channel *c)
{
	uint32_t readable;

	if (c->state != CHANNEL_OPEN || c->bus->paused)
		return;
	pump_room(c);
	if (c->state == CHANNEL_OPEN && c->broken)
		vmbus_channel_fault(c, c->broken);
	if (c->state != CHANNEL_OPEN || c->held)
		return;
	ring_mask(&c->in, true);		/* we are looking: the guest need not say so */
	if (pump_some(c) == PUMP_BUDGET) {
		if (c->state == CHANNEL_OPEN)
			vmbus_mark_signalled(c->bus, c->relid);
		return;
	}
	if (c->state != CHANNEL_OPEN || c->held)
		return;
	ring_mask(&c->in, false);
	if (ring_readable(&c->in, &readable) < 0 || readable)
		vmbus_mark_signalled(c->bus, c->relid);
}

void vmbus_channel_resume(struct vmbus_channel *c)
{
	if (!c->held)
		return;
	c->held = false;
	vmbus_mark_signalled(c->bus, c->relid);
}

/* --- sending --- */

static void out_publish(struct vmbus_channel *c)
{
	if (ring_publish_write(&c->out))
		channel_signal(c);
}

/* The guest has not read enough yet; asks to be told when it has. */
static int out_of_room(struct vmbus_channel *c, uint32_t bytes)
{
	uint32_t writable;

	out_publish(c);				/* of a batch: what it cannot see it cannot read */
	c->wants_room = true;
	c->room_wanted = bytes;
	ring_wait_for_room(&c->out, bytes);
	if (ring_writable(&c->out, &writable) < 0 || writable >= bytes)
		vmbus_mark_signalled(c->bus, c->relid);		/* it has meanwhile */
	return -EAGAIN;
}

static int out_reserve(struct vmbus_channel *c, uint32_t bytes)
{
	uint32_t writable;

	if (c->state != CHANNEL_OPEN)
		return -ENOTCONN;
	if (bytes > c->out.size - QWORD)
		return -EMSGSIZE;
	if (ring_writable(&c->out, &writable) < 0) {
		c->broken = "a nonsensical read index";
		vmbus_mark_signalled(c->bus, c->relid);
		return -EAGAIN;
	}
	return writable >= bytes && !c->bus->paused ? 0 : out_of_room(c, bytes);
}

struct outgoing_packet {
	enum vmbus_packet_type type;
	bool wants_completion;
	uint64_t transaction_id;
	struct iovec head[2];		/* after the descriptor; lengths are multiples of 8 together */
	const struct iovec *iov;
	unsigned int iov_count;
};

static int out_packet(struct vmbus_channel *c, const struct outgoing_packet *p)
{
	static const uint8_t zeros[QWORD];
	size_t head = sizeof(struct vmbus_descriptor) + p->head[0].iov_len + p->head[1].iov_len, payload = 0, padded;
	struct vmbus_descriptor d;
	uint64_t trailer;
	int r;

	for (unsigned int i = 0; i < p->iov_count; i++)
		payload += p->iov[i].iov_len;
	padded = (payload + QWORD - 1) & ~(size_t)(QWORD - 1);
	if ((head + padded) / QWORD > UINT16_MAX)
		return -EMSGSIZE;
	r = out_reserve(c, (uint32_t)(head + padded + TRAILER_BYTES));
	if (r < 0)
		return r;
	d = (struct vmbus_descriptor){ .type = (uint16_t)p->type, .header_qwords = (uint16_t)(head / QWORD),
				       .total_qwords = (uint16_t)((head + padded) / QWORD), .flags = p->wants_completion,
				       .transaction_id = p->transaction_id };
	trailer = (uint64_t)c->out.index << 32;
	ring_put(&c->out, &d, sizeof(d));
	for (unsigned int i = 0; i < 2; i++)
		ring_put(&c->out, p->head[i].iov_base, (uint32_t)p->head[i].iov_len);
	for (unsigned int i = 0; i < p->iov_count; i++)
		ring_put(&c->out, p->iov[i].iov_base, (uint32_t)p->iov[i].iov_len);
	ring_put(&c->out, zeros, (uint32_t)(padded - payload));
	ring_put(&c->out, &trailer, sizeof(trailer));
	if (!c->batch)
		out_publish(c);
	return 0;
}

int vmbus_send(struct vmbus_channel *c, uint64_t transaction_id, bool wants_completion, const struct iovec *iov, unsigned int iov_count)
{
	return out_packet(c, &(struct outgoing_packet){ .type = VMBUS_PACKET_INBAND, .wants_completion = wants_completion,
							.transaction_id = transaction_id, .iov = iov, .iov_count = iov_count });
}

int vmbus_complete(struct vmbus_channel *c, uint64_t transaction_id, const void *data, size_t size)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };

	return out_packet(c, &(struct outgoing_packet){ .type = VMBUS_PACKET_COMPLETION, .transaction_id = transaction_id,
							.iov = &iov, .iov_count = 1 });
}

int vmbus_send_transfer_pages(struct vmbus_channel *c, uint64_t transaction_id, uint16_t page_set,
			      const struct vmbus_transfer_range *ranges, unsigned int range_count, const void *payload, size_t size)
{
	struct vmbus_transfer_header head = { .page_set = page_set, .range_count = range_count };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)payload, .iov_len = size };

	return out_packet(c, &(struct outgoing_packet){
		.type = VMBUS_PACKET_TRANSFER_PAGES, .wants_completion = true, .transaction_id = transaction_id,
		.head = { { &head, sizeof(head) }, { (void *)(uintptr_t)ranges, range_count * sizeof(*ranges) } },
		.iov = &iov, .iov_count = 1 });
}

void vmbus_batch_begin(struct vmbus_channel *c)
{
	c->batch = true;
}

void vmbus_batch_end(struct vmbus_channel *c)
{
	c->batch = false;
	if (c->state == CHANNEL_OPEN)
		out_publish(c);
}

/* --- message pipes --- */

int vmbus_pipe_send(struct vmbus_channel *c, const void *message, size_t size)
{
	struct vmbus_pipe_header head = { .type = VMBUS_PIPE_DATA, .bytes = (uint32_t)size };
	struct iovec iov[] = { { &head, sizeof(head) }, { (void *)(uintptr_t)message, size } };

	return size > VMBUS_PIPE_MAX ? -EMSGSIZE : vmbus_send(c, 0, false, iov, 2);
}

int vmbus_pipe_message(const struct vmbus_packet *p, const uint8_t **message)
{
	struct vmbus_pipe_header head;

	if (p->size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, p->payload, sizeof(head));
	if (head.type != VMBUS_PIPE_DATA || head.bytes > p->size - sizeof(head))
		return -EBADMSG;
	*message = p->payload + sizeof(head);
	return (int)head.bytes;
}
