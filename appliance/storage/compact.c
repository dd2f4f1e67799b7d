/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compacting: blocks of zeros are forgotten, then the last blocks of the file move into its gaps, a few at a time: copied,
 * committed, and only then is the old place free. The file ends behind the last block that is left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/image.h"
#include "storage/manage.h"
#include "storage/sparse.h"

#define COPY_BYTES	(1u << 20)

struct work {
	struct sparse *s;
	const struct disk_progress *progress;
	uint64_t done, total;
	uint8_t *buffer;
};

static bool stopped(struct work *w)
{
	const struct disk_progress *p = w->progress;

	w->done++;
	return p && p->step && p->step(p->context, w->done, w->total);
}

/* --- zeros --- */

static int block_is_zero(struct work *w, uint64_t place, bool *zero)
{
	int r = 0;

	*zero = true;
	for (uint64_t at = 0; r == 0 && *zero && at < w->s->block_bytes; at += COPY_BYTES) {
		size_t n = w->s->block_bytes - at < COPY_BYTES ? w->s->block_bytes - at : COPY_BYTES;

		r = image_read(w->s->disk->fd, place + at, w->buffer, n);
		*zero = r == 0 && w->buffer[0] == 0 && !memcmp(w->buffer, w->buffer + 1, n - 1);
	}
	return r;
}

static int forget_zeros(struct work *w)
{
	struct sparse *s = w->s;
	int r = 0;

	for (uint64_t block = 0; r == 0 && block < s->blocks; block++) {
		uint64_t entry = s->table[block], offset = block * s->block_bytes;
		uint64_t left = s->disk->size_bytes - offset;
		bool zero = false;

		if (sparse_state_of(entry) != SPARSE_FULL)
			continue;
		if (stopped(w))
			return -ECANCELED;
		r = block_is_zero(w, sparse_offset_of(entry), &zero);
		if (r == 0 && zero)
			r = sparse_zero(s, offset, left < s->block_bytes ? left : s->block_bytes, true);
	}
	return r ? r : sparse_commit(s);
}

/* --- moving --- */

struct placed { uint64_t block, slot; };

static int by_slot_descending(const void *a, const void *b)
{
	uint64_t x = ((const struct placed *)a)->slot, y = ((const struct placed *)b)->slot;

	return (x < y) - (x > y);
}

static int freed_descending(const void *a, const void *b)
{
	uint64_t x = ((const struct sparse_freed *)a)->slot, y = ((const struct sparse_freed *)b)->slot;

	return (x < y) - (x > y);
}

/* The blocks that have a place, the last in the file first. */
static struct placed *placed_blocks(const struct sparse *s, uint64_t *count)
{
	struct placed *p;

	*count = 0;
	for (uint64_t block = 0; block < s->blocks; block++)
		*count += sparse_has_place(s->table[block]);
	p = calloc(*count ? *count : 1, sizeof(*p));
	if (!p)
		return NULL;
	for (uint64_t block = 0, i = 0; block < s->blocks; block++)
		if (sparse_has_place(s->table[block]))
			p[i++] = (struct placed) { block, sparse_offset_of(s->table[block]) - s->slot_head };
	qsort(p, *count, sizeof(*p), by_slot_descending);
	return p;
}

static int copy_slot(struct work *w, uint64_t from, uint64_t to)
{
	int r = 0;

	for (uint64_t at = 0; r == 0 && at < w->s->slot_bytes; at += COPY_BYTES) {
		size_t n = w->s->slot_bytes - at < COPY_BYTES ? w->s->slot_bytes - at : COPY_BYTES;

		r = image_read(w->s->disk->fd, from + at, w->buffer, n);
		if (r == 0)
			r = image_write(w->s->disk->fd, to + at, w->buffer, n);
	}
	return r;
}

static void point_to(struct sparse *s, uint64_t block, uint64_t slot)
{
	pthread_mutex_lock(&s->lock);
	sparse_free_slot(s, sparse_offset_of(s->table[block]) - s->slot_head);
	s->table[block] = (slot + s->slot_head) | sparse_state_of(s->table[block]);
	sparse_mark_table(s, s->format->table_page(s, block));
	pthread_mutex_unlock(&s->lock);
}

static int move_blocks(struct work *w, const struct placed *placed, uint64_t count)
{
	struct sparse *s = w->s;
	int r = 0;

	if (s->free.count)	/* the lowest last: taken first */
		qsort(s->free.at, s->free.count, sizeof(s->free.at[0]), freed_descending);
	for (uint64_t i = 0; r == 0 && i < count && s->free.count; i++) {
		uint64_t slot = s->free.at[s->free.count - 1].slot;

		if (slot >= placed[i].slot)
			break;
		if (stopped(w))
			return -ECANCELED;
		s->free.count--;
		r = copy_slot(w, placed[i].slot, slot);
		if (r < 0)
			break;
		point_to(s, placed[i].block, slot);
		if (!sparse_has_room(s, s->dirty_need))
			r = sparse_commit(s);
	}
	return r ? r : sparse_commit(s);
}

/* --- the end of the file --- */

static int cut_file(struct sparse *s)
{
	uint64_t end = s->format->metadata_end(s);

	for (uint64_t block = 0; block < s->blocks; block++)
		if (sparse_has_place(s->table[block]) && sparse_offset_of(s->table[block]) + s->block_bytes > end)
			end = sparse_offset_of(s->table[block]) + s->block_bytes;
	if (end >= s->end)
		return 0;
	for (size_t i = s->free.count; i-- > 0; )
		if (s->free.at[i].slot + s->slot_bytes > end)
			s->free.at[i] = s->free.at[--s->free.count];
	s->end = end;
	return s->format->cut(s);
}

static int compact(struct work *w)
{
	struct placed *placed;
	uint64_t count;
	int r = sparse_prepare(w->s, 0, true);

	if (r == 0)
		r = forget_zeros(w);
	if (r == 0)
		r = sparse_commit(w->s);	/* the second one drains what the first one freed */
	if (r < 0)
		return r;
	placed = placed_blocks(w->s, &count);
	r = placed ? move_blocks(w, placed, count) : -ENOMEM;
	free(placed);
	return r ? r : cut_file(w->s);
}

int disk_compact(struct disk *d, const struct disk_progress *p)
{
	struct work w = { .progress = p };
	int r;

	disk_fail_clear();
	if (d->read_only)
		return -EROFS;
	w.s = d->ops->engine ? d->ops->engine(d) : NULL;
	if (!w.s || d->kind == DISK_FIXED)
		return disk_fail(-ENOTSUP, "a %s %s disk has nothing to compact", d->kind == DISK_FIXED ? "fixed" : "sparse", d->format);
	w.total = 2 * w.s->blocks;
	w.buffer = aligned_alloc(4096, COPY_BYTES);
	r = w.buffer ? compact(&w) : -ENOMEM;
	free(w.buffer);
	return r;
}
