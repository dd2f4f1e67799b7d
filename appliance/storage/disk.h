/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual disks behind one table of operations (formats.h). A format file knows its layout and has never heard of a VM.
 * Requests are whole logical sectors. What a flush (or a write with DISK_FUA) acknowledged survives a power cut; a write
 * that was not flushed may be there after one, or not, or in part, sector by sector. Managing disks (create, resize,
 * compact, merge, convert, check) is in manage.h.
 */
#ifndef STORAGE_DISK_H
#define STORAGE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define DISK_CHAIN_MAX	64		/* most images between a disk and the root of its chain, both included */
#define DISK_GUID_SIZE	16		/* as RFC 9562 orders the bytes */

enum disk_kind { DISK_FIXED, DISK_DYNAMIC, DISK_DIFFERENCING };

struct disk_ops;

/* The library writes it, everybody may read it. size_bytes changes in disk_resize() only. */
struct disk {
	const struct disk_ops *ops;
	const char *format;			/* "raw", "iso", "vhd", "vhdx" */
	int fd;					/* owned after disk_open() succeeded */
	bool read_only;
	enum disk_kind kind;
	uint32_t logical_sector;		/* 512 or 4096 (ISO: 2048): unit of offsets and lengths of requests */
	uint32_t physical_sector;		/* 512 or 4096: what the guest should align to */
	uint32_t block_bytes;			/* unit of allocation; 0: the file system's */
	uint64_t size_bytes;			/* as the guest sees it */
	uint8_t identity[DISK_GUID_SIZE];	/* stays with the disk (SCSI VPD page 83h); zero: the format has none */
	struct disk *parent;			/* what a differencing disk is laid over; owned */
	void *state;				/* the format's */
	struct disk_shared *shared;		/* the library's: worker thread, resize handler */
};

/* One file of a chain. `format` as above; "raw" and "iso" have no parents. */
struct disk_source {
	const char *format;
	int fd;
};

/*
 * The format of what fd holds ("vhdx", "vhd", "raw"), by its contents. For files of our own libraries only:
 * a guest could write a VHDX header into its raw disk.
 */
const char *disk_format_guess(int fd);

/* Take the descriptors on success only. 0 or negative errno; disk_error_text() says which field is wrong, and where. */
int disk_open(const char *format, int fd, bool read_only, struct disk **out);	/* -ENOLINK: differencing */
/* chain[0] is the disk, chain[1] its parent, and so on to the root. Parents are opened read-only and must be those that
 * their children name (GUID): -EXDEV; the same file twice: -ELOOP; too few: -ENOLINK. */
int disk_open_chain(const struct disk_source *chain, size_t count, bool read_only, struct disk **out);
int disk_close(struct disk *d);			/* accepts NULL; commits metadata: 0, or what the last flush said */
const char *disk_error_text(void);		/* why the last call on this thread failed; "" if there is no more to say */

/* Synchronous: 0, -EINVAL (not whole sectors), -ERANGE, -EROFS, -ENOSPC, -EIO … */
int disk_read(struct disk *d, uint64_t offset, void *to, size_t size);
int disk_write(struct disk *d, uint64_t offset, const void *from, size_t size);
int disk_zero(struct disk *d, uint64_t offset, uint64_t bytes, bool unmap);	/* unmap: DISK_TRIM, else DISK_WRITE_ZEROES */
int disk_flush(struct disk *d);

/*
 * Where the parent of a differencing disk is, as its file says: for whoever has names to resolve. Paths are UTF-8 with
 * the separators of the file ('\\' usually), "" when absent. They are hostile: open them below a folder of your choice
 * (chain_files.h does), and disk_open_chain() checks the GUID. -ENOENT: not a differencing disk.
 */
struct disk_parent {
	uint8_t linkage[DISK_GUID_SIZE];	/* of the parent's data, as disk_open_chain() will check it */
	char relative[1024], absolute[1024];
};
int disk_parent_locator(const char *format, int fd, struct disk_parent *out);

/* Called in the thread that calls disk_resize(), when size_bytes has changed. One handler; NULL removes it. */
void disk_on_resize(struct disk *d, void (*resized)(struct disk *d, void *context), void *context);
int disk_resize(struct disk *d, uint64_t size_bytes);	/* online too: any thread; -EFBIG, -EINVAL, -ENOTSUP, -EBUSY (shrinking in use) */

/*
 * Asynchronous requests by io_uring: completion comes through disk_queue_fd() becoming readable and disk_queue_reap().
 * `done` is never called from within disk_submit(). One thread uses a queue at a time; any number of queues, each with
 * its thread, may use one disk. A request and its buffers stay until its `done` was called, which may submit again.
 * After -ENOSPC the disk is sound and the same request may be submitted again when there is room.
 */
struct disk_queue;
#define DISK_FUA	1u		/* flag of DISK_WRITE and DISK_WRITE_ZEROES: done when it would survive a power cut */
struct disk_request {
	/* TRIM: contents become zero, or stay where unmapping gains nothing. WRITE_ZEROES: become zero. */
	enum { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_TRIM, DISK_WRITE_ZEROES } op;
	unsigned int flags;
	uint64_t offset;
	uint64_t bytes;				/* TRIM and WRITE_ZEROES only; the others have iov */
	struct iovec *iov;			/* pieces of any size and alignment; their sum is whole sectors */
	unsigned int iov_count;			/* 1..1024 */
	void (*done)(struct disk_request *r, int result);	/* 0 or negative errno */
};
int disk_queue_create(struct disk_queue **out);
int disk_queue_fd(const struct disk_queue *q);
int disk_submit(struct disk_queue *q, struct disk *d, struct disk_request *r);	/* 0: `done` will come; negative errno: it won't */
/* Between the two, disk_submit() only collects; the kernel hears of all of them at the second, in one system call. */
void disk_queue_hold(struct disk_queue *q);
void disk_queue_release(struct disk_queue *q);
void disk_queue_reap(struct disk_queue *q);
void disk_queue_destroy(struct disk_queue *q);	/* waits for what is on its way; accepts NULL */

/* The short form: a fixed VHD, a sparse raw file, a dynamic VHDX. -EFBIG, -EINVAL (not a multiple of 512), -ENOSPC */
int disk_create(const char *format, int fd, uint64_t size_bytes);

#endif
