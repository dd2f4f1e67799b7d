/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RNDIS as it is spoken inside NVSP: message layouts, per-packet information, object identifiers, NDIS structures.
 * [MS-RNDIS] and Linux include/linux/rndis.h, drivers/net/hyperv/hyperv_net.h. Little-endian; offsets inside a message
 * count from the end of its eight-byte header.
 */
#ifndef VMWP_VSP_RNDIS_H
#define VMWP_VSP_RNDIS_H

#include <stdint.h>

enum rndis_type {
	RNDIS_PACKET = 1, RNDIS_INITIALIZE = 2, RNDIS_HALT = 3, RNDIS_QUERY = 4, RNDIS_SET = 5, RNDIS_RESET = 6,
	RNDIS_INDICATE = 7, RNDIS_KEEPALIVE = 8,
};
#define RNDIS_COMPLETION	0x80000000u

struct rndis_header { uint32_t type, length; };
struct rndis_packet {
	uint32_t data_offset, data_length, oob_offset, oob_length, oob_count, info_offset, info_length, vc, reserved;
};
struct rndis_request { uint32_t id, oid, info_length, info_offset, vc; };	/* QUERY and SET */
struct rndis_initialize_complete {
	uint32_t id, status, major, minor, flags, medium, packets_max, transfer_max, alignment, af_offset, af_size;
};
struct rndis_query_complete { uint32_t id, status, info_length, info_offset; };
struct rndis_status { uint32_t id, status; };				/* SET and KEEPALIVE complete */
struct rndis_reset_complete { uint32_t status, addressing; };
struct rndis_indicate { uint32_t status, info_length, info_offset; };

struct rndis_info { uint32_t size, type, offset; };			/* type bit 31: ours, not the protocol's */
enum { RNDIS_INFO_CHECKSUM = 0, RNDIS_INFO_LSO = 2, RNDIS_INFO_VLAN = 6, RNDIS_INFO_HASH = 8 };
#define RNDIS_INFO_INTERNAL	0x80000000u

/* Checksum information of a frame to send and of a received one. */
#define RNDIS_TX_IPV4		(1u << 0)
#define RNDIS_TX_IPV6		(1u << 1)
#define RNDIS_TX_TCP		(1u << 2)
#define RNDIS_TX_UDP		(1u << 3)
#define RNDIS_TX_IP_HEADER	(1u << 4)
#define RNDIS_RX_TCP_GOOD	(1u << 3)
#define RNDIS_RX_UDP_GOOD	(1u << 4)
#define RNDIS_RX_IP_GOOD	(1u << 5)
#define RNDIS_LSO_MSS(v)	((v) & 0xfffffu)

#define NDIS_STATUS_SUCCESS		0u
#define NDIS_STATUS_FAILURE		0xc0000001u
#define NDIS_STATUS_INVALID_LENGTH	0xc0010014u
#define NDIS_STATUS_INVALID_DATA	0xc0010015u
#define NDIS_STATUS_NOT_SUPPORTED	0xc00000bbu
#define NDIS_STATUS_MEDIA_CONNECT	0x4001000bu
#define NDIS_STATUS_MEDIA_DISCONNECT	0x4001000cu

#define RNDIS_PACKETS_MAX	8u		/* messages concatenated in one NVSP packet */
#define RNDIS_ALIGNMENT		3u		/* 2^3 */
#define RNDIS_TRANSFER_MAX	0xefffffffu

enum ndis_oid {
	OID_GEN_SUPPORTED_LIST = 0x00010101, OID_GEN_HARDWARE_STATUS = 0x00010102, OID_GEN_MEDIA_SUPPORTED = 0x00010103,
	OID_GEN_MEDIA_IN_USE = 0x00010104, OID_GEN_MAXIMUM_LOOKAHEAD = 0x00010105, OID_GEN_MAXIMUM_FRAME_SIZE = 0x00010106,
	OID_GEN_LINK_SPEED = 0x00010107, OID_GEN_TRANSMIT_BUFFER_SPACE = 0x00010108, OID_GEN_RECEIVE_BUFFER_SPACE = 0x00010109,
	OID_GEN_TRANSMIT_BLOCK_SIZE = 0x0001010a, OID_GEN_RECEIVE_BLOCK_SIZE = 0x0001010b, OID_GEN_VENDOR_ID = 0x0001010c,
	OID_GEN_VENDOR_DESCRIPTION = 0x0001010d, OID_GEN_CURRENT_PACKET_FILTER = 0x0001010e, OID_GEN_CURRENT_LOOKAHEAD = 0x0001010f,
	OID_GEN_DRIVER_VERSION = 0x00010110, OID_GEN_MAXIMUM_TOTAL_SIZE = 0x00010111, OID_GEN_PROTOCOL_OPTIONS = 0x00010112,
	OID_GEN_MAC_OPTIONS = 0x00010113, OID_GEN_MEDIA_CONNECT_STATUS = 0x00010114, OID_GEN_MAXIMUM_SEND_PACKETS = 0x00010115,
	OID_GEN_VENDOR_DRIVER_VERSION = 0x00010116, OID_GEN_RECEIVE_SCALE_CAPABILITIES = 0x00010203,
	OID_GEN_RECEIVE_SCALE_PARAMETERS = 0x00010204, OID_GEN_MAX_LINK_SPEED = 0x00010206, OID_GEN_LINK_STATE = 0x00010207,
	OID_GEN_LINK_PARAMETERS = 0x00010208, OID_GEN_XMIT_OK = 0x00020101, OID_GEN_RCV_OK = 0x00020102,
	OID_GEN_XMIT_ERROR = 0x00020103, OID_GEN_RCV_ERROR = 0x00020104, OID_GEN_RCV_NO_BUFFER = 0x00020105,
	OID_GEN_FRIENDLY_NAME = 0x00020216, OID_GEN_RNDIS_CONFIG_PARAMETER = 0x0001021b,
	OID_802_3_PERMANENT_ADDRESS = 0x01010101, OID_802_3_CURRENT_ADDRESS = 0x01010102, OID_802_3_MULTICAST_LIST = 0x01010103,
	OID_802_3_MAXIMUM_LIST_SIZE = 0x01010104, OID_802_3_RCV_ERROR_ALIGNMENT = 0x01020101,
	OID_802_3_XMIT_ONE_COLLISION = 0x01020102, OID_802_3_XMIT_MORE_COLLISIONS = 0x01020103,
	OID_OFFLOAD_ENCAPSULATION = 0x0101010a,
};
/* Above the range of an enum's int. */
#define OID_TCP_OFFLOAD_CURRENT_CONFIG		0xfc01020bu
#define OID_TCP_OFFLOAD_PARAMETERS		0xfc01020cu
#define OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES	0xfc01020du

