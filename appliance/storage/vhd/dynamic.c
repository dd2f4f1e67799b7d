/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic and differencing VHDs: header, block allocation table and, in front of every block, its sector bitmap. There is no
 * log: a sector of the table is written in one piece, after what it points to is durable. The footer moves with the end of the
 * file; until it is there again, its copy in the first sector stands in.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/image.h"
#include "storage/vhd/vhd.h"

#define ENTRIES_PER_SECTOR	(DISK_SECTOR / sizeof(uint32_t))
#define DIRTY_MAX		256u

uint32_t vhd_bitmap_bytes(uint32_t block_bytes)
{
	uint32_t bytes = block_bytes / DISK_SECTOR / 8;

	return (bytes + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR;
}

/* --- for the engine --- */

static struct vhd *of(const struct sparse *s)
{
	return s->owner;
}

static uint64_t dynamic_table_page(const struct sparse *s, uint64_t block)
{
	(void)s;
	return block / ENTRIES_PER_SECTOR;
}

static void dynamic_table_encode(const struct sparse *s, uint64_t page, struct sparse_page *out)
{
	out->file_offset = be64toh(of(s)->header.table_offset) + page * DISK_SECTOR;
	out->bytes = DISK_SECTOR;
	for (uint64_t i = 0; i < ENTRIES_PER_SECTOR; i++) {
		uint64_t block = page * ENTRIES_PER_SECTOR + i;
		uint32_t entry = VHD_UNUSED;

		if (block < s->blocks && sparse_has_place(s->table[block]))
			entry = (uint32_t)((sparse_offset_of(s->table[block]) - s->slot_head) / DISK_SECTOR);
		entry = htobe32(entry);
		memcpy(out->data + i * sizeof(entry), &entry, sizeof(entry));
	}
}

static bool dynamic_bitmap_exists(const struct sparse *s, uint64_t block)
{
	return sparse_has_place(s->table[block]);
}

/* The room comes with the block's. */
static int dynamic_bitmap_create(struct sparse *s, uint64_t block)
{
	(void)s;
	(void)block;
	return 0;
}

static uint64_t dynamic_bitmap_offset(const struct sparse *s, uint64_t page)
{
	uint64_t sectors = s->block_bytes / DISK_SECTOR, block = page * s->page_sectors / sectors;
	uint64_t in_block = page * s->page_sectors % sectors / s->page_sectors;

	return sparse_offset_of(s->table[block]) - s->slot_head + in_block * s->page_bytes;
}

static int write_footer(struct sparse *s)
{
	return image_write(s->disk->fd, s->end, &of(s)->footer, sizeof(of(s)->footer));
}

/* Where the footer was, a bitmap may be now. Without a parent every sector of a block counts as present. */
static int dynamic_fresh(struct sparse *s, uint64_t slot)
{
	uint8_t bits[SPARSE_PAGE_MAX];
	int r = write_footer(s);

	memset(bits, sparse_is_differencing(s) ? 0 : 0xff, sizeof(bits));
	for (uint32_t at = 0; r == 0 && at < s->slot_head; at += sizeof(bits)) {
		uint32_t n = s->slot_head - at < sizeof(bits) ? s->slot_head - at : (uint32_t)sizeof(bits);

		r = image_write(s->disk->fd, slot + at, bits, n);
	}
	return r;
}

static uint64_t dynamic_metadata_end(const struct sparse *s)
{
	const struct vhd_header *h = &of(s)->header;
	uint64_t end = be64toh(of(s)->footer.data_offset) + sizeof(*h);
	uint64_t table_end = be64toh(h->table_offset) + (uint64_t)be32toh(h->entries) * sizeof(uint32_t);

	end = end > table_end ? end : table_end;
	for (int i = 0; i < VHD_LOCATORS; i++) {
		uint64_t locator_end = be64toh(h->locator[i].offset) + be32toh(h->locator[i].space);

		if (h->locator[i].platform && locator_end > end)
			end = locator_end;
	}
	return (end + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR;
}

/* The old footer goes when the new one is there. */
static int dynamic_cut(struct sparse *s)
{
	int r = write_footer(s);

	if (r == 0)
		r = image_sync(s->disk->fd);
	return r ? r : image_set_size(s->disk->fd, s->end + s->tail_bytes);
}

static int dynamic_begin(struct sparse *s)
{
	return of(s)->footer_lost ? write_footer(s) : 0;
}

static int dynamic_bitmap_read(struct sparse *s, uint64_t file_offset, void *to, size_t bytes)
{
	return image_read(s->disk->fd, file_offset, to, bytes);
}

static int dynamic_write_pages(struct sparse *s, const struct sparse_page *pages, unsigned int count)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < count; i++)
		r = image_write(s->disk->fd, pages[i].file_offset, pages[i].data, pages[i].bytes);
	return r ? r : image_sync(s->disk->fd);
}

const struct sparse_format vhd_sparse_format = {
	.begin = dynamic_begin, .table_page = dynamic_table_page, .table_encode = dynamic_table_encode,
	.bitmap_exists = dynamic_bitmap_exists, .bitmap_create = dynamic_bitmap_create, .bitmap_offset = dynamic_bitmap_offset,
	.bitmap_read = dynamic_bitmap_read,
	.fresh = dynamic_fresh, .metadata_end = dynamic_metadata_end, .cut = dynamic_cut, .write_pages = dynamic_write_pages, .bits_msb_first = true, .no_zero_state = true,
};

/* --- opening --- */

