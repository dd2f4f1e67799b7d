/* SPDX-License-Identifier: Apache-2.0 */
/* Which pages of a guest are in its balloon: a bit per page of RAM, so that nothing a guest says can make it grow. Pure. */
#ifndef VMWP_VSP_BALLOON_PAGES_H
#define VMWP_VSP_BALLOON_PAGES_H

#include <stdbool.h>
#include <stdint.h>

struct balloon_pages { uint64_t *bits, limit, count, first; };	/* limit: pages; first: no page below it is in */

int balloon_pages_init(struct balloon_pages *p, uint64_t limit);	/* 0 or -ENOMEM */
void balloon_pages_fini(struct balloon_pages *p);
void balloon_pages_clear(struct balloon_pages *p);
bool balloon_pages_add(struct balloon_pages *p, uint64_t page);	/* false: it is in already, or above the limit */
/* Takes out the lowest run, at most `max` pages: its length and *page; 0 when the balloon is empty. */
uint64_t balloon_pages_take(struct balloon_pages *p, uint64_t max, uint64_t *page);

#endif
