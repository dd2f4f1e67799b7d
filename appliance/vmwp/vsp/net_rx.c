/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames from the tap to the guest's receive buffer, a batch per channel and wake-up. While the guest has no room the tap is not
 * read: its queue in the kernel is the bound, and drops what does not fit.
 */
#include "vmwp/vsp/net_adapter.h"

#include "vmwp/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#define FRAMES_PER_WAKE	64u		/* then other events have their turn */
#define RANGE_SPARE	36u		/* at the end of a sub-allocation: Windows reads behind small frames */
#define TAP_QUEUE	1000u		/* frames the kernel keeps (txqueuelen) */
#define RESUME_FREE	(NET_RESERVE + NET_BATCH)

/* --- the receive buffer --- */

int net_rx_buffer_set(struct net_adapter *a, struct vmbus_gpadl *gpadl, uint32_t id)
{
	struct net_receive_buffer *b = &a->receive;
	uint32_t each = (NET_RX_HEADERS + a->frame_bytes + VLAN_TAG_BYTES + RANGE_SPARE + 63u) & ~63u;
	uint64_t count = vmbus_gpadl_bytes(gpadl) / each;

	if (count < NET_SUB_ALLOCATIONS_MIN)
		return -EINVAL;
	if (count > NET_SUB_ALLOCATIONS_MAX)
		count = NET_SUB_ALLOCATIONS_MAX;
	b->next = calloc(count, sizeof(*b->next));
	b->owner = calloc(count, sizeof(*b->owner));
	if (!b->next || !b->owner) {
		net_rx_buffer_drop(a);
		return -ENOMEM;
	}
	b->gpadl = gpadl;
	b->gpadl_id = id;
	b->bytes_each = each;
	b->count = (uint32_t)count;
	b->free_head = 0;
	b->free_count = (uint16_t)count;
	for (uint32_t i = 0; i < count; i++)
		b->next[i] = (uint16_t)(i + 1 < count ? i + 1 : NET_NONE);
	return 0;
}

void net_rx_buffer_drop(struct net_adapter *a)
{
	struct net_receive_buffer *b = &a->receive;

	net_rx_stop(a);
	for (unsigned int i = 0; i < NET_QUEUES_MAX; i++)
		a->queues[i].range_count = 0;
	a->control.size = 0;
	vmbus_gpadl_put(b->gpadl);
	free(b->next);
	free(b->owner);
	*b = (struct net_receive_buffer){ .free_head = NET_NONE };
}

static uint16_t sub_allocation_take(struct net_receive_buffer *b)
{
	uint16_t index = b->free_head;

	b->free_head = b->next[index];
	b->free_count--;
	b->next[index] = NET_NONE;
	return index;
}

static void chain_free(struct net_receive_buffer *b, uint16_t first)
{
	while (first != NET_NONE) {
		uint16_t next = b->next[first];

		b->next[first] = b->free_head;
		b->free_head = first;
		b->free_count++;
		first = next;
	}
}

bool net_rx_complete(struct net_adapter *a, uint64_t transaction)
{
	struct net_receive_buffer *b = &a->receive;

	if (!b->gpadl)
		return true;		/* late: it was revoked meanwhile */
	if (transaction > b->count || !b->owner[transaction - 1])
		return false;
	b->owner[transaction - 1] = 0;
	chain_free(b, (uint16_t)(transaction - 1));
	if (a->control.size > 0 && !a->control.ring_full)
		net_control_retry(a);
	if (b->free_count >= RESUME_FREE)
		net_rx_start(a);
	return true;
}

void net_rx_forget_queue(struct net_adapter *a, unsigned int queue)
{
	struct net_receive_buffer *b = &a->receive;

	for (uint32_t i = 0; i < b->count; i++)
		if (b->owner[i] == queue + 1) {
			b->owner[i] = 0;
			chain_free(b, (uint16_t)i);
		}
}

/* --- a batch into the ring --- */

static int batch_send(struct net_adapter *a, unsigned int index, uint32_t channel)
{
	struct net_queue *q = &a->queues[index];
	uint32_t message[NVSP_MESSAGE_MAX / 4] = { NVSP_SEND_RNDIS_PACKET, channel, NVSP_NO_SECTION, 0 };
	int r = vmbus_send_transfer_pages(q->channel, q->first + 1u, NVSP_RECEIVE_BUFFER_ID, q->ranges, q->range_count,
					  message, nvsp_message_bytes(a));

	if (r == 0)
		a->receive.owner[q->first] = (uint8_t)(index + 1);
	else
		chain_free(&a->receive, q->first);
	q->range_count = 0;
	q->first = q->last = NET_NONE;
	return r;
}

/* The ring is full: these frames are lost and the tap rests until the guest has read (net_writable). */
static void batch_flush(struct net_adapter *a, unsigned int index)
{
	unsigned int count = a->queues[index].range_count;

	if (count == 0)
		return;
	if (batch_send(a, index, NVSP_CHANNEL_DATA) == 0)
		return;
	a->counters.receive_drops += count;
	net_rx_stop(a);
}

