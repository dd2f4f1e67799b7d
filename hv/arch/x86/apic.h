/* SPDX-License-Identifier: Apache-2.0 */
/* The physical local APIC in x2APIC mode (Intel SDM 3, 12.12; AMD APM 2, 16.9). It is the root's; hv sends IPIs through it. */
#ifndef HV_X86_APIC_H
#define HV_X86_APIC_H

#include <hv/types.h>

#define APIC_MSR_ID		0x802
#define APIC_MSR_TPR		0x808
#define APIC_MSR_EOI		0x80b
#define APIC_MSR_SVR		0x80f
#define APIC_MSR_ISR		0x810
#define APIC_MSR_IRR		0x820
#define APIC_MSR_ICR		0x830
#define APIC_MSR_LVT_TIMER	0x832
#define APIC_MSR_LVT_ERROR	0x837
#define APIC_MSR_TIMER_INITIAL	0x838
#define APIC_MSR_TIMER_CURRENT	0x839
#define APIC_MSR_TIMER_DIVIDE	0x83e

#define APIC_SVR_ENABLE		BIT(8)
#define APIC_LVT_MASKED		BIT(16)
#define APIC_ICR_DELIVERY(icr)	((unsigned int)((icr) >> 8) & 7)
#define APIC_ICR_NMI		(4u << 8)
#define APIC_ICR_INIT		(5u << 8)
#define APIC_ICR_SIPI		(6u << 8)
#define APIC_ICR_ASSERT		BIT(14)

bool apic_has_x2apic(void);
void apic_enable(void);				/* x2APIC mode on this LP */
void apic_reset(void);				/* as INIT leaves it, x2APIC mode again */
void apic_send(uint32_t apic_id, uint32_t command);	/* low half of the ICR */
void apic_take_interrupt(uint8_t vector);	/* an interrupt hv itself let in */

extern volatile uint32_t apic_interrupts_taken;

#endif
