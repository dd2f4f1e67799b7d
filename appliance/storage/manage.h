/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Managing virtual disks: what vmms' jobs and partita-vdisk call. Long work reports progress and can be stopped; a power
 * cut at any moment leaves every image involved readable. Errors are negative errno with disk_error_text().
 */
#ifndef STORAGE_MANAGE_H
#define STORAGE_MANAGE_H

#include <stdio.h>

#include "storage/disk.h"

/* --- making --- */

struct disk_new {
	const char *format;			/* "raw", "vhd", "vhdx" */
	enum disk_kind kind;			/* raw: any */
	uint64_t size_bytes;			/* differencing: 0 takes the parent's */
	uint32_t block_bytes;			/* 0: 32 MiB (VHDX), 2 MiB (VHD, and differencing) */
	uint32_t logical_sector, physical_sector;	/* 0: 512 and 4096; VHD: always 512 */
	struct disk *parent;			/* differencing: open, of the same format */
	const char *parent_relative, *parent_absolute;	/* differencing: the names to be written; relative to the new file */
};
int disk_create_image(int fd, const struct disk_new *n);	/* fd: an empty file, open for reading and writing; stays the caller's */

/* --- long work --- */

/* Return true to stop: the work ends with -ECANCELED. May be NULL. */
struct disk_progress {
	bool (*step)(void *context, uint64_t done, uint64_t total);
	void *context;
};

/* Everything that is in `from` and not zero goes to `to`, which is new and as large. */
int disk_copy(struct disk *from, struct disk *to, const struct disk_progress *p);
/* The data of the topmost disk goes into its parent, opened for writing by disk_open_for_merge(); the child is as before and
 * readable over its parent all the time. Opening takes all descriptors on success, none else. Afterwards: point the users of the child to the parent, disk_merge_end(), delete it. */
int disk_open_for_merge(const struct disk_source *chain, size_t count, struct disk **child, struct disk **parent);
int disk_merge(struct disk *child, struct disk *parent, const struct disk_progress *p);
/* Closes both. `done`: the parent's data gets a new GUID, other children of it are refused from now on. */
int disk_merge_end(struct disk *child, struct disk *parent, bool done);
/*
 * The same while others read and write `d`, which was opened over its parent. begin() makes closing `d` wait for the end of run(),
 * which it stops (-ECANCELED) and which must follow, on any thread. parent_fd is the parent's file, open for writing, and taken in
 * any case. On success the child's file is empty, which tells whoever finds it that all its data is in the parent, and `d` goes on
 * as the parent: see live_merge.c. Otherwise nothing has changed for anybody.
 */
struct live_merge;
int disk_live_merge_begin(struct disk *d, struct live_merge **out);	/* -EINVAL: it has no parent; -EBUSY: one is going on */
int disk_live_merge_run(struct live_merge *m, int parent_fd, const struct disk_progress *p);
/* Blocks of zeros lose their place, the last blocks move into the gaps, the file ends earlier. Nobody else may use the disk. */
int disk_compact(struct disk *d, const struct disk_progress *p);
/* A differencing disk gets another parent with the same contents (after a merge or a move): paths and GUID are rewritten. */
int disk_set_parent(const char *format, int fd, const struct disk *parent, const char *relative, const char *absolute);

/* --- looking --- */

/* What lies together at `offset`: in the file of which disk of the chain (0: the topmost; -1: in none, zeros). */
struct disk_range { uint64_t offset, bytes, file_offset; int depth; };
int disk_map(struct disk *d, uint64_t offset, struct disk_range *out);

struct disk_findings {
	unsigned int errors;		/* the image breaks its format's rules; repair can lose what is damaged already */
	unsigned int leaks;		/* space in the file that nothing uses; compacting gives it back */
	unsigned int repaired;
};
/* Judges one image (not its parents), and mends it where that loses nothing that is not lost. Each finding is a line on `out`
 * (may be NULL). 0 if it could be judged at all. */
int disk_check(const char *format, int fd, bool repair, struct disk_findings *f, FILE *out);

/* --- identity --- */

int disk_data_guid(const struct disk *d, uint8_t out[DISK_GUID_SIZE]);	/* what a child names; -ENOTSUP: can have no children */
int disk_renew_data_guid(struct disk *d);	/* the children's data is not this any more (VHD: has no such) */
void disk_keep_data_guid(struct disk *d);	/* before the first change: what is written is the children's data */

#endif