static int batch_add(struct net_adapter *a, unsigned int index, const void *message, size_t size)
{
	struct net_queue *q = &a->queues[index];
	struct net_receive_buffer *b = &a->receive;
	uint16_t at = sub_allocation_take(b);
	uint64_t offset = (uint64_t)at * b->bytes_each;
	int r = vmbus_gpadl_write(b->gpadl, offset, message, size);

	if (r < 0) {
		chain_free(b, at);
		return r;
	}
	if (q->range_count == 0)
		q->first = at;
	else
		b->next[q->last] = at;
	q->last = at;
	q->ranges[q->range_count++] = (struct vmbus_transfer_range){ (uint32_t)size, (uint32_t)offset };
	return 0;
}

/* --- control messages: the reserve is theirs --- */

void net_control_retry(struct net_adapter *a)
{
	int r;

	if (a->control.size == 0)
		return;
	if (a->receive.free_count == 0) {
		a->control.ring_full = false;
		return;
	}
	batch_flush(a, 0);		/* frames go before what is said about them */
	r = batch_add(a, 0, a->control.bytes, a->control.size);
	if (r == 0)
		r = batch_send(a, 0, NVSP_CHANNEL_CONTROL);
	a->control.ring_full = r == -EAGAIN;
	if (r != -EAGAIN)
		a->control.size = 0;
}

int net_control_send(struct net_adapter *a, const void *message, size_t size)
{
	if (a->control.size > 0)
		return -EBUSY;
	if (!a->receive.gpadl || size > sizeof(a->control.bytes) || size > a->receive.bytes_each)
		return -EINVAL;
	memcpy(a->control.bytes, message, size);
	a->control.size = size;
	net_control_retry(a);
	return 0;
}

/* --- one frame --- */

struct rx_info {			/* what the guest is told about a frame */
	bool tcp_good, udp_good, tagged, hashed;
	uint16_t tag;
	uint32_t hash;
};

static bool is_wanted(const struct net_adapter *a, const uint8_t *destination)
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	if (a->filter & NDIS_FILTER_PROMISCUOUS)
		return true;
	if (!(destination[0] & 1))
		return a->filter & NDIS_FILTER_DIRECTED && memcmp(destination, a->mac, 6) == 0;
	if (memcmp(destination, broadcast, 6) == 0)
		return a->filter & NDIS_FILTER_BROADCAST;
	if (a->filter & NDIS_FILTER_ALL_MULTICAST)
		return true;
	for (unsigned int i = 0; a->filter & NDIS_FILTER_MULTICAST && i < a->multicast_count; i++)
		if (memcmp(destination, a->multicast[i], 6) == 0)
			return true;
	return false;
}

/* The tag leaves the frame, the addresses move up; the frame's new start. */
static uint8_t *take_tag(uint8_t *frame, size_t *size, struct rx_info *info)
{
	if (*size < ETH_HEADER_BYTES + VLAN_TAG_BYTES || frame[12] != 0x81 || frame[13] != 0x00)
		return frame;
	info->tagged = true;
	info->tag = (uint16_t)(frame[14] << 8 | frame[15]);
	memmove(frame + VLAN_TAG_BYTES, frame, 12);
	*size -= VLAN_TAG_BYTES;
	return frame + VLAN_TAG_BYTES;
}

static unsigned int queue_for(const struct net_adapter *a, const uint8_t *frame, const struct net_headers *h, struct rx_info *info)
{
	unsigned int index;

	if (!a->rss.enabled || !net_hash(a->rss.key, a->rss.types, frame, h, &info->hash))
		return 0;
	info->hashed = true;
	index = a->rss.table[info->hash & (a->rss.table_size - 1)];
	return a->queues[index].channel ? index : 0;
}

static uint8_t *put_info(uint8_t *to, uint32_t type, uint32_t value)
{
	struct rndis_info head = { sizeof(head) + sizeof(value), type, sizeof(head) };

	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), &value, sizeof(value));
	return to + head.size;
}

/* Puts the RNDIS message's head directly before the frame; where it starts. There are NET_RX_HEADERS bytes of room. */
static uint8_t *put_headers(uint8_t *frame, size_t size, const struct rx_info *info)
{
	uint8_t infos[3 * 16], *end = infos, *start;
	struct rndis_packet p = { .data_length = (uint32_t)size };
	struct rndis_header head = { .type = RNDIS_PACKET };

	if (info->tcp_good || info->udp_good)
		end = put_info(end, RNDIS_INFO_CHECKSUM, (info->tcp_good ? RNDIS_RX_TCP_GOOD : 0) | (info->udp_good ? RNDIS_RX_UDP_GOOD : 0));
	if (info->tagged)
		end = put_info(end, RNDIS_INFO_VLAN, info->tag >> 13 | (info->tag >> 12 & 1u) << 3 | (info->tag & 0xfffu) << 4);
	if (info->hashed)
		end = put_info(end, RNDIS_INFO_HASH, info->hash);
	p.info_length = (uint32_t)(end - infos);
	p.info_offset = p.info_length ? sizeof(p) : 0;
	p.data_offset = (uint32_t)sizeof(p) + p.info_length;
	start = frame - p.data_offset - sizeof(head);
	head.length = (uint32_t)(sizeof(head) + p.data_offset + size);
	memcpy(start, &head, sizeof(head));
	memcpy(start + sizeof(head), &p, sizeof(p));
	memcpy(start + sizeof(head) + sizeof(p), infos, p.info_length);
	return start;
}

