/* SPDX-License-Identifier: Apache-2.0 */
/* LAPIC timer registers (Intel SDM 3, 12.5.4): one-shot count where the CPU has nothing better, TSC deadline where it has. */
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <arch/x86/timer_hw.h>
#include <hv/deadline.h>

#define DIVIDE_BY_16		0x3u
#define MODE_TSC_DEADLINE	((uint32_t)TIMER_TSC_DEADLINE << 17)

uint64_t muldiv64(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t high;

	asm("mulq %2\n\tdivq %3" : "+a"(a), "=&d"(high) : "r"(b), "r"(c));
	return a;
}

static bool has_tsc_deadline(void)
{
	return cpuid(1, 0).ecx & BIT(24);
}

/* Divide configuration: bits 3, 1 and 0 are a power of two, 111 meaning 1 and 000 meaning 2. */
static unsigned int divide_shift(uint32_t divide)
{
	return (((divide >> 1 & 4) | (divide & 3)) + 1) & 7;
}

uint64_t timer_ticks_to_tsc(uint32_t ticks, uint32_t divide)
{
	return muldiv64((uint64_t)ticks << divide_shift(divide), tsc_hz, apic_hz);
}

uint32_t timer_tsc_to_ticks(uint64_t tsc, uint32_t divide)
{
	uint64_t ticks = muldiv64(tsc < BIT(48) ? tsc : BIT(48), apic_hz, tsc_hz) >> divide_shift(divide);

	return ticks == 0 ? 1 : ticks > 0xffffffff ? 0xffffffff : (uint32_t)ticks;
}

void timer_hw_read(struct timer_registers *r, uint32_t *current)
{
	r->lvt = (uint32_t)rdmsr(APIC_MSR_LVT_TIMER);
	r->initial = (uint32_t)rdmsr(APIC_MSR_TIMER_INITIAL);
	r->divide = (uint32_t)rdmsr(APIC_MSR_TIMER_DIVIDE);
	r->tsc_deadline = has_tsc_deadline() ? rdmsr(MSR_TSC_DEADLINE) : 0;
	*current = r->initial ? (uint32_t)rdmsr(APIC_MSR_TIMER_CURRENT) : 0;
}

/* The mode comes first: a change between count and deadline mode disarms whatever was set. */
void timer_hw_write(const struct timer_registers *r, uint32_t initial)
{
	wrmsr(APIC_MSR_LVT_TIMER, r->lvt);
	wrmsr(APIC_MSR_TIMER_DIVIDE, r->divide);
	if (LVT_TIMER_MODE(r->lvt) != TIMER_TSC_DEADLINE) {
		wrmsr(APIC_MSR_TIMER_INITIAL, initial);
		return;
	}
	asm volatile("mfence" : : : "memory");		/* Intel SDM 3, 12.5.4.1: the LVT is not ordered with the MSR */
	wrmsr(MSR_TSC_DEADLINE, r->tsc_deadline);
}

void timer_hw_fire_at(uint64_t tsc, uint8_t vector)
{
	uint64_t now = rdtsc();
	struct timer_registers r = { .divide = DIVIDE_BY_16, .tsc_deadline = tsc };

	r.lvt = vector | (has_tsc_deadline() ? MODE_TSC_DEADLINE : 0);
	timer_hw_write(&r, timer_tsc_to_ticks(tsc > now ? tsc - now : 0, r.divide));
}

void timer_hw_stop(void)
{
	wrmsr(APIC_MSR_LVT_TIMER, APIC_LVT_MASKED);
	wrmsr(APIC_MSR_TIMER_INITIAL, 0);
}
