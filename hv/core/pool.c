/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deposited memory. Every page a partition's bookkeeping needs comes from its pool and goes back to it, scrubbed, so that
 * after finalization all of it can be withdrawn. A free page is linked through its first word and otherwise zero.
 */
#include <hv/pool.h>
#include <hv/string.h>

void pool_init(struct pool *p)
{
	*p = (struct pool){ 0 };
}

static void pool_push(struct pool *p, uint64_t spa)
{
	*(uint64_t *)spa_to_virt((spa_t){ spa }) = p->free_head;
	p->free_head = spa;
	p->free_pages++;
}

static uint64_t pool_pop(struct pool *p)
{
	uint64_t spa = p->free_head;
	uint64_t *link;

	if (!spa)
		return 0;
	link = spa_to_virt((spa_t){ spa });
	p->free_head = *link;
	*link = 0;
	p->free_pages--;
	return spa;
}

void pool_give(struct pool *p, spa_t page)
{
	memset(spa_to_virt(page), 0, PAGE_SIZE);
	spin_lock(&p->lock);
	pool_push(p, page.addr);
	p->total_pages++;
	spin_unlock(&p->lock);
}

static uint64_t pool_take(struct pool *p, bool for_good)
{
	uint64_t spa;

	spin_lock(&p->lock);
	spa = pool_pop(p);
	if (spa && for_good)
		p->total_pages--;
	spin_unlock(&p->lock);
	return spa;
}

void *pool_alloc_page(struct pool *p)
{
	uint64_t spa = pool_take(p, false);

	return spa ? spa_to_virt((spa_t){ spa }) : NULL;
}

void pool_free_page(struct pool *p, void *page)
{
	if (!page)
		return;
	memset(page, 0, PAGE_SIZE);
	spin_lock(&p->lock);
	pool_push(p, virt_to_spa(page).addr);
	spin_unlock(&p->lock);
}

bool pool_withdraw(struct pool *p, spa_t *page)
{
	page->addr = pool_take(p, true);
	return page->addr != 0;
}
