/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See processors.h: weighted max-min shares of processor time, where some may run on some processors only. A set of processors limits
 * those that are pinned within it. The set with the lowest level decides first: its VMs have their shares, and the others share the rest.
 * Exact for sets that lie apart or one within another; where they overlap in part, their union is not looked at.
 */
#include "processors.h"

#include "dynmem/dynmem.h"

#include <stdlib.h>

#define LP		100000ull	/* one logical processor for one period of 100 ms, in microseconds */
#define WEIGHT_MAX	10000u		/* cgroup-v2, cpu.weight */
#define UNLIMITED	UINT64_MAX	/* a level: all have what they may have */
#define SCALE		1024u		/* of levels */

struct plan {
	const struct vm_processor *const *processors;
	size_t count;
	uint64_t lps;
	struct dynmem_share shares[DYNMEM_VMS_MAX];	/* `given` counts once settled */
	bool settled[DYNMEM_VMS_MAX];
};

static uint64_t percent_of_vps(const struct vm_processor *p, uint64_t percent)
{
	return p->count * percent * (LP / 100);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t set_size(const struct lp_set *s, uint64_t lps)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < LPS_MAX / 64; i++)
		count += (uint64_t)__builtin_popcountll(s->bits[i]);
	return count && count < lps ? count : lps;
}

/* An empty set is the whole host. */
static bool is_within(const struct lp_set *s, const struct lp_set *set)
{
	if (lp_set_is_empty(set) || lp_set_is_empty(s))
		return lp_set_is_empty(set);
	for (unsigned int i = 0; i < LPS_MAX / 64; i++)
		if (s->bits[i] & ~set->bits[i])
			return false;
	return true;
}

/* The shares of those within the set that are not settled, if the set alone counted; the level at which it is full. */
static uint64_t level_of(const struct plan *p, const struct lp_set *set, struct dynmem_share *shares, size_t *which, size_t *count)
{
	uint64_t room = set_size(set, p->lps) * LP, level = UNLIMITED;

	*count = 0;
	for (size_t i = 0; i < p->count; i++) {
		if (!is_within(&p->processors[i]->pins, set))
			continue;
		if (p->settled[i]) {
			room -= smaller(room, p->shares[i].given);
			continue;
		}
		which[*count] = i;
		shares[(*count)++] = p->shares[i];
	}
	dynmem_share_out(shares, *count, room);
	for (size_t i = 0; i < *count; i++)		/* one that is held up by its reserve is above the level */
		if (shares[i].given < shares[i].ceiling)
			level = smaller(level, shares[i].given * SCALE / shares[i].weight);
	return level;
}

/* Settles the VMs of the set that is full first; with none all get what they may have. False: nobody is left. */
static bool settle_next(struct plan *p)
{
	static const struct lp_set whole;
	const struct lp_set *tightest = &whole;
	struct dynmem_share shares[DYNMEM_VMS_MAX];
	size_t which[DYNMEM_VMS_MAX], count;
	uint64_t lowest = level_of(p, &whole, shares, which, &count);

	if (count == 0)
		return false;
	for (size_t i = 0; i < p->count; i++) {
		const struct lp_set *set = &p->processors[i]->pins;
		uint64_t level = p->settled[i] || lp_set_is_empty(set) ? UNLIMITED : level_of(p, set, shares, which, &count);

		if (level < lowest) {
			lowest = level;
			tightest = set;
		}
	}
	(void)level_of(p, tightest, shares, which, &count);
	for (size_t n = 0; n < count; n++) {
		p->shares[which[n]].given = shares[n].given;
		p->settled[which[n]] = true;
	}
	return true;
}

void processors_entitle(const struct vm_processor *const *processors, size_t count, uint64_t lps, struct cpu_share *out)
{
	struct plan p = { .processors = processors, .count = count, .lps = lps };

	for (size_t i = 0; i < count; i++) {
		const struct vm_processor *c = processors[i];
		uint64_t most = smaller(percent_of_vps(c, c->limit_percent), set_size(&c->pins, lps) * LP);

		p.shares[i] = (struct dynmem_share){ smaller(percent_of_vps(c, c->reserve_percent), most), most, (uint32_t)c->weight, 0 };
	}
	while (settle_next(&p))
		;
	for (size_t i = 0; i < count; i++) {
		uint64_t weight = p.shares[i].given * WEIGHT_MAX / (lps * LP);

		out[i].weight = weight < 1 ? 1 : weight > WEIGHT_MAX ? WEIGHT_MAX : (unsigned int)weight;
		out[i].quota_usec = processors[i]->limit_percent == 100 ? 0 : percent_of_vps(processors[i], processors[i]->limit_percent);
	}
}
