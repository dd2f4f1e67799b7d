/* SPDX-License-Identifier: Apache-2.0 */
/* A driver of one network adapter on the fake guest (../vmbus/guest.h), and the other end of its "tap", a pair of sockets. */
#ifndef NET_TEST_NIC_H
#define NET_TEST_NIC_H

#include "tests/unit/vmbus/guest.h"
#include "vmwp/vsp/net_adapter.h"

#define NIC_ID		"6f1e4c36-3d7b-4b62-9c3a-0a6f0c9d1e55"
#define NIC_PAGES	64u		/* receive buffer: 151 sub-allocations at an MTU of 1,500 */
extern const struct vmbus_guid nic_class;
extern const uint8_t nic_mac[6];

struct nic {
	struct guest_channel *channel;
	uint32_t receive_gpadl, send_gpadl, section_bytes, sub_allocations, sub_allocation_bytes;
	uint64_t receive, send;		/* GPA */
	uint32_t request;
	int wire;			/* what goes into the tap comes out here, and the other way round; vnet header first */
	struct net_config config;
};

/* A machine with an adapter, up to the open channel; then the steps a driver takes. */
void nic_plug(struct nic *n, unsigned int processors);
void nic_unplug(struct nic *n);
void nic_open(struct nic *n);
uint32_t nic_call(struct nic *n, const void *message, uint32_t size, void *answer, uint32_t answer_size);	/* NVSP; the answer's bytes */
bool nic_init(struct nic *n, uint32_t version);		/* NVSP INIT */
void nic_buffers(struct nic *n);
void nic_up(struct nic *n, uint32_t version);		/* all of it, to a packet filter of directed and broadcast */

/* RNDIS: sends through section 0 of the send buffer; the control answer into `answer` (whole message), its size. */
uint32_t nic_control(struct nic *n, const void *message, uint32_t size, void *answer, uint32_t room);
uint32_t nic_query(struct nic *n, uint32_t oid, void *value, uint32_t *size);		/* NDIS status */
uint32_t nic_set(struct nic *n, uint32_t oid, const void *value, uint32_t size);
/* A frame with one piece of per-packet information (type < 0: none); NVSP status. */
uint32_t nic_transmit(struct nic *n, const void *frame, uint32_t size, int info_type, uint32_t info);
ssize_t nic_wire_read(struct nic *n, struct virtio_net_hdr *v, void *frame, size_t room);	/* -1: nothing */
void nic_wire_write(struct nic *n, const struct virtio_net_hdr *v, const void *frame, size_t size);
/* Takes the next transfer page packet; number of messages, each copied to messages[i] (one buffer each). Completes it when asked. */
unsigned int nic_receive(struct guest_channel *c, struct nic *n, uint8_t messages[][2048], unsigned int max, bool complete);

#endif
