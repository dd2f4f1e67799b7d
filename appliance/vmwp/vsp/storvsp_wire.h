/* SPDX-License-Identifier: Apache-2.0 */
/* The packets of the synthetic storage protocol as they are in the ring. Layouts: Linux drivers/scsi/storvsc_drv.c. */
#ifndef VMWP_VSP_STORVSP_WIRE_H
#define VMWP_VSP_STORVSP_WIRE_H

#include <assert.h>
#include <stdint.h>

enum stor_operation {
	STOR_COMPLETE_IO = 1, STOR_EXECUTE_SRB = 3, STOR_RESET_LUN = 4, STOR_RESET_ADAPTER = 5, STOR_RESET_BUS = 6,
	STOR_BEGIN_INITIALIZATION = 7, STOR_END_INITIALIZATION = 8, STOR_QUERY_PROTOCOL_VERSION = 9, STOR_QUERY_PROPERTIES = 10,
	STOR_ENUMERATE_BUS = 11, STOR_CREATE_SUB_CHANNELS = 13,
};

#define STOR_VERSION(major, minor)	((major) << 8 | (minor))

enum stor_status {			/* NTSTATUS */
	STOR_SUCCESS = 0, STOR_BUFFER_OVERFLOW = 0x80000005, STOR_DEVICE_BUSY = 0x80000011, STOR_INVALID_PARAMETER = 0xc000000d,
	STOR_INVALID_REQUEST = 0xc0000010, STOR_REVISION_MISMATCH = 0xc0000059, STOR_NO_SUCH_DEVICE = 0xc00000c0,
	STOR_INVALID_STATE = 0xc0000184, STOR_IO_ERROR = 0xc0000185,
};

enum srb_status {
	SRB_SUCCESS = 0x01, SRB_ERROR = 0x04, SRB_BUSY = 0x05, SRB_INVALID_REQUEST = 0x06, SRB_OVERRUN = 0x12, SRB_INVALID_LUN = 0x20,
	SRB_SENSE_VALID = 0x80,
};

struct stor_srb {
	uint16_t length;
	uint8_t srb_status, scsi_status;
	uint8_t port, path, target, lun;
	uint8_t cdb_bytes, sense_bytes, direction, reserved;
	uint32_t data_bytes;
	uint8_t cdb_or_sense[20];	/* 16 of a CDB on the way in, sense data on the way out */
	uint16_t reserved2;		/* from here on Windows 8 and later */
	uint8_t queue_tag, queue_action;
	uint32_t flags, timeout, sort_key;
};
static_assert(sizeof(struct stor_srb) == 52, "srb");

struct stor_properties {
	uint32_t reserved;
	uint16_t sub_channels_max, reserved2;
	uint32_t flags, transfer_bytes_max;
	uint64_t reserved3;
} __attribute__((packed));
static_assert(sizeof(struct stor_properties) == 24, "properties");
#define STOR_MULTI_CHANNEL	1u	/* flag */

struct stor_packet {
	uint32_t operation, flags, status;
	union {
		struct stor_srb srb;
		struct stor_properties properties;
		struct { uint16_t number, revision; } version;
		uint16_t sub_channels;
		uint8_t bytes[52];
	};
};
static_assert(sizeof(struct stor_packet) == 64, "packet");

#define STOR_HEAD_BYTES		12u
#define STOR_SHORT_BYTES	48u	/* before Windows 8: the SRB ends before reserved2 */

#endif