#define NDIS_FILTER_DIRECTED		0x01u
#define NDIS_FILTER_MULTICAST		0x02u
#define NDIS_FILTER_ALL_MULTICAST	0x04u
#define NDIS_FILTER_BROADCAST		0x08u
#define NDIS_FILTER_PROMISCUOUS		0x20u

struct ndis_object { uint8_t type, revision; uint16_t size; };
#define NDIS_OBJECT_DEFAULT		0x80u
#define NDIS_OBJECT_OFFLOAD		0xa7u
#define NDIS_OBJECT_RSS_CAPABILITIES	0x88u
#define NDIS_OBJECT_RSS_PARAMETERS	0x89u

struct ndis_rss_capabilities {
	struct ndis_object header;
	uint32_t flags, interrupt_messages, queues;
	uint16_t table_entries, reserved;
};
struct ndis_rss_parameters {
	struct ndis_object header;
	uint16_t flags, base_cpu;
	uint32_t hash;
	uint16_t table_bytes;
	uint32_t table_offset;
	uint16_t key_bytes;
	uint32_t key_offset, mask_offset, mask_count, mask_bytes;
};
#define NDIS_RSS_DISABLE		0x0010u
#define NDIS_RSS_TABLE_UNCHANGED	0x0004u
#define NDIS_RSS_KEY_UNCHANGED		0x0008u
#define NDIS_HASH_TOEPLITZ		0x00000001u
#define NDIS_HASH_IPV4			0x00000100u
#define NDIS_HASH_TCP_IPV4		0x00000200u
#define NDIS_HASH_IPV6			0x00000400u
#define NDIS_HASH_TCP_IPV6		0x00001000u
#define NDIS_RSS_TYPES			(NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4 | NDIS_HASH_IPV6 | NDIS_HASH_TCP_IPV6)
#define NDIS_RSS_KEY_BYTES		40u
#define NDIS_RSS_TABLE_MAX		128u

struct ndis_offload {
	struct ndis_object header;
	struct { uint32_t tx_encapsulation, tx, rx_encapsulation, rx; } checksum4, checksum6;
	uint32_t lso1[4], ipsec1[7];
	struct { uint32_t encapsulation, bytes_max, segments_min; } lso4;
	struct { uint32_t encapsulation, bytes_max, segments_min, options; } lso6;
	uint32_t flags;
	uint32_t ipsec2[8];		/* from revision 2 on (NDIS 6.1) */
	uint8_t rsc4, rsc6, pad[2];	/* from revision 3 on (NDIS 6.30) */
	uint32_t gre_flags, gre_header_max;
};
#define NDIS_OFFLOAD_BYTES_1	112u
#define NDIS_OFFLOAD_BYTES_2	144u
#define NDIS_OFFLOAD_BYTES_3	156u
_Static_assert(sizeof(struct ndis_offload) == NDIS_OFFLOAD_BYTES_3, "NDIS 6.30");

#define NDIS_ENCAPSULATION_802_3	0x0002u
#define NDIS_CHECKSUM4_ALL		(0x001u | 0x004u | 0x010u | 0x040u | 0x100u)	/* IP options, TCP options, TCP, UDP, IP */
#define NDIS_CHECKSUM6_ALL		(0x001u | 0x004u | 0x010u | 0x040u)		/* extension headers, TCP options, TCP, UDP */
#define NDIS_LSO6_OPTIONS		(0x001u | 0x004u)				/* extension headers, TCP options */
#define NDIS_LSO_BYTES_MAX		0xf53cu
#define NDIS_LSO_SEGMENTS_MIN		2u

struct ndis_link_state {
	struct ndis_object header;
	uint32_t connect, duplex, pad;
	uint64_t transmit_speed, receive_speed;	/* bit/s */
	uint32_t pause, flags;
};

struct rndis_config_parameter { uint32_t name_offset, name_length, type, value_offset, value_length; };
#define RNDIS_PARAMETER_STRING	2u

#endif
