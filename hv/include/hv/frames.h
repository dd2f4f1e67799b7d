/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often each page of the root's memory is mapped into children. A page that is lent must not be deposited: a child could
 * then write to what hv keeps in it. Counting up happens under the root's lock, where a deposit looks; down at any time,
 * but after the GPA space's generation has grown, so that the flush of a deposit covers the child's old translation.
 */
#ifndef HV_FRAMES_H
#define HV_FRAMES_H

#include <hv/types.h>

void frames_init(void);				/* nothing is lent */
bool frames_lend(spa_t spa, uint64_t pages);	/* false: no memory for the counters, or a page lent 65,535 times */
void frames_return(spa_t spa, uint64_t pages);
bool frame_is_lent(spa_t spa);

#endif
