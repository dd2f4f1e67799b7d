/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv's own timers: an ordered queue per LP, multiplexed with the root's LAPIC timer (root-boot-notes.md section 6, M1).
 * Times are TSC ticks of this LP. Callbacks run on the LP with GIF=0 and must be short.
 */
#ifndef HV_DEADLINE_H
#define HV_DEADLINE_H

#include <hv/types.h>

struct deadline {
	struct deadline *next;
	uint64_t tsc;
	struct lp *lp;				/* NULL while not armed */
	void (*fire)(struct deadline *d);
};

void deadline_arm(struct deadline *d, uint64_t tsc);	/* on this LP; re-arms; never waits */
void deadline_cancel(struct deadline *d);		/* from any LP; afterwards the callback is not running: hold no lock it takes */
uint64_t tsc_now(void);
extern uint64_t tsc_hz, apic_hz;

#endif
