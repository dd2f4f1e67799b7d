/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format-neutral half of the disk library: finds the format by name, checks every range, and does
 * synchronous I/O through the format's map(). Called by vmms (create, open to inspect) and by vmwp's
 * devices.
 */
#include "storage/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/formats.h"

static const struct disk_ops *const formats[] = { &raw_disk_ops, &vhd_disk_ops };

static const struct disk_ops *format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(formats[i]->format, name))
			return formats[i];
	return NULL;
}

int disk_open(const char *format, int fd, bool read_only, struct disk **out)
{
	const struct disk_ops *ops = format_find(format);
	struct disk *d;
	int r;

	if (!ops)
		return -ENOTSUP;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->ops = ops;
	d->fd = fd;
	d->read_only = read_only;
	r = ops->open(fd, read_only, d);
	if (r < 0) {
		free(d);
		return r;
	}
	*out = d;
	return 0;
}

void disk_close(struct disk *d)
{
	if (!d)
		return;
	if (d->ops->close)
		d->ops->close(d);
	close(d->fd);
	free(d);
}

int disk_create(const char *format, int fd, uint64_t size_bytes)
{
	const struct disk_ops *ops = format_find(format);

	if (!ops)
		return -ENOTSUP;
	if (size_bytes == 0 || size_bytes % DISK_SECTOR)
		return -EINVAL;
	return ops->create(fd, size_bytes);
}

int disk_check_range(const struct disk *d, uint64_t offset, uint64_t size)
{
	if (offset % DISK_SECTOR || size % DISK_SECTOR)
		return -EINVAL;
	if (offset > d->size_bytes || size > d->size_bytes - offset)
		return -ERANGE;
	return 0;
}

/* One pread or pwrite of at most what the format keeps together; bytes moved or negative errno. */
static ssize_t transfer_some(struct disk *d, uint64_t offset, void *buffer, size_t size, bool write)
{
	uint64_t file_offset, bytes = size;
	ssize_t n;
	int r = d->ops->map(d, offset, &file_offset, &bytes);

	if (r < 0)
		return r;
	do
		n = write ? pwrite(d->fd, buffer, bytes, (off_t)file_offset)
			  : pread(d->fd, buffer, bytes, (off_t)file_offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n > 0 ? n : -EIO;	/* the file became shorter than its format says */
}

static int transfer(struct disk *d, uint64_t offset, void *buffer, size_t size, bool write)
{
	int r = disk_check_range(d, offset, size);
	char *at = buffer;

	while (r == 0 && size) {
		ssize_t n = transfer_some(d, offset, at, size, write);

		if (n < 0)
			return (int)n;
		at += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
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

int disk_flush(struct disk *d)
{
	if (d->read_only)
		return 0;
	return fdatasync(d->fd) ? -errno : 0;
}
