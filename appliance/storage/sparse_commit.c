/* SPDX-License-Identifier: Apache-2.0 */
/* The half of sparse.h that waits: commits, loading of bitmaps, zeroing and freeing of blocks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/image.h"
#include "storage/sparse.h"

bool sparse_is_clean(struct sparse *s)
{
	bool clean;

	pthread_mutex_lock(&s->lock);
	clean = s->dirty_count == 0 && s->freed.count == 0 && !s->committing && !s->through;
	pthread_mutex_unlock(&s->lock);
	return clean;
}

/* --- commits --- */

static void bitmap_encode(const struct sparse *s, uint64_t page, struct sparse_page *out)
{
	out->file_offset = s->format->bitmap_offset(s, page);
	out->bytes = s->page_bytes;
	memcpy(out->data, s->bitmaps[page]->bits, s->page_bytes);
}

struct sparse_page *sparse_pages_new(unsigned int count)
{
	return aligned_alloc(SPARSE_PAGE_MAX, count * sizeof(struct sparse_page));
}

static uint64_t block_of_page(const struct sparse *s, uint64_t page)
{
	return page * s->page_sectors * s->sector / s->block_bytes;
}

/* False: the page is not to be written, its block has been freed. */
static bool snapshot_one(struct sparse *s, const struct sparse_dirty *d, struct sparse_page *out)
{
	if (!d->is_bitmap) {
		s->format->table_encode(s, d->page, out);
		s->table_dirty[d->page] = 0;
		return true;
	}
	s->bitmaps[d->page]->dirty = false;
	if (s->bitmaps[d->page]->pins)
		sparse_mark_bitmap(s, d->page);
	if (!s->format->bitmap_exists(s, block_of_page(s, d->page)))
		return false;
	bitmap_encode(s, d->page, out);
	return true;
}

struct snapshot {
	struct sparse_dirty *which;
	struct sparse_page *pages;
	unsigned int which_count, page_count;
};

/* Copies the dirty pages and calls them clean, but for the pinned ones. Under lock. */
static void snapshot(struct sparse *s, struct snapshot *shot)
{
	shot->which_count = s->dirty_count;
	shot->page_count = 0;
	memcpy(shot->which, s->dirty, s->dirty_count * sizeof(s->dirty[0]));
	s->dirty_count = 0;
	for (unsigned int i = 0; i < shot->which_count; i++)
		if (snapshot_one(s, &shot->which[i], &shot->pages[shot->page_count]))
			shot->page_count++;
}

static void mark_again(struct sparse *s, const struct snapshot *shot)
{
	for (unsigned int i = 0; i < shot->which_count; i++)
		if (shot->which[i].is_bitmap)
			sparse_mark_bitmap(s, shot->which[i].page);
		else
			sparse_mark_table(s, shot->which[i].page);
}

static void take_freed(struct sparse *s, struct sparse_list *freed)
{
	*freed = s->freed;
	s->freed = (struct sparse_list) { 0 };
}

static void freed_move(struct sparse_list *from, struct sparse_list *to, unsigned int epoch)
{
	for (size_t i = 0; i < from->count; i++)
		sparse_list_add(to, from->at[i].slot, epoch);
	free(from->at);
}

/* Lets the epoch go on as far as nobody holds it back, and takes what was freed two epochs ago or before. */
static void take_drained(struct sparse *s, struct sparse_list *drained)
{
	struct sparse_list all;

	for (int i = 0; i < 2; i++)
		if (s->active[(s->epoch + 1) & 1] == 0)
			s->epoch++;
	all = s->draining;
	s->draining = (struct sparse_list) { 0 };
	for (size_t i = 0; i < all.count; i++)
		sparse_list_add(s->epoch - all.at[i].epoch >= 2 ? drained : &s->draining, all.at[i].slot, all.at[i].epoch);
	free(all.at);
}

/* Gives the space of freed blocks back once nobody can be using it, and keeps their places for new blocks. */
void sparse_drain(struct sparse *s)
{
	struct sparse_list drained = { 0 };

	pthread_mutex_lock(&s->lock);
	take_drained(s, &drained);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < drained.count; i++) {
		uint64_t slot = drained.at[i].slot;

		if (image_punch(s->disk->fd, slot, s->slot_bytes) < 0)
			continue;	/* lost until the disk is compacted */
		pthread_mutex_lock(&s->lock);
		sparse_list_add(&s->free, slot, 0);
		pthread_mutex_unlock(&s->lock);
	}
	free(drained.at);
}

