/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in a VHDX file: "Virtual Hard Disk v2 (VHDX) File Format" [MS-VHDX]. Everything is little-endian; GUIDs are
 * in the mixed order of their time (guid_to_file() converts).
 */
#ifndef STORAGE_VHDX_LAYOUT_H
#define STORAGE_VHDX_LAYOUT_H

#include <stdint.h>

#define VHDX_HEADER_SIZE	4096u
#define VHDX_HEADER_1		(64ull << 10)		/* the other one 64 KiB behind it */
#define VHDX_HEADER_STEP	(64ull << 10)
#define VHDX_REGION_TABLE_1	(192ull << 10)
#define VHDX_REGION_TABLE_SIZE	(64u << 10)		/* its copy follows it */
#define VHDX_HEADER_SECTION	(1ull << 20)		/* all of the above; nothing else lies before this */
#define VHDX_METADATA_TABLE	(64u << 10)		/* at the start of the metadata region; items behind it */
#define VHDX_TABLE_ENTRIES_MAX	2047u			/* of region and metadata tables */
#define VHDX_CHUNK_SECTORS	(1ull << 23)		/* covered by a sector bitmap block of 1 MiB */
#define VHDX_SIZE_MAX		(64ull << 40)
#define VHDX_BLOCK_MIN		(1u << 20)
#define VHDX_BLOCK_MAX		(256u << 20)
#define VHDX_LOG_SECTOR		4096u

struct vhdx_guid { uint8_t bytes[16]; };

struct vhdx_header {		/* 2.2.2 */
	char signature[4];	/* "head" */
	uint32_t checksum;
	uint64_t sequence;
	struct vhdx_guid file_write, data_write, log;
	uint16_t log_version, version;
	uint32_t log_length;
	uint64_t log_offset;
	uint8_t reserved[4016];
};
_Static_assert(sizeof(struct vhdx_header) == VHDX_HEADER_SIZE, "vhdx_header");

struct vhdx_region_entry {	/* 2.2.3.2 */
	struct vhdx_guid guid;
	uint64_t offset;
	uint32_t length, required;
};

struct vhdx_region_table {	/* 2.2.3 */
	char signature[4];	/* "regi" */
	uint32_t checksum, count, reserved;
	struct vhdx_region_entry entry[VHDX_TABLE_ENTRIES_MAX];
	uint8_t unused[16];
};
_Static_assert(sizeof(struct vhdx_region_table) == VHDX_REGION_TABLE_SIZE, "vhdx_region_table");

struct vhdx_log_entry {		/* 2.3.1.1 */
	char signature[4];	/* "loge" */
	uint32_t checksum, length, tail;
	uint64_t sequence;
	uint32_t count, reserved;
	struct vhdx_guid log;
	uint64_t flushed_size, last_size;
};
_Static_assert(sizeof(struct vhdx_log_entry) == 64, "vhdx_log_entry");

struct vhdx_log_descriptor {	/* 2.3.1.2 and 2.3.1.3 */
	char signature[4];	/* "desc" or "zero" */
	uint32_t trailing;	/* desc: the last four bytes of the sector */
	uint64_t leading;	/* desc: its first eight; zero: how many bytes to clear */
	uint64_t offset, sequence;
};
_Static_assert(sizeof(struct vhdx_log_descriptor) == 32, "vhdx_log_descriptor");

struct vhdx_log_data {		/* 2.3.1.4 */
	char signature[4];	/* "data" */
	uint32_t sequence_high;
	uint8_t data[4084];
	uint32_t sequence_low;
};
_Static_assert(sizeof(struct vhdx_log_data) == VHDX_LOG_SECTOR, "vhdx_log_data");

struct vhdx_metadata_entry {	/* 2.6.1.2 */
	struct vhdx_guid guid;
	uint32_t offset, length, flags, reserved;
};
#define VHDX_ITEM_USER		1u
#define VHDX_ITEM_VIRTUAL_DISK	2u
#define VHDX_ITEM_REQUIRED	4u

struct vhdx_metadata_table {	/* 2.6.1.1 */
	char signature[8];	/* "metadata" */
	uint16_t reserved, count;
	uint32_t reserved2[5];
	struct vhdx_metadata_entry entry[VHDX_TABLE_ENTRIES_MAX];
};
_Static_assert(sizeof(struct vhdx_metadata_table) == VHDX_METADATA_TABLE, "vhdx_metadata_table");

struct vhdx_file_parameters { uint32_t block_bytes, flags; };	/* 2.6.2.1 */
#define VHDX_LEAVE_ALLOCATED	1u	/* a fixed disk */
#define VHDX_HAS_PARENT		2u

struct vhdx_locator_head { struct vhdx_guid type; uint16_t reserved, count; };	/* 2.6.2.6.1 */
struct vhdx_locator_entry { uint32_t key, value; uint16_t key_length, value_length; };
_Static_assert(sizeof(struct vhdx_locator_head) == 20 && sizeof(struct vhdx_locator_entry) == 12, "locator");

#define VHDX_GUID(a, b, c, d, e, f, g, h, i, j, k) { { \
	(a) & 0xff, (a) >> 8 & 0xff, (a) >> 16 & 0xff, (a) >> 24, (b) & 0xff, (b) >> 8, (c) & 0xff, (c) >> 8, \
	d, e, f, g, h, i, j, k } }
#define VHDX_REGION_BAT		VHDX_GUID(0x2dc27766, 0xf623, 0x4200, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08)
#define VHDX_REGION_METADATA	VHDX_GUID(0x8b7ca206, 0x4790, 0x4b9a, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e)
#define VHDX_ITEM_PARAMETERS	VHDX_GUID(0xcaa16737, 0xfa36, 0x4d43, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b)
#define VHDX_ITEM_SIZE		VHDX_GUID(0x2fa54224, 0xcd1b, 0x4876, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8)
#define VHDX_ITEM_DISK_ID	VHDX_GUID(0xbeca12ab, 0xb2e6, 0x4523, 0x93, 0xef, 0xc3, 0x09, 0xe0, 0x00, 0xc7, 0x46)
#define VHDX_ITEM_LOGICAL	VHDX_GUID(0x8141bf1d, 0xa96f, 0x4709, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f)
#define VHDX_ITEM_PHYSICAL	VHDX_GUID(0xcda348c7, 0x445d, 0x4471, 0x9c, 0xc9, 0xe9, 0x88, 0x52, 0x51, 0xc5, 0x56)
#define VHDX_ITEM_LOCATOR	VHDX_GUID(0xa8d35f2d, 0xb30b, 0x454d, 0xab, 0xf7, 0xd3, 0xd8, 0x48, 0x34, 0xab, 0x0c)
#define VHDX_LOCATOR_TYPE	VHDX_GUID(0xb04aefb7, 0xd19e, 0x4a81, 0xb7, 0x89, 0x25, 0xb8, 0xe9, 0x44, 0x59, 0x13)

#endif
