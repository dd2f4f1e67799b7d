/* SPDX-License-Identifier: Apache-2.0 */
/* How much processor and memory a VM gets: sections of its configuration. Percentages are of the VM's own VPs. */
#ifndef VMMS_VM_RESOURCES_H
#define VMMS_VM_RESOURCES_H

#include "fields.h"
#include "partita/guid.h"

struct vm_limits { uint64_t vps, memory_bytes; };	/* of this host */

#define LPS_MAX	512u
struct lp_set { uint64_t bits[LPS_MAX / 64]; };		/* none: no choice was made, so all */
bool lp_set_is_empty(const struct lp_set *s);
void lp_set_to_list(const struct lp_set *s, char *text, size_t size);	/* "0-3,8", as in cpuset(7) */

struct vm_processor {
	uint64_t count, weight;		/* weight 1…10000, 100 is usual */
	uint64_t limit_percent, reserve_percent;
	bool overcommit;		/* more VPs than the host has LPs are meant */
	bool share_cores;		/* a core's other thread may run another VM */
	struct lp_set pins;		/* it runs on these LPs only */
};

struct vm_memory {			/* minimum ≤ startup ≤ maximum */
	uint64_t startup, minimum, maximum;
	uint64_t buffer_percent, weight;
	bool dynamic;
	char paging_volume[GUID_TEXT_SIZE];	/* of a paging file, should one be needed; "" that of its other files */
};

/* Problems go to the parent's. No limits: our own file, which has been judged before. */
void processor_parse(struct fields *parent, const struct vm_limits *limits, struct vm_processor *p);
void memory_parse(struct fields *parent, const struct vm_limits *limits, struct vm_memory *m);
json_t *processor_to_json(const struct vm_processor *p);
json_t *memory_to_json(const struct vm_memory *m);

#endif
