/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing the size of a VHDX while it is in use: the size is metadata and goes through the log. A BAT that its region is too
 * small for moves to the end of the file, in the same log entry as the region tables that name it.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/image.h"
#include "storage/vhdx/vhdx.h"

struct change {
	struct vhdx *v;
	uint64_t size_bytes;
	struct vhdx_region bat;		/* where the BAT shall be */
	struct sparse_page *pages;	/* of the log entry */
	unsigned int count;
};

static int check_size(const struct disk *d, uint64_t size_bytes)
{
	if (size_bytes > VHDX_SIZE_MAX)
		return disk_fail(-EFBIG, "size %llu is above %llu (64 TiB)", (unsigned long long)size_bytes, VHDX_SIZE_MAX);
	if (d->parent && size_bytes > d->size_bytes && d->parent->size_bytes > d->size_bytes)
		return disk_fail(-ENOTSUP, "the parent is larger than the disk: what of it would appear is not the disk's");
	return 0;
}

/* Blocks that would be lost must be empty already. */
static int check_shrinking(const struct vhdx *v, uint64_t size_bytes)
{
	const struct sparse *s = &v->sparse;

	for (uint64_t block = sparse_blocks(size_bytes, s->block_bytes); block < s->blocks; block++)
		if (sparse_has_place(s->table[block]))
			return disk_fail(-EBUSY, "size %llu: the disk has data at %llu", (unsigned long long)size_bytes,
					 (unsigned long long)(block * s->block_bytes));
	return 0;
}

/* What lies behind the old end in its last block must not appear. */
static int clear_tail(struct vhdx *v, uint64_t old_size)
{
	uint64_t in = old_size % v->sparse.block_bytes, entry = v->sparse.table[v->sparse.blocks - 1];

	if (in == 0 || !sparse_has_place(entry))
		return 0;
	return image_punch(v->fd, sparse_offset_of(entry) + in, v->sparse.block_bytes - in);
}

static struct sparse_page *add_page(struct change *c, uint64_t offset)
{
	struct sparse_page *page = &c->pages[c->count++];

	memset(page, 0, sizeof(*page));
	page->file_offset = offset / VHDX_LOG_SECTOR * VHDX_LOG_SECTOR;
	page->bytes = VHDX_LOG_SECTOR;
	return page;
}

static int add_size_page(struct change *c)
{
	struct sparse_page *page = add_page(c, c->v->size_at);
	uint64_t size = htole64(c->size_bytes), in = c->v->size_at % VHDX_LOG_SECTOR;
	int r = image_read(c->v->fd, page->file_offset, page->data, VHDX_LOG_SECTOR);

	if (r == 0 && in > VHDX_LOG_SECTOR - sizeof(size))
		return disk_fail(-ENOTSUP, "metadata: the disk size lies across a page and cannot be changed in one piece");
	if (r == 0)
		memcpy(page->data + in, &size, sizeof(size));
	return r;
}

/* Only the first page of a region table changes: the entry and the checksum. */
static int add_region_pages(struct change *c)
{
	static const struct vhdx_guid bat = VHDX_REGION_BAT;
	struct vhdx_region_table *t = malloc(sizeof(*t));
	int r = t ? image_read(c->v->fd, VHDX_REGION_TABLE_1, t, sizeof(*t)) : -ENOMEM;

	if (r == 0 && le32toh(t->checksum) != vhdx_region_checksum(t))
		r = disk_fail(-EILSEQ, "region table at 192 KiB: damaged; repair the disk before resizing it");
	for (uint32_t i = 0; r == 0 && i < le32toh(t->count); i++) {
		if (!vhdx_guid_equal(&t->entry[i].guid, &bat))
			continue;
		if (i >= VHDX_LOG_SECTOR / sizeof(t->entry[0]) - 1)
			r = disk_fail(-ENOTSUP, "region table: the BAT is entry %u", i);
		t->entry[i].offset = htole64(c->bat.offset);
		t->entry[i].length = htole32(c->bat.length);
	}
	if (r == 0) {
		t->checksum = htole32(vhdx_region_checksum(t));
		memcpy(add_page(c, VHDX_REGION_TABLE_1)->data, t, VHDX_LOG_SECTOR);
		memcpy(add_page(c, VHDX_REGION_TABLE_1 + VHDX_REGION_TABLE_SIZE)->data, t, VHDX_LOG_SECTOR);
	}
	free(t);
	return r;
}

