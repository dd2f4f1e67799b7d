/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network adapter as the guest's driver meets it: NVSP, from INIT over the shared buffers to RNDIS packets and
 * sub-channels. Everything happens on the event loop's thread; a packet is answered before the next one is looked at.
 * A guest that does not read its ring or return receive buffers costs itself frames, nobody else anything.
 */
#include "vmwp/vsp/net_adapter.h"

#include "vmwp/machine.h"

#include <errno.h>
#include <string.h>

size_t nvsp_message_bytes(const struct net_adapter *a)
{
	return a->version >= NVSP_VERSION_61 ? NVSP_MESSAGE_BYTES_61 : NVSP_MESSAGE_BYTES;
}

/* --- one NVSP message and its answer --- */

struct nvsp_call {
	struct net_adapter *adapter;
	struct vmbus_channel *channel;
	const struct vmbus_packet *packet;
	const uint8_t *body;		/* after the type; at least what the row says */
	uint8_t answer[NVSP_MESSAGE_MAX];
	size_t answer_size;		/* 0: an empty completion */
};

static void answer(struct nvsp_call *call, const void *message, size_t size)
{
	memcpy(call->answer, message, size);
	call->answer_size = nvsp_message_bytes(call->adapter);
}

static const uint32_t versions[] = { NVSP_VERSION_61, NVSP_VERSION_6, NVSP_VERSION_5, NVSP_VERSION_4, NVSP_VERSION_2, NVSP_VERSION_1 };

/* The newest version that lies in what the guest offers. */
static void nvsp_init(struct nvsp_call *call)
{
	struct nvsp_init_complete done = { NVSP_INIT_COMPLETE, 0, NVSP_MDL_CHAIN_MAX, NVSP_STATUS_BAD_VERSION };
	struct nvsp_init in;

	memcpy(&in, call->body, sizeof(in));
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions) && done.status != NVSP_STATUS_SUCCESS; i++)
		if (versions[i] >= in.min && versions[i] <= in.max) {
			call->adapter->version = versions[i];
			done.status = NVSP_STATUS_SUCCESS;
		}
	done.version = call->adapter->version;
	answer(call, &done, sizeof(done));
}

static void nvsp_ndis_version(struct nvsp_call *call)
{
	(void)call;	/* what differs between NDIS versions is asked for in the OIDs */
}

static void nvsp_ndis_config(struct nvsp_call *call)
{
	struct nvsp_ndis_config in;

	memcpy(&in, call->body, sizeof(in));
	if (call->adapter->receive.gpadl)	/* sub-allocations have their size by then */
		return;
	call->adapter->frame_bytes = in.mtu < NET_FRAME_BYTES_DEFAULT ? NET_FRAME_BYTES_DEFAULT :
				     in.mtu > NET_FRAME_BYTES_MAX ? NET_FRAME_BYTES_MAX : in.mtu;
}

static void nvsp_receive_buffer(struct nvsp_call *call)
{
	struct nvsp_receive_buffer_complete done = { NVSP_SEND_RECEIVE_BUFFER_COMPLETE, NVSP_STATUS_FAILURE, 0, 0, 0, 0, 0 };
	struct net_receive_buffer *b = &call->adapter->receive;
	struct vmbus_gpadl *gpadl = NULL;
	struct nvsp_buffer in;

	memcpy(&in, call->body, sizeof(in));
	if (!b->gpadl && in.id == NVSP_RECEIVE_BUFFER_ID)
		gpadl = vmbus_gpadl_get(call->channel, in.gpadl);
	if (gpadl && net_rx_buffer_set(call->adapter, gpadl, in.gpadl) == 0) {
		done.status = NVSP_STATUS_SUCCESS;
		done.sections = 1;
		done.sub_allocation_bytes = b->bytes_each;
		done.sub_allocations = b->count;
		done.end_offset = b->bytes_each * b->count;
		gpadl = NULL;
	}
	vmbus_gpadl_put(gpadl);
	answer(call, &done, sizeof(done));
}

static void nvsp_revoke_receive_buffer(struct nvsp_call *call)
{
	net_rx_buffer_drop(call->adapter);
}

