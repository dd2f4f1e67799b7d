/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition's GPA space: nested page tables from its own pool. The page-table format is the vendor's
 * (struct npt_format, chosen at boot); everything else is neutral. Callers hold the partition's lock.
 */
#ifndef HV_GPA_SPACE_H
#define HV_GPA_SPACE_H

#include <hv/types.h>

struct pool;

enum gpa_access { GPA_READ = 1, GPA_WRITE = 2, GPA_EXECUTE = 4 };

struct npt_format {		/* leaf and table entries of NPT (AMD APM 2, 15.25) or EPT (Intel SDM 3, 29.3) */
	uint64_t table;				/* bits of a non-leaf entry */
	uint64_t (*leaf)(uint64_t spa, unsigned int access, bool uncached, unsigned int level);
	unsigned int (*access)(uint64_t entry);
	uint64_t accessed, dirty;		/* 0 when the CPU keeps none */
};
extern const struct npt_format *npt_format;

struct gpa_space {
	struct pool *pool;
	spa_t root;				/* level-4 table: nCR3 / EPTP's address */
	uint64_t generation;			/* grows with every removal; an LP that ran an older one must flush */
};

hv_status_t gpa_space_init(struct gpa_space *g, struct pool *pool);
void gpa_space_fini(struct gpa_space *g);	/* every table page back to the pool */

/* Maps `pages` 4 KiB pages (with large leaves where both addresses allow) over whatever was there. */
hv_status_t gpa_space_map(struct gpa_space *g, gpa_t gpa, spa_t spa, uint64_t pages, unsigned int access, bool uncached);
/* Marks a range "no access": a fault there is a GPA intercept, not an unmapped GPA (hv-abi.md section 10). Never needs memory it may not have. */
hv_status_t gpa_space_map_no_access(struct gpa_space *g, gpa_t gpa, uint64_t pages);
hv_status_t gpa_space_unmap(struct gpa_space *g, gpa_t gpa, uint64_t pages);

enum gpa_state { GPA_UNMAPPED, GPA_NO_ACCESS, GPA_MAPPED };
enum gpa_state gpa_space_lookup(struct gpa_space *g, gpa_t gpa, spa_t *spa, unsigned int *access);
hv_status_t gpa_space_translate(struct gpa_space *g, gpa_t gpa, unsigned int access, spa_t *spa);

/* Makes removals visible everywhere: returns when no LP can use an old translation. */
void gpa_space_flush(struct gpa_space *g);

#endif
