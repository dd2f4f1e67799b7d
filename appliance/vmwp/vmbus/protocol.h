/* SPDX-License-Identifier: Apache-2.0 */
/* VMBus on the wire: channel messages, the ring's control page, packet descriptors. Layouts as in Linux' hyperv.h. */
#ifndef VMWP_VMBUS_PROTOCOL_H
#define VMWP_VMBUS_PROTOCOL_H

#include "vmwp/vmbus/vmbus.h"

#define VMBUS_PAGE		4096u
#define VMBUS_RELIDS		2048u		/* event flags of a SINT; 0 is reserved */
#define VMBUS_MESSAGE_TYPE	1u		/* of the hypervisor's message, both ways */
#define VMBUS_MESSAGE_MAX	240u
#define VMBUS_SINT		2u
#define VMBUS_CONNECTION_LEGACY	1u		/* where guests post messages */
#define VMBUS_CONNECTION_MULTI	4u		/* the same for version 5.0 and later */
#define VMBUS_CONNECTION_SIGNAL	0x2000u		/* + relid: where guests signal a channel */
#define VMBUS_VP_NONE		0xffffffffu	/* target VP of a channel without interrupts */

#define VMBUS_VERSION(major, minor)	((uint32_t)(major) << 16 | (minor))
#define VMBUS_V3_0	VMBUS_VERSION(3, 0)
#define VMBUS_V4_1	VMBUS_VERSION(4, 1)
#define VMBUS_V5_0	VMBUS_VERSION(5, 0)
#define VMBUS_V5_3	VMBUS_VERSION(5, 3)
#define VMBUS_V6_0	VMBUS_VERSION(6, 0)

enum vmbus_message_type {
	VMBUS_MSG_OFFER = 1, VMBUS_MSG_RESCIND = 2, VMBUS_MSG_REQUEST_OFFERS = 3, VMBUS_MSG_ALL_OFFERS_DELIVERED = 4,
	VMBUS_MSG_OPEN = 5, VMBUS_MSG_OPEN_RESULT = 6, VMBUS_MSG_CLOSE = 7, VMBUS_MSG_GPADL_HEADER = 8, VMBUS_MSG_GPADL_BODY = 9,
	VMBUS_MSG_GPADL_CREATED = 10, VMBUS_MSG_GPADL_TEARDOWN = 11, VMBUS_MSG_GPADL_TORNDOWN = 12, VMBUS_MSG_RELID_RELEASED = 13,
	VMBUS_MSG_INITIATE_CONTACT = 14, VMBUS_MSG_VERSION_RESPONSE = 15, VMBUS_MSG_UNLOAD = 16, VMBUS_MSG_UNLOAD_RESPONSE = 17,
	VMBUS_MSG_TL_CONNECT_REQUEST = 21, VMBUS_MSG_MODIFY_CHANNEL = 22, VMBUS_MSG_TL_CONNECT_RESULT = 23,
	VMBUS_MSG_MODIFY_CHANNEL_RESPONSE = 24, VMBUS_MSG_TYPES
};

struct vmbus_msg_header { uint32_t type, padding; };

struct vmbus_msg_offer {
	struct vmbus_msg_header header;
	struct vmbus_guid class, instance;
	uint64_t reserved[2];
	uint16_t flags, mmio_mib;
	uint8_t user[120];
	uint16_t subchannel_index, reserved1;
	uint32_t relid;
	uint8_t monitor_id, monitor_allocated;	/* never allocated: docs/vmbus.md */
	uint16_t dedicated_interrupt;		/* bit 0: always, from version 2.4 on */
	uint32_t connection_id;
} __attribute__((packed));

