/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format-neutral half of the disk library: finds the format by name, opens chains, checks every range, and does
 * synchronous I/O through the format's maps. Called by vmms (create, inspect, manage) and by vmwp's devices.
 */
#include "storage/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/image.h"
#include "storage/formats.h"
#include "storage/worker.h"

static const struct disk_ops *const formats[] = { &raw_disk_ops, &iso_disk_ops, &vhd_disk_ops, &vhdx_disk_ops };

const struct disk_ops *disk_format_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i]->format, name))
			return formats[i];
	disk_fail(0, "no disk format is called \"%.32s\"", name);
	return NULL;
}

/* --- opening --- */

/*
 * O_DIRECT where its alignment is a sector of 512 bytes; elsewhere through the page cache, because metadata is read and
 * written in such pieces while requests are on their way beside them.
 */
static void choose_direct(struct disk *d)
{
	d->shared->direct_align = image_direct_align(d->fd);
	if (d->shared->direct_align <= DISK_SECTOR)
		return;
	fcntl(d->fd, F_SETFL, fcntl(d->fd, F_GETFL) & ~O_DIRECT);
	d->shared->direct_align = 0;
}

static void disk_free(struct disk *d)
{
	if (!d)
		return;
	if (d->shared) {
		worker_destroy(d->shared->worker);
		pthread_mutex_destroy(&d->shared->merge_lock);
		pthread_cond_destroy(&d->shared->merge_ended);
	}
	free(d->shared);
	free(d);
}

static int shared_init(struct disk *d)
{
	pthread_mutex_init(&d->shared->merge_lock, NULL);
	pthread_cond_init(&d->shared->merge_ended, NULL);
	return worker_create(d, &d->shared->worker);
}

/* One image, without its parent. The descriptor stays the caller's. */
static int open_one(const struct disk_source *source, bool read_only, struct disk **out)
{
	const struct disk_ops *ops = disk_format_find(source->format);
	struct disk *d;
	int r;

	if (!ops)
		return -ENOTSUP;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct disk) {
		.ops = ops, .format = ops->format, .fd = source->fd, .read_only = read_only, .kind = DISK_FIXED,
		.logical_sector = DISK_SECTOR, .physical_sector = DISK_SECTOR, .shared = calloc(1, sizeof(*d->shared)),
	};
	r = d->shared ? shared_init(d) : -ENOMEM;
	if (r == 0)
		choose_direct(d);
	if (r == 0)
		r = ops->open(d);
	if (r < 0) {
		disk_free(d);
		return r;
	}
	*out = d;
	return 0;
}

static int end_one(struct disk *d)
{
	int r = d->ops->close ? d->ops->close(d) : 0;

	if (d->shared->replaced)
		end_one(d->shared->replaced);
	disk_free(d);
	return r;
}

int disk_end(struct disk *d)
{
	struct disk *parent;
	int result = 0;

	for (struct disk *i = d; i; i = i->parent)
		disk_stop_live_merge(i);
	for (; d; d = parent) {
		int r;

		parent = d->parent;
		r = end_one(d);
		result = result ? result : r;
	}
	return result;
}

static int check_different_files(const struct disk_source *chain, size_t count)
{
	struct stat a, b;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (fstat(chain[i].fd, &a) < 0 || fstat(chain[j].fd, &b) < 0)
				return -errno;
			else if (a.st_dev == b.st_dev && a.st_ino == b.st_ino && S_ISREG(a.st_mode))
				return disk_fail(-ELOOP, "images %zu and %zu of the chain are the same file", j, i);
	return 0;
}

static int link_parent(struct disk *d, struct disk *parent)
{
	int r;

	if (d->kind != DISK_DIFFERENCING && !parent)
		return 0;
	if (d->kind != DISK_DIFFERENCING)
		return disk_fail(-EINVAL, "the chain goes on below a disk that has no parent");
	if (!parent)
		return disk_fail(-ENOLINK, "the disk is differencing and its parent is missing");
	if (parent->logical_sector != d->logical_sector)
		return disk_fail(-EXDEV, "the parent has sectors of %u bytes, its child of %u", parent->logical_sector,
				 d->logical_sector);
	r = d->ops->link(d, parent);
	if (r == 0)
		d->parent = parent;
	return r;
}

