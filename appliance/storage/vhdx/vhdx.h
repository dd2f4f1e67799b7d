/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the VHDX code only: an open VHDX, and what its files do for each other. */
#ifndef STORAGE_VHDX_H
#define STORAGE_VHDX_H

#include "storage/sparse.h"
#include "storage/vhdx/layout.h"

#define VHDX_FILE_MAX	(128ull << 40)		/* of a file; keeps what a hostile one can make us allocate small */
#define VHDX_LOG_MAX	(64u << 20)
#define VHDX_LOCATOR_MAX (64u << 10)

/* What a log not yet replayed puts over the file, oldest first. data NULL: zeros. */
struct vhdx_record { uint64_t offset, bytes; const uint8_t *data; };

struct vhdx_region { uint64_t offset; uint32_t length; };

struct vhdx {
	struct disk *disk;
	int fd;
	uint64_t file_end;		/* as the log leaves it, up to the next MiB */

	struct vhdx_header header;	/* the current one */
	unsigned int header_slot;	/* 0 or 1 */
	bool header_valid[2];

	uint8_t *log;			/* kept while records point into it */
	uint8_t *log_sectors;		/* sectors put together from descriptors and data */
	struct vhdx_record *records;
	size_t record_count;
	uint64_t record_bytes;
	uint64_t log_sequence;		/* of the next entry */
	uint32_t log_at;		/* where it goes */

	struct vhdx_region bat, metadata;
	uint32_t flags, physical_sector;
	uint64_t size_at;		/* where the size of the disk is in the file */
	uint32_t locator_at, locator_bytes, locator_room;	/* in the metadata region */
	struct vhdx_guid disk_id;

	struct sparse sparse;
	bool sparse_ready;
	uint64_t ratio;			/* blocks per chunk: BAT entries between those of sector bitmaps */
	uint64_t *bitmap_blocks;	/* places of sector bitmap blocks, per chunk; 0: none */
	uint64_t chunks;
	bool keep_data_guid;		/* merging into a parent: its child must still know it */
};

/* header.c */
void vhdx_guid_new(struct vhdx_guid *g);
bool vhdx_guid_equal(const struct vhdx_guid *a, const struct vhdx_guid *b);
bool vhdx_guid_is_zero(const struct vhdx_guid *g);
void vhdx_guid_swap(const uint8_t from[DISK_GUID_SIZE], uint8_t to[DISK_GUID_SIZE]);	/* file order <-> RFC 9562 */
int vhdx_read_headers(struct vhdx *v);
int vhdx_write_header(struct vhdx *v);			/* v->header, with the next sequence number, durable */

/* log.c */
int vhdx_log_read(struct vhdx *v);			/* fills records; -EILSEQ */
int vhdx_log_replay(struct vhdx *v);			/* writes them to the file */
void vhdx_log_forget(struct vhdx *v);
int vhdx_log_announce(struct vhdx *v);			/* a new log with one empty entry, then the header that names it */
int vhdx_log_empty(struct vhdx *v);			/* all pages are durable in place, then the header names no log */
int vhdx_log_write(struct vhdx *v, const struct sparse_page *pages, unsigned int count);	/* entry, then pages in place */
unsigned int vhdx_log_capacity(const struct vhdx *v);	/* pages in one entry */
int vhdx_read(const struct vhdx *v, uint64_t offset, void *to, size_t bytes);	/* the file as the log leaves it */

/* regions.c, metadata.c */
int vhdx_read_regions(struct vhdx *v);
int vhdx_read_metadata(struct vhdx *v);
uint32_t vhdx_region_checksum(const struct vhdx_region_table *t);

/* bat.c */
extern const struct sparse_format vhdx_sparse_format;
int vhdx_read_bat(struct vhdx *v);
uint64_t vhdx_bat_entries(const struct vhdx *v, uint64_t size_bytes);
uint64_t vhdx_table_pages(const struct vhdx *v);

/* locator.c */
int vhdx_read_locator(const struct vhdx *v, struct disk_parent *out);
size_t vhdx_build_locator(const struct disk_parent *parent, uint8_t *to, size_t room);	/* 0: does not fit */

/* check.c */
int vhdx_check(struct disk *d);				/* headers, log, region tables: judged, and mended if wanted */

/* vhdx.c */
int vhdx_parse(struct disk *d, struct vhdx **out);	/* everything but the BAT; out is set on failure too, for vhdx_free() */
void vhdx_free(struct vhdx *v);
int vhdx_begin(struct vhdx *v);				/* under commit_lock */

/* parent.c */
int vhdx_set_parent(int fd, const struct disk_parent *parent);

/* resize.c */
int vhdx_resize(struct disk *d, uint64_t size_bytes);

#endif
