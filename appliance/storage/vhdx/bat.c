/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block allocation table of a VHDX ([MS-VHDX] 2.5): after every `ratio` entries of payload blocks comes one of a
 * sector bitmap block, which a differencing disk uses.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/check.h"
#include "storage/image.h"
#include "storage/vhdx/vhdx.h"

#define ENTRIES_PER_PAGE	(VHDX_LOG_SECTOR / sizeof(uint64_t))
#define RESERVED_BITS		0xffff8ull		/* between the state and the offset in MiB */
#define READ_BYTES		(256u << 10)

static uint64_t ratio_of(const struct vhdx *v)
{
	return VHDX_CHUNK_SECTORS * v->disk->logical_sector / v->disk->block_bytes;
}

uint64_t vhdx_bat_entries(const struct vhdx *v, uint64_t size_bytes)
{
	uint64_t blocks = sparse_blocks(size_bytes, v->disk->block_bytes), ratio = ratio_of(v);

	if (v->disk->kind == DISK_DIFFERENCING)
		return (blocks + ratio - 1) / ratio * (ratio + 1);
	return blocks + (blocks - 1) / ratio;
}

/* As many as the region holds, so that growing within it needs no more. */
uint64_t vhdx_table_pages(const struct vhdx *v)
{
	return v->bat.length / VHDX_LOG_SECTOR;
}

/* --- for the engine --- */

static struct vhdx *of(const struct sparse *s)
{
	return s->owner;
}

static uint64_t block_index(const struct vhdx *v, uint64_t block)
{
	return block + block / v->ratio;
}

static uint64_t bitmap_index(const struct vhdx *v, uint64_t chunk)
{
	return chunk * (v->ratio + 1) + v->ratio;
}

static uint64_t bat_table_page(const struct sparse *s, uint64_t block)
{
	return block_index(of(s), block) / ENTRIES_PER_PAGE;
}

static uint64_t entry_encode(const struct sparse *s, uint64_t index)
{
	const struct vhdx *v = of(s);
	uint64_t chunk = index / (v->ratio + 1), in_chunk = index % (v->ratio + 1), block;

	if (in_chunk == v->ratio)
		return chunk < v->chunks && v->bitmap_blocks[chunk] ? v->bitmap_blocks[chunk] | SPARSE_FULL : 0;
	block = chunk * v->ratio + in_chunk;
	return block < s->blocks ? s->table[block] : 0;
}

static void bat_table_encode(const struct sparse *s, uint64_t page, struct sparse_page *out)
{
	out->file_offset = of(s)->bat.offset + page * VHDX_LOG_SECTOR;
	out->bytes = VHDX_LOG_SECTOR;
	for (uint64_t i = 0; i < ENTRIES_PER_PAGE; i++) {
		uint64_t entry = htole64(entry_encode(s, page * ENTRIES_PER_PAGE + i));

		memcpy(out->data + i * sizeof(entry), &entry, sizeof(entry));
	}
}

static bool bat_bitmap_exists(const struct sparse *s, uint64_t block)
{
	return of(s)->bitmap_blocks[block / of(s)->ratio] != 0;
}

static int bat_bitmap_create(struct sparse *s, uint64_t block)
{
	struct vhdx *v = of(s);
	uint64_t chunk = block / v->ratio, place;
	int r = sparse_extend(s, MIB, &place);

	if (r < 0)
		return r;
	v->bitmap_blocks[chunk] = place;
	sparse_mark_table(s, bitmap_index(v, chunk) / ENTRIES_PER_PAGE);
	return 0;
}

static uint64_t bat_bitmap_offset(const struct sparse *s, uint64_t page)
{
	uint64_t pages_per_chunk = MIB / s->page_bytes;

	return of(s)->bitmap_blocks[page / pages_per_chunk] + page % pages_per_chunk * s->page_bytes;
}

static uint64_t bat_metadata_end(const struct sparse *s)
{
	const struct vhdx *v = of(s);
	const uint64_t ends[] = {
		le64toh(v->header.log_offset) + le32toh(v->header.log_length), v->bat.offset + v->bat.length,
		v->metadata.offset + v->metadata.length,
	};
	uint64_t end = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		end = ends[i] > end ? ends[i] : end;
	for (uint64_t chunk = 0; chunk < v->chunks; chunk++)
		if (v->bitmap_blocks[chunk] && v->bitmap_blocks[chunk] + MIB > end)
			end = v->bitmap_blocks[chunk] + MIB;
	return end;
}

static int bat_cut(struct sparse *s)
{
	struct vhdx *v = of(s);
	int r = vhdx_log_empty(v);

	if (r == 0)
		r = image_set_size(v->fd, s->end);
	if (r == 0)
		r = image_sync(v->fd);
	if (r == 0)
		r = vhdx_log_announce(v);
	if (r < 0)
		s->begun = false;	/* without a log nothing may be committed */
	return r;
}

static int bat_begin(struct sparse *s)
{
	return vhdx_begin(of(s));
}

