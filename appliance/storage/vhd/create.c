/* SPDX-License-Identifier: Apache-2.0 */
/* Making a VHD: fixed, all of it allocated; dynamic or differencing: footer copy, header, table, locators, footer. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/create.h"
#include "storage/image.h"
#include "storage/vhd/vhd.h"

#define HEADER_OFFSET	512u
#define TABLE_OFFSET	1536u
#define BLOCK_DEFAULT	(2u << 20)

static int check_wanted(const struct disk_new *n, uint64_t size)
{
	if (size == 0 || size % DISK_SECTOR)
		return disk_fail(-EINVAL, "size %llu is no multiple of 512 above 0", (unsigned long long)size);
	if (size > VHD_SIZE_MAX)
		return disk_fail(-EFBIG, "size %llu, the limit of a VHD is %llu (2040 GiB)", (unsigned long long)size, VHD_SIZE_MAX);
	if (n->logical_sector > DISK_SECTOR || n->physical_sector > DISK_SECTOR)
		return disk_fail(-EINVAL, "sector sizes %u and %u: a VHD has sectors of 512 bytes", n->logical_sector, n->physical_sector);
	if (n->block_bytes && (n->block_bytes < VHD_BLOCK_MIN || n->block_bytes > VHD_BLOCK_MAX || n->block_bytes & (n->block_bytes - 1)))
		return disk_fail(-EINVAL, "block size %u, allowed are powers of two from 512 KiB to 256 MiB", n->block_bytes);
	return 0;
}

/* A fixed disk owns its blocks from the start: the guest cannot run out of space later. */
static int create_fixed(int fd, uint64_t size)
{
	struct vhd_footer footer;
	int r = vhd_new_footer(&footer, VHD_FIXED, size);

	if (r == 0)
		r = image_reserve(fd, 0, size + sizeof(footer));
	if (r == -ENOSPC)
		disk_fail(r, "the volume has no room for %llu bytes", (unsigned long long)(size + sizeof(footer)));
	return r ? r : image_write(fd, size, &footer, sizeof(footer));
}

static int write_empty_table(int fd, uint64_t bytes)
{
	uint8_t *table = malloc(bytes);
	int r;

	if (!table)
		return -ENOMEM;
	memset(table, 0xff, bytes);
	r = image_write(fd, TABLE_OFFSET, table, bytes);
	free(table);
	return r;
}

static int create_dynamic(int fd, const struct disk_new *n, uint64_t size)
{
	uint32_t block = n->block_bytes ? n->block_bytes : BLOCK_DEFAULT;
	uint64_t entries = sparse_blocks(size, block), end = TABLE_OFFSET + (entries * 4 + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR;
	struct vhd_header h = {
		.cookie = "cxsparse", .data_offset = htobe64(VHD_NOWHERE), .table_offset = htobe64(TABLE_OFFSET),
		.version = htobe32(0x00010000), .entries = htobe32((uint32_t)entries), .block_bytes = htobe32(block),
	};
	bool differencing = n->kind == DISK_DIFFERENCING;
	struct disk_parent parent;
	struct vhd_footer footer;
	int r = vhd_new_footer(&footer, differencing ? VHD_DIFFERENCING : VHD_DYNAMIC, size);

	if (r == 0)
		r = write_empty_table(fd, end - TABLE_OFFSET);
	if (r == 0 && differencing)
		r = create_parent(n, &parent);
	if (r == 0 && differencing) {
		r = vhd_write_locators(fd, end, &parent, &h);
		end += 2 * VHD_LOCATOR_MAX;
	}
	h.checksum = htobe32(vhd_checksum(&h, sizeof(h), offsetof(struct vhd_header, checksum)));
	if (r == 0)
		r = image_write(fd, HEADER_OFFSET, &h, sizeof(h));
	if (r == 0)
		r = image_write(fd, end, &footer, sizeof(footer));
	return r ? r : image_write(fd, 0, &footer, sizeof(footer));
}

int vhd_create_image(int fd, const struct disk_new *n)
{
	uint64_t size = n->size_bytes ? n->size_bytes : n->kind == DISK_DIFFERENCING ? n->parent->size_bytes : 0;
	int r = check_wanted(n, size);

	if (r == 0)
		r = image_set_size(fd, 0);
	if (r == 0)
		r = n->kind == DISK_FIXED ? create_fixed(fd, size) : create_dynamic(fd, n, size);
	return r ? r : image_sync(fd);
}

/* --- another parent --- */

/*
 * A header is two sectors and has no copy: the new one and its locators go to the end of the file, in front of a new footer that
 * names it. A power cut leaves the old footer or the new one, each with its header.
 */
int vhd_set_parent(int fd, const struct disk_parent *parent)
{
	struct vhd_footer f;
	struct vhd_header h;
	int64_t size = image_size(fd);
	uint64_t at;
	bool lost;
	int r = size < 0 ? (int)size : vhd_read_footer(fd, &f, &lost);

	if (r == 0 && be32toh(f.type) != VHD_DIFFERENCING)
		return disk_fail(-EINVAL, "the disk is not differencing: it has no parent");
	if (r == 0)
		r = vhd_read_header(fd, &f, &h);
	if (r < 0)
		return r;
	at = ((uint64_t)size + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR;
	memset(h.locator, 0, sizeof(h.locator));
	r = vhd_write_locators(fd, at + sizeof(h), parent, &h);
	h.checksum = htobe32(vhd_checksum(&h, sizeof(h), offsetof(struct vhd_header, checksum)));
	if (r == 0)
		r = image_write(fd, at, &h, sizeof(h));
	if (r == 0)
		r = image_sync(fd);
	f.data_offset = htobe64(at);
	vhd_seal_footer(&f, be64toh(f.current_size));
	if (r == 0)
		r = image_write(fd, at + sizeof(h) + 2 * VHD_LOCATOR_MAX, &f, sizeof(f));
	if (r == 0)
		r = image_sync(fd);
	if (r == 0)
		r = image_write(fd, 0, &f, sizeof(f));
	return r ? r : image_sync(fd);
}
