/* SPDX-License-Identifier: Apache-2.0 */
/* The host's memory as its administrator sees it: what the root keeps for itself (adjustable), and who holds the rest. */
#ifndef VMMS_HOST_MEMORY_H
#define VMMS_HOST_MEMORY_H

#include "vm.h"

int host_memory_open(struct vmms *v);			/* reads the reserve that was set */
uint64_t host_memory_reserve(const struct vmms *v, uint64_t total_bytes);
uint64_t host_memory_reserve_computed(uint64_t total_bytes);	/* pure */
json_t *host_memory_to_json(const struct vmms *v);
int host_memory_patch(struct vmms *v, const json_t *patch, struct problem *p);	/* stores it; the next round of the balancer goes by it */

#endif