static void nvsp_send_buffer(struct nvsp_call *call)
{
	struct nvsp_send_buffer_complete done = { NVSP_SEND_SEND_BUFFER_COMPLETE, NVSP_STATUS_FAILURE, 0 };
	struct net_adapter *a = call->adapter;
	struct nvsp_buffer in;

	memcpy(&in, call->body, sizeof(in));
	if (!a->send)
		a->send = vmbus_gpadl_get(call->channel, in.gpadl);
	if (a->send && (in.id != 0 || vmbus_gpadl_bytes(a->send) < NET_SEND_SECTION_BYTES)) {
		vmbus_gpadl_put(a->send);
		a->send = NULL;
	}
	if (a->send) {
		a->send_id = in.gpadl;
		done.status = NVSP_STATUS_SUCCESS;
		done.section_bytes = NET_SEND_SECTION_BYTES;
	}
	answer(call, &done, sizeof(done));
}

static void nvsp_revoke_send_buffer(struct nvsp_call *call)
{
	vmbus_gpadl_put(call->adapter->send);
	call->adapter->send = NULL;
}

static void nvsp_switch_data_path(struct nvsp_call *call)
{
	(void)call;	/* there is no virtual function to switch to; going (back) to the synthetic path is no change */
}

/* As many queues as the VM has processors, at most NET_QUEUES_MAX. */
static unsigned int queues_possible(const struct net_adapter *a)
{
	unsigned int vps = a->machine->config.processors;

	return vps > NET_QUEUES_MAX ? NET_QUEUES_MAX : vps;
}

static void nvsp_subchannel(struct nvsp_call *call)
{
	struct nvsp_subchannel_complete done = { NVSP_SUBCHANNEL, NVSP_STATUS_FAILURE, 0 };
	struct net_adapter *a = call->adapter;
	unsigned int count = queues_possible(a) - 1;
	struct nvsp_subchannel in;

	memcpy(&in, call->body, sizeof(in));
	if (in.count < count)
		count = in.count;
	if (in.operation == NVSP_SUBCHANNEL_ALLOCATE && a->subchannels == 0 && count > 0 &&
	    vmbus_offer_subchannels(call->channel, count) == 0) {
		a->subchannels = count;
		done.status = NVSP_STATUS_SUCCESS;
		done.count = count;
	}
	answer(call, &done, sizeof(done));
}

/* --- RNDIS inside NVSP --- */

static int gather_section(struct net_adapter *a, const struct nvsp_rndis_packet *in, struct net_gather *g)
{
	uint64_t offset = (uint64_t)in->section * NET_SEND_SECTION_BYTES;
	int n;

	if (in->section == NVSP_NO_SECTION)
		return 0;
	if (!a->send || in->section_bytes > NET_SEND_SECTION_BYTES || offset + in->section_bytes > vmbus_gpadl_bytes(a->send))
		return -EINVAL;
	n = vmbus_gpadl_iovec(a->send, offset, in->section_bytes, g->iov, NET_IOV_MAX);
	if (n < 0)
		return n;
	g->count = (unsigned int)n;
	g->bytes = in->section_bytes;
	return 0;
}

static int gather_ranges(struct net_adapter *a, const struct vmbus_packet *p, struct net_gather *g)
{
	for (unsigned int i = 0; p->type == VMBUS_PACKET_GPA_DIRECT && i < p->range_count; i++) {
		int n = vmbus_range_iovec(a->machine, &p->ranges[i], 0, p->ranges[i].bytes, g->iov + g->count, NET_IOV_MAX - g->count);

		if (n < 0)
			return n;
		g->count += (unsigned int)n;
		g->bytes += p->ranges[i].bytes;
	}
	return 0;
}

static uint32_t rndis_control_copy(struct net_adapter *a, const struct net_gather *g, size_t offset, size_t size)
{
	uint8_t message[NET_CONTROL_MAX];

	if (size > sizeof(message) || !net_gather_copy(g, offset, message, size))
		return NVSP_STATUS_BAD_RNDIS;
	return rndis_control(a, message, size);
}

/* Several messages may follow each other, each at a multiple of eight bytes. */
static uint32_t rndis_messages(struct net_adapter *a, const struct net_gather *g)
{
	uint32_t status = NVSP_STATUS_BAD_RNDIS;
	struct rndis_header head;
	size_t offset = 0;

	for (unsigned int i = 0; i < RNDIS_PACKETS_MAX && net_gather_copy(g, offset, &head, sizeof(head)); i++) {
		if (head.length < sizeof(head) || head.length > g->bytes - offset)
			return NVSP_STATUS_BAD_RNDIS;
		status = head.type == RNDIS_PACKET ? net_transmit(a, g, offset, head.length) :
						     rndis_control_copy(a, g, offset, head.length);
		if (status != NVSP_STATUS_SUCCESS)
			return status;
		offset += (head.length + 7ull) & ~7ull;
	}
	return status;
}

