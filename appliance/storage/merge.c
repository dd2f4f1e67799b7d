/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging a differencing disk into its parent. All the while the child lies over the parent and hides what is written
 * there, so that it can be stopped, or lose its power, and begin again; the parent's GUID stays until the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/formats.h"
#include "storage/manage.h"
#include "storage/merge.h"

int disk_open_for_merge(const struct disk_source *chain, size_t count, struct disk **child, struct disk **parent)
{
	int r;

	if (count < 2)
		return disk_fail(-ENOLINK, "merging needs the disk and its parents");
	r = disk_open_chain(chain + 1, count - 1, false, parent);
	if (r < 0)
		return r;
	disk_keep_data_guid(*parent);
	*child = NULL;
	r = disk_open_over(&chain[0], *parent, true, child);
	if (r < 0)
		disk_end(*parent);
	return r;
}

/* In pieces, because a flush between them keeps the metadata small and the progress honest. */
static int merge_data(struct disk *child, struct disk *parent, const struct disk_range *range, uint8_t *buffer,
		      const struct disk_progress *p)
{
	int r = 0;

	for (uint64_t done = 0; r == 0 && done < range->bytes; done += MERGE_BYTES) {
		size_t n = range->bytes - done < MERGE_BYTES ? range->bytes - done : MERGE_BYTES;

		if (p && p->step && p->step(p->context, range->offset + done, child->size_bytes))
			return -ECANCELED;
		r = disk_read(child, range->offset + done, buffer, n);
		if (r == 0)
			r = disk_write(parent, range->offset + done, buffer, n);
	}
	return r;
}

int merge_span(struct disk *child, struct disk *parent, uint64_t offset, uint64_t end, uint8_t *buffer, const struct disk_progress *p)
{
	struct disk_range range = { 0 };
	int r = 0;

	for (; r == 0 && offset < end; offset += range.bytes) {
		r = disk_map_within(child, offset, end, &range);
		if (r == 0 && range.depth == 0)
			r = merge_data(child, parent, &range, buffer, p);
		else if (r == 0 && range.depth < 0)
			r = disk_zero(parent, range.offset, range.bytes, false);
	}
	return r;
}

int disk_merge(struct disk *child, struct disk *parent, const struct disk_progress *p)
{
	uint8_t *buffer = aligned_alloc(4096, MERGE_BYTES);
	int r = buffer ? 0 : -ENOMEM;

	disk_fail_clear();
	if (r == 0 && child->parent != parent)
		r = disk_fail(-EINVAL, "that is not the disk's parent");
	if (r == 0 && parent->size_bytes < child->size_bytes)
		r = disk_resize(parent, child->size_bytes);
	if (r == 0)
		r = merge_span(child, parent, 0, child->size_bytes, buffer, p);
	free(buffer);
	return r ? r : disk_flush(parent);
}

int disk_merge_end(struct disk *child, struct disk *parent, bool done)
{
	int r = 0;

	child->parent = NULL;
	disk_close(child);
	if (done)
		r = disk_renew_data_guid(parent);
	if (r < 0) {
		disk_close(parent);
		return r;
	}
	return disk_close(parent);
}