static int commit_snapshot(struct sparse *s, struct snapshot *shot)
{
	struct sparse_list freed;
	int r;

	pthread_mutex_lock(&s->lock);
	snapshot(s, shot);
	take_freed(s, &freed);
	s->committing = true;
	pthread_mutex_unlock(&s->lock);
	r = image_sync(s->disk->fd);
	if (r == 0 && shot->page_count)
		r = s->format->write_pages(s, shot->pages, shot->page_count);
	pthread_mutex_lock(&s->lock);
	s->committing = false;
	if (r < 0)
		mark_again(s, shot);
	freed_move(&freed, r < 0 ? &s->freed : &s->draining, s->epoch);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int commit_locked(struct sparse *s)
{
	struct snapshot shot = {
		.pages = sparse_pages_new(s->dirty_max), .which = calloc(s->dirty_max, sizeof(shot.which[0])),
	};
	int r = shot.pages && shot.which ? commit_snapshot(s, &shot) : -ENOMEM;

	free(shot.pages);
	free(shot.which);
	if (r == 0)
		sparse_drain(s);
	return r;
}

int sparse_commit(struct sparse *s)
{
	struct disk *through;
	int r = 0;

	pthread_mutex_lock(&s->commit_lock);
	through = s->through;		/* written under both locks */
	if (!through)
		r = commit_locked(s);
	pthread_mutex_unlock(&s->commit_lock);
	return through ? through->ops->commit(through) : r;
}

/* --- what a map lacked --- */

static int begin(struct sparse *s)
{
	int r = 0;

	pthread_mutex_lock(&s->commit_lock);
	if (!s->begun && !s->through)
		r = s->format->begin(s);
	pthread_mutex_lock(&s->lock);
	s->begun = r == 0 && !s->through;
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->commit_lock);
	return r;
}