static void frame_drop(struct net_adapter *a)
{
	a->counters.receive_drops++;
}

/* `good`: its transport checksum is known to be right. */
static void frame_deliver(struct net_adapter *a, uint8_t *frame, size_t size, bool good)
{
	struct rx_info info = { 0 };
	struct net_headers h;
	unsigned int queue;
	uint8_t *start;

	frame = take_tag(frame, &size, &info);
	net_headers_parse(frame, size, &h);
	info.tcp_good = good && h.tcp;
	info.udp_good = good && h.udp;
	queue = queue_for(a, frame, &h, &info);
	start = put_headers(frame, size, &info);
	if (size > a->frame_bytes || a->receive.free_count <= NET_RESERVE ||
	    batch_add(a, queue, start, size + (size_t)(frame - start)) < 0) {
		frame_drop(a);
		return;
	}
	a->counters.received++;
	a->counters.received_bytes += size;
	if (a->queues[queue].range_count == NET_BATCH)
		batch_flush(a, queue);
}

static void frame_deliver_large(struct net_adapter *a, const uint8_t *frame, size_t size, unsigned int mss)
{
	struct net_segments s;
	size_t bytes;

	if (net_segments_begin(&s, frame, size, mss) < 0) {
		frame_drop(a);
		return;
	}
	while ((bytes = net_segments_next(&s, a->segment + NET_RX_HEADERS, NET_FRAME_BYTES_MAX + VLAN_TAG_BYTES)) > 0)
		frame_deliver(a, a->segment + NET_RX_HEADERS, bytes, true);
}

static void frame_take(struct net_adapter *a, const struct virtio_net_hdr *v, uint8_t *frame, size_t size)
{
	bool good = v->flags & VIRTIO_NET_HDR_F_DATA_VALID;

	if (size < ETH_HEADER_BYTES || !a->config.link_up || !is_wanted(a, frame))
		return;
	if (v->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		frame_deliver_large(a, frame, size, v->gso_size);
	else if (!(v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		frame_deliver(a, frame, size, good);
	else if (net_checksum_complete(frame, size, v->csum_start, v->csum_offset))
		frame_deliver(a, frame, size, true);
	else
		frame_drop(a);
}

/* --- the tap --- */

/* False: nothing (more) to read. */
static bool tap_read(struct net_adapter *a, bool keep)
{
	struct virtio_net_hdr v;
	struct iovec iov[2] = { { &v, sizeof(v) }, { a->frame + NET_RX_HEADERS, NET_FRAME_MAX } };
	ssize_t n = readv(a->tap, iov, 2);

	if (n < (ssize_t)sizeof(v))
		return n > 0 || errno == EINTR;
	if (keep)
		frame_take(a, &v, a->frame + NET_RX_HEADERS, (size_t)n - sizeof(v));
	return true;
}

static bool can_receive(const struct net_adapter *a)
{
	return a->filter != 0 && a->receive.gpadl && a->receive.free_count > NET_RESERVE;
}

/* A paused VM loses what is sent to it meanwhile. */
static void on_tap(struct device *handle, int fd, uint32_t events)
{
	struct net_adapter *a = device_state(handle);
	bool running = a->machine->state == MACHINE_RUNNING;

	(void)fd;
	for (unsigned int i = 0; i < FRAMES_PER_WAKE && a->watching && (!running || can_receive(a)); i++)
		if (!tap_read(a, running))
			break;
	for (unsigned int i = 0; i < NET_QUEUES_MAX; i++)
		batch_flush(a, i);
	if (events & (EPOLLERR | EPOLLHUP) || !can_receive(a))
		net_rx_stop(a);
}

void net_rx_start(struct net_adapter *a)
{
	if (!a->watching && can_receive(a))
		a->watching = device_watch_fd(&a->handle, a->tap, EPOLLIN, on_tap) == 0;
}

void net_rx_stop(struct net_adapter *a)
{
	if (a->watching)
		device_unwatch_fd(&a->handle, a->tap);
	a->watching = false;
}

/* What came while the guest wanted nothing is old. */
void net_rx_flush_tap(struct net_adapter *a)
{
	for (unsigned int i = 0; i < TAP_QUEUE; i++)
		if (!tap_read(a, false))
			return;
}
