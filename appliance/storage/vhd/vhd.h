/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in a VHD: "Virtual Hard Disk Image Format Specification" 1.0. Everything is big-endian but the UTF-16 of
 * Windows' parent locators. Inside the VHD code only.
 */
#ifndef STORAGE_VHD_H
#define STORAGE_VHD_H

#include "storage/sparse.h"

#define VHD_SIZE_MAX		(2040ull << 30)		/* the limit Hyper-V documents */
#define VHD_END_MAX		(0xfffffffeull * 512)	/* a BAT entry is a sector number of 32 bits */
#define VHD_BLOCK_MIN		(512u << 10)
#define VHD_BLOCK_MAX		(256u << 20)
#define VHD_NOWHERE		UINT64_MAX		/* data_offset of a fixed disk, and of the dynamic header */
#define VHD_UNUSED		0xffffffffu		/* BAT entry */
#define VHD_LOCATOR_MAX		4096u

enum vhd_type { VHD_FIXED = 2, VHD_DYNAMIC = 3, VHD_DIFFERENCING = 4 };

struct vhd_footer {
	char cookie[8];
	uint32_t features, version;
	uint64_t data_offset;
	uint32_t timestamp;
	char creator[4];
	uint32_t creator_version;
	char creator_os[4];
	uint64_t original_size, current_size;
	uint16_t cylinders;
	uint8_t heads, sectors_per_track;
	uint32_t type, checksum;
	uint8_t uuid[16];
	uint8_t saved_state;
	uint8_t reserved[427];
};
_Static_assert(sizeof(struct vhd_footer) == 512, "vhd_footer");

struct vhd_locator { uint32_t platform, space, length, reserved; uint64_t offset; };
#define VHD_LOCATORS		8
#define VHD_W2RU		0x57327275u		/* a relative path in UTF-16, little-endian */
#define VHD_W2KU		0x57326b75u		/* an absolute one */

struct vhd_header {		/* of a dynamic or differencing disk */
	char cookie[8];		/* "cxsparse" */
	uint64_t data_offset, table_offset;
	uint32_t version, entries, block_bytes, checksum;
	uint8_t parent_uuid[16];
	uint32_t parent_timestamp, reserved;
	uint8_t parent_name[512];	/* UTF-16, big-endian */
	struct vhd_locator locator[VHD_LOCATORS];
	uint8_t reserved2[256];
};
_Static_assert(sizeof(struct vhd_header) == 1024, "vhd_header");

struct vhd {
	struct disk *disk;
	struct vhd_footer footer;
	struct vhd_header header;	/* not of a fixed disk */
	bool footer_lost;		/* the copy at the start is all there is */
	uint32_t bitmap_bytes;		/* in front of every block */
	struct sparse sparse;
	bool sparse_ready;
};

/* footer.c */
int vhd_read_footer(int fd, struct vhd_footer *f, bool *lost);	/* the last sector, or else the copy in the first */
int vhd_new_footer(struct vhd_footer *f, enum vhd_type type, uint64_t size_bytes);
void vhd_seal_footer(struct vhd_footer *f, uint64_t size_bytes);	/* size, geometry, checksum */
uint32_t vhd_checksum(const void *structure, size_t bytes, size_t checksum_at);

/* dynamic.c */
extern const struct sparse_format vhd_sparse_format;
int vhd_open_dynamic(struct vhd *v);
int vhd_read_header(int fd, const struct vhd_footer *f, struct vhd_header *h);
uint32_t vhd_bitmap_bytes(uint32_t block_bytes);

/* create.c */
int vhd_set_parent(int fd, const struct disk_parent *parent);

/* locator.c */
int vhd_read_locator(int fd, const struct vhd_header *h, struct disk_parent *out);
int vhd_write_locators(int fd, uint64_t offset, const struct disk_parent *parent, struct vhd_header *h);

#endif
