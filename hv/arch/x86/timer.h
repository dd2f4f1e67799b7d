/* SPDX-License-Identifier: Apache-2.0 */
/* The LP's one timer, shared by the root and hv's deadlines (hv/deadline.h). This module alone touches its registers. */
#ifndef HV_X86_TIMER_H
#define HV_X86_TIMER_H

#include <hv/types.h>

#include <hv/deadline.h>
#include <hv/lp.h>

void timer_prepare_lp(struct lp *lp);			/* memory, at boot */
#define TIMER_NEVER	(~0ull)
uint64_t timer_next(void);				/* TSC of this LP's first deadline, for a vendor that counts it itself */
bool timer_poll(bool interrupted);			/* fires what is due on this LP; true while more is armed */

/* After each exit. */
static inline void timer_look(struct lp *lp)
{
	uint64_t due = __atomic_load_n(&lp->timer_due, __ATOMIC_RELAXED);

	if (due != TIMER_NEVER && due <= tsc_now())
		timer_poll(false);
}

bool timer_root_read(uint32_t msr, uint64_t *value);	/* false: not a timer register, or not shared at present */
bool timer_root_write(uint32_t msr, uint64_t value);
void timer_own_vector_changed(void);			/* the root VP has written its SINT 0 */
void timer_root_reset(void);				/* the root VP's LAPIC was reset */

#endif
