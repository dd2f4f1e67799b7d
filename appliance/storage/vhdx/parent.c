/* SPDX-License-Identifier: Apache-2.0 */
/* Giving a differencing VHDX another parent: a new locator, and the table entry that says where it is, in one log entry. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/image.h"
#include "storage/vhdx/vhdx.h"

#define LOCATOR_ROOM	(16u << 10)
#define PAGES_MAX	(LOCATOR_ROOM / VHDX_LOG_SECTOR + 3)

/* Behind all other items; the old locator may be overwritten, both change in one piece. */
static uint32_t items_end(const struct vhdx_metadata_table *t)
{
	static const struct vhdx_guid locator = VHDX_ITEM_LOCATOR;
	uint32_t end = VHDX_METADATA_TABLE;

	for (unsigned int i = 0; i < le16toh(t->count); i++) {
		uint32_t item_end = le32toh(t->entry[i].offset) + le32toh(t->entry[i].length);

		if (!vhdx_guid_equal(&t->entry[i].guid, &locator) && item_end > end)
			end = item_end;
	}
	return end;
}

/* The pages around [at, at + bytes) of the region, as they will be. */
static int add_pages(struct vhdx *v, uint32_t at, const void *data, uint32_t bytes, struct sparse_page *pages, unsigned int *count)
{
	int r = 0;

	while (r == 0 && bytes) {
		uint32_t in = at % VHDX_LOG_SECTOR, n = VHDX_LOG_SECTOR - in < bytes ? VHDX_LOG_SECTOR - in : bytes;
		struct sparse_page *page = &pages[(*count)++];

		page->file_offset = v->metadata.offset + at - in;
		page->bytes = VHDX_LOG_SECTOR;
		r = image_read(v->fd, page->file_offset, page->data, VHDX_LOG_SECTOR);
		memcpy(page->data + in, data, n);
		data = (const uint8_t *)data + n;
		at += n;
		bytes -= n;
	}
	return r;
}

static int make_pages(struct vhdx *v, const struct disk_parent *parent, struct vhdx_metadata_table *t, struct sparse_page *pages,
		      unsigned int *count)
{
	static const struct vhdx_guid locator_guid = VHDX_ITEM_LOCATOR;
	uint8_t locator[LOCATOR_ROOM] = { 0 };
	uint32_t bytes = (uint32_t)vhdx_build_locator(parent, locator, sizeof(locator)), at;
	int r = vhdx_read(v, v->metadata.offset, t, sizeof(*t));

	if (bytes == 0)
		return disk_fail(-EINVAL, "the parent's path is no UTF-8, or too long");
	at = items_end(t);
	if (at > v->metadata.length || bytes > v->metadata.length - at)
		return disk_fail(-ENOSPC, "metadata region: no room for a parent locator of %u bytes", bytes);
	if (r == 0)
		r = add_pages(v, at, locator, bytes, pages, count);
	for (unsigned int i = 0; r == 0 && i < le16toh(t->count); i++) {
		if (!vhdx_guid_equal(&t->entry[i].guid, &locator_guid))
			continue;
		t->entry[i].offset = htole32(at);
		t->entry[i].length = htole32(bytes);
		r = add_pages(v, (uint32_t)((const uint8_t *)&t->entry[i] - (const uint8_t *)t), &t->entry[i], sizeof(t->entry[i]),
			      pages, count);
	}
	return r;
}

static int write_pages(struct vhdx *v, const struct sparse_page *pages, unsigned int count)
{
	int r;

	v->keep_data_guid = true;
	r = vhdx_begin(v);
	if (r == 0)
		r = vhdx_log_write(v, pages, count);
	return r ? r : vhdx_log_empty(v);
}

int vhdx_set_parent(int fd, const struct disk_parent *parent)
{
	struct disk d = { .fd = fd };
	struct sparse_page *pages = sparse_pages_new(PAGES_MAX);
	struct vhdx_metadata_table *t = malloc(sizeof(*t));
	struct vhdx *v = NULL;
	unsigned int count = 0;
	int r = pages && t ? vhdx_parse(&d, &v) : -ENOMEM;

	if (r == 0 && d.kind != DISK_DIFFERENCING)
		r = disk_fail(-EINVAL, "the disk is not differencing: it has no parent");
	if (r == 0)
		r = make_pages(v, parent, t, pages, &count);
	if (r == 0)
		r = write_pages(v, pages, count);
	vhdx_free(v);
	free(t);
	free(pages);
	return r;
}
