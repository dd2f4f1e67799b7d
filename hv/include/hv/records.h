/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing set of equal small records in pages of a partition's pool: ports, connections, CPUID results. The first word of
 * a record is its key and 0 means free. Callers hold the partition's lock.
 */
#ifndef HV_RECORDS_H
#define HV_RECORDS_H

#include <hv/pool.h>

struct record_page;
struct records {
	struct record_page *pages;
	uint32_t size;			/* of a record, set by the owner, multiple of 8 */
};

void *records_add(struct records *r, struct pool *pool);	/* zeroed; the caller sets its key. NULL: no memory */
void *records_next(struct records *r, const void *after);	/* any used record; NULL starts, NULL ends */
void *records_match(struct records *r, bool (*matches)(const void *record, const void *key), const void *key);
void *records_find(struct records *r, uint32_t key);
void records_fini(struct records *r, struct pool *pool);

#endif
