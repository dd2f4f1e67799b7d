/* SPDX-License-Identifier: Apache-2.0 */
/* The quick half of sparse.h: maps offsets to places in the file and gives places to blocks. Nothing here waits. */
#include "storage/sparse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/image.h"

/* --- places in the file --- */

int sparse_extend(struct sparse *s, uint64_t bytes, uint64_t *place)
{
	uint64_t end = s->end + bytes;
	int r;

	if (end > s->end_max)
		return disk_fail(-EFBIG, "the file would end at %llu, its format's limit is %llu", (unsigned long long)end,
				 (unsigned long long)s->end_max);
	r = image_set_size(s->disk->fd, end + s->tail_bytes);
	if (r < 0)
		return r;
	*place = s->end;
	s->end = end;
	return 0;
}

/* A place for a block, all zeros. */
static int slot_take(struct sparse *s, uint64_t *slot)
{
	int r = 0;

	if (s->free.count)
		*slot = s->free.at[--s->free.count].slot;
	else
		r = sparse_extend(s, s->slot_bytes, slot);
	if (r == 0 && s->format->fresh)
		r = s->format->fresh(s, *slot);
	return r;
}

/* --- epochs: see sparse.h --- */

static void epoch_enter(struct sparse *s, struct extent *e)
{
	e->epoch = s->epoch & 1;
	s->active[e->epoch]++;
}

static void epoch_try_advance(struct sparse *s)
{
	if (s->active[(s->epoch + 1) & 1] == 0)
		s->epoch++;
}

static void epoch_leave(struct sparse *s, const struct extent *e)
{
	if (--s->active[e->epoch] == 0) {
		epoch_try_advance(s);
		pthread_cond_broadcast(&s->changed);
	}
}

/* --- sector bitmaps --- */

static uint8_t bit_mask(const struct sparse *s, uint64_t sector)
{
	return (uint8_t)(s->format->bits_msb_first ? 0x80 >> (sector & 7) : 1 << (sector & 7));
}

bool sparse_bit(const struct sparse *s, const struct sparse_bitmap *b, uint64_t sector)
{
	uint64_t in_page = sector % s->page_sectors;

	return b->bits[in_page / 8] & bit_mask(s, in_page);
}

static void bits_change(struct sparse *s, struct sparse_bitmap *b, uint64_t sector, uint64_t count, bool set)
{
	for (uint64_t in_page = sector % s->page_sectors; count; in_page++, count--)
		if (set)
			b->bits[in_page / 8] |= bit_mask(s, in_page);
		else
			b->bits[in_page / 8] &= (uint8_t)~bit_mask(s, in_page);
}

struct sparse_bitmap *sparse_bitmap_new(struct sparse *s, uint64_t page)
{
	struct sparse_bitmap *b = calloc(1, sizeof(*b) + s->page_bytes);

	s->bitmaps[page] = b;
	return b;
}

static uint64_t page_of(const struct sparse *s, uint64_t offset)
{
	return offset / s->sector / s->page_sectors;
}

/* Cuts *bytes at the end of the bitmap page and of the block. */
static void cut_at_block(const struct sparse *s, uint64_t offset, uint64_t *bytes)
{
	uint64_t left = s->block_bytes - offset % s->block_bytes;

	if (*bytes > left)
		*bytes = left;
}

static void cut_at_page(const struct sparse *s, uint64_t offset, uint64_t *bytes)
{
	uint64_t page_span = s->page_sectors * s->sector, left = page_span - offset % page_span;

	if (*bytes > left)
		*bytes = left;
}

/* --- dirty pages --- */

bool sparse_has_room(const struct sparse *s, unsigned int pages)
{
	return s->dirty_count + pages <= s->dirty_max;
}

void sparse_mark_table(struct sparse *s, uint64_t page)
{
	if (s->table_dirty[page])
		return;
	s->table_dirty[page] = 1;
	s->dirty[s->dirty_count++] = (struct sparse_dirty) { false, page };
}

