/* SPDX-License-Identifier: Apache-2.0 */
/* Priorities (CR8, TPR), APIC registers as synthetic MSRs, lazy EOI, guest idle; at the end crash report and reset. */
#include "guest.h"
#include "test_apic.h"

#define X2APIC_TPR	0x808u
#define X2APIC_ISR	0x810u
#define X2APIC_SELF_IPI	0x83fu
#define VECTOR_LOW	0x51u
#define VECTOR_MIDDLE	0x62u
#define VECTOR_HIGH	0x93u

static bool in_service(void)
{
	uint64_t any = 0;

	for (uint32_t i = 0; i < 8; i++)
		any |= rdmsr(X2APIC_ISR + i);
	return any != 0;
}

static void pending_window(void)
{
	sti();
	pause();
	pause();
	cli();
}

static void priorities(struct cpu *c)
{
	write_cr8(7);
	check_equal(rdmsr(X2APIC_TPR), 0x70, "CR8 is the APIC's TPR");
	wrmsr(X2APIC_SELF_IPI, VECTOR_MIDDLE);
	pending_window();
	check_equal(c->interrupts[VECTOR_MIDDLE], 0, "an interrupt below CR8 waits");
	wrmsr(X2APIC_SELF_IPI, VECTOR_HIGH);
	pending_window();
	check_equal(c->interrupts[VECTOR_HIGH], 1, "one above it does not");
	sti();
	write_cr8(0);
	pause();
	check_equal(c->interrupts[VECTOR_MIDDLE], 1, "lowering CR8 lets the other in at once");
	cli();
	wrmsr(X2APIC_TPR, 0xb5);
	check_equal(read_cr8(), 0xb, "a write of the TPR is seen in CR8");
	wrmsr(HV_X64_MSR_TPR, 0x20);
	check_equal(read_cr8(), 2, "so is one of the synthetic TPR");
	check_equal(rdmsr(HV_X64_MSR_TPR), 0x20, "which reads back");
	wrmsr(HV_X64_MSR_TPR, 0);
	wrmsr(HV_X64_MSR_ICR, 1u << 18 | VECTOR_LOW);		/* to self */
	check(wait_for(&c->interrupts[VECTOR_LOW], 1, 20000), "the synthetic ICR sends an IPI");
	eoi_by_hand[VECTOR_LOW] = true;
	wrmsr(X2APIC_SELF_IPI, VECTOR_LOW);
	pending_window();
	check(in_service(), "an interrupt is in service until its EOI");
	wrmsr(HV_X64_MSR_EOI, 0);
	check(!in_service(), "the synthetic EOI ends it");
	eoi_by_hand[VECTOR_LOW] = false;
}

static volatile uint32_t offered;	/* the assist bit as a handler saw it */

static void note_offer(void)
{
	offered = *this_cpu()->assist;
}

static void note_offer_after_lower(void)
{
	wrmsr(X2APIC_SELF_IPI, VECTOR_LOW);
	offered = *this_cpu()->assist;
}

static void lazy_eoi(struct cpu *c)
{
	uint32_t lazy, real;

	wrmsr(HV_X64_MSR_VP_ASSIST_PAGE, PAGE_GPA(5) | HV_MSR_PAGE_ENABLE);
	c->assist = PAGE(5);
	in_handler[VECTOR_MIDDLE] = note_offer;
	lazy = c->lazy_eois;
	wrmsr(X2APIC_SELF_IPI, VECTOR_MIDDLE);
	pending_window();
	check(offered == 1 && c->lazy_eois == lazy + 1, "a lone interrupt needs no EOI");
	check(!in_service(), "clearing the bit has ended it");
	real = c->real_eois;
	wrmsr(X2APIC_SELF_IPI, VECTOR_LOW);
	wrmsr(X2APIC_SELF_IPI, VECTOR_MIDDLE);
	pending_window();
	check(offered == 0 && c->real_eois == real + 1 && c->lazy_eois == lazy + 2, "one with another behind it needs a real EOI");
	in_handler[VECTOR_MIDDLE] = note_offer_after_lower;
	real = c->real_eois;
	wrmsr(X2APIC_SELF_IPI, VECTOR_MIDDLE);
	pending_window();
	check(offered == 0 && c->real_eois == real + 1, "the offer is withdrawn when another comes behind it");
	check(c->interrupts[VECTOR_LOW] >= 3 && !in_service(), "which is then delivered");
	in_handler[VECTOR_MIDDLE] = NULL;
	eoi_by_hand[VECTOR_MIDDLE] = true;
	wrmsr(X2APIC_SELF_IPI, VECTOR_MIDDLE);
	pending_window();
	apic_eoi();
	check(!in_service() && *c->assist == 0, "a real EOI is right all the same, and takes the offer back");
	eoi_by_hand[VECTOR_MIDDLE] = false;
	c->assist = NULL;
	wrmsr(HV_X64_MSR_VP_ASSIST_PAGE, 0);
	check_equal(rdmsr(HV_X64_MSR_VP_ASSIST_PAGE), 0, "the assist page can be taken away");
}

static void guest_idle(struct cpu *c)
{
	uint64_t start = rdmsr(HV_X64_MSR_TIME_REF_COUNT);
	uint32_t before = c->interrupts[VECTOR_HIGH];

	wrmsr(HV_X64_MSR_STIMER0_CONFIG, HV_STIMER_DIRECT | VECTOR_HIGH << 4 | HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_X64_MSR_STIMER0_CONFIG + 1, start + 30000);
	check_equal(rdmsr(HV_X64_MSR_GUEST_IDLE), 0, "GUEST_IDLE reads as 0");
	check(rdmsr(HV_X64_MSR_TIME_REF_COUNT) >= start + 30000, "after the next interrupt, though interrupts are off");
	check_equal(c->interrupts[VECTOR_HIGH], before, "which is not delivered");
	pending_window();
	check_equal(c->interrupts[VECTOR_HIGH], before + 1, "before they are on");
	check(!wrmsr_safe(HV_X64_MSR_GUEST_IDLE, 0), "GUEST_IDLE cannot be written");
}

static void crash_and_reset(void)
{
	for (uint32_t i = 0; i < 5; i++)
		wrmsr(HV_X64_MSR_CRASH_P0 + i, CRASH_PARAMETER(i));
	wrmsr(HV_X64_MSR_CRASH_CTL, 1ull << 63);
	check_equal(ask(ASK_CRASHED, 0, 0), 1, "the VMM is told of a crash");
	wrmsr(HV_X64_MSR_RESET, 1);
	check(false, "nothing runs after a reset");
}

void guest_apic(unsigned int vp)
{
	struct cpu *c = &cpus[vp];

	priorities(c);
	lazy_eoi(c);
	guest_idle(c);
	crash_and_reset();
}
