/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the disk library only: the table every format fills in, and what the library's files share.
 */
#ifndef STORAGE_FORMATS_H
#define STORAGE_FORMATS_H

#include <pthread.h>

#include "storage/disk.h"

#define DISK_SECTOR	512u
#define MIB		(1ull << 20)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Where a piece of the disk is: `bytes` that lie together in one file, or are zero. */
struct extent {
	struct disk *disk;	/* whose file; NULL: zeros, in none */
	uint64_t file_offset;
	uint64_t bytes;		/* in: wanted; out: how many of them this extent covers */
	void *cookie;		/* the format's, from map_write() to release() */
	bool writes;		/* the format's: from map_write() */
	unsigned int epoch;	/* the format's: see sparse.h */
};

struct disk_ops {
	const char *format;
	/* Checks the file and fills d; the descriptor stays the caller's until all of the chain is open. */
	int (*open)(struct disk *d);
	int (*link)(struct disk *d, const struct disk *parent);	/* is it the parent the file names? */
	int (*close)(struct disk *d);				/* commits; 0 or negative errno; frees d->state anyway */
	int (*create)(int fd, uint64_t size_bytes);
	int (*locator)(int fd, struct disk_parent *out);
	int (*set_parent)(int fd, const struct disk_parent *parent);	/* rewrites what locator() reads */
	int (*check)(struct disk *d);				/* what must be sound before open() can judge the rest; see check.h */

	/*
	 * Quick, from any thread. -EAGAIN: call prepare() on a thread that may wait, then map again. Each extent with a
	 * disk is given back to that disk's release() when its I/O has ended.
	 */
	int (*map_read)(struct disk *d, uint64_t offset, struct extent *e);
	int (*map_write)(struct disk *d, uint64_t offset, struct extent *e);
	void (*release)(struct disk *d, uint64_t offset, const struct extent *e, int result);
	bool (*is_clean)(struct disk *d);			/* a flush needs no more than the file's own data flush */

	/* May wait: from disk.c, or on the disk's worker thread. */
	int (*prepare)(struct disk *d, uint64_t offset, bool write);
	int (*commit)(struct disk *d);				/* whatever completed before becomes durable */
	int (*zero)(struct disk *d, uint64_t offset, uint64_t bytes, bool unmap);
	int (*resize)(struct disk *d, uint64_t size_bytes);
	struct sparse *(*engine)(struct disk *d);		/* of the formats that have blocks; NULL: this disk has none */
};

extern const struct disk_ops raw_disk_ops, iso_disk_ops, vhd_disk_ops, vhdx_disk_ops;

/* What disk.c and queue.c keep about an open disk. */
struct disk_shared {
	struct worker *worker;			/* NULL for formats that never wait */
	unsigned int direct_align;		/* of the file's O_DIRECT; 0: it is not open so */
	void (*resized)(struct disk *d, void *context);
	void *resized_context;
	struct disk *through;			/* atomic; all its data is there now, and so goes every request: live_merge.c */
	struct disk *replaced;			/* its parent as it was opened, before a live merge; closed with it */
	struct live_merge *merge;		/* one is going on; under merge_lock */
	pthread_mutex_t merge_lock;
	pthread_cond_t merge_ended;
	struct check *check;			/* disk_check() is looking: see check.h */
};

/* 0; -EINVAL: not whole sectors; -ERANGE: beyond the end of the disk. */
int disk_check_range(const struct disk *d, uint64_t offset, uint64_t size);

const struct disk_ops *disk_format_find(const char *name);	/* NULL: none is called so */

/* The disk whose file has the data of `d`: itself, but for what was merged into its parent while in use. */
static inline struct disk *disk_target(struct disk *d)
{
	for (struct disk *next; (next = __atomic_load_n(&d->shared->through, __ATOMIC_ACQUIRE)); )
		d = next;
	return d;
}

/* Stops a merge of it that is going on, and waits for its end. */
void disk_stop_live_merge(struct disk *d);

/* Maps, and prepares as often as the format asks for it. Waits. */
int disk_map_waiting(struct disk *d, uint64_t offset, struct extent *e, bool write);

/* One image over a parent that is open already (and becomes its own), or none. The descriptor stays the caller's. */
int disk_open_over(const struct disk_source *source, struct disk *parent, bool read_only, struct disk **out);

/* Ends the disk and its parents, as disk_close() does, but closes no descriptor. Accepts NULL. */
int disk_end(struct disk *d);

/* What a child does not have: the parent's extent, or zeros beyond its end. */
int disk_map_parent(struct disk *parent, uint64_t offset, struct extent *e);

/* Remembers the text for disk_error_text() and returns `error`. */
int disk_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
void disk_fail_clear(void);

#endif
