/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact reads and writes of an image file. A descriptor opened with O_DIRECT wants aligned buffers, offsets and
 * lengths: what is not goes through a buffer here, so that the formats need not care.
 */
#include "storage/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/formats.h"

#define FILE_ALIGN	512u		/* of offsets and lengths: coarser O_DIRECT is not used, see disk.c */
#define MEMORY_ALIGN	4096u
#define FILE_ZEROS	(256u << 10)	/* most that is written at once where zeroing must be writing */

int64_t image_size(int fd)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		return st.st_size;
	if (!S_ISBLK(st.st_mode))
		return disk_fail(-EINVAL, "neither a file nor a block device");
	end = lseek(fd, 0, SEEK_END);
	return end < 0 ? -errno : end;
}

/* All of it, or as much as there is before the end of the file: that many, or negative errno. */
static ssize_t read_some(int fd, uint64_t offset, void *to, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int write_all(int fd, uint64_t offset, const void *from, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = pwrite(fd, (const char *)from + done, bytes - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

static bool is_aligned(int fd, uint64_t offset, const void *buffer, size_t bytes)
{
	return !((offset | (uintptr_t)buffer | bytes) % FILE_ALIGN) || !(fcntl(fd, F_GETFL) & O_DIRECT);
}

/* The aligned piece of the file around [offset, offset + bytes), in *buffer, zeros behind its end: what was read of it. */
static ssize_t bounce_read(int fd, uint64_t offset, size_t bytes, void **buffer, size_t *size)
{
	uint64_t start = offset / FILE_ALIGN * FILE_ALIGN;
	ssize_t n;

	*size = (offset + bytes - start + FILE_ALIGN - 1) / FILE_ALIGN * FILE_ALIGN;
	if (posix_memalign(buffer, MEMORY_ALIGN, *size))
		return -ENOMEM;
	memset(*buffer, 0, *size);
	n = read_some(fd, start, *buffer, *size);
	if (n < 0)
		free(*buffer);
	return n;
}

int image_read(int fd, uint64_t offset, void *to, size_t bytes)
{
	size_t before = offset % FILE_ALIGN, size;
	void *buffer;
	ssize_t n;

	if (offset > INT64_MAX - bytes)
		return disk_fail(-EILSEQ, "offset %llu is beyond the end of any file", (unsigned long long)offset);
	if (is_aligned(fd, offset, to, bytes)) {
		n = read_some(fd, offset, to, bytes);
	} else {
		n = bounce_read(fd, offset, bytes, &buffer, &size);
		if (n < 0)
			return (int)n;
		memcpy(to, (char *)buffer + before, bytes);
		free(buffer);
		n = n > (ssize_t)before ? n - (ssize_t)before : 0;
	}
	if (n < 0)
		return (int)n;
	return (size_t)n >= bytes ? 0 : disk_fail(-EILSEQ, "the file ends at offset %llu, %zu bytes are expected at %llu",
						  (unsigned long long)(offset + (uint64_t)n), bytes, (unsigned long long)offset);
}

int image_write(int fd, uint64_t offset, const void *from, size_t bytes)
{
	int64_t end = image_size(fd);
	void *buffer;
	size_t size;
	ssize_t n;
	int r;

	if (is_aligned(fd, offset, from, bytes))
		return write_all(fd, offset, from, bytes);
	n = bounce_read(fd, offset, bytes, &buffer, &size);
	if (n < 0)
		return (int)n;
	memcpy((char *)buffer + offset % FILE_ALIGN, from, bytes);
	r = write_all(fd, offset / FILE_ALIGN * FILE_ALIGN, buffer, size);
	free(buffer);
	if (r == 0 && end >= 0 && image_size(fd) > end)	/* the buffer's end went beyond what was asked for */
		r = image_set_size(fd, (uint64_t)end > offset + bytes ? (uint64_t)end : offset + bytes);
	return r;
}

int image_sync(int fd)
{
	return fdatasync(fd) < 0 ? -errno : 0;
}

int image_set_size(int fd, uint64_t bytes)
{
	return ftruncate(fd, (off_t)bytes) < 0 ? -errno : 0;
}

int image_reserve(int fd, uint64_t offset, uint64_t bytes)
{
	return -posix_fallocate(fd, (off_t)offset, (off_t)bytes);
}

static int write_zeros(int fd, uint64_t offset, uint64_t bytes)
{
	void *zeros;
	int r = 0;

	if (posix_memalign(&zeros, MEMORY_ALIGN, FILE_ZEROS))
		return -ENOMEM;
	memset(zeros, 0, FILE_ZEROS);
	while (r == 0 && bytes) {
		size_t n = bytes < FILE_ZEROS ? bytes : FILE_ZEROS;

		r = image_write(fd, offset, zeros, n);
		offset += n;
		bytes -= n;
	}
	free(zeros);
	return r;
}

/* -EOPNOTSUPP: this file system, or device, cannot. */
static int zero_by(int fd, int mode, uint64_t offset, uint64_t bytes)
{
	if (bytes == 0 || fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes) == 0)
		return 0;
	return errno == EINVAL || errno == ENOSYS ? -EOPNOTSUPP : -errno;
}

int image_zero(int fd, uint64_t offset, uint64_t bytes)
{
	int r = zero_by(fd, FALLOC_FL_ZERO_RANGE, offset, bytes);

	return r == -EOPNOTSUPP ? image_punch(fd, offset, bytes) : r;
}

int image_punch(int fd, uint64_t offset, uint64_t bytes)
{
	int r = zero_by(fd, FALLOC_FL_PUNCH_HOLE, offset, bytes);

	return r == -EOPNOTSUPP ? write_zeros(fd, offset, bytes) : r;
}

unsigned int image_direct_align(int fd)
{
	struct statx sx;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || !(flags & O_DIRECT))
		return 0;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) < 0 || !(sx.stx_mask & STATX_DIOALIGN) ||
	    sx.stx_dio_offset_align == 0)
		return MEMORY_ALIGN;
	return sx.stx_dio_offset_align > sx.stx_dio_mem_align ? sx.stx_dio_offset_align : sx.stx_dio_mem_align;
}
