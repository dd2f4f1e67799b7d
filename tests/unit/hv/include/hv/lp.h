/* SPDX-License-Identifier: Apache-2.0 */
/* Logical processors as the unit tests have them: this_lp() is a variable, kicks and interrupts are counted. */
#ifndef HV_LP_H
#define HV_LP_H

#include <hv/types.h>

#define HV_MAX_LPS	64

struct gpa_space;
struct vp;
struct lp {
	uint32_t index;
	struct vp *root_vp;
	unsigned int kicks, interrupts;
	uint8_t last_vector;
};

extern uint32_t lp_count;
struct lp *lp_get(uint32_t index);
struct lp *this_lp(void);
void lp_kick(struct lp *lp);
void lp_kick_and_wait(uint64_t lps);
void lp_kick_users_and_wait(const struct gpa_space *g);
void lp_send_interrupt(struct lp *lp, uint8_t vector);

#endif
