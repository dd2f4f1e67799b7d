/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition's GPA space: nested page tables from its own pool. The leaf format is the vendor's (struct npt_format,
 * chosen at boot); everything else is neutral. Callers hold the partition's lock, except for gpa_space_flush().
 *
 * A GPA is mapped, marked "no access" (a fault there is a GPA intercept for the driver) or unmapped (a fault is an
 * unmapped-GPA intercept for the VMM: MMIO), hv-abi.md section 10. "No access" is a non-present entry with one software
 * bit, at any level, so marking never needs memory unless it splits; splits draw on a reserve that mapping keeps full.
 */
#ifndef HV_GPA_SPACE_H
#define HV_GPA_SPACE_H

#include <hv/types.h>

struct pool;
struct iommu_format;

enum gpa_access { GPA_READ = 1, GPA_WRITE = 2, GPA_EXECUTE = 4 };

struct npt_format {		/* leaf and table entries of NPT (AMD APM 2, 15.25) or EPT (Intel SDM 3, 29.3) */
	uint64_t table;				/* bits of a non-leaf entry */
	uint64_t (*leaf)(uint64_t spa, unsigned int access, bool uncached, unsigned int level);
	unsigned int (*access)(uint64_t entry);
	uint64_t accessed, dirty;		/* 0 when the CPU keeps none */
	unsigned int largest_level;		/* of a leaf: 2 (2 MiB) or 3 (1 GiB) */
};
extern const struct npt_format *npt_format;

#define GPA_RESERVE	4			/* two ends of a range, two levels each */

/* A page of the partition's pool that hides whatever is mapped at one GPA (SynIC, assist, hypercall, TSC page). */
struct gpa_overlay {
	struct gpa_overlay *next;
	gpa_t gpa;				/* valid while `active` */
	bool active;
	uint64_t hidden;			/* the entry beneath, kept up to date by map and unmap */
	void *page;
};

struct gpa_space {
	struct pool *pool;
	spa_t root;				/* level-4 table: nCR3 / EPTP's address */
	uint64_t generation;			/* grows with every removal; an LP that ran an older one must flush */
	uint64_t reserve[GPA_RESERVE];		/* SPAs of zeroed pages for splits; 0 = used up */
	uint64_t retired;			/* replaced tables, linked by their first word, until the next flush */
	struct gpa_overlay *overlays;		/* active ones */
	uint64_t leaves[4];			/* how many are mapped, by level: 4 KiB, 2 MiB, 1 GiB; for statistics, as the next two */
	uint64_t split, merged;
	const struct iommu_format *devices;	/* an IOMMU walks these tables as well (iommu.h): the root's, or NULL */
	bool lent;				/* a child's: every mapped page is counted (frames.h) */
	bool tracking;				/* property GPA_ACCESS_TRACKING: dirty state matters */
};

hv_status_t gpa_space_init(struct gpa_space *g, struct pool *pool);
void gpa_space_fini(struct gpa_space *g);	/* every table page back to the pool */

/*
 * Maps `pages` 4 KiB pages (with large leaves where both addresses allow) over whatever was there. In a `lent` space the
 * caller has counted the pages with frames_lend(); what is not mapped for want of memory is returned again.
 */
hv_status_t gpa_space_map(struct gpa_space *g, gpa_t gpa, spa_t spa, uint64_t pages, unsigned int access, bool uncached);
/* Marks a range "no access". INSUFFICIENT_MEMORY only where nothing was mapped before (nothing is left accessible). */
hv_status_t gpa_space_map_no_access(struct gpa_space *g, gpa_t gpa, uint64_t pages);
hv_status_t gpa_space_unmap(struct gpa_space *g, gpa_t gpa, uint64_t pages);

/* A page found once, and good as long as nothing has been removed since: `generation` is the space's. */
struct gpa_view { gpa_t gpa; uint64_t generation; void *page; };

enum gpa_state { GPA_UNMAPPED, GPA_NO_ACCESS, GPA_MAPPED };
enum gpa_state gpa_space_lookup(struct gpa_space *g, gpa_t gpa, spa_t *spa, unsigned int *access);
hv_status_t gpa_space_translate(struct gpa_space *g, gpa_t gpa, unsigned int access, spa_t *spa);

/* Accessed/dirty state of one 4 KiB page as HV_GPA_STATE_*; then applies HV_GPA_CLEAR_* and HV_GPA_SET_* flags. */
uint8_t gpa_space_access_state(struct gpa_space *g, gpa_t gpa, unsigned int flags);

/* Puts overlay->page at a GPA, or takes it away again. Moving is hide and show. Needs memory for a split at most. */
hv_status_t gpa_overlay_show(struct gpa_space *g, struct gpa_overlay *o, gpa_t gpa);
void gpa_overlay_hide(struct gpa_space *g, struct gpa_overlay *o);

/*
 * Makes removals visible everywhere: returns when no LP can use an old translation. Called without the partition's lock;
 * frees retired tables, for which it takes the lock it is given.
 */
struct spinlock;
void gpa_space_flush(struct gpa_space *g, struct spinlock *lock);

#endif
