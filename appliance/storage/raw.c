/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw format: the file is the disk. Also ISO images and whole block devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/formats.h"

#define RAW_SIZE_MAX	(64ull << 40)

int64_t disk_file_size(int fd)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		return st.st_size;
	if (!S_ISBLK(st.st_mode))
		return -EINVAL;
	end = lseek(fd, 0, SEEK_END);
	return end < 0 ? -errno : end;
}

int disk_map_identity(struct disk *d, uint64_t offset, uint64_t *file_offset, uint64_t *bytes)
{
	(void)d;
	(void)bytes;
	*file_offset = offset;
	return 0;
}

static int raw_open(int fd, bool read_only, struct disk *d)
{
	int64_t size = disk_file_size(fd);

	(void)read_only;
	if (size < 0)
		return (int)size;
	d->size_bytes = (uint64_t)size / DISK_SECTOR * DISK_SECTOR;
	return d->size_bytes ? 0 : -EINVAL;
}

/* Sparse: blocks are allocated when the guest first writes them. */
static int raw_create(int fd, uint64_t size_bytes)
{
	if (size_bytes > RAW_SIZE_MAX)
		return -EFBIG;
	if (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)size_bytes) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

const struct disk_ops raw_disk_ops = {
	.format = "raw", .open = raw_open, .create = raw_create, .map = disk_map_identity,
};
