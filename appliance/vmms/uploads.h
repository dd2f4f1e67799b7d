/* SPDX-License-Identifier: Apache-2.0 */
/* Disk files on their way in and out: uploads in parts, and the descriptor of a download. */
#ifndef VMMS_UPLOADS_H
#define VMMS_UPLOADS_H

#include "library.h"

#define SHA256_TEXT_SIZE	65

struct upload_item {
	struct upload_item *next;
	char id[GUID_TEXT_SIZE], name[4 * DISK_NAME_CHARS + 1];	/* of the disk it will be */
	char format[8];				/* as the client said; "": by the contents */
	char sha256[SHA256_TEXT_SIZE];		/* of the whole file, lower case; "": not told */
	uint64_t size_bytes;			/* of the file */
	time_t created_at;
	bool busy;				/* a thread syncs or checks it */
};

int uploads_open(struct vmms *v);		/* before disks_open(): finishes what a crash interrupted */
int uploads_resume(struct vmms *v);		/* after disks_open(): complete files whose check was interrupted are checked again */
void uploads_close(struct vmms *v);
struct upload_item *upload_find(const struct vmms *v, const char *id);
const struct upload_item *upload_named(const struct vmms *v, const char *name);
uint64_t upload_received(const struct vmms *v, const struct upload_item *u);
json_t *upload_to_json(const struct vmms *v, const struct upload_item *u);

struct upload_part { const char *id, *name, *format, *sha256; uint64_t size_bytes, offset_bytes; };
/* A descriptor open for writing at the offset, locked as long as anybody holds it; or negative and *p. */
int upload_begin(struct vmms *v, const struct upload_part *part, struct upload_item **item, struct problem *p);
/* What arrived is synced; then done(). With the last byte a job checks the file and makes it a disk of the same id: `job`. */
typedef void upload_stored(struct vmms *v, struct upload_item *u, struct job *job, const struct problem *p, void *data);
int upload_end(struct vmms *v, const char *id, bool complete, upload_stored *done, void *data, struct problem *p);
int upload_delete(struct vmms *v, struct upload_item *u, struct problem *p);
void upload_discard(struct vmms *v, struct upload_item *u);	/* the file, the description, the item */

/* upload_check.c */
int upload_check_start(struct vmms *v, struct upload_item *u, struct job **job);
/* What was found to be a disk is made one, in steps that may be interrupted anywhere and done again. */
struct upload_verdict { unsigned int format, kind; uint64_t size_bytes; bool imported; };	/* imported: the file is upload_import_name()'s */
int upload_accept(struct vmms *v, const struct upload_item *u, const struct upload_verdict *verdict);
/* uploads.c: `verdict` may be NULL: none yet */
int upload_save(const struct vmms *v, const struct upload_item *u, const struct upload_verdict *verdict);
void upload_part_name(const struct upload_item *u, char *name, size_t size);
void upload_import_name(const struct upload_item *u, char *name, size_t size);	/* what a foreign image was converted to */

/* The disk's file, for reading; as long as it is open nobody can open the disk for writing. Or negative and *p. */
int disk_item_open_download(const struct vmms *v, const struct disk_item *d, struct problem *p);

#endif
