/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames from the guest to the tap. The headers are copied, judged and completed for the kernel; the rest goes from guest
 * memory into the tap in the same write. What the tap does not take is lost, as on a wire.
 */
#include "vmwp/vsp/net_adapter.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define INFO_MAX	512u

struct tx_frame {
	size_t offset, size;		/* in the gathered message */
	bool tagged;
	uint16_t tag;
	struct net_offload offload;
};

/* --- per-packet information --- */

static void take_info(uint32_t type, uint32_t value, struct tx_frame *f)
{
	switch (type) {
	case RNDIS_INFO_CHECKSUM:
		f->offload.tcp = value & RNDIS_TX_TCP;
		f->offload.udp = value & RNDIS_TX_UDP;
		f->offload.ip_header = value & RNDIS_TX_IP_HEADER;
		break;
	case RNDIS_INFO_LSO:
		f->offload.lso = true;
		f->offload.mss = (uint16_t)(RNDIS_LSO_MSS(value) > 0xffff ? 0xffff : RNDIS_LSO_MSS(value));
		break;
	case RNDIS_INFO_VLAN:	/* priority 0-2, canonical format 3, id 4-15: as IEEE 802.1Q orders them, the other way round */
		f->tagged = true;
		f->tag = (uint16_t)((value & 7) << 13 | (value >> 3 & 1) << 12 | (value >> 4 & 0xfff));
		break;
	default:		/* hash, originator and others are of no use here */
		break;
	}
}

static bool take_infos(const uint8_t *info, size_t size, struct tx_frame *f)
{
	while (size > 0) {
		struct rndis_info head;
		uint32_t value;

		if (size < sizeof(head))
			return false;
		memcpy(&head, info, sizeof(head));
		if (head.size < sizeof(head) || head.size > size || head.offset < sizeof(head) || head.offset > head.size)
			return false;
		if (head.size - head.offset >= sizeof(value)) {
			memcpy(&value, info + head.offset, sizeof(value));
			take_info(head.type, value, f);
		}
		info += head.size;
		size -= head.size;
	}
	return true;
}

static bool within(uint64_t offset, uint64_t size, uint64_t all)
{
	return offset <= all && size <= all - offset;
}

static bool frame_find(const struct net_gather *g, size_t offset, size_t size, struct tx_frame *f)
{
	uint8_t info[INFO_MAX];
	struct rndis_packet p;
	size_t body = offset + sizeof(struct rndis_header), bytes = size - sizeof(struct rndis_header);

	if (bytes < sizeof(p) || !net_gather_copy(g, body, &p, sizeof(p)) || !within(p.data_offset, p.data_length, bytes))
		return false;
	*f = (struct tx_frame){ .offset = body + p.data_offset, .size = p.data_length };
	if (p.info_length == 0)
		return true;
	return p.info_length <= INFO_MAX && within(p.info_offset, p.info_length, bytes) &&
	       net_gather_copy(g, body + p.info_offset, info, p.info_length) && take_infos(info, p.info_length, f);
}

/* --- the frame --- */

static bool may_send(const struct net_adapter *a, const struct tx_frame *f, const uint8_t *head)
{
	size_t most = f->offload.lso ? NET_FRAME_MAX - VLAN_TAG_BYTES : a->frame_bytes + VLAN_TAG_BYTES;

	if (f->size < ETH_HEADER_BYTES || f->size > most || !a->config.link_up)
		return false;
	return a->config.mac_spoofing || memcmp(head + 6, a->mac, sizeof(a->mac)) == 0;
}

static size_t insert_tag(uint8_t *head, size_t size, uint16_t tag)
{
	memmove(head + 16, head + 12, size - 12);
	head[12] = 0x81;
	head[13] = 0x00;
	head[14] = (uint8_t)(tag >> 8);
	head[15] = (uint8_t)tag;
	return size + VLAN_TAG_BYTES;
}

/* True: the tap took it. */
static bool frame_send(struct net_adapter *a, const struct net_gather *g, const struct tx_frame *f)
{
	size_t copied = f->size < NET_HEADERS_MAX ? f->size : NET_HEADERS_MAX, head_size = copied;
	uint8_t head[NET_HEADERS_MAX + VLAN_TAG_BYTES] = { 0 };
	struct iovec iov[NET_IOV_MAX + 2];
	struct virtio_net_hdr v;
	int n;

	if (!net_gather_copy(g, f->offset, head, copied) || !may_send(a, f, head))
		return false;
	if (f->tagged)
		head_size = insert_tag(head, copied, f->tag);
	if (net_offload_apply(&f->offload, head, head_size, f->size + (head_size - copied), &v) < 0)
		return false;
	iov[0] = (struct iovec){ &v, sizeof(v) };
	iov[1] = (struct iovec){ head, head_size };
	n = net_gather_slice(g, f->offset + copied, f->size - copied, iov + 2, NET_IOV_MAX);
	return n >= 0 && writev(a->tap, iov, n + 2) > 0;
}

uint32_t net_transmit(struct net_adapter *a, const struct net_gather *g, size_t offset, size_t size)
{
	struct tx_frame f;

	if (!a->initialized || !frame_find(g, offset, size, &f)) {
		a->counters.send_errors++;
		return NVSP_STATUS_BAD_RNDIS;
	}
	if (frame_send(a, g, &f)) {
		a->counters.sent++;
		a->counters.sent_bytes += f.size;
	} else {
		a->counters.send_errors++;
	}
	return NVSP_STATUS_SUCCESS;	/* a frame that is lost is no mistake of the message */
}