void sparse_mark_bitmap(struct sparse *s, uint64_t page)
{
	if (s->bitmaps[page]->dirty)
		return;
	s->bitmaps[page]->dirty = true;
	s->dirty[s->dirty_count++] = (struct sparse_dirty) { true, page };
}

/* --- reading --- */

/* Sectors from `offset` on whose bit is the same, at most `bytes`. */
static uint64_t same_bits(const struct sparse *s, const struct sparse_bitmap *b, uint64_t offset, uint64_t bytes)
{
	uint64_t sector = offset / s->sector, count = bytes / s->sector, n = 1;
	bool first = sparse_bit(s, b, sector);

	while (n < count && sparse_bit(s, b, sector + n) == first)
		n++;
	return n * s->sector;
}

static void map_in_file(struct sparse *s, uint64_t offset, struct extent *e)
{
	e->disk = s->disk;
	e->file_offset = sparse_offset_of(s->table[offset / s->block_bytes]) + offset % s->block_bytes;
	epoch_enter(s, e);
}

/* 1: the parent has it. */
static int map_partial(struct sparse *s, uint64_t offset, struct extent *e)
{
	const struct sparse_bitmap *b = s->bitmaps[page_of(s, offset)];

	if (!b)
		return -EAGAIN;
	cut_at_page(s, offset, &e->bytes);
	e->bytes = same_bits(s, b, offset, e->bytes);
	if (!sparse_bit(s, b, offset / s->sector))
		return 1;
	map_in_file(s, offset, e);
	return 0;
}

static int map_read_locked(struct sparse *s, uint64_t offset, struct extent *e)
{
	uint64_t block = offset / s->block_bytes;

	cut_at_block(s, offset, &e->bytes);
	e->disk = NULL;
	if (block >= s->blocks)		/* the disk has just become smaller */
		return -ERANGE;
	switch (sparse_state_of(s->table[block])) {
	case SPARSE_FULL:
		map_in_file(s, offset, e);
		return 0;
	case SPARSE_PARTIAL:
		return map_partial(s, offset, e);
	case SPARSE_ABSENT:
		return sparse_is_differencing(s);
	default:
		return 0;
	}
}

