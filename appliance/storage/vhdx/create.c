/* SPDX-License-Identifier: Apache-2.0 */
/* Making a VHDX: header section, log, metadata and BAT, each at a multiple of 1 MiB; the blocks behind them. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/create.h"
#include "storage/crc32c.h"
#include "storage/image.h"
#include "storage/text.h"
#include "storage/vhdx/vhdx.h"

#define LOG_OFFSET		MIB
#define METADATA_OFFSET		(2 * MIB)
#define BAT_OFFSET		(3 * MIB)
#define BLOCK_DYNAMIC		(32u << 20)
#define BLOCK_DIFFERENCING	(2u << 20)
#define LOCATOR_ROOM		(16u << 10)

struct plan {
	const struct disk_new *n;
	int fd;
	uint64_t size_bytes;
	uint32_t block_bytes, logical, physical;
	uint64_t blocks, ratio, bat_bytes, end;
	struct vhdx_guid disk_id;
};

/* --- checking what is wanted --- */

static int check_wanted(const struct plan *p)
{
	if (p->size_bytes == 0 || p->size_bytes > VHDX_SIZE_MAX)
		return disk_fail(p->size_bytes ? -EFBIG : -EINVAL, "size %llu, allowed is up to %llu (64 TiB)",
				 (unsigned long long)p->size_bytes, VHDX_SIZE_MAX);
	if ((p->logical != 512 && p->logical != 4096) || (p->physical != 512 && p->physical != 4096) || p->physical < p->logical)
		return disk_fail(-EINVAL, "sector sizes %u (logical) and %u (physical), allowed are 512 and 4096, physical not smaller",
				 p->logical, p->physical);
	if (p->size_bytes % p->logical)
		return disk_fail(-EINVAL, "size %llu is no multiple of the logical sector size %u", (unsigned long long)p->size_bytes,
				 p->logical);
	if (p->block_bytes < VHDX_BLOCK_MIN || p->block_bytes > VHDX_BLOCK_MAX || p->block_bytes & (p->block_bytes - 1))
		return disk_fail(-EINVAL, "block size %u, allowed are powers of two from 1 MiB to 256 MiB", p->block_bytes);
	return 0;
}

static uint64_t bat_entries(const struct plan *p)
{
	if (p->n->kind == DISK_DIFFERENCING)
		return (p->blocks + p->ratio - 1) / p->ratio * (p->ratio + 1);
	return p->blocks + (p->blocks - 1) / p->ratio;
}

static int make_plan(int fd, const struct disk_new *n, struct plan *p)
{
	bool differencing = n->kind == DISK_DIFFERENCING;
	int r;

	*p = (struct plan) {
		.n = n, .fd = fd, .size_bytes = n->size_bytes ? n->size_bytes : differencing ? n->parent->size_bytes : 0,
		.block_bytes = n->block_bytes ? n->block_bytes : differencing ? BLOCK_DIFFERENCING : BLOCK_DYNAMIC,
		.logical = n->logical_sector ? n->logical_sector : differencing ? n->parent->logical_sector : 512,
		.physical = n->physical_sector ? n->physical_sector : 4096,
	};
	r = check_wanted(p);
	if (r < 0)
		return r;
	p->blocks = sparse_blocks(p->size_bytes, p->block_bytes);
	p->ratio = VHDX_CHUNK_SECTORS * p->logical / p->block_bytes;
	p->bat_bytes = (bat_entries(p) * sizeof(uint64_t) + MIB - 1) / MIB * MIB;
	p->end = BAT_OFFSET + p->bat_bytes;
	vhdx_guid_new(&p->disk_id);
	return 0;
}

/* --- writing --- */

static int write_identifier(const struct plan *p)
{
	_Alignas(4096) uint8_t page[4096] = "vhdxfile";
	size_t units;

	text_to_utf16le("Partita", page + 8, 256, &units);
	return image_write(p->fd, 0, page, sizeof(page));
}

static int write_headers(const struct plan *p)
{
	struct vhdx v = { .fd = p->fd, .header = {
		.signature = "head", .version = htole16(1), .log_length = htole32(MIB), .log_offset = htole64(LOG_OFFSET),
	} };
	int r;

	vhdx_guid_new(&v.header.file_write);
	vhdx_guid_new(&v.header.data_write);
	r = vhdx_write_header(&v);
	return r ? r : vhdx_write_header(&v);
}

