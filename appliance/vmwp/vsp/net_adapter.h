/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the network adapter share: netvsp.c (NVSP), rndis.c and rndis_oid.c (control), net_tx.c, net_rx.c (frames). */
#ifndef VMWP_VSP_NET_ADAPTER_H
#define VMWP_VSP_NET_ADAPTER_H

#include "vmwp/device.h"
#include "vmwp/vsp/net.h"
#include "vmwp/vsp/net_frame.h"
#include "vmwp/vsp/nvsp.h"
#include "vmwp/vsp/rndis.h"

#define NET_QUEUES_MAX		8u
#define NET_BATCH		64u	/* frames per transfer page packet */
#define NET_SUB_ALLOCATIONS_MAX	16384u
#define NET_SUB_ALLOCATIONS_MIN	64u
#define NET_RESERVE		16u	/* sub-allocations that only control messages may use */
#define NET_SEND_SECTION_BYTES	6144u
#define NET_MULTICAST_MAX	32u
#define NET_FRAME_BYTES_DEFAULT	1514u	/* with the Ethernet header, as NVSP counts */
#define NET_FRAME_BYTES_MAX	9014u	/* MTU 9,000 */
#define NET_IOV_MAX		96u
#define NET_CONTROL_MAX		4096u	/* largest control message either way */
#define NET_RX_HEADERS		128u	/* before a received frame: RNDIS header and per-packet information */
#define NET_LINK_SPEED		10000000000ull	/* bit/s, as told to the guest */
#define NET_NONE		0xffffu

/* One channel: the primary is queue 0. */
struct net_queue {
	struct vmbus_channel *channel;	/* NULL: closed */
	struct {			/* a completion the guest's ring had no room for; no packet is taken before it is sent */
		bool owed;
		uint64_t transaction;
		uint8_t bytes[NVSP_MESSAGE_MAX];
		size_t size;
	} completion;
	struct vmbus_transfer_range ranges[NET_BATCH];	/* received frames on their way to the ring */
	unsigned int range_count;
	uint16_t first, last;		/* their sub-allocations, linked */
};

/* The guest's receive buffer, cut into sub-allocations. A chain of them belongs to the guest until it completes the packet
 * whose transaction id is the first one's number plus one. */
struct net_receive_buffer {
	struct vmbus_gpadl *gpadl;	/* NULL: none */
	uint32_t gpadl_id;
	uint32_t bytes_each, count;
	uint16_t free_head, free_count;
	uint16_t *next;			/* chain */
	uint8_t *owner;			/* of the first of a chain that the guest has: its queue + 1; else 0 */
};

struct net_rss {
	bool enabled;
	uint32_t types;
	uint32_t table_size;		/* a power of two */
	uint8_t key[NDIS_RSS_KEY_BYTES];
	uint8_t table[NDIS_RSS_TABLE_MAX];	/* queue */
};

struct net_adapter {
	struct net_adapter *next;
	struct machine *machine;
	struct device handle;		/* for watches and timers of device.h; its state is the adapter */
	struct net_config config;
	int tap;
	bool gone;			/* detached; waits for the guest to let go */
	struct vmbus_channel *offer;	/* the primary, open or not */

	/* What the guest set up since it opened the primary. */
	uint32_t version;		/* NVSP; 0 before INIT */
	uint32_t frame_bytes;		/* largest frame with its Ethernet header, without a VLAN tag */
	unsigned int subchannels;	/* granted */
	bool table_sent;
	struct net_receive_buffer receive;
	struct vmbus_gpadl *send;
	uint32_t send_id;
	bool initialized;		/* RNDIS */
	uint32_t filter;		/* NDIS_FILTER_*; 0: no traffic */
	uint8_t mac[6];			/* in use */
	uint8_t multicast[NET_MULTICAST_MAX][6];
	unsigned int multicast_count;
	struct net_rss rss;
	struct net_queue queues[NET_QUEUES_MAX];

	bool link_told, link_pending;	/* what the guest knows; it has to hear of a change */
	uint64_t link_told_ns;
	struct device_timer *link_timer;

	struct {			/* a control message that waits for a sub-allocation or for room in the ring */
		size_t size;		/* 0: none */
		bool ring_full;		/* the latter: no further control message is taken before it is sent */
		uint8_t bytes[NET_CONTROL_MAX];
	} control;

	bool watching;			/* the tap is in the event loop */
	struct net_counters counters;
	uint8_t *frame;			/* NET_RX_HEADERS + NET_FRAME_MAX: the frame in work */
	uint8_t *segment;		/* NET_RX_HEADERS + NET_FRAME_BYTES_MAX + tag: its segment in work */
};

static inline struct net_queue *net_queue_of(struct vmbus_channel *c) { return vmbus_channel_data(c); }

/* Pieces of guest memory in order: the section of the send buffer, then the packet's ranges. */
struct net_gather {
	struct iovec iov[NET_IOV_MAX];
	unsigned int count;
	size_t bytes;
};
bool net_gather_copy(const struct net_gather *g, size_t offset, void *to, size_t size);	/* false: out of range */
int net_gather_slice(const struct net_gather *g, size_t offset, size_t size, struct iovec *iov, unsigned int max);	/* pieces, or -ERANGE, -E2BIG */

/* net_tx.c: a RNDIS message PACKET of `size` bytes at `offset`; enum nvsp_status */
uint32_t net_transmit(struct net_adapter *a, const struct net_gather *g, size_t offset, size_t size);

/* net_rx.c */
void net_rx_start(struct net_adapter *a);		/* watches the tap when the guest can take frames */
void net_rx_stop(struct net_adapter *a);
void net_rx_flush_tap(struct net_adapter *a);
void net_rx_forget_queue(struct net_adapter *a, unsigned int queue);	/* closed: what it had of the receive buffer is free */
int net_rx_buffer_set(struct net_adapter *a, struct vmbus_gpadl *gpadl, uint32_t id);	/* takes gpadl on success */
void net_rx_buffer_drop(struct net_adapter *a);
bool net_rx_complete(struct net_adapter *a, uint64_t transaction);	/* false: no such packet is with the guest */
/* A control message to the guest, now or as soon as it can be; -EBUSY: another one waits. */
int net_control_send(struct net_adapter *a, const void *message, size_t size);
void net_control_retry(struct net_adapter *a);

/* rndis.c: a control message, a private copy; enum nvsp_status */
uint32_t rndis_control(struct net_adapter *a, const uint8_t *message, size_t size);
void rndis_link_changed(struct net_adapter *a);		/* config.link_up differs from what the guest was told */
void rndis_link_retry(struct net_adapter *a);
size_t nvsp_message_bytes(const struct net_adapter *a);

/* rndis_oid.c: NDIS status; the answer is at most NET_CONTROL_MAX / 2 bytes */
uint32_t rndis_oid_query(struct net_adapter *a, uint32_t oid, uint8_t *to, size_t *size);
uint32_t rndis_oid_set(struct net_adapter *a, uint32_t oid, const uint8_t *value, size_t size);

/* netvsp.c */
int netvsp_offer(struct net_adapter *a, const struct vmbus_guid *instance);

/* net_state.c */
void net_channel_state(struct vmbus_channel *c, struct state *s);

#endif
