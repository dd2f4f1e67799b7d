/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual disks and install media: their files, their names, who uses them. */
#ifndef VMMS_LIBRARY_H
#define VMMS_LIBRARY_H

#include "storage/disk.h"
#include "vmms.h"

struct disk_item {
	struct disk_item *next;
	char id[GUID_TEXT_SIZE], name[4 * DISK_NAME_CHARS + 1];
	char created_with[GUID_TEXT_SIZE];	/* the VM it goes with when that is deleted; "" none */
	unsigned int format, kind;		/* kind as in storage/disk.h; raw: fixed */
	char parent[GUID_TEXT_SIZE];		/* of a differencing disk; else "" */
	uint64_t size_bytes;
	time_t created_at;
	bool ready;				/* false while its file is being made */
	bool busy;				/* a job works on its file */
};

struct iso_item {
	struct iso_item *next;
	char id[GUID_TEXT_SIZE], name[4 * DISK_NAME_CHARS + 1];
	uint64_t size_bytes;
	time_t created_at;
	bool ready;				/* complete and checked */
	bool checking;				/* a thread looks at it */
};

bool word_find(const char *const *words, const char *word, unsigned int *index);	/* in a list that NULL ends */

#define LIBRARY_ENDINGS 3
struct library_folder {
	int dir;				/* borrowed */
	const char *name;			/* for the log */
	const char *endings[LIBRARY_ENDINGS];	/* of data files: <uuid>.ending */
	void (*load_description)(struct vmms *v, const char *file);
};
int library_scan(struct vmms *v, const struct library_folder *f);	/* library.c: at start; 0 or negative errno */

int disks_open(struct vmms *v);			/* reads them; removes what a crash left half made */
struct disk_item *disk_find(const struct vmms *v, const char *id);
const struct disk_item *disk_named(const struct vmms *v, const char *name);
struct disk_item *disk_item_load(struct vmms *v, const char *id);	/* its file and description are there, it is listed; NULL */
json_t *disk_item_to_json(const struct vmms *v, const struct disk_item *d);
/* Checks the name, reserves it and makes the file on a thread; then done(NULL or the problem). 0, or -EINVAL and *p now. */
typedef void disk_made(struct vmms *v, struct disk_item *d, const struct problem *p, void *data);
int disk_item_create(struct vmms *v, const struct disk_spec *spec, const char *created_with, disk_made *done, void *data, struct problem *p);
int disk_item_delete(struct vmms *v, struct disk_item *d, struct problem *p);	/* refuses while a VM has it */
void disk_item_discard(struct vmms *v, struct disk_item *d);			/* whoever has it; frees it */
void disk_item_file(const struct disk_item *d, char *name, size_t size);	/* its data file, in disks_dir */
int disk_item_save(const struct vmms *v, const struct disk_item *d);		/* its description */
const struct disk_item *disk_item_child(const struct vmms *v, const struct disk_item *d);	/* the first differencing disk over it; NULL */
/* Idle, for a job: ready, not busy, in no VM that is not off and, unless `parents_too`, nobody's parent. Else *p says why. Free: in no VM at all. */
int disk_item_check_idle(const struct vmms *v, const struct disk_item *d, bool parents_too, struct problem *p);
int disk_item_check_free(const struct vmms *v, const struct disk_item *d, bool parents_too, struct problem *p);
/* The descriptors of a disk and its parents, nearest first, checked to be what they say. Only the first is writable. */
#define DISK_ITEM_CHAIN_MAX 12		/* descriptors fit one message */
struct disk_item_chain { int fds[DISK_ITEM_CHAIN_MAX]; const char *formats[DISK_ITEM_CHAIN_MAX]; size_t count; };
int disk_item_open_chain(const struct vmms *v, const char *id, bool read_only, struct disk_item_chain *chain, struct problem *p);
/* The file alone goes to the end of the chain, whatever is in it. */
int disk_item_open_file(const struct vmms *v, const struct disk_item *d, bool read_only, struct disk_item_chain *chain, struct problem *p);
void disk_item_chain_close(struct disk_item_chain *chain);
/* The storage library takes descriptors when it opens, so it gets copies; the chain stays the caller's. */
void disk_item_chain_copy(const struct disk_item_chain *chain, struct disk_source copies[DISK_ITEM_CHAIN_MAX]);
void disk_item_copies_close(struct disk_source *copies, size_t count);		/* when nobody took them */
int disk_item_chain_open(const struct disk_item_chain *chain, bool read_only, struct disk **out);

/* A new disk whose file somebody else fills: listed and named, not ready; `fd` is the empty file. */
int disk_item_reserve(struct vmms *v, const struct disk_spec *spec, struct disk_item **out, int *fd, struct problem *p);
int disk_item_publish(struct vmms *v, struct disk_item *d);	/* its file is complete and synced; discards it on failure */

/* disk_jobs.c: 0 and a job, or -EINVAL and *p */
int disk_job_start(struct vmms *v, struct disk_item *d, const char *action, const json_t *body, struct job **job, struct problem *p);

/* live_merge.c: the item is in use by a VM that runs; its worker does it. As disk_job_start(). */
int live_merge_start(struct vmms *v, struct disk_item *d, struct job **job, struct problem *p);
int live_merges_settle(struct vmms *v);		/* at start, when VMs are known: what a crash kept from being written down */

int isos_open(struct vmms *v);
struct iso_item *iso_find(const struct vmms *v, const char *id);
json_t *iso_item_to_json(const struct vmms *v, const struct iso_item *i);
/* A descriptor open for writing at the offset, locked by flock() as long as anybody holds it; or negative and *p. */
struct iso_upload { const char *id, *name; uint64_t size_bytes, offset_bytes; };
int iso_upload_begin(struct vmms *v, const struct iso_upload *u, struct iso_item **item, struct problem *p);
typedef void iso_checked(struct vmms *v, struct iso_item *i, const struct problem *p, void *data);
int iso_upload_end(struct vmms *v, const char *id, bool complete, iso_checked *done, void *data, struct problem *p);
int iso_item_delete(struct vmms *v, struct iso_item *i, struct problem *p);
int iso_item_open(const struct vmms *v, const char *id, struct problem *p);
uint64_t iso_received(const struct vmms *v, const struct iso_item *i);
void library_close(struct vmms *v);

/* iso9660.c: 0; -ENODATA: the volume is larger than the file; -EILSEQ: no ISO 9660; or an I/O error. *volume_bytes is set for -ENODATA. */
int iso9660_check(int fd, uint64_t *volume_bytes);

#endif