static void nvsp_rndis_packet(struct nvsp_call *call)
{
	struct nvsp_rndis_packet_complete done = { NVSP_SEND_RNDIS_PACKET_COMPLETE, NVSP_STATUS_BAD_RNDIS };
	struct net_gather g = { .count = 0 };
	struct nvsp_rndis_packet in;

	memcpy(&in, call->body, sizeof(in));
	if (gather_section(call->adapter, &in, &g) == 0 && gather_ranges(call->adapter, call->packet, &g) == 0)
		done.status = rndis_messages(call->adapter, &g);
	answer(call, &done, sizeof(done));
}

/* --- the table --- */

struct nvsp_row {
	uint32_t type;
	size_t body_min;
	uint32_t version_min;		/* 0: the first message of all */
	bool any_channel;
	void (*run)(struct nvsp_call *call);
};

static const struct nvsp_row nvsp_rows[] = {
	{ NVSP_SEND_RNDIS_PACKET,	sizeof(struct nvsp_rndis_packet), NVSP_VERSION_1, true, nvsp_rndis_packet },
	{ NVSP_INIT,			sizeof(struct nvsp_init),	0,		 false, nvsp_init },
	{ NVSP_SEND_NDIS_VERSION,	8,				NVSP_VERSION_1,	 false, nvsp_ndis_version },
	{ NVSP_SEND_RECEIVE_BUFFER,	sizeof(struct nvsp_buffer),	NVSP_VERSION_1,	 false, nvsp_receive_buffer },
	{ NVSP_REVOKE_RECEIVE_BUFFER,	2,				NVSP_VERSION_1,	 false, nvsp_revoke_receive_buffer },
	{ NVSP_SEND_SEND_BUFFER,	sizeof(struct nvsp_buffer),	NVSP_VERSION_1,	 false, nvsp_send_buffer },
	{ NVSP_REVOKE_SEND_BUFFER,	2,				NVSP_VERSION_1,	 false, nvsp_revoke_send_buffer },
	{ NVSP_SEND_NDIS_CONFIG,	sizeof(struct nvsp_ndis_config), NVSP_VERSION_2, false, nvsp_ndis_config },
	{ NVSP_SWITCH_DATA_PATH,	4,				NVSP_VERSION_4,	 false, nvsp_switch_data_path },
	{ NVSP_SUBCHANNEL,		sizeof(struct nvsp_subchannel),	NVSP_VERSION_5,	 false, nvsp_subchannel },
};

static const struct nvsp_row *row_find(uint32_t type)
{
	for (size_t i = 0; i < sizeof(nvsp_rows) / sizeof(*nvsp_rows); i++)
		if (nvsp_rows[i].type == type)
			return &nvsp_rows[i];
	return NULL;
}

/* Why this message cannot be taken; NULL: it can. */
static const char *row_refuses(const struct nvsp_row *row, const struct net_adapter *a, unsigned int queue, size_t body_size)
{
	if (body_size < row->body_min)
		return "an NVSP message that is too short";
	if (row->version_min == 0 ? a->version != 0 : a->version < row->version_min)
		return "an NVSP message of another version";
	return queue != 0 && !row->any_channel ? "an NVSP message on the wrong channel" : NULL;
}

/* --- completions --- */

static void completion_send(struct net_queue *q, uint64_t transaction, const void *bytes, size_t size)
{
	if (vmbus_complete(q->channel, transaction, bytes, size) != -EAGAIN)
		return;
	q->completion.owed = true;
	q->completion.transaction = transaction;
	q->completion.size = size;
	memcpy(q->completion.bytes, bytes, size);
}

static bool is_blocked(const struct net_adapter *a, const struct net_queue *q)
{
	return q->completion.owed || (a->control.size > 0 && a->control.ring_full && q == &a->queues[0]);
}

static void received_message(struct net_adapter *a, struct vmbus_channel *c, const struct vmbus_packet *p)
{
	struct nvsp_call call = { .adapter = a, .channel = c, .packet = p };
	const struct nvsp_row *row;
	const char *refusal;
	uint32_t type;

	if (p->size < sizeof(type)) {
		vmbus_channel_fault(c, "an NVSP message that is too short");
		return;
	}
	memcpy(&type, p->payload, sizeof(type));
	call.body = p->payload + sizeof(type);
	row = row_find(type);
	refusal = row ? row_refuses(row, a, vmbus_channel_index(c), p->size - sizeof(type)) : NULL;
	if (refusal) {
		vmbus_channel_fault(c, refusal);
		return;
	}
	if (row)			/* one that nobody knows is completed and otherwise ignored */
		row->run(&call);
	if (p->wants_completion && vmbus_channel_is_open(c))
		completion_send(net_queue_of(c), p->transaction_id, call.answer, call.answer_size);
}

