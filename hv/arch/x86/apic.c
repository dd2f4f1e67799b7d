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

static bool irr_is_empty(void)
{
	uint64_t pending = 0;

	for (uint32_t i = 0; i < 8; i++)
		pending |= rdmsr(APIC_MSR_IRR + i);
	return !pending;
}

/*
 * Turning x2APIC mode off and on resets a real APIC; QEMU's keeps its IRR and timer (the root would then report "Stale IRR"),
 * so what is pending is taken and dropped first, as INIT does.
 */
void apic_reset(void)
{
	for (uint32_t lvt = APIC_MSR_LVT_TIMER; lvt <= APIC_MSR_LVT_ERROR; lvt++)
		wrmsr_safe(lvt, APIC_LVT_MASKED);
	wrmsr(APIC_MSR_TIMER_INITIAL, 0);
	wrmsr(APIC_MSR_SVR, 0xff | APIC_SVR_ENABLE);
	for (unsigned int i = 0; i < 256 && !irr_is_empty(); i++)
		vcpu_let_interrupts_in();
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) & ~(APIC_BASE_ENABLE | APIC_BASE_X2APIC));
	apic_enable();
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
