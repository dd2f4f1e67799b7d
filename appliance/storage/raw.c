/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw format: the file is the disk. Also whole block devices (with the sector sizes of the device), and ISO images
 * (read-only, in blocks of 2048 bytes).
 */
#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "storage/image.h"
#include "storage/formats.h"

#define RAW_SIZE_MAX	(64ull << 40)
#define ISO_SECTOR	2048u

static void device_sectors(struct disk *d)
{
	unsigned int physical = 0;
	int logical = 0;

	if (ioctl(d->fd, BLKSSZGET, &logical) == 0 && (logical == 512 || logical == 4096))
		d->logical_sector = (uint32_t)logical;
	if (ioctl(d->fd, BLKPBSZGET, &physical) == 0 && physical >= d->logical_sector)
		d->physical_sector = physical > 4096 ? 4096 : physical;
}

static int raw_open(struct disk *d)
{
	int64_t size = image_size(d->fd);
	struct stat st;

	if (size < 0)
		return (int)size;
	d->kind = DISK_DYNAMIC;
	if (fstat(d->fd, &st) == 0 && S_ISBLK(st.st_mode)) {
		d->kind = DISK_FIXED;
		device_sectors(d);
	}
	d->size_bytes = (uint64_t)size / d->logical_sector * d->logical_sector;
	return d->size_bytes ? 0 : disk_fail(-EINVAL, "the file has %lld bytes, less than a sector", (long long)size);
}

static int iso_open(struct disk *d)
{
	int64_t size = image_size(d->fd);

	if (size < 0)
		return (int)size;
	d->read_only = true;
	d->logical_sector = d->physical_sector = ISO_SECTOR;
	d->size_bytes = (uint64_t)size / ISO_SECTOR * ISO_SECTOR;
	return d->size_bytes ? 0 : disk_fail(-EINVAL, "the file has %lld bytes, less than a sector", (long long)size);
}

/* Sparse: blocks are allocated when the guest first writes them. */
static int raw_create(int fd, uint64_t size_bytes)
{
	int r;

	if (size_bytes > RAW_SIZE_MAX)
		return disk_fail(-EFBIG, "size %llu is above %llu bytes (64 TiB)", (unsigned long long)size_bytes, RAW_SIZE_MAX);
	r = image_set_size(fd, 0);
	if (r == 0)
		r = image_set_size(fd, size_bytes);
	return r ? r : image_sync(fd);
}

static int raw_map(struct disk *d, uint64_t offset, struct extent *e)
{
	e->disk = d;
	e->file_offset = offset;
	return 0;
}

static int raw_commit(struct disk *d)
{
	return image_sync(d->fd);
}

static int raw_zero(struct disk *d, uint64_t offset, uint64_t bytes, bool unmap)
{
	return unmap ? image_punch(d->fd, offset, bytes) : image_zero(d->fd, offset, bytes);
}

static int raw_resize(struct disk *d, uint64_t size_bytes)
{
	int r;

	if (d->kind == DISK_FIXED)
		return disk_fail(-ENOTSUP, "a block device has the size it has");
	if (size_bytes > RAW_SIZE_MAX)
		return disk_fail(-EFBIG, "size %llu is above %llu bytes (64 TiB)", (unsigned long long)size_bytes, RAW_SIZE_MAX);
	r = image_set_size(d->fd, size_bytes);
	return r ? r : image_sync(d->fd);
}

const struct disk_ops raw_disk_ops = {
	.format = "raw", .open = raw_open, .create = raw_create, .map_read = raw_map, .map_write = raw_map,
	.commit = raw_commit, .zero = raw_zero, .resize = raw_resize,
};

const struct disk_ops iso_disk_ops = { .format = "iso", .open = iso_open, .map_read = raw_map };