/* The entries as they are, at the new place; durable before anything names it. */
static int copy_bat(struct change *c)
{
	struct vhdx_region old = c->v->bat;
	struct sparse_page *page = sparse_pages_new(1);
	int r = page ? 0 : -ENOMEM;

	c->v->bat = c->bat;		/* for table_encode() */
	for (uint64_t i = 0; r == 0 && i < old.length / VHDX_LOG_SECTOR; i++) {
		vhdx_sparse_format.table_encode(&c->v->sparse, i, page);
		if (!memcmp(page->data, page->data + 8, VHDX_LOG_SECTOR - 8) && !memcmp(page->data, &(uint64_t) { 0 }, 8))
			continue;	/* zeros, as is the new end of the file */
		r = image_write(c->v->fd, page->file_offset, page->data, VHDX_LOG_SECTOR);
	}
	c->v->bat = old;
	free(page);
	return r ? r : image_sync(c->v->fd);
}

static int move_bat(struct change *c, uint64_t need)
{
	uint64_t bytes = (need * sizeof(uint64_t) + MIB - 1) / MIB * MIB;
	int r = sparse_extend(&c->v->sparse, bytes, &c->bat.offset);

	if (r < 0)
		return r;
	c->bat.length = (uint32_t)bytes;
	r = copy_bat(c);
	return r ? r : add_region_pages(c);
}

/* After the log entry: the arrays in memory for the new size. */
static int adopt(struct change *c)
{
	struct vhdx *v = c->v;
	uint64_t chunks = sparse_blocks(c->size_bytes, v->disk->block_bytes) / v->ratio + 1;
	uint64_t *bitmap_blocks = calloc(chunks, sizeof(bitmap_blocks[0]));
	int r;

	if (!bitmap_blocks)
		return -ENOMEM;
	v->bat = c->bat;
	r = sparse_set_size(&v->sparse, c->size_bytes, vhdx_table_pages(v));
	if (r < 0) {
		free(bitmap_blocks);
		return r;
	}
	memcpy(bitmap_blocks, v->bitmap_blocks, (chunks < v->chunks ? chunks : v->chunks) * sizeof(bitmap_blocks[0]));
	free(v->bitmap_blocks);
	v->bitmap_blocks = bitmap_blocks;
	v->chunks = chunks;
	return 0;
}

/* Under both locks, with no page dirty: reads and writes wait for a few flushes. */
static int change_size(struct change *c)
{
	struct vhdx *v = c->v;
	uint64_t need = vhdx_bat_entries(v, c->size_bytes), old_size = v->disk->size_bytes;
	int r = c->size_bytes < old_size ? check_shrinking(v, c->size_bytes) : clear_tail(v, old_size);

	c->bat = v->bat;
	if (r == 0 && need * sizeof(uint64_t) > v->bat.length)
		r = move_bat(c, need);
	if (r == 0)
		r = add_size_page(c);
	if (r == 0)
		r = image_sync(v->fd);		/* the pages of the last log entry are in place */
	if (r == 0)
		r = vhdx_log_write(v, c->pages, c->count);
	return r ? r : adopt(c);
}

/* Commits until there is nothing left that the new arrays would have to carry over. */
static int with_clean_table(struct change *c)
{
	struct sparse *s = &c->v->sparse;
	int r;

	for (;;) {
		r = sparse_commit(s);
		if (r < 0)
			return r;
		pthread_mutex_lock(&s->commit_lock);
		pthread_mutex_lock(&s->lock);
		if (s->dirty_count == 0)
			break;
		pthread_mutex_unlock(&s->lock);
		pthread_mutex_unlock(&s->commit_lock);
	}
	r = change_size(c);
	if (r == 0)
		__atomic_store_n(&c->v->disk->size_bytes, c->size_bytes, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->commit_lock);
	return r;
}

int vhdx_resize(struct disk *d, uint64_t size_bytes)
{
	struct change c = { .v = d->state, .size_bytes = size_bytes };
	int r = check_size(d, size_bytes);

	if (r < 0 || size_bytes == d->size_bytes)
		return r;
	r = sparse_prepare(&c.v->sparse, 0, true);
	if (r < 0)
		return r;
	c.pages = sparse_pages_new(3);
	r = c.pages ? with_clean_table(&c) : -ENOMEM;
	free(c.pages);
	return r;
}