/* The parent is asked under the lock: a live merge replaces it there. */
int sparse_map_read(struct sparse *s, uint64_t offset, struct extent *e)
{
	int r = 1;

	pthread_mutex_lock(&s->lock);
	if (!s->through)
		r = map_read_locked(s, offset, e);
	if (r == 1)
		r = disk_map_parent(s->disk->parent, offset, e);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* --- writing --- */

static uint64_t block_first_page(const struct sparse *s, uint64_t block)
{
	return page_of(s, block * s->block_bytes);
}

static uint64_t block_last_page(const struct sparse *s, uint64_t block)
{
	uint64_t last = page_of(s, (block + 1) * s->block_bytes - 1);

	return last < s->bitmap_pages ? last : s->bitmap_pages - 1;
}

/* Clears the bits of a block that is about to become partly present. -EAGAIN: its pages are to be loaded first. */
static int bitmaps_clear(struct sparse *s, uint64_t block)
{
	uint64_t first = block_first_page(s, block), last = block_last_page(s, block);
	uint64_t sectors = s->block_bytes / s->sector, per_page = sectors < s->page_sectors ? sectors : s->page_sectors;
	bool exists = s->format->bitmap_exists(s, block);

	for (uint64_t page = first; page <= last; page++)
		if (!s->bitmaps[page] && exists)
			return -EAGAIN;
		else if (!s->bitmaps[page] && !sparse_bitmap_new(s, page))
			return -ENOMEM;
	for (uint64_t page = first; page <= last; page++) {
		bits_change(s, s->bitmaps[page], block * sectors, per_page, false);
		sparse_mark_bitmap(s, page);
	}
	return 0;
}

/* A place for a block that has none. */
static int block_allocate(struct sparse *s, uint64_t block)
{
	bool partial = sparse_is_differencing(s) && sparse_state_of(s->table[block]) == SPARSE_ABSENT;
	uint64_t slot;
	int r = 0;

	if (!sparse_has_room(s, s->dirty_need))
		return -EAGAIN;
	if (partial)
		r = bitmaps_clear(s, block);
	if (r == 0 && partial && !s->format->bitmap_exists(s, block))
		r = s->format->bitmap_create(s, block);
	if (r == 0)
		r = slot_take(s, &slot);
	if (r < 0)
		return r;
	s->table[block] = (slot + s->slot_head) | (partial ? SPARSE_PARTIAL : SPARSE_FULL);
	sparse_mark_table(s, s->format->table_page(s, block));
	return 0;
}

/* The write will set bits: their page has its place in the dirty set from now on. */
static int bitmap_pin(struct sparse *s, uint64_t offset, struct extent *e)
{
	uint64_t page = page_of(s, offset);
	struct sparse_bitmap *b = s->bitmaps[page];

	if (!b || (!b->dirty && !sparse_has_room(s, 1)))
		return -EAGAIN;
	cut_at_page(s, offset, &e->bytes);
	sparse_mark_bitmap(s, page);
	b->pins++;
	e->cookie = b;
	return 0;
}

static int map_write_locked(struct sparse *s, uint64_t offset, struct extent *e)
{
	uint64_t block = offset / s->block_bytes;
	int r = 0;

	cut_at_block(s, offset, &e->bytes);
	e->cookie = NULL;
	if (!s->begun || !sparse_watch_admits(s, offset))
		return -EAGAIN;
	if (block >= s->blocks)
		return -ERANGE;
	if (!sparse_has_place(s->table[block]))
		r = block_allocate(s, block);
	if (r == 0 && sparse_state_of(s->table[block]) == SPARSE_PARTIAL)
		r = bitmap_pin(s, offset, e);
	if (r < 0)
		return r;
	map_in_file(s, offset, e);
	e->writes = true;
	s->writing++;
	return 0;
}

int sparse_map_write(struct sparse *s, uint64_t offset, struct extent *e)
{
	struct disk *through;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	through = s->through;
	if (s->dead)
		r = -EIO;
	else if (!through)
		r = map_write_locked(s, offset, e);
	pthread_mutex_unlock(&s->lock);
	return r == 0 && through ? through->ops->map_write(through, offset, e) : r;
}

static bool block_bits_full(const struct sparse *s, uint64_t block)
{
	uint64_t sector = block * (s->block_bytes / s->sector), end = sector + s->block_bytes / s->sector;

	for (; sector < end; sector++) {
		uint64_t page = sector / s->page_sectors;

		if (page >= s->bitmap_pages)
			break;
		if (!s->bitmaps[page] || !sparse_bit(s, s->bitmaps[page], sector))
			return false;
	}
	return true;
}

/* A write that ended at the end of its block may have been its last missing piece. */
static void try_make_full(struct sparse *s, uint64_t block)
{
	uint64_t page = s->format->table_page(s, block);

	if (sparse_state_of(s->table[block]) != SPARSE_PARTIAL || (!s->table_dirty[page] && !sparse_has_room(s, 1)))
		return;
	if (!block_bits_full(s, block))
		return;
	s->table[block] = sparse_offset_of(s->table[block]) | SPARSE_FULL;
	sparse_mark_table(s, page);
}

static void bits_written(struct sparse *s, uint64_t offset, const struct extent *e, int result)
{
	struct sparse_bitmap *b = e->cookie;
	uint64_t sectors = e->bytes / s->sector;	/* a short transfer counts by whole sectors */

	b->pins--;
	if (result < 0 || sectors == 0)
		return;
	bits_change(s, b, offset / s->sector, sectors, true);
	if ((offset + e->bytes) % s->block_bytes == 0)
		try_make_full(s, offset / s->block_bytes);
}

void sparse_release(struct sparse *s, uint64_t offset, const struct extent *e, int result)
{
	pthread_mutex_lock(&s->lock);
	if (e->cookie)
		bits_written(s, offset, e, result);
	if (e->writes) {
		sparse_watch_mark(s, offset, e->bytes);
		if (--s->writing == 0)
			pthread_cond_broadcast(&s->changed);
	}
	epoch_leave(s, e);
	pthread_mutex_unlock(&s->lock);
}

/* --- free places --- */

int sparse_list_add(struct sparse_list *list, uint64_t slot, unsigned int epoch)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		struct sparse_freed *at = realloc(list->at, capacity * sizeof(*at));

		if (!at)
			return -ENOMEM;
		list->at = at;
		list->capacity = capacity;
	}
	list->at[list->count++] = (struct sparse_freed) { slot, epoch };
	return 0;
}

