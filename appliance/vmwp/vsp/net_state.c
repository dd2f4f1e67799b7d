/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adapter's state record: what the guest set up, per channel. The primary carries the adapter, a sub-channel what is its
 * own. Frames on their way are not in it: a network may lose frames. Sub-allocations that the guest holds are.
 */
#include "vmwp/vsp/net_adapter.h"

#include "vmwp/machine.h"

#include <stdlib.h>

#define STATE_VERSION	1u

static bool buffers_restore(struct net_adapter *a, struct vmbus_channel *c, bool receive, bool send)
{
	struct vmbus_gpadl *g;

	if (receive) {
		g = vmbus_gpadl_get(c, a->receive.gpadl_id);
		if (!g || net_rx_buffer_set(a, g, a->receive.gpadl_id) < 0) {
			vmbus_gpadl_put(g);
			return false;
		}
	}
	a->send = send ? vmbus_gpadl_get(c, a->send_id) : NULL;
	return !send || a->send;
}

/* Every sub-allocation is in the free list or in a chain of the guest's, and in one only. The length of the list from `at`. */
static uint32_t chain_walk(const struct net_receive_buffer *b, uint16_t at, uint8_t *seen)
{
	uint32_t length = 0;

	for (; at != NET_NONE && at < b->count && !seen[at]; at = b->next[at], length++)
		seen[at] = 1;
	return at == NET_NONE ? length : UINT32_MAX / 2;
}

static bool chains_are_sound(struct net_receive_buffer *b)
{
	uint8_t *seen = calloc(b->count, 1);
	uint64_t sum;

	if (!seen)
		return false;
	sum = chain_walk(b, b->free_head, seen);
	b->free_count = (uint16_t)sum;
	for (uint32_t i = 0; i < b->count; i++)
		if (b->owner[i])
			sum += b->owner[i] <= NET_QUEUES_MAX ? chain_walk(b, (uint16_t)i, seen) : UINT32_MAX / 2;
	free(seen);
	return sum == b->count;
}

static void chains_state(struct net_receive_buffer *b, struct state *s)
{
	state_u16(s, &b->free_head);
	for (uint32_t i = 0; i < b->count; i++) {
		state_u16(s, &b->next[i]);
		state_u8(s, &b->owner[i]);
	}
	if (state_loading(s) && !chains_are_sound(b))
		state_refuse(s);
}

static void rss_state(struct net_rss *rss, unsigned int subchannels, struct state *s)
{
	state_bool(s, &rss->enabled);
	state_u32(s, &rss->types);
	state_u32(s, &rss->table_size);
	state_bytes(s, rss->key, sizeof(rss->key));
	state_bytes(s, rss->table, sizeof(rss->table));
	if (!state_loading(s))
		return;
	if (rss->table_size > NDIS_RSS_TABLE_MAX || (rss->enabled && rss->table_size == 0) || (rss->table_size & (rss->table_size - 1)))
		state_refuse(s);
	for (unsigned int i = 0; i < NDIS_RSS_TABLE_MAX; i++)
		if (rss->table[i] > subchannels)
			state_refuse(s);
}

static void completion_state(struct net_queue *q, struct state *s)
{
	uint32_t size = (uint32_t)q->completion.size;

	state_bool(s, &q->completion.owed);
	state_u64(s, &q->completion.transaction);
	state_u32(s, &size);
	state_bytes(s, q->completion.bytes, sizeof(q->completion.bytes));
	if (size > sizeof(q->completion.bytes))
		state_refuse(s);
	else
		q->completion.size = size;
}

static void adapter_state(struct net_adapter *a, struct vmbus_channel *c, struct state *s)
{
	bool receive = a->receive.gpadl != NULL, send = a->send != NULL;
	uint32_t subchannels = a->subchannels, multicast = a->multicast_count;

	state_u32(s, &a->version);
	state_u32(s, &a->frame_bytes);
	state_u32(s, &subchannels);
	state_bool(s, &a->table_sent);
	state_bool(s, &a->initialized);
	state_bool(s, &a->link_told);
	state_u32(s, &a->filter);
	state_bytes(s, a->mac, sizeof(a->mac));
	state_u32(s, &multicast);
	state_bytes(s, a->multicast, sizeof(a->multicast));
	state_bool(s, &receive);
	state_u32(s, &a->receive.gpadl_id);
	state_bool(s, &send);
	state_u32(s, &a->send_id);
	if (a->frame_bytes < NET_FRAME_BYTES_DEFAULT || a->frame_bytes > NET_FRAME_BYTES_MAX || subchannels >= NET_QUEUES_MAX ||
	    multicast > NET_MULTICAST_MAX || state_error(s)) {
		state_refuse(s);
		return;
	}
	a->subchannels = subchannels;
	a->multicast_count = multicast;
	rss_state(&a->rss, subchannels, s);
	if (state_loading(s) && !buffers_restore(a, c, receive, send)) {
		state_refuse(s);
		return;
	}
	if (receive)
		chains_state(&a->receive, s);
}

void net_channel_state(struct vmbus_channel *c, struct state *s)
{
	struct net_adapter *a = vmbus_channel_context(c);
	unsigned int index = vmbus_channel_index(c);

	if (state_record_begin(s, "netvsp", STATE_VERSION) == 0 || index >= NET_QUEUES_MAX) {
		state_refuse(s);
		return;
	}
	if (index == 0)
		adapter_state(a, c, s);
	completion_state(&a->queues[index], s);
	state_record_end(s);
	if (!state_loading(s) || state_error(s) || !vmbus_channel_is_open(c))
		return;
	a->queues[index].channel = c;
	a->queues[index].first = a->queues[index].last = NET_NONE;
	vmbus_channel_set_data(c, &a->queues[index]);
	if (index == 0)
		net_rx_start(a);
}
