/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ethernet frames as the network adapter must understand them: where the headers are, checksums, cutting a large TCP frame
 * into segments, the Toeplitz hash. Pure functions over a private copy of the frame; every byte of it is hostile.
 */
#ifndef VMWP_VSP_NET_FRAME_H
#define VMWP_VSP_NET_FRAME_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETH_HEADER_BYTES	14u
#define VLAN_TAG_BYTES		4u
#define NET_FRAME_MAX		(65535u + ETH_HEADER_BYTES + VLAN_TAG_BYTES)
#define NET_HEADERS_MAX		256u	/* Ethernet, tag, IP with options or extensions, TCP with options */

struct net_headers {
	bool ipv4, ipv6, fragment;
	bool tcp, udp;			/* its header is within what was given */
	unsigned int l3, l4, payload;	/* offsets; payload only of TCP and UDP */
};
/* `size` bytes of a frame, from its start. What is not understood stays false. */
void net_headers_parse(const uint8_t *frame, size_t size, struct net_headers *h);

/* What a guest asked for with a frame (RNDIS per-packet information). */
struct net_offload {
	bool lso, tcp, udp, ip_header;
	uint16_t mss;
};
/* Prepares the headers (a private copy of the first head_size bytes of a frame of frame_size) and the tap's vnet header.
 * 0, or -EBADMSG when the frame is not what the offload says. */
int net_offload_apply(const struct net_offload *o, uint8_t *head, size_t head_size, size_t frame_size, struct virtio_net_hdr *v);

/* Fills in the checksum that the sender left to "the hardware". False: start and offset are not inside the frame. */
bool net_checksum_complete(uint8_t *frame, size_t size, unsigned int start, unsigned int offset);

/* A TCP frame with more than one segment's payload, cut up; each segment is complete with lengths and checksums. */
struct net_segments { const uint8_t *frame; size_t size; struct net_headers h; unsigned int mss; size_t done; uint16_t index; };
int net_segments_begin(struct net_segments *s, const uint8_t *frame, size_t size, unsigned int mss);	/* 0 or -EBADMSG */
size_t net_segments_next(struct net_segments *s, uint8_t *to, size_t room);	/* bytes of the next; 0: no more, or no room */

/* Receive-side scaling: 40-byte key, types as in NDIS (rndis.h). False: this frame has no hash. */
bool net_hash(const uint8_t key[40], uint32_t types, const uint8_t *frame, const struct net_headers *h, uint32_t *hash);

#endif
