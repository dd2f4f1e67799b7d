/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of the formats that allocate blocks (VHDX, dynamic and differencing VHD). The block table and the sector
 * bitmaps are in memory; what changes in them is written by commits, so that a write to a new block costs no more than
 * one to an old block. What makes that safe:
 *
 * - A commit first flushes the file's data, then writes the table pages that changed. A table entry on the disk
 *   therefore never points at data that is not there.
 * - A new block reads as zeros before it is written: it is beyond the old end of the file, or was zeroed when freed.
 * - The bits of a differencing disk's sectors are set when the write has ended; until then the parent answers.
 * - A freed block is used again only after a commit has made the table forget it, and after every transfer that may
 *   have been using it has ended (`epoch`).
 * - No more pages are dirty than the format can write in one atomic commit (`dirty_max`); who needs one more has to
 *   commit first (-EAGAIN, then prepare()).
 */
#ifndef STORAGE_SPARSE_H
#define STORAGE_SPARSE_H

#include <pthread.h>

#include "storage/formats.h"

/* Table entries: file offset of the block | state. The states are those of VHDX ([MS-VHDX] 2.5.1.1). */
enum sparse_state {
	SPARSE_ABSENT = 0, SPARSE_UNDEFINED = 1, SPARSE_ZERO = 2, SPARSE_UNMAPPED = 3, SPARSE_FULL = 6, SPARSE_PARTIAL = 7,
};
#define SPARSE_STATE		7ull
#define SPARSE_PAGE_MAX		4096u

struct sparse;

/* A piece of the sector bitmaps of a differencing disk: bit n of byte n / 8 (or 7 - n, see bits_msb_first). */
struct sparse_bitmap {
	unsigned int pins;		/* writes on their way that will set bits: stays in the dirty set */
	bool dirty;
	uint8_t bits[];
};

struct sparse_page {			/* of a commit */
	_Alignas(SPARSE_PAGE_MAX) uint8_t data[SPARSE_PAGE_MAX];	/* O_DIRECT wants it so */
	uint64_t file_offset;
	uint32_t bytes;
};

/* What a format adds. All but begin(), bitmap_read() and write_pages() run under `lock`. */
struct sparse_format {
	int (*begin)(struct sparse *s);					/* before the first change since the disk was opened */
	uint64_t (*table_page)(const struct sparse *s, uint64_t block);	/* which page holds the entry */
	void (*table_encode)(const struct sparse *s, uint64_t page, struct sparse_page *out);
	bool (*bitmap_exists)(const struct sparse *s, uint64_t block);	/* is there room for its bits in the file? */
	int (*bitmap_create)(struct sparse *s, uint64_t block);		/* makes it; at most one more dirty table page */
	uint64_t (*bitmap_offset)(const struct sparse *s, uint64_t page);	/* where the bits are in the file */
	int (*bitmap_read)(struct sparse *s, uint64_t file_offset, void *to, size_t bytes);
	int (*fresh)(struct sparse *s, uint64_t slot);			/* a block was given a place; NULL: nothing to do */
	uint64_t (*metadata_end)(const struct sparse *s);		/* where what is no block ends in the file */
	int (*cut)(struct sparse *s);					/* the file shall end at s->end */
	int (*write_pages)(struct sparse *s, const struct sparse_page *pages, unsigned int count);
	bool bits_msb_first;
	bool no_zero_state;	/* a block of a differencing disk cannot be zero without a place in the file */
};

/*
 * What is written to while somebody copies the disk, in granules: marked when the write has ended, so that a granule that is not
 * marked was copied as it is. New writes wait (-EAGAIN, and prepare() waits) while it is closed, and, when the copying does not
 * catch up, for its pace.
 */
struct sparse_watch {
	uint64_t granule, granules, marked;
	uint8_t *marks;
	bool closed, slow;
	int64_t allowance;		/* while slow: how many granules may still be marked */
};

struct sparse_dirty { bool is_bitmap; uint64_t page; };
struct sparse_freed { uint64_t slot; unsigned int epoch; };
struct sparse_list { struct sparse_freed *at; size_t count, capacity; };

struct sparse {
	struct disk *disk;
	const struct sparse_format *format;
	void *owner;			/* the format's */
	uint32_t block_bytes, sector;
	uint64_t blocks;
	uint32_t slot_bytes, slot_head;	/* a block's place in the file, and what of it lies before the data */
	uint32_t tail_bytes;		/* what the format keeps behind the last block (VHD: the footer) */
	uint64_t end_max;		/* the highest `end` the format can express */