int disk_open_over(const struct disk_source *source, struct disk *parent, bool read_only, struct disk **out)
{
	int r = open_one(source, read_only, out);

	if (r == 0)
		r = link_parent(*out, parent);
	if (r < 0 && *out) {
		disk_end(*out);
		*out = NULL;
	}
	return r;
}

int disk_open_chain(const struct disk_source *chain, size_t count, bool read_only, struct disk **out)
{
	struct disk *below = NULL, *d = NULL;
	int r;

	disk_fail_clear();
	if (count == 0 || count > DISK_CHAIN_MAX)
		return disk_fail(-EINVAL, "a chain of %zu images, the limit is %d", count, DISK_CHAIN_MAX);
	r = check_different_files(chain, count);
	for (size_t i = count; r == 0 && i-- > 0; ) {
		d = NULL;
		r = disk_open_over(&chain[i], below, read_only || i > 0, &d);
		if (r == 0)
			below = d;
	}
	if (r < 0) {
		disk_end(below);
		return r;
	}
	*out = below;
	return 0;
}

int disk_open(const char *format, int fd, bool read_only, struct disk **out)
{
	return disk_open_chain(&(struct disk_source) { format, fd }, 1, read_only, out);
}

int disk_close(struct disk *d)
{
	int fds[2 * DISK_CHAIN_MAX], r;
	size_t count = 0;

	if (!d)
		return 0;
	for (struct disk *i = d; i; i = i->parent)
		disk_stop_live_merge(i);	/* it may add a descriptor */
	for (struct disk *i = d; i; i = i->parent) {
		fds[count++] = i->fd;
		if (i->shared->replaced)
			fds[count++] = i->shared->replaced->fd;
	}
	r = disk_end(d);
	while (count)
		close(fds[--count]);
	return r;
}

int disk_parent_locator(const char *format, int fd, struct disk_parent *out)
{
	const struct disk_ops *ops = disk_format_find(format);

	disk_fail_clear();
	if (!ops)
		return -ENOTSUP;
	return ops->locator ? ops->locator(fd, out) : -ENOENT;
}

int disk_create(const char *format, int fd, uint64_t size_bytes)
{
	const struct disk_ops *ops = disk_format_find(format);

	disk_fail_clear();
	if (!ops || !ops->create)
		return -ENOTSUP;
	if (size_bytes == 0 || size_bytes % DISK_SECTOR)
		return disk_fail(-EINVAL, "size %llu is no multiple of 512 above 0", (unsigned long long)size_bytes);
	return ops->create(fd, size_bytes);
}

const char *disk_format_guess(int fd)
{
	static const struct { const char *format, *signature; bool at_end; } marks[] = {
		{ "vhdx", "vhdxfile", false }, { "vhd", "conectix", false }, { "vhd", "conectix", true },
	};
	int64_t size = image_size(fd);
	char begin[8] = "", end[8] = "";

	if (size < (int64_t)DISK_SECTOR || image_read(fd, 0, begin, sizeof(begin)) < 0 ||
	    image_read(fd, (uint64_t)size - DISK_SECTOR, end, sizeof(end)) < 0)
		return "raw";
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (!memcmp(marks[i].at_end ? end : begin, marks[i].signature, sizeof(begin)))
			return marks[i].format;
	return "raw";
}

/* --- synchronous I/O --- */

int disk_check_range(const struct disk *d, uint64_t offset, uint64_t size)
{
	uint64_t end = __atomic_load_n(&d->size_bytes, __ATOMIC_RELAXED);	/* disk_resize() may run */

	if (offset % d->logical_sector || size % d->logical_sector)
		return -EINVAL;
	if (offset > end || size > end - offset)
		return -ERANGE;
	return 0;
}

