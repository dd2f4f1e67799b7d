/* SPDX-License-Identifier: Apache-2.0 */
/* Reference time by MSR and by page, a frozen partition, the APIC timer's modes, a TSC that the VMM moves. */
#include "guest.h"
#include "test_time.h"

#define MS		10000ull
#define X2APIC_LVT	0x832u
#define X2APIC_INITIAL	0x838u
#define X2APIC_CURRENT	0x839u
#define X2APIC_DIVIDE	0x83eu
#define MSR_DEADLINE	0x6e0u
#define APIC_MS		200000u		/* counts per ms at divide by 1: HV_X64_MSR_APIC_FREQUENCY says so */
#define VECTOR_TIMER	0x6au
#define VECTOR_STIMER	0x6bu

static uint64_t now(void) { return rdmsr(HV_X64_MSR_TIME_REF_COUNT); }

static uint64_t page_time(void)
{
	volatile struct hv_reference_tsc_page *p = PAGE(5);
	uint32_t sequence;
	uint64_t time;

	do {
		sequence = p->sequence;
		time = (uint64_t)(((unsigned __int128)rdtsc() * p->scale) >> 64) + (uint64_t)p->offset;
	} while (!sequence || sequence != p->sequence);
	return time;
}

static bool page_agrees(void)
{
	uint64_t before = now(), page = page_time(), after = now();

	return page + 1 >= before && page <= after + 1;
}

static void reference_time(void)
{
	uint64_t first = now(), tsc = rdtsc(), hz = rdmsr(HV_X64_MSR_TSC_FREQUENCY);

	while (now() < first + 5 * MS)
		pause();
	check((rdtsc() - tsc) / (hz / 1000) >= 4 && (rdtsc() - tsc) / (hz / 1000) < 1000, "5 ms of reference time are 5 ms of TSC");
	wrmsr(HV_X64_MSR_REFERENCE_TSC, PAGE_GPA(5) | HV_MSR_PAGE_ENABLE);
	check(page_agrees(), "the reference TSC page says what the MSR says");
	check_equal(rdmsr(HV_X64_MSR_APIC_FREQUENCY), APIC_MS * 1000, "the APIC timer's frequency is told");
	check(!wrmsr_safe(HV_X64_MSR_TIME_REF_COUNT, 0), "reference time cannot be written");
}

static void apic_timer(struct cpu *c)
{
	volatile uint32_t *count = &c->interrupts[VECTOR_TIMER];
	uint64_t start = now();

	wrmsr(X2APIC_DIVIDE, 0xb);
	wrmsr(X2APIC_LVT, VECTOR_TIMER);
	wrmsr(X2APIC_INITIAL, 10000 * APIC_MS);
	check(rdmsr(X2APIC_CURRENT) < 10000 * APIC_MS && rdmsr(X2APIC_CURRENT) > 0, "the count goes down");
	start = now();
	wrmsr(X2APIC_INITIAL, 5 * APIC_MS);
	while (*count < 1)
		sti_hlt();
	check(now() - start >= 5 * MS && now() - start < 60000 * MS, "a one-shot count ends when it should");
	check_equal(rdmsr(X2APIC_CURRENT), 0, "and stays at 0");
	start = now();
	wrmsr(X2APIC_LVT, VECTOR_TIMER | 1u << 17);
	wrmsr(X2APIC_INITIAL, 2 * APIC_MS);
	while (*count < 5)
		sti_hlt();
	wrmsr(X2APIC_INITIAL, 0);
	check(now() - start >= 8 * MS && now() - start < 60000 * MS, "a periodic one repeats");
	wrmsr(X2APIC_LVT, VECTOR_TIMER | 2u << 17);
	start = now();
	wrmsr(MSR_DEADLINE, rdtsc() + rdmsr(HV_X64_MSR_TSC_FREQUENCY) / 200);
	while (*count < 6 || rdmsr(MSR_DEADLINE))	/* on a busy host the periodic one may have ticked once more before it was stopped */
		sti_hlt();
	check(now() - start >= 49000 && now() - start < 60000 * MS, "a TSC deadline is kept");
	check_equal(rdmsr(MSR_DEADLINE), 0, "and disarms itself");
}

static void freeze(struct cpu *c)
{
	uint64_t before, after, tsc, hz = rdmsr(HV_X64_MSR_TSC_FREQUENCY);
	uint32_t stimers = c->interrupts[VECTOR_STIMER], timers = c->interrupts[VECTOR_TIMER];

	wrmsr(X2APIC_LVT, VECTOR_TIMER);
	wrmsr(HV_X64_MSR_STIMER0_CONFIG, HV_STIMER_DIRECT | VECTOR_STIMER << 4 | HV_STIMER_AUTO_ENABLE);
	wrmsr(X2APIC_INITIAL, 300 * APIC_MS);
	before = now();
	wrmsr(HV_X64_MSR_STIMER0_CONFIG + 1, before + 300 * MS);
	tsc = rdtsc();
	check_equal(ask(ASK_FREEZE, 400, 0), 0, "time can be frozen and thawed");
	after = now();
	check((rdtsc() - tsc) / (hz / 1000) >= 350, "the TSC ran on");
	check(after - before < 300 * MS, "reference time did not");
	check(page_agrees(), "the reference TSC page follows");
	check(c->interrupts[VECTOR_STIMER] == stimers && rdmsr(X2APIC_CURRENT) > 0, "no timer went off meanwhile");
	while (c->interrupts[VECTOR_STIMER] == stimers || c->interrupts[VECTOR_TIMER] == timers)
		sti_hlt();
	check(now() >= before + 300 * MS, "both go off when the rest of their time has passed");
}

static void moved_tsc(struct cpu *c)
{
	uint32_t timers = c->interrupts[VECTOR_TIMER];
	uint64_t before = now(), tsc;

	check_equal(ask(ASK_SET_TSC, SET_TSC_TO, 0), 0, "the VMM can set the TSC");
	tsc = rdtsc();
	check(tsc >= SET_TSC_TO && tsc - SET_TSC_TO < 100 * rdmsr(HV_X64_MSR_TSC_FREQUENCY), "the guest sees it");
	check(now() >= before && now() - before < 60000 * MS, "reference time does not care");
	check(page_agrees(), "nor does its page");
	wrmsr(X2APIC_LVT, VECTOR_TIMER | 2u << 17);
	before = now();
	wrmsr(MSR_DEADLINE, rdtsc() + rdmsr(HV_X64_MSR_TSC_FREQUENCY) / 200);
	while (c->interrupts[VECTOR_TIMER] == timers)
		sti_hlt();
	check(now() - before >= 49000 && now() - before < 60000 * MS, "a TSC deadline is one of the guest's TSC");
}

void guest_time(unsigned int vp)
{
	struct cpu *c = &cpus[vp];

	reference_time();
	apic_timer(c);
	freeze(c);
	moved_tsc(c);
}
