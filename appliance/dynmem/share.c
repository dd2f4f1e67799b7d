/* SPDX-License-Identifier: Apache-2.0 */
/* Weighted max-min sharing ("water filling"): one level for all, each VM's part is the level times its weight. */
#include "dynmem/dynmem.h"

#define LEVEL_SHIFT	12	/* the level counts 4096ths of a byte per unit of weight */

static uint64_t part_at(const struct dynmem_share *s, uint64_t level)
{
	unsigned __int128 part = (unsigned __int128)level * s->weight >> LEVEL_SHIFT;

	if (part <= s->floor || s->ceiling <= s->floor)
		return s->floor;
	return part >= s->ceiling ? s->ceiling : (uint64_t)part;
}

static uint64_t sum_at(const struct dynmem_share *shares, size_t count, uint64_t level)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += part_at(&shares[i], level);
	return sum;
}

void dynmem_share_out(struct dynmem_share *shares, size_t count, uint64_t amount)
{
	uint64_t low = 0, high = UINT64_MAX >> 1;

	while (high - low > 1) {		/* sum(low) fits, or nothing does; sum(high) does not, or need not be known */
		uint64_t middle = low + (high - low) / 2;

		if (sum_at(shares, count, middle) <= amount)
			low = middle;
		else
			high = middle;
	}
	for (size_t i = 0; i < count; i++)
		shares[i].given = part_at(&shares[i], low);
}