int disk_map_parent(struct disk *parent, uint64_t offset, struct extent *e)
{
	if (!parent || offset >= parent->size_bytes) {
		e->disk = NULL;
		return 0;
	}
	if (e->bytes > parent->size_bytes - offset)
		e->bytes = parent->size_bytes - offset;
	return parent->ops->map_read(parent, offset, e);
}

int disk_map_waiting(struct disk *d, uint64_t offset, struct extent *e, bool write)
{
	int r;

	while ((r = write ? d->ops->map_write(d, offset, e) : d->ops->map_read(d, offset, e)) == -EAGAIN) {
		r = d->ops->prepare(d, offset, write);
		if (r < 0)
			break;
	}
	return r;
}

/* Reads or writes what lies together. */
static int transfer_extent(struct disk *d, uint64_t offset, void *buffer, uint64_t *bytes, bool write)
{
	struct extent e = { .bytes = *bytes };
	int r = disk_map_waiting(d, offset, &e, write);

	if (r < 0)
		return r;
	*bytes = e.bytes;
	if (!e.disk) {
		memset(buffer, 0, e.bytes);
		return 0;
	}
	r = write ? image_write(e.disk->fd, e.file_offset, buffer, e.bytes)
		  : image_read(e.disk->fd, e.file_offset, buffer, e.bytes);
	if (e.disk->ops->release)
		e.disk->ops->release(e.disk, offset, &e, r);
	return r == -EILSEQ ? -EIO : r;		/* the file became shorter than its format says */
}

static int transfer(struct disk *d, uint64_t offset, void *buffer, size_t size, bool write)
{
	int r = disk_check_range(d, offset, size);
	char *at = buffer;

	d = disk_target(d);
	while (r == 0 && size) {
		uint64_t bytes = size;

		r = transfer_extent(d, offset, at, &bytes, write);
		at += bytes;
		offset += bytes;
		size -= bytes;
	}
	return r;
}

int disk_read(struct disk *d, uint64_t offset, void *to, size_t size)
{
	return transfer(d, offset, to, size, false);
}

int disk_write(struct disk *d, uint64_t offset, const void *from, size_t size)
{
	if (d->read_only)
		return -EROFS;
	return transfer(d, offset, (void *)(uintptr_t)from, size, true);
}

int disk_zero(struct disk *d, uint64_t offset, uint64_t bytes, bool unmap)
{
	int r = disk_check_range(d, offset, bytes);

	if (d->read_only)
		return -EROFS;
	d = disk_target(d);
	return r || !bytes ? r : d->ops->zero(d, offset, bytes, unmap);
}

int disk_flush(struct disk *d)
{
	if (d->read_only)
		return 0;
	d = disk_target(d);
	return d->ops->commit(d);
}

/* --- resizing --- */

void disk_on_resize(struct disk *d, void (*resized)(struct disk *d, void *context), void *context)
{
	d->shared->resized = resized;
	d->shared->resized_context = context;
}

int disk_resize(struct disk *d, uint64_t size_bytes)
{
	struct disk *target = disk_target(d);
	int r;

	disk_fail_clear();
	if (d->read_only)
		return -EROFS;
	if (!d->ops->resize)
		return disk_fail(-ENOTSUP, "a disk of format %s cannot be resized", d->format);
	if (size_bytes == 0 || size_bytes % d->logical_sector)
		return disk_fail(-EINVAL, "size %llu is no multiple of %u above 0", (unsigned long long)size_bytes,
				 d->logical_sector);
	r = target->ops->resize(target, size_bytes);
	if (r < 0)
		return r;
	__atomic_store_n(&target->size_bytes, size_bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&d->size_bytes, size_bytes, __ATOMIC_RELAXED);
	if (d->shared->resized)
		d->shared->resized(d, d->shared->resized_context);
	return 0;
}