	pthread_mutex_t lock;		/* all below but begun */
	pthread_mutex_t commit_lock;	/* one commit, or other rewriting of metadata, at a time; taken before lock */
	bool begun;			/* written under both */
	bool committing;
	uint64_t *table;
	uint64_t end;			/* where the file's next block goes */

	uint64_t page_sectors;		/* covered by a page of bitmaps; 0: not differencing */
	uint32_t page_bytes;
	uint64_t bitmap_pages;
	struct sparse_bitmap **bitmaps;	/* loaded when needed, never dropped */

	struct sparse_dirty *dirty;
	unsigned int dirty_count, dirty_max, dirty_need;	/* need: most that one write can add */
	uint8_t *table_dirty;		/* per table page */

	unsigned int writing;		/* extents of writes on their way */
	struct sparse_watch *watch;	/* the disk is being merged while it is written to: live_merge.c */
	struct disk *through;		/* it was: whoever still asks is sent there */
	bool dead;			/* it was, and its file may come back: nothing may be written any more */
	pthread_cond_t changed;		/* of writing, active and watch; with lock */

	struct sparse_list free;	/* zeroed places for blocks */
	struct sparse_list freed;	/* since the last commit */
	struct sparse_list draining;	/* committed, perhaps still being read or written */
	unsigned int epoch;
	uint64_t active[2];		/* transfers that were mapped in this epoch and in the one before */
};

/* The caller has filled disk, format, owner, block_bytes, sector, slot_*, tail_bytes, end, end_max, page_*, dirty_max. */
int sparse_init(struct sparse *s, uint64_t size_bytes, uint64_t table_pages);
void sparse_fini(struct sparse *s);
/* Larger arrays for a larger disk; entries of lost blocks must be gone. */
int sparse_set_size(struct sparse *s, uint64_t size_bytes, uint64_t table_pages);

int sparse_map_read(struct sparse *s, uint64_t offset, struct extent *e);
int sparse_map_write(struct sparse *s, uint64_t offset, struct extent *e);
void sparse_release(struct sparse *s, uint64_t offset, const struct extent *e, int result);
bool sparse_is_clean(struct sparse *s);
int sparse_prepare(struct sparse *s, uint64_t offset, bool write);
int sparse_commit(struct sparse *s);
int sparse_zero(struct sparse *s, uint64_t offset, uint64_t bytes, bool unmap);

/* sparse_watch.c; all but the first two under lock */
int sparse_watch_start(struct sparse *s, struct sparse_watch *w, uint64_t size_bytes);
void sparse_watch_end(struct sparse *s);
bool sparse_watch_admits(const struct sparse *s, uint64_t offset);
void sparse_watch_mark(struct sparse *s, uint64_t offset, uint64_t bytes);
bool sparse_watch_take(struct sparse *s, uint64_t *granule);	/* the next marked one from *granule on is not marked any more */
void sparse_watch_wait(struct sparse *s, uint64_t offset);	/* until a write there is admitted, or was held up for long enough */
struct disk *sparse_through(struct sparse *s);			/* takes lock */

/* For formats and sparse_*.c, under lock. */
uint64_t sparse_blocks(uint64_t size_bytes, uint32_t block_bytes);
struct sparse_page *sparse_pages_new(unsigned int count);	/* for free() */
void sparse_mark_table(struct sparse *s, uint64_t page);
void sparse_mark_bitmap(struct sparse *s, uint64_t page);
bool sparse_has_room(const struct sparse *s, unsigned int pages);
int sparse_extend(struct sparse *s, uint64_t bytes, uint64_t *place);	/* room at the end of the file */
void sparse_free_slot(struct sparse *s, uint64_t slot);			/* freed by the next commit */
int sparse_list_add(struct sparse_list *list, uint64_t slot, unsigned int epoch);
void sparse_drain(struct sparse *s);					/* without lock; under commit_lock */
struct sparse_bitmap *sparse_bitmap_new(struct sparse *s, uint64_t page);
bool sparse_bit(const struct sparse *s, const struct sparse_bitmap *b, uint64_t sector);

static inline enum sparse_state sparse_state_of(uint64_t entry)
{
	return (enum sparse_state)(entry & SPARSE_STATE);
}

static inline uint64_t sparse_offset_of(uint64_t entry)
{
	return entry & ~SPARSE_STATE;
}

static inline bool sparse_has_place(uint64_t entry)
{
	return sparse_state_of(entry) >= SPARSE_FULL;
}

static inline bool sparse_is_differencing(const struct sparse *s)
{
	return s->page_sectors != 0;
}

#endif