/* Without memory the place is lost until the disk is compacted. */
void sparse_free_slot(struct sparse *s, uint64_t slot)
{
	sparse_list_add(&s->freed, slot, 0);
}

/* --- beginning and end --- */

uint64_t sparse_blocks(uint64_t size_bytes, uint32_t block_bytes)
{
	return (size_bytes + block_bytes - 1) / block_bytes;
}

static uint64_t bitmap_pages_for(const struct sparse *s, uint64_t size_bytes)
{
	uint64_t span = s->page_sectors * s->sector;

	return span ? (size_bytes + span - 1) / span : 0;
}

int sparse_init(struct sparse *s, uint64_t size_bytes, uint64_t table_pages)
{
	uint64_t sectors = s->block_bytes / s->sector;

	s->blocks = sparse_blocks(size_bytes, s->block_bytes);
	s->bitmap_pages = bitmap_pages_for(s, size_bytes);
	s->dirty_need = s->page_sectors ? 2 + (unsigned int)(sectors / s->page_sectors) + 1 : 1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->commit_lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	/* Large and mostly zero: memory is used only where something is stored. */
	s->table = calloc(s->blocks, sizeof(s->table[0]));
	s->table_dirty = calloc(table_pages, 1);
	s->bitmaps = calloc(s->bitmap_pages ? s->bitmap_pages : 1, sizeof(s->bitmaps[0]));
	s->dirty = calloc(s->dirty_max, sizeof(s->dirty[0]));
	if (!s->table || !s->table_dirty || !s->bitmaps || !s->dirty)
		return -ENOMEM;
	return 0;
}

void sparse_fini(struct sparse *s)
{
	for (uint64_t i = 0; s->bitmaps && i < s->bitmap_pages; i++)
		free(s->bitmaps[i]);
	free(s->bitmaps);
	free(s->table);
	free(s->table_dirty);
	free(s->dirty);
	free(s->free.at);
	free(s->freed.at);
	free(s->draining.at);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->commit_lock);
	pthread_cond_destroy(&s->changed);
}

/* A zeroed copy of `from` with room for `count` elements, keeping the first `keep`. */
static void *array_resized(const void *from, uint64_t keep, uint64_t count, size_t element)
{
	void *to = calloc(count ? count : 1, element);

	if (to)
		memcpy(to, from, (keep < count ? keep : count) * element);
	return to;
}

int sparse_set_size(struct sparse *s, uint64_t size_bytes, uint64_t table_pages)
{
	uint64_t blocks = sparse_blocks(size_bytes, s->block_bytes), pages = bitmap_pages_for(s, size_bytes);
	void *table = array_resized(s->table, s->blocks, blocks, sizeof(s->table[0]));
	void *bitmaps = array_resized(s->bitmaps, s->bitmap_pages, pages, sizeof(s->bitmaps[0]));
	void *table_dirty = calloc(table_pages, 1);

	if (!table || !bitmaps || !table_dirty) {
		free(table);
		free(bitmaps);
		free(table_dirty);
		return -ENOMEM;
	}
	for (uint64_t i = pages; i < s->bitmap_pages; i++)
		free(s->bitmaps[i]);
	free(s->table);
	free(s->bitmaps);
	free(s->table_dirty);
	s->table = table;
	s->bitmaps = bitmaps;
	s->table_dirty = table_dirty;
	s->blocks = blocks;
	s->bitmap_pages = pages;
	return 0;
}