/* Reads outside of the lock; who else loaded it meanwhile wins. */
static int bitmap_load(struct sparse *s, uint64_t page, uint64_t file_offset)
{
	struct sparse_bitmap *b = calloc(1, sizeof(*b) + s->page_bytes);
	int r = b ? s->format->bitmap_read(s, file_offset, b->bits, s->page_bytes) : -ENOMEM;

	pthread_mutex_lock(&s->lock);
	if (r == 0 && page < s->bitmap_pages && !s->bitmaps[page]) {
		s->bitmaps[page] = b;
		b = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	free(b);
	return r;
}

static int bitmaps_load(struct sparse *s, uint64_t offset)
{
	uint64_t block = offset / s->block_bytes, span = s->page_sectors * s->sector;
	uint64_t page = block * s->block_bytes / span, last = ((block + 1) * s->block_bytes - 1) / span;
	int r = 0;

	for (; r == 0 && page <= last; page++) {
		bool missing;
		uint64_t at = 0;

		pthread_mutex_lock(&s->lock);
		missing = page < s->bitmap_pages && !s->bitmaps[page] && s->format->bitmap_exists(s, block);
		if (missing)
			at = s->format->bitmap_offset(s, page);
		pthread_mutex_unlock(&s->lock);
		if (missing)
			r = bitmap_load(s, page, at);
	}
	return r;
}

static bool needs_commit(struct sparse *s)
{
	bool full;

	pthread_mutex_lock(&s->lock);
	full = !sparse_has_room(s, s->dirty_need);
	pthread_mutex_unlock(&s->lock);
	return full;
}

static int prepare_here(struct sparse *s, uint64_t offset, bool write)
{
	int r = 0;

	if (write) {
		sparse_watch_wait(s, offset);
		r = begin(s);
	}
	if (r == 0 && sparse_is_differencing(s))
		r = bitmaps_load(s, offset);
	if (r == 0 && write && needs_commit(s))
		r = sparse_commit(s);
	if (r == 0 && !write && s->disk->parent && s->disk->parent->ops->prepare)
		r = s->disk->parent->ops->prepare(s->disk->parent, offset, false);
	return r;
}

/* What fails while the disk's data moves to its parent fails for that: the map that follows goes there. */
int sparse_prepare(struct sparse *s, uint64_t offset, bool write)
{
	struct disk *through = sparse_through(s);
	int r;

	if (through)
		return through->ops->prepare ? through->ops->prepare(through, offset, write) : 0;
	r = prepare_here(s, offset, write);
	return r < 0 && sparse_through(s) ? 0 : r;
}

/* --- zeroing --- */

static bool reads_zero(const struct sparse *s, uint64_t entry)
{
	return !sparse_has_place(entry) && !(sparse_is_differencing(s) && sparse_state_of(entry) == SPARSE_ABSENT);
}

/* The table forgets the block. -EAGAIN: room for a dirty page is needed. */
static int block_forget(struct sparse *s, uint64_t block, bool unmap)
{
	uint64_t entry = s->table[block];

	if (reads_zero(s, entry))
		return 0;
	if (!s->begun || !sparse_has_room(s, 1) || !sparse_watch_admits(s, block * s->block_bytes))
		return -EAGAIN;
	sparse_watch_mark(s, block * s->block_bytes, s->block_bytes);
	if (sparse_has_place(entry))
		sparse_free_slot(s, sparse_offset_of(entry) - s->slot_head);
	s->table[block] = unmap ? SPARSE_UNMAPPED : SPARSE_ZERO;
	sparse_mark_table(s, s->format->table_page(s, block));
	return 0;
}

static int zero_block(struct sparse *s, uint64_t block, bool unmap)
{
	int r;

	do {
		pthread_mutex_lock(&s->lock);
		r = s->dead ? -EIO : s->through ? -ESTALE : block < s->blocks ? block_forget(s, block, unmap) : -ERANGE;
		pthread_mutex_unlock(&s->lock);
		if (r == -EAGAIN) {
			r = sparse_prepare(s, block * s->block_bytes, true);
			r = r ? r : -EAGAIN;
		}
	} while (r == -EAGAIN);
	return r;
}

/* Zeros in the file, as if they were written. */
static int zero_in_file(struct sparse *s, uint64_t offset, uint64_t bytes)
{
	while (bytes) {
		struct extent e = { .bytes = bytes };
		int r = sparse_map_write(s, offset, &e);

		if (r == -EAGAIN)
			r = sparse_prepare(s, offset, true);
		else if (r == 0) {
			r = (e.disk->kind == DISK_FIXED ? image_zero : image_punch)(e.disk->fd, e.file_offset, e.bytes);
			if (e.disk->ops->release)
				e.disk->ops->release(e.disk, offset, &e, r);
			offset += e.bytes;
			bytes -= e.bytes;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int zero_part(struct sparse *s, uint64_t offset, uint64_t bytes, bool unmap)
{
	uint64_t block = offset / s->block_bytes, entry;

	struct disk *through;

	pthread_mutex_lock(&s->lock);
	through = s->through;
	entry = block < s->blocks ? s->table[block] : 0;
	pthread_mutex_unlock(&s->lock);
	if (through)
		return -ESTALE;
	if (reads_zero(s, entry))
		return 0;
	if (unmap && sparse_state_of(entry) != SPARSE_FULL)
		return 0;	/* the parent's sectors stay: covering them would cost more than unmapping gains */
	return zero_in_file(s, offset, bytes);
}

/* A fixed disk keeps its blocks. */
static bool blocks_can_go(const struct sparse *s)
{
	return s->disk->kind != DISK_FIXED && !(s->format->no_zero_state && sparse_is_differencing(s));
}

int sparse_zero(struct sparse *s, uint64_t offset, uint64_t bytes, bool unmap)
{
	uint64_t size = s->disk->size_bytes;
	int r = 0;

	while (r == 0 && bytes) {
		uint64_t in = offset % s->block_bytes, n = s->block_bytes - in;
		bool whole;

		if (n > bytes)
			n = bytes;
		whole = in == 0 && (n == s->block_bytes || offset + n == size) && blocks_can_go(s);
		r = whole ? zero_block(s, offset / s->block_bytes, unmap) : zero_part(s, offset, n, unmap);
		if (r == -ESTALE)
			return s->through->ops->zero(s->through, offset, bytes, unmap);
		offset += n;
		bytes -= n;
	}
	return r;
}
