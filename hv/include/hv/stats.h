/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics pages (HvCallMapStatsPage): 512 counters per object, in a page of the root's pool that the root reads. */
#ifndef HV_STATS_H
#define HV_STATS_H

#include <hv/types.h>

struct stats_record {			/* a record of root_partition.stats_pages */
	uint32_t used;			/* 1 + times mapped */
	uint32_t type;
	uint8_t identity[16];
	uint64_t page;			/* SPA */
};

#endif
