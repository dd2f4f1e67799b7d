/* SPDX-License-Identifier: Apache-2.0 */
/* Deposited memory of one partition: a list of free 4 KiB pages. Pages come back scrubbed and are all returned before deletion. */
#ifndef HV_POOL_H
#define HV_POOL_H

#include <hv/lock.h>
#include <hv/types.h>

struct pool {
	struct spinlock lock;
	uint64_t free_head;		/* SPA of the first free page, linked through their first words; 0 = none */
	uint64_t free_pages, total_pages;
};

void pool_init(struct pool *p);
/* A page that joins: a deposit. Scrubbed here. */
void pool_give(struct pool *p, spa_t page);
void *pool_alloc_page(struct pool *p);			/* zeroed; NULL when empty (HV_STATUS_INSUFFICIENT_MEMORY) */
void pool_free_page(struct pool *p, void *page);	/* scrubbed here; NULL is accepted */
bool pool_withdraw(struct pool *p, spa_t *page);	/* takes a free page out; false when none */

void *spa_to_virt(spa_t spa);				/* hv maps all of physical memory */
spa_t virt_to_spa(const void *virt);

#endif