static bool net_received(struct vmbus_channel *c, const struct vmbus_packet *p)
{
	struct net_adapter *a = vmbus_channel_context(c);
	struct net_queue *q = net_queue_of(c);

	if (p->type == VMBUS_PACKET_COMPLETION) {	/* of received frames; of the table nothing is asked */
		if (p->transaction_id != 0 && !net_rx_complete(a, p->transaction_id))
			vmbus_channel_fault(c, "a receive buffer back that it had not been lent");
		return true;
	}
	if (is_blocked(a, q))
		return false;
	received_message(a, c, p);
	return true;
}

static void net_writable(struct vmbus_channel *c)
{
	struct net_adapter *a = vmbus_channel_context(c);
	struct net_queue *q = net_queue_of(c);

	if (q->completion.owed) {
		q->completion.owed = false;
		completion_send(q, q->completion.transaction, q->completion.bytes, q->completion.size);
	}
	if (q == &a->queues[0]) {
		net_control_retry(a);
		rndis_link_retry(a);
	}
	if (is_blocked(a, q))
		return;
	net_rx_start(a);
	vmbus_channel_resume(c);
}

/* --- opening and closing --- */

/* Tells which of the open channels the guest should send on; complete once, when the last one has opened. */
static void table_send(struct net_adapter *a)
{
	uint32_t message[NVSP_TABLE_OFFSET / 4 + NVSP_TABLE_ENTRIES] = { NVSP_SEND_INDIRECTION_TABLE, NVSP_TABLE_ENTRIES, NVSP_TABLE_OFFSET };
	struct iovec iov = { message, sizeof(message) };

	for (unsigned int i = 1; i <= a->subchannels; i++)
		if (!a->queues[i].channel)
			return;
	for (unsigned int i = 0; i < NVSP_TABLE_ENTRIES; i++)
		message[NVSP_TABLE_OFFSET / 4 + i] = i % (a->subchannels + 1);
	if (!a->table_sent)		/* a guest without room for it now goes on with its own table */
		a->table_sent = vmbus_send(a->queues[0].channel, 0, false, &iov, 1) == 0;
}

static void protocol_reset(struct net_adapter *a)
{
	net_rx_buffer_drop(a);
	vmbus_gpadl_put(a->send);
	a->send = NULL;
	a->version = 0;
	a->frame_bytes = NET_FRAME_BYTES_DEFAULT;
	a->subchannels = 0;
	a->table_sent = a->initialized = a->link_pending = false;
	a->filter = 0;
	a->multicast_count = 0;
	a->rss = (struct net_rss){ 0 };
	a->control.size = 0;
	memcpy(a->mac, a->config.mac, sizeof(a->mac));
	device_timer_arm(a->link_timer, 0);
}

static int net_opened(struct vmbus_channel *c, const uint8_t user[120])
{
	struct net_adapter *a = vmbus_channel_context(c);
	unsigned int index = vmbus_channel_index(c);
	struct net_queue *q;

	(void)user;
	if (index > a->subchannels && index != 0)
		return -EINVAL;
	if (index == 0)
		protocol_reset(a);
	q = &a->queues[index];
	*q = (struct net_queue){ .channel = c, .first = NET_NONE, .last = NET_NONE };
	vmbus_channel_set_data(c, q);
	if (index > 0)
		table_send(a);
	return 0;
}

static bool net_closed(struct vmbus_channel *c)
{
	struct net_adapter *a = vmbus_channel_context(c);
	unsigned int index = vmbus_channel_index(c);

	if (index == 0) {
		net_rx_stop(a);
		protocol_reset(a);
	} else {
		net_rx_forget_queue(a, index);
	}
	a->queues[index] = (struct net_queue){ .first = NET_NONE, .last = NET_NONE };
	return true;
}

static const struct vmbus_device netvsp = {
	.name = "netvsp",
	.class = VMBUS_GUID(0xf8615163, 0xdf3e, 0x46c5, 0x91, 0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e),
	.offer_flags = VMBUS_OFFER_PIPE,
	.opened = net_opened,
	.received = net_received,
	.writable = net_writable,
	.closed = net_closed,
	.state = net_channel_state,
};

int netvsp_offer(struct net_adapter *a, const struct vmbus_guid *instance)
{
	struct vmbus_offer offer = { .instance = *instance, .user = { VMBUS_PIPE_MESSAGE }, .context = a };

	protocol_reset(a);
	return vmbus_offer(a->machine->vmbus, &netvsp, &offer, &a->offer);
}
