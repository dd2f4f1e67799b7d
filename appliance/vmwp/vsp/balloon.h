/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic memory, the mechanism: what the guest says it needs, and moving the VM's memory towards a target by taking pages
 * (balloon), giving them back (un-balloon) and adding more (hot add). Which target is right is decided elsewhere. Machine
 * lock held. Targets are reached in the guest's own time, or only in part: read the figures.
 */
#ifndef VMWP_VSP_BALLOON_H
#define VMWP_VSP_BALLOON_H

#include "vmwp/device.h"

extern const struct device_model balloon_model;

struct balloon_figures {
	bool driver;			/* the guest's driver is there and has said what it needs */
	uint64_t assigned_bytes;	/* what the guest has: start + hot-added - ballooned */
	uint64_t demand_bytes;		/* what it has promised to its programs; all it has when it does not say */
	uint64_t available_bytes;	/* what it could give at once; 0 when it does not say */
	uint64_t reported_ns;		/* machine time of its last report; 0 never */
	uint64_t target_bytes;
};

void balloon_get_figures(struct machine *m, struct balloon_figures *f);
/* 0; -ERANGE above the VM's maximum or below BALLOON_TARGET_MIN. Kept across guest resets. */
#define BALLOON_TARGET_MIN	(32ull << 20)
int balloon_set_target(struct machine *m, uint64_t bytes);

#endif
