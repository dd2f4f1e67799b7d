/* SPDX-License-Identifier: Apache-2.0 */
/* See balloon_pages.h. */
#include "vmwp/vsp/balloon_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t words(const struct balloon_pages *p)
{
	return (size_t)((p->limit + 63) / 64);
}

int balloon_pages_init(struct balloon_pages *p, uint64_t limit)
{
	*p = (struct balloon_pages){ .limit = limit, .first = limit };
	p->bits = calloc(words(p) + 1, sizeof(*p->bits));
	return p->bits ? 0 : -ENOMEM;
}

void balloon_pages_fini(struct balloon_pages *p)
{
	free(p->bits);
	p->bits = NULL;
}

void balloon_pages_clear(struct balloon_pages *p)
{
	if (p->count)				/* else there is nothing to clear, and pages of zeros stay nobody's */
		memset(p->bits, 0, words(p) * sizeof(*p->bits));
	p->count = 0;
	p->first = p->limit;
}

static bool is_in(const struct balloon_pages *p, uint64_t page)
{
	return p->bits[page / 64] >> (page % 64) & 1;
}

bool balloon_pages_add(struct balloon_pages *p, uint64_t page)
{
	if (page >= p->limit || is_in(p, page))
		return false;
	p->bits[page / 64] |= 1ull << (page % 64);
	p->count++;
	if (page < p->first)
		p->first = page;
	return true;
}

uint64_t balloon_pages_take(struct balloon_pages *p, uint64_t max, uint64_t *page)
{
	uint64_t at = p->first, end;

	if (p->count == 0 || max == 0)
		return 0;
	while (!is_in(p, at))				/* there is one: whole empty words are skipped */
		at = p->bits[at / 64] >> (at % 64) ? at + 1 : (at / 64 + 1) * 64;
	for (end = at; end < p->limit && end - at < max && is_in(p, end); end++)
		p->bits[end / 64] &= ~(1ull << (end % 64));
	p->count -= end - at;
	p->first = p->count ? end : p->limit;
	*page = at;
	return end - at;
}
