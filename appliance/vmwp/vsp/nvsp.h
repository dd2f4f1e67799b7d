/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVSP, the protocol a guest speaks with its network adapter inside VMBus packets: layouts and numbers only.
 * Linux drivers/net/hyperv/hyperv_net.h is the public description. Little-endian.
 */
#ifndef VMWP_VSP_NVSP_H
#define VMWP_VSP_NVSP_H

#include <stdint.h>

#define NVSP_VERSION_1	0x00002u
#define NVSP_VERSION_2	0x30002u
#define NVSP_VERSION_4	0x40000u
#define NVSP_VERSION_5	0x50000u
#define NVSP_VERSION_6	0x60000u
#define NVSP_VERSION_61	0x60001u

enum nvsp_type {
	NVSP_INIT = 1, NVSP_INIT_COMPLETE = 2,
	NVSP_SEND_NDIS_VERSION = 100,
	NVSP_SEND_RECEIVE_BUFFER = 101, NVSP_SEND_RECEIVE_BUFFER_COMPLETE = 102, NVSP_REVOKE_RECEIVE_BUFFER = 103,
	NVSP_SEND_SEND_BUFFER = 104, NVSP_SEND_SEND_BUFFER_COMPLETE = 105, NVSP_REVOKE_SEND_BUFFER = 106,
	NVSP_SEND_RNDIS_PACKET = 107, NVSP_SEND_RNDIS_PACKET_COMPLETE = 108,
	NVSP_SEND_NDIS_CONFIG = 125,
	NVSP_SWITCH_DATA_PATH = 129,
	NVSP_OID_QUERY_EX = 131, NVSP_OID_QUERY_EX_COMPLETE = 132,
	NVSP_SUBCHANNEL = 133,
	NVSP_SEND_INDIRECTION_TABLE = 134,
	NVSP_PD_API = 135,
};

enum nvsp_status { NVSP_STATUS_SUCCESS = 1, NVSP_STATUS_FAILURE = 2, NVSP_STATUS_BAD_RNDIS = 5, NVSP_STATUS_BUSY = 6, NVSP_STATUS_BAD_VERSION = 7 };

#define NVSP_MESSAGE_BYTES	28u	/* what both sides send, whatever the message needs */
#define NVSP_MESSAGE_BYTES_61	40u
#define NVSP_MESSAGE_MAX	40u

#define NVSP_RECEIVE_BUFFER_ID	0xcafeu
#define NVSP_NO_SECTION		0xffffffffu
#define NVSP_CHANNEL_DATA	0u
#define NVSP_CHANNEL_CONTROL	1u
#define NVSP_MDL_CHAIN_MAX	34u
#define NVSP_SUBCHANNEL_ALLOCATE 1u
#define NVSP_TABLE_ENTRIES	16u
/* Guests up to 6.0 look for the table behind the largest message of version 6, whatever `offset` says. */
#define NVSP_TABLE_OFFSET	40u

struct nvsp_init { uint32_t min, max; };
struct nvsp_init_complete { uint32_t type, version, mdl_chain_max, status; };
struct nvsp_ndis_config { uint32_t mtu, reserved; uint64_t capabilities; } __attribute__((packed));
struct nvsp_buffer { uint32_t gpadl; uint16_t id; } __attribute__((packed));
struct nvsp_receive_buffer_complete {
	uint32_t type, status, sections;
	uint32_t offset, sub_allocation_bytes, sub_allocations, end_offset;	/* of the only section */
};
struct nvsp_send_buffer_complete { uint32_t type, status, section_bytes; };
struct nvsp_rndis_packet { uint32_t channel, section, section_bytes; };
struct nvsp_rndis_packet_complete { uint32_t type, status; };
struct nvsp_subchannel { uint32_t operation, count; };
struct nvsp_subchannel_complete { uint32_t type, status, count; };

_Static_assert(sizeof(struct nvsp_ndis_config) == 16, "NVSP 2");
_Static_assert(sizeof(struct nvsp_receive_buffer_complete) == NVSP_MESSAGE_BYTES, "NVSP 1");

#endif
