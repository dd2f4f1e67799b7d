/* SPDX-License-Identifier: Apache-2.0 */
/* Logical processors as the timer's unit test has them: one, and this_lp() is an ordinary function. */
#ifndef HV_LP_H
#define HV_LP_H

#include <hv/types.h>

struct vp;
struct lp_timer;
struct lp {
	struct vp *root_vp;
	struct lp_timer *timer;
	uint64_t timer_due;
};

extern uint32_t lp_count;
struct lp *lp_get(uint32_t index);
struct lp *this_lp(void);
void lp_send_interrupt(struct lp *lp, uint8_t vector);

#endif