static int bat_bitmap_read(struct sparse *s, uint64_t file_offset, void *to, size_t bytes)
{
	return vhdx_read(of(s), file_offset, to, bytes);
}

static int bat_write_pages(struct sparse *s, const struct sparse_page *pages, unsigned int count)
{
	return vhdx_log_write(of(s), pages, count);
}

const struct sparse_format vhdx_sparse_format = {
	.begin = bat_begin, .table_page = bat_table_page, .table_encode = bat_table_encode, .bitmap_exists = bat_bitmap_exists,
	.bitmap_create = bat_bitmap_create, .bitmap_offset = bat_bitmap_offset, .bitmap_read = bat_bitmap_read, .metadata_end = bat_metadata_end, .cut = bat_cut,
	.write_pages = bat_write_pages,
};

/* --- reading --- */

/* Bits per MiB of the file: is it used; is it a payload block. */
struct usage { uint64_t *bits, *payload, units; };

static bool usage_take(struct usage *u, uint64_t offset, uint64_t bytes)
{
	for (uint64_t unit = offset / MIB; unit < (offset + bytes + MIB - 1) / MIB; unit++) {
		if (u->bits[unit / 64] >> (unit % 64) & 1)
			return false;
		u->bits[unit / 64] |= 1ull << (unit % 64);
	}
	return true;
}

static void usage_mark_payload(struct usage *u, uint64_t offset, uint64_t bytes)
{
	for (uint64_t unit = offset / MIB; unit < (offset + bytes + MIB - 1) / MIB; unit++)
		u->payload[unit / 64] |= 1ull << (unit % 64);
}

static bool usage_has(const struct usage *u, uint64_t unit)
{
	return u->bits[unit / 64] >> (unit % 64) & 1;
}

static uint64_t usage_count(const struct usage *u)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i <= u->units / 64; i++)
		count += (uint64_t)__builtin_popcountll(u->bits[i]);
	return count;
}

static int take_place(const struct vhdx *v, struct usage *u, uint64_t index, uint64_t offset, uint64_t bytes)
{
	if (offset < VHDX_HEADER_SECTION || offset > v->file_end || bytes > v->file_end - offset)
		return disk_fail(-EILSEQ, "BAT entry %llu: offset %llu with %llu bytes is outside of the file (1 MiB to %llu)",
				 (unsigned long long)index, (unsigned long long)offset, (unsigned long long)bytes,
				 (unsigned long long)v->file_end);
	if (!usage_take(u, offset, bytes))
		return disk_fail(-EILSEQ, "BAT entry %llu: offset %llu overlaps something else", (unsigned long long)index,
				 (unsigned long long)offset);
	return 0;
}

static int read_bitmap_entry(struct vhdx *v, struct usage *u, uint64_t index, uint64_t chunk, uint64_t entry)
{
	enum sparse_state state = sparse_state_of(entry);
	uint64_t offset = entry & ~(SPARSE_STATE | RESERVED_BITS);

	if (state == SPARSE_ABSENT)
		return 0;
	if (state != SPARSE_FULL || v->disk->kind != DISK_DIFFERENCING)
		return disk_fail(-EILSEQ, "BAT entry %llu: state %d of a sector bitmap block is not allowed here",
				 (unsigned long long)index, state);
	v->bitmap_blocks[chunk] = offset;
	return take_place(v, u, index, offset, MIB);
}

static int read_block_entry(struct vhdx *v, struct usage *u, uint64_t index, uint64_t block, uint64_t entry)
{
	enum sparse_state state = sparse_state_of(entry);
	uint64_t offset = entry & ~(SPARSE_STATE | RESERVED_BITS);
	int r;

	if (state == 4 || state == 5 || (state == SPARSE_PARTIAL && v->disk->kind != DISK_DIFFERENCING))
		return disk_fail(-EILSEQ, "BAT entry %llu: state %d of a payload block is not allowed here",
				 (unsigned long long)index, state);
	if (!sparse_has_place(entry)) {
		v->sparse.table[block] = state;
		return 0;
	}
	v->sparse.table[block] = offset | state;
	r = take_place(v, u, index, offset, v->disk->block_bytes);
	if (r == 0)
		usage_mark_payload(u, offset, v->disk->block_bytes);
	return r;
}

static int read_entry(struct vhdx *v, struct usage *u, uint64_t index, uint64_t entry)
{
	uint64_t chunk = index / (v->ratio + 1), in_chunk = index % (v->ratio + 1), block = chunk * v->ratio + in_chunk;
	int r = 0;

	if (entry == 0 || (in_chunk != v->ratio && block >= v->sparse.blocks))
		return 0;
	r = in_chunk == v->ratio ? read_bitmap_entry(v, u, index, chunk, entry) : read_block_entry(v, u, index, block, entry);
	if (r != -EILSEQ || !check_found(v->disk))
		return r;
	if (in_chunk == v->ratio)	/* disk_check() goes on without the entry */
		v->bitmap_blocks[chunk] = 0;
	else
		v->sparse.table[block] = SPARSE_ABSENT;
	if (sparse_has_room(&v->sparse, 1))
		sparse_mark_table(&v->sparse, index / ENTRIES_PER_PAGE);
	return 0;
}

