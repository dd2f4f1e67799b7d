/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual disks behind one table of operations. A format file (raw.c, vhd.c) knows its layout and has never heard of a VM.
 * Reads and writes are whole 512-byte sectors. What flush acknowledged survives a power cut.
 */
#ifndef STORAGE_DISK_H
#define STORAGE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct disk;

struct disk_ops {
	const char *format;				/* "raw", "vhd" */
	int (*open)(int fd, bool read_only, struct disk *d);	/* checks the file; does not own fd */
	int (*create)(int fd, uint64_t size_bytes);	/* an empty file becomes a disk of that size */
	/* Where sectors live: fills offset for up to *bytes; formats that map 1:1 return the offset unchanged. */
	int (*map)(struct disk *d, uint64_t offset, uint64_t *file_offset, uint64_t *bytes);
	void (*close)(struct disk *d);
};

struct disk {
	const struct disk_ops *ops;
	int fd;						/* owned after disk_open() succeeded */
	bool read_only;
	uint64_t size_bytes;				/* as the guest sees it */
	void *state;
};

int disk_open(const char *format, int fd, bool read_only, struct disk **out);	/* takes fd on success; 0 or negative errno */
void disk_close(struct disk *d);						/* accepts NULL */
int disk_create(const char *format, int fd, uint64_t size_bytes);		/* -EFBIG, -EINVAL (not a multiple of 512), -ENOSPC */
int disk_read(struct disk *d, uint64_t offset, void *to, size_t size);		/* 0, -ERANGE, -EIO … ; synchronous */
int disk_write(struct disk *d, uint64_t offset, const void *from, size_t size);
int disk_flush(struct disk *d);

/*
 * Asynchronous requests by io_uring: completion comes through disk_queue_fd() becoming readable and disk_queue_reap().
 * A request's buffers belong to the caller and must stay until its `done` was called.
 */
struct disk_queue;
struct disk_request {
	enum { DISK_READ, DISK_WRITE, DISK_FLUSH } op;
	uint64_t offset;
	struct iovec *iov;
	unsigned int iov_count;
	void (*done)(struct disk_request *r, int result);	/* 0 or negative errno */
};
int disk_queue_create(struct disk_queue **out);
int disk_queue_fd(const struct disk_queue *q);
int disk_submit(struct disk_queue *q, struct disk *d, struct disk_request *r);
void disk_queue_reap(struct disk_queue *q);
void disk_queue_destroy(struct disk_queue *q);

#endif