struct vmbus_msg_relid { struct vmbus_msg_header header; uint32_t relid; };	/* RESCIND, CLOSE, RELID_RELEASED */
struct vmbus_msg_open {
	struct vmbus_msg_header header;
	uint32_t relid, open_id, gpadl, target_vp, downstream_page;
	uint8_t user[120];
};
struct vmbus_msg_open_result { struct vmbus_msg_header header; uint32_t relid, open_id, status; };
struct vmbus_msg_gpadl_header {
	struct vmbus_msg_header header;
	uint32_t relid, gpadl;
	uint16_t range_bytes, range_count;	/* of all ranges together, over this message and the bodies */
	uint8_t data[];
};
struct vmbus_msg_gpadl_body { struct vmbus_msg_header header; uint32_t number, gpadl; uint8_t data[]; };
struct vmbus_gpa_range { uint32_t bytes, offset; };		/* u64 PFNs follow */
struct vmbus_msg_gpadl_created { struct vmbus_msg_header header; uint32_t relid, gpadl, status; };
struct vmbus_msg_gpadl_teardown { struct vmbus_msg_header header; uint32_t relid, gpadl; };
struct vmbus_msg_gpadl_torndown { struct vmbus_msg_header header; uint32_t gpadl; };
struct vmbus_msg_contact {
	struct vmbus_msg_header header;
	uint32_t version, target_vp;
	union {
		uint64_t interrupt_page;			/* before 5.0, and used before 2.4 only */
		struct { uint8_t sint, vtl; uint16_t reserved; uint32_t features; } target;
	};
	uint64_t monitor_pages[2];
};
struct vmbus_msg_version_response {
	struct vmbus_msg_header header;
	uint8_t supported, state;
	uint16_t padding;
	uint32_t selected;		/* from 5.0 on: the connection id for the guest's messages */
	uint32_t features;		/* from 6.0 on */
};
struct vmbus_msg_connect {		/* TL_CONNECT_REQUEST; 5.2 adds a silo's GUID, which nobody here has */
	struct vmbus_msg_header header;
	struct vmbus_guid endpoint, service;
};
struct vmbus_msg_connect_result { struct vmbus_msg_header header; struct vmbus_guid endpoint, service; uint32_t status; };
struct vmbus_msg_modify { struct vmbus_msg_header header; uint32_t relid, target_vp; };
struct vmbus_msg_modify_response { struct vmbus_msg_header header; uint32_t relid, status; };

#define VMBUS_CONTACT_OK		0u
#define VMBUS_CONTACT_FAILED		2u
#define VMBUS_STATUS_FAILED		0xc0000001u	/* STATUS_UNSUCCESSFUL */
#define VMBUS_STATUS_CONNECTION_REFUSED	0xc0000236u

/* --- rings --- */

struct vmbus_ring_control {		/* one page; the data area follows */
	uint32_t write_index;		/* producer's */
	uint32_t read_index;		/* consumer's */
	uint32_t interrupt_mask;	/* consumer's: 1 = do not signal me */
	uint32_t pending_send_size;	/* producer's: signal me when there is more room than this */
	uint32_t reserved[12];
	uint32_t features;
};
#define VMBUS_RING_PENDING_SIZE	1u	/* of features */

struct vmbus_descriptor { uint16_t type, header_qwords, total_qwords, flags; uint64_t transaction_id; };
#define VMBUS_PACKET_WANTS_COMPLETION	1u
struct vmbus_transfer_header { uint16_t page_set; uint8_t sender_owns, reserved; uint32_t range_count; };
struct vmbus_gpa_direct_header { uint32_t reserved, range_count; };
struct vmbus_pipe_header { uint32_t type, bytes; };
#define VMBUS_PIPE_DATA		1u
#define VMBUS_PIPE_MAX		16384u

_Static_assert(sizeof(struct vmbus_msg_offer) == 196, "OFFERCHANNEL");
_Static_assert(sizeof(struct vmbus_msg_open) == 148, "OPENCHANNEL");
_Static_assert(sizeof(struct vmbus_msg_contact) == 40, "INITIATE_CONTACT");
_Static_assert(sizeof(struct vmbus_msg_gpadl_header) == 20, "GPADL_HEADER");
_Static_assert(sizeof(struct vmbus_msg_gpadl_created) == 20, "GPADL_CREATED");
_Static_assert(sizeof(struct vmbus_msg_connect_result) == 44, "TL_CONNECT_RESULT");
_Static_assert(offsetof(struct vmbus_ring_control, features) == 64, "ring control page");
_Static_assert(sizeof(struct vmbus_descriptor) == 16, "packet descriptor");

#endif