/* Skips the holes of the file, which a large table mostly is. */
static uint64_t skip_hole(const struct vhdx *v, uint64_t offset)
{
	off_t data = v->record_count ? (off_t)offset : lseek(v->fd, (off_t)offset, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? v->bat.offset + v->bat.length : offset;
	return (uint64_t)data / READ_BYTES * READ_BYTES;
}

static int read_entries(struct vhdx *v, struct usage *u, uint64_t *buffer)
{
	uint64_t count = vhdx_bat_entries(v, v->disk->size_bytes), per_read = READ_BYTES / sizeof(uint64_t);
	int r = 0;

	for (uint64_t first = 0; r == 0 && first < count; first += per_read) {
		uint64_t at = v->bat.offset + first * sizeof(uint64_t), skipped = skip_hole(v, at);
		uint64_t n = count - first < per_read ? count - first : per_read;

		if (skipped > at) {
			first = (skipped - v->bat.offset) / sizeof(uint64_t) - per_read;
			continue;
		}
		r = vhdx_read(v, at, buffer, n * sizeof(uint64_t));
		for (uint64_t i = 0; r == 0 && i < n; i++)
			r = read_entry(v, u, first + i, le64toh(buffer[i]));
	}
	return r;
}

/* A partly present block needs its bits. */
static int check_bitmaps(struct vhdx *v)
{
	for (uint64_t block = 0; v->disk->kind == DISK_DIFFERENCING && block < v->sparse.blocks; block++) {
		if (sparse_state_of(v->sparse.table[block]) != SPARSE_PARTIAL || v->bitmap_blocks[block / v->ratio])
			continue;
		disk_fail(-EILSEQ, "BAT entry %llu: the block is partly present and has no sector bitmap block",
			  (unsigned long long)block_index(v, block));
		if (!check_found(v->disk))
			return -EILSEQ;
		v->sparse.table[block] = SPARSE_ABSENT;
		if (sparse_has_room(&v->sparse, 1))
			sparse_mark_table(&v->sparse, block_index(v, block) / ENTRIES_PER_PAGE);
	}
	return 0;
}

/* A log that was not replayed must not be about blocks: those are read from the file directly. */
static int check_records(const struct vhdx *v, const struct usage *u)
{
	for (size_t i = 0; i < v->record_count; i++) {
		const struct vhdx_record *record = &v->records[i];
		uint64_t unit = record->offset / MIB, last = (record->offset + record->bytes - 1) / MIB;

		for (; unit <= last; unit++)
			if (u->payload[unit / 64] >> (unit % 64) & 1)
				return disk_fail(-EROFS, "log: an entry is about data at %llu; open the disk for writing to replay it",
						 (unsigned long long)record->offset);
	}
	return 0;
}

/* Places between blocks that nothing uses: zeroed with the first commit, then for new blocks; lowest first. */
static void collect_free(struct vhdx *v, const struct usage *u)
{
	uint64_t need = v->disk->block_bytes / MIB, run = 0;

	for (uint64_t unit = u->units; unit-- > 0; ) {
		run = usage_has(u, unit) ? 0 : run + 1;
		if (run == need) {
			sparse_list_add(&v->sparse.draining, unit * MIB, v->sparse.epoch - 2);
			run = 0;
		}
	}
}

static int read_all(struct vhdx *v, struct usage *u)
{
	uint64_t *buffer = malloc(READ_BYTES);
	int r;

	usage_take(u, 0, VHDX_HEADER_SECTION);
	usage_take(u, le64toh(v->header.log_offset), le32toh(v->header.log_length));
	usage_take(u, v->bat.offset, v->bat.length);
	usage_take(u, v->metadata.offset, v->metadata.length);
	r = buffer ? read_entries(v, u, buffer) : -ENOMEM;
	free(buffer);
	if (r == 0)
		r = check_bitmaps(v);
	if (r == 0)
		r = check_records(v, u);
	if (r == 0)
		check_usage(v->disk, usage_count(u) * MIB, u->units * MIB);
	if (r == 0 && !v->disk->read_only)
		collect_free(v, u);
	return r;
}

int vhdx_read_bat(struct vhdx *v)
{
	struct usage u = { .units = v->file_end / MIB };
	uint64_t need = vhdx_bat_entries(v, v->disk->size_bytes);
	int r;

	if (need > v->bat.length / sizeof(uint64_t))
		return disk_fail(-EILSEQ, "BAT region: %u bytes, the disk needs %llu entries of 8", v->bat.length,
				 (unsigned long long)need);
	u.bits = calloc(u.units / 64 + 1, sizeof(u.bits[0]));
	u.payload = calloc(u.units / 64 + 1, sizeof(u.payload[0]));
	r = u.bits && u.payload ? read_all(v, &u) : -ENOMEM;
	free(u.bits);
	free(u.payload);
	return r;
}