int vhd_read_header(int fd, const struct vhd_footer *f, struct vhd_header *h)
{
	uint32_t block;
	int r = image_read(fd, be64toh(f->data_offset), h, sizeof(*h));

	if (r < 0)
		return r;
	if (memcmp(h->cookie, "cxsparse", 8) ||
	    be32toh(h->checksum) != vhd_checksum(h, sizeof(*h), offsetof(struct vhd_header, checksum)))
		return disk_fail(-EILSEQ, "dynamic header at %llu: wrong signature or checksum", (unsigned long long)be64toh(f->data_offset));
	block = be32toh(h->block_bytes);
	if (block < VHD_BLOCK_MIN || block > VHD_BLOCK_MAX || block & (block - 1))
		return disk_fail(-ENOTSUP, "dynamic header: block size %u is no power of two from 512 KiB to 256 MiB", block);
	return 0;
}

static int place_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Between two blocks: zeroed with the first commit, then for new blocks. */
static void collect_gaps(struct sparse *s, const uint64_t *places, uint64_t count)
{
	for (uint64_t i = 1; i < count; i++)
		for (uint64_t at = places[i - 1] + s->slot_bytes; at + s->slot_bytes <= places[i]; at += s->slot_bytes)
			sparse_list_add(&s->draining, at, s->epoch - 2);
}

static int check_overlaps(struct vhd *v)
{
	const struct sparse *s = &v->sparse;
	uint64_t *places = calloc(s->blocks, sizeof(places[0])), count = 0;
	int r = 0;

	if (!places)
		return -ENOMEM;
	for (uint64_t block = 0; block < s->blocks; block++)
		if (sparse_has_place(s->table[block]))
			places[count++] = sparse_offset_of(s->table[block]) - s->slot_head;
	qsort(places, count, sizeof(places[0]), place_compare);
	for (uint64_t i = 1; r == 0 && i < count; i++)
		if (places[i] - places[i - 1] < s->slot_bytes)
			r = disk_fail(-EILSEQ, "BAT: two blocks overlap at offset %llu", (unsigned long long)places[i]);
	if (r == 0 && !v->disk->read_only)
		collect_gaps(&v->sparse, places, count);
	free(places);
	return r;
}

static int take_entry(struct vhd *v, uint64_t block, uint32_t sector)
{
	struct sparse *s = &v->sparse;
	uint64_t offset = (uint64_t)sector * DISK_SECTOR;
	uint64_t least = be64toh(v->header.table_offset) + be32toh(v->header.entries) * sizeof(uint32_t);

	if (sector == VHD_UNUSED)
		return 0;
	if (offset < least || offset > s->end || s->slot_bytes > s->end - offset)
		return disk_fail(-EILSEQ, "BAT entry %llu: sector %u, allowed are offsets from %llu and a block's end up to %llu",
				 (unsigned long long)block, sector, (unsigned long long)least, (unsigned long long)s->end);
	s->table[block] = (offset + s->slot_head) | (sparse_is_differencing(s) ? SPARSE_PARTIAL : SPARSE_FULL);
	return 0;
}

static int read_table(struct vhd *v)
{
	struct sparse *s = &v->sparse;
	uint32_t *entries = malloc(s->blocks * sizeof(entries[0]));
	int r = entries ? image_read(v->disk->fd, be64toh(v->header.table_offset), entries, s->blocks * sizeof(entries[0])) : -ENOMEM;

	for (uint64_t block = 0; r == 0 && block < s->blocks; block++)
		r = take_entry(v, block, be32toh(entries[block]));
	free(entries);
	return r ? r : check_overlaps(v);
}

static int check_table(const struct vhd *v, uint64_t blocks)
{
	uint64_t table = be64toh(v->header.table_offset);

	if (table % DISK_SECTOR || table < sizeof(v->footer) || table > v->sparse.end)
		return disk_fail(-EILSEQ, "dynamic header: table offset %llu, the file ends at %llu", (unsigned long long)table,
				 (unsigned long long)v->sparse.end);
	if (be32toh(v->header.entries) < blocks)
		return disk_fail(-EILSEQ, "dynamic header: table of %u entries, the disk needs %llu", be32toh(v->header.entries),
				 (unsigned long long)blocks);
	return 0;
}

int vhd_open_dynamic(struct vhd *v)
{
	struct disk *d = v->disk;
	int64_t size = image_size(d->fd);
	uint32_t block = be32toh(v->header.block_bytes);
	uint64_t sectors = block / DISK_SECTOR, per_page = sectors < 8 * SPARSE_PAGE_MAX ? sectors : 8 * SPARSE_PAGE_MAX;
	uint32_t head = vhd_bitmap_bytes(block);
	int r;

	if (size < 0)
		return (int)size;
	d->block_bytes = block;
	v->sparse = (struct sparse) {
		.disk = d, .format = &vhd_sparse_format, .owner = v, .block_bytes = block, .sector = DISK_SECTOR,
		.slot_bytes = head + block, .slot_head = head, .tail_bytes = sizeof(v->footer), .end_max = VHD_END_MAX,
		.end = v->footer_lost ? ((uint64_t)size + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR
				      : (uint64_t)size - sizeof(v->footer),
		.page_sectors = d->kind == DISK_DIFFERENCING ? per_page : 0,
		.page_bytes = head < SPARSE_PAGE_MAX ? head : SPARSE_PAGE_MAX, .dirty_max = DIRTY_MAX, .epoch = 2,
	};
	v->sparse_ready = true;
	r = sparse_init(&v->sparse, d->size_bytes, be32toh(v->header.entries) / ENTRIES_PER_SECTOR + 1);
	if (r == 0)
		r = check_table(v, v->sparse.blocks);
	return r ? r : read_table(v);
}
