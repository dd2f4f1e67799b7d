/* SPDX-License-Identifier: Apache-2.0 */
/* The LAPIC timer's registers as a device: one count, one vector; and the arithmetic between its ticks and the TSC's. */
#ifndef HV_X86_TIMER_HW_H
#define HV_X86_TIMER_HW_H

#include <hv/types.h>

#define LVT_TIMER_MODE(lvt)	((unsigned int)((lvt) >> 17) & 3)
#define TIMER_ONE_SHOT		0u
#define TIMER_PERIODIC		1u
#define TIMER_TSC_DEADLINE	2u

struct timer_registers {		/* as the root wrote them, or would read them */
	uint32_t lvt, initial, divide;
	uint64_t tsc_deadline;
};

uint64_t muldiv64(uint64_t a, uint64_t b, uint64_t c);			/* a * b / c, 128 bits between; the quotient must fit */
uint64_t timer_ticks_to_tsc(uint32_t ticks, uint32_t divide);
uint32_t timer_tsc_to_ticks(uint64_t tsc, uint32_t divide);		/* at least 1, at most all ones */
void timer_hw_read(struct timer_registers *r, uint32_t *current);
void timer_hw_write(const struct timer_registers *r, uint32_t initial);	/* starts counting from `initial` */
void timer_hw_fire_at(uint64_t tsc, uint8_t vector);			/* one-shot, by whichever means the CPU has */
void timer_hw_stop(void);

#endif
