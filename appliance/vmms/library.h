/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual disks and install media: their files, their names, who uses them. */
#ifndef VMMS_LIBRARY_H
#define VMMS_LIBRARY_H

#include "vmms.h"

struct disk_item {
	struct disk_item *next;
	char id[GUID_TEXT_SIZE], name[4 * DISK_NAME_CHARS + 1];
	char created_with[GUID_TEXT_SIZE];	/* the VM it goes with when that is deleted; "" none */
	unsigned int format;
	uint64_t size_bytes;
	time_t created_at;
	bool ready;				/* false while its file is being made */
};

struct iso_item {
	struct iso_item *next;
	char id[GUID_TEXT_SIZE], name[4 * DISK_NAME_CHARS + 1];
	uint64_t size_bytes;
	time_t created_at;
	bool ready;				/* complete and checked */
	bool checking;				/* a thread looks at it */
};

#define LIBRARY_ENDINGS 2
struct library_folder {
	int dir;				/* borrowed */
	const char *name;			/* for the log */
	const char *endings[LIBRARY_ENDINGS];	/* of data files: <uuid>.ending */
	void (*load_description)(struct vmms *v, const char *file);
};
int library_scan(struct vmms *v, const struct library_folder *f);	/* library.c: at start; 0 or negative errno */

int disks_open(struct vmms *v);			/* reads them; removes what a crash left half made */
struct disk_item *disk_find(const struct vmms *v, const char *id);
json_t *disk_item_to_json(const struct vmms *v, const struct disk_item *d);
/* Checks the name, reserves it and makes the file on a thread; then done(NULL or the problem). 0, or -EINVAL and *p now. */
typedef void disk_made(struct vmms *v, struct disk_item *d, const struct problem *p, void *data);
int disk_item_create(struct vmms *v, const struct disk_spec *spec, const char *created_with, disk_made *done, void *data, struct problem *p);
int disk_item_delete(struct vmms *v, struct disk_item *d, struct problem *p);	/* refuses while a VM has it */
void disk_item_discard(struct vmms *v, struct disk_item *d);			/* whoever has it; frees it */
int disk_item_open(const struct vmms *v, const char *id, bool read_only, struct problem *p);	/* descriptor or negative */

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