static int write_region_tables(const struct plan *p)
{
	struct vhdx_region_table *t = aligned_alloc(4096, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	memcpy(t->signature, "regi", 4);
	t->count = htole32(2);
	t->entry[0] = (struct vhdx_region_entry) { VHDX_REGION_BAT, htole64(BAT_OFFSET), htole32((uint32_t)p->bat_bytes), htole32(1) };
	t->entry[1] = (struct vhdx_region_entry) { VHDX_REGION_METADATA, htole64(METADATA_OFFSET), htole32(MIB), htole32(1) };
	t->checksum = htole32(vhdx_region_checksum(t));
	r = image_write(p->fd, VHDX_REGION_TABLE_1, t, sizeof(*t));
	if (r == 0)
		r = image_write(p->fd, VHDX_REGION_TABLE_1 + VHDX_REGION_TABLE_SIZE, t, sizeof(*t));
	free(t);
	return r;
}

/* Builds the metadata region item by item. */
struct metadata { struct vhdx_metadata_table table; uint8_t items[2 * LOCATOR_ROOM]; uint32_t used; };

static void add_item(struct metadata *m, struct vhdx_guid guid, uint32_t flags, const void *data, uint32_t bytes)
{
	unsigned int i = le16toh(m->table.count);

	m->table.entry[i] = (struct vhdx_metadata_entry) {
		guid, htole32(VHDX_METADATA_TABLE + m->used), htole32(bytes), htole32(flags | VHDX_ITEM_REQUIRED), 0,
	};
	memcpy(m->items + m->used, data, bytes);
	m->used += bytes;
	m->table.count = htole16((uint16_t)(i + 1));
}

static int add_locator(struct metadata *m, const struct disk_new *n)
{
	uint8_t locator[LOCATOR_ROOM] = { 0 };
	struct disk_parent parent;
	size_t bytes;
	int r = create_parent(n, &parent);

	if (r < 0)
		return r;
	bytes = vhdx_build_locator(&parent, locator, sizeof(locator));
	if (bytes == 0)
		return disk_fail(-EINVAL, "the parent's path is no UTF-8, or too long");
	add_item(m, (struct vhdx_guid) VHDX_ITEM_LOCATOR, 0, locator, (uint32_t)bytes);
	return 0;
}

static int fill_metadata(const struct plan *p, struct metadata *m)
{
	struct vhdx_file_parameters parameters = {
		htole32(p->block_bytes), htole32(p->n->kind == DISK_FIXED ? VHDX_LEAVE_ALLOCATED :
						 p->n->kind == DISK_DIFFERENCING ? VHDX_HAS_PARENT : 0),
	};
	uint64_t size = htole64(p->size_bytes);
	uint32_t logical = htole32(p->logical), physical = htole32(p->physical);

	memcpy(m->table.signature, "metadata", 8);
	add_item(m, (struct vhdx_guid) VHDX_ITEM_PARAMETERS, 0, &parameters, sizeof(parameters));
	add_item(m, (struct vhdx_guid) VHDX_ITEM_SIZE, VHDX_ITEM_VIRTUAL_DISK, &size, sizeof(size));
	add_item(m, (struct vhdx_guid) VHDX_ITEM_DISK_ID, VHDX_ITEM_VIRTUAL_DISK, &p->disk_id, sizeof(p->disk_id));
	add_item(m, (struct vhdx_guid) VHDX_ITEM_LOGICAL, VHDX_ITEM_VIRTUAL_DISK, &logical, sizeof(logical));
	add_item(m, (struct vhdx_guid) VHDX_ITEM_PHYSICAL, VHDX_ITEM_VIRTUAL_DISK, &physical, sizeof(physical));
	return p->n->kind == DISK_DIFFERENCING ? add_locator(m, p->n) : 0;
}

static int write_metadata(const struct plan *p)
{
	struct metadata *m = calloc(1, sizeof(*m));
	int r = m ? fill_metadata(p, m) : -ENOMEM;

	if (r == 0)
		r = image_write(p->fd, METADATA_OFFSET, m, offsetof(struct metadata, used));
	free(m);
	return r;
}

/* A fixed disk owns its blocks from the start: the guest cannot run out of space later. */
static int write_fixed_blocks(const struct plan *p)
{
	uint64_t entries = bat_entries(p), block = 0;
	uint64_t *bat = calloc(p->bat_bytes, 1);
	int r;

	if (!bat)
		return -ENOMEM;
	for (uint64_t i = 0; i < entries; i++)
		if (i % (p->ratio + 1) != p->ratio)
			bat[i] = htole64((p->end + block++ * p->block_bytes) | SPARSE_FULL);
	r = image_reserve(p->fd, 0, p->end + p->blocks * p->block_bytes);
	if (r == -ENOSPC)
		disk_fail(r, "the volume has no room for %llu bytes", (unsigned long long)(p->end + p->blocks * p->block_bytes));
	if (r == 0)
		r = image_write(p->fd, BAT_OFFSET, bat, p->bat_bytes);
	free(bat);
	return r;
}

/* The identifier comes last: a file cut off before it is no VHDX. */
int vhdx_create_image(int fd, const struct disk_new *n)
{
	struct plan p;
	int r = make_plan(fd, n, &p);

	if (r == 0)
		r = image_set_size(fd, 0);
	if (r == 0)
		r = image_set_size(fd, p.end);
	if (r == 0 && n->kind == DISK_FIXED)
		r = write_fixed_blocks(&p);
	if (r == 0)
		r = write_metadata(&p);
	if (r == 0)
		r = write_region_tables(&p);
	if (r == 0)
		r = write_headers(&p);
	if (r == 0)
		r = write_identifier(&p);
	return r ? r : image_sync(fd);
}
