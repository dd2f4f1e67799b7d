/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of lent pages: a page of counters per 8 MiB, taken from hv's spare memory when first needed; see frames.h. */
#include <hv/frames.h>
#include <hv/partition.h>
#include <hv/pool.h>
#include <hv/string.h>

#define FRAMES_PER_PAGE	(PAGE_SIZE / sizeof(uint16_t))
#define FRAMES_MAX	(BIT(40) >> PAGE_SHIFT)		/* 1 TiB; pages above it can be lent but never deposited */
#define LENT_MAX	0xffffu

static uint16_t *counters[FRAMES_MAX / FRAMES_PER_PAGE];	/* grows under the root's lock */

void frames_init(void)
{
	memset(counters, 0, sizeof(counters));
}

static uint16_t *counter(uint64_t frame)
{
	uint16_t *page = frame < FRAMES_MAX ? counters[frame / FRAMES_PER_PAGE] : NULL;

	return page ? &page[frame % FRAMES_PER_PAGE] : NULL;
}

static bool lend_one(uint64_t frame)
{
	uint16_t *c;

	if (frame >= FRAMES_MAX)
		return true;
	if (!counters[frame / FRAMES_PER_PAGE])
		counters[frame / FRAMES_PER_PAGE] = pool_alloc_page(&root_partition.pool);
	c = counter(frame);
	if (!c || __atomic_load_n(c, __ATOMIC_SEQ_CST) == LENT_MAX)
		return false;
	__atomic_add_fetch(c, 1, __ATOMIC_SEQ_CST);
	return true;
}

bool frames_lend(spa_t spa, uint64_t pages)
{
	uint64_t frame = spa.addr >> PAGE_SHIFT;

	for (uint64_t i = 0; i < pages; i++)
		if (!lend_one(frame + i)) {
			frames_return(spa, i);
			return false;
		}
	return true;
}

void frames_return(spa_t spa, uint64_t pages)
{
	for (uint64_t frame = spa.addr >> PAGE_SHIFT; pages--; frame++) {
		uint16_t *c = counter(frame);

		if (c)
			__atomic_sub_fetch(c, 1, __ATOMIC_SEQ_CST);
	}
}

bool frame_is_lent(spa_t spa)
{
	uint64_t frame = spa.addr >> PAGE_SHIFT;
	const uint16_t *c = counter(frame);

	return frame >= FRAMES_MAX || (c && __atomic_load_n(c, __ATOMIC_SEQ_CST));
}
