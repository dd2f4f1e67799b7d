/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at where a disk's data is, and copying what is there: disk_map() and disk_copy() of manage.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/formats.h"
#include "storage/manage.h"
#include "storage/merge.h"

#define COPY_BYTES	(1u << 20)
#define ZERO_UNIT	(64u << 10)	/* zeros are left out in pieces of this size */

static int depth_of(const struct disk *d, const struct disk *where)
{
	int depth = 0;

	for (; where && d; d = d->parent, depth++)
		if (d == where)
			return depth;
	return -1;
}

/* A raw file has no table: the file system knows its holes. */
static void clip_to_hole(const struct disk *where, struct disk_range *range)
{
	off_t at = (off_t)range->file_offset, data = lseek(where->fd, at, SEEK_DATA), end;

	if (data < 0 && errno == ENXIO)
		data = at + (off_t)range->bytes;	/* nothing but a hole up to the end of the file */
	if (data < at)
		return;
	end = data > at ? data : lseek(where->fd, at, SEEK_HOLE);
	if (data > at) {
		range->depth = -1;
		range->file_offset = 0;
	}
	if (end > at && (uint64_t)(end - at) < range->bytes && (end - at) % where->logical_sector == 0)
		range->bytes = (uint64_t)(end - at);
	else if (data > at && (uint64_t)(data - at) < range->bytes) {
		range->depth = 0;			/* the hole ends within a sector */
		range->file_offset = (uint64_t)at;
	}
}

static int map_one(struct disk *d, uint64_t offset, uint64_t end, struct disk_range *out)
{
	struct extent e = { .bytes = end - offset };
	int r = disk_map_waiting(d, offset, &e, false);

	if (r < 0)
		return r;
	*out = (struct disk_range) { offset, e.bytes, e.disk ? e.file_offset : 0, depth_of(d, e.disk) };
	if (e.disk && e.disk->ops == &raw_disk_ops)
		clip_to_hole(e.disk, out);
	if (e.disk && e.disk->ops->release)
		e.disk->ops->release(e.disk, offset, &e, 0);
	return 0;
}

int disk_map_within(struct disk *d, uint64_t offset, uint64_t end, struct disk_range *out)
{
	struct disk_range next;
	int r = offset < end ? map_one(d, offset, end, out) : -ERANGE;

	while (r == 0 && out->offset + out->bytes < end) {
		r = map_one(d, out->offset + out->bytes, end, &next);
		if (r < 0 || next.depth != out->depth || (next.depth >= 0 && next.file_offset != out->file_offset + out->bytes))
			break;
		out->bytes += next.bytes;
	}
	return r;
}

int disk_map(struct disk *d, uint64_t offset, struct disk_range *out)
{
	return disk_map_within(disk_target(d), offset, d->size_bytes, out);
}

static bool is_zero(const uint8_t *data, size_t bytes)
{
	return bytes == 0 || (data[0] == 0 && !memcmp(data, data + 1, bytes - 1));
}

static int write_what_is_not_zero(struct disk *to, uint64_t offset, const uint8_t *data, size_t bytes)
{
	int r = 0;

	for (size_t at = 0; r == 0 && at < bytes; at += ZERO_UNIT) {
		size_t n = bytes - at < ZERO_UNIT ? bytes - at : ZERO_UNIT;

		if (!is_zero(data + at, n))
			r = disk_write(to, offset + at, data + at, n);
	}
	return r;
}

static bool stopped(const struct disk_progress *p, uint64_t done, uint64_t total)
{
	return p && p->step && p->step(p->context, done, total);
}

static int copy_range(struct disk *from, struct disk *to, const struct disk_range *range, uint8_t *buffer,
		      const struct disk_progress *p)
{
	int r = 0;

	for (uint64_t done = 0; r == 0 && done < range->bytes; done += COPY_BYTES) {
		size_t n = range->bytes - done < COPY_BYTES ? range->bytes - done : COPY_BYTES;

		if (stopped(p, range->offset + done, from->size_bytes))
			return -ECANCELED;
		r = disk_read(from, range->offset + done, buffer, n);
		if (r == 0)
			r = write_what_is_not_zero(to, range->offset + done, buffer, n);
	}
	return r;
}

int disk_copy(struct disk *from, struct disk *to, const struct disk_progress *p)
{
	struct disk_range range = { 0 };
	uint8_t *buffer = aligned_alloc(4096, COPY_BYTES);
	int r = buffer ? 0 : -ENOMEM;

	disk_fail_clear();
	if (r == 0 && from->size_bytes > to->size_bytes)
		r = disk_fail(-ERANGE, "the new disk has %llu bytes, the old one %llu", (unsigned long long)to->size_bytes,
			      (unsigned long long)from->size_bytes);
	for (uint64_t offset = 0; r == 0 && offset < from->size_bytes; offset += range.bytes) {
		r = disk_map(from, offset, &range);
		if (r == 0 && range.depth >= 0)
			r = copy_range(from, to, &range, buffer, p);
	}
	free(buffer);
	return r ? r : disk_flush(to);
}
