/* SPDX-License-Identifier: Apache-2.0 */
/* hv's use of the physical local APIC: x2APIC mode on every LP before the root sees it, IPIs, and the reset that INIT implies. */
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <hv/lp.h>
#include <hv/vcpu.h>

volatile uint32_t apic_interrupts_taken;

bool apic_has_x2apic(void)
{
	return cpuid(1, 0).ecx & BIT(21);
}

void apic_enable(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	if (!(base & APIC_BASE_ENABLE))		/* disabled to x2APIC in one step is illegal */
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
	wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
}

static bool is_empty(uint32_t eight_registers)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < 8; i++)
		bits |= rdmsr(eight_registers + i);
	return !bits;
}

/*
 * As INIT does, register by register: turning the APIC off and on keeps IRR and timer in QEMU (the root would then report
 * "Stale IRR"), and what Bochs models stays off until the machine is reset (Intel SDM 3, 12.4.3).
 */
void apic_reset(void)
{
	for (uint32_t lvt = APIC_MSR_LVT_TIMER; lvt <= APIC_MSR_LVT_ERROR; lvt++)
		wrmsr_safe(lvt, APIC_LVT_MASKED);
	wrmsr(APIC_MSR_TIMER_INITIAL, 0);
	wrmsr(APIC_MSR_TIMER_DIVIDE, 0);
	wrmsr(APIC_MSR_TPR, 0);
	wrmsr(APIC_MSR_SVR, 0xff | APIC_SVR_ENABLE);
	for (unsigned int i = 0; i < 256 && !is_empty(APIC_MSR_ISR); i++)
		wrmsr(APIC_MSR_EOI, 0);
	for (unsigned int i = 0; i < 256 && !is_empty(APIC_MSR_IRR); i++)
		vcpu_let_interrupts_in();
	wrmsr(APIC_MSR_SVR, 0xff);
}

void apic_send(uint32_t apic_id, uint32_t command)
{
	asm volatile("mfence; lfence" : : : "memory");	/* x2APIC MSR writes are not ordered with earlier stores */
	wrmsr(APIC_MSR_ICR, (uint64_t)apic_id << 32 | command);
}

void lp_send_interrupt(struct lp *lp, uint8_t vector)
{
	apic_send(lp->apic_id, vector | (uint32_t)APIC_ICR_ASSERT);
}

void apic_take_interrupt(uint8_t vector)
{
	(void)vector;				/* only clock.c and apic_reset() let interrupts in */
	apic_interrupts_taken++;
	wrmsr(APIC_MSR_EOI, 0);
}
