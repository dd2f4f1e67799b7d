/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Save and restore: in the middle of everything the VMM moves the VP into a new partition (registers, state blobs, reference
 * time; memory stays). The guest must not notice.
 */
#include "guest.h"

#define ASK_MOVE	ASK_TEST
#define MS		10000ull
#define MESSAGES	((volatile struct hv_message_page *)PAGE(FIRST_FREE_PAGE))
#define FLAGS		((volatile struct hv_event_flags_page *)PAGE(FIRST_FREE_PAGE + 1))
#define TSC_PAGE	((volatile struct hv_reference_tsc_page *)PAGE(FIRST_FREE_PAGE + 2))
#define VECTOR_SERVED	0x81u		/* in service during the move */
#define VECTOR_WAITING	0x72u		/* held back by it */
#define VECTOR_STIMER	0x73u
#define VECTOR_TIMER	0x74u
#define SINT_MESSAGE	4u

static const uint32_t kept_msrs[] = {
	0x174, 0x175, 0x176, 0x277, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102, 0xc0000103, 0x2ff, 0x200, 0x201, 0x250,
	0x268, 0x3b, 0xc0000080, HV_X64_MSR_GUEST_OS_ID, HV_X64_MSR_HYPERCALL, HV_X64_MSR_SIMP, HV_X64_MSR_SIEFP,
	HV_X64_MSR_SCONTROL, HV_X64_MSR_SINT0 + 4, HV_X64_MSR_SINT0 + 5, HV_X64_MSR_VP_ASSIST_PAGE, HV_X64_MSR_REFERENCE_TSC,
	HV_X64_MSR_STIMER0_CONFIG, HV_X64_MSR_STIMER0_CONFIG + 1, HV_X64_MSR_STIMER0_CONFIG + 2, 0x1b, 0x808, 0x80d, 0x80f, 0x832,
	0x835, 0x838, 0x83e, HV_X64_MSR_CRASH_P0, HV_X64_MSR_CRASH_P0 + 4,
};
#define KEPT_MSRS	(sizeof(kept_msrs) / sizeof(kept_msrs[0]))

static void set_msrs(void)
{
	for (uint32_t i = 1; i < 6; i++)		/* 0x175: SYSENTER_ESP, 0x176: _EIP, STAR to SFMASK */
		wrmsr(i < 3 ? 0x174 + i : 0xc0000081 + i - 3, 0x1000 * i);
	wrmsr(0xc0000102, 0x7777000);
	wrmsr(0xc0000103, 42);
	wrmsr(0x277, 0x0007010600070406ull);
	wrmsr(0x2ff, 0xc06);
	wrmsr(0x200, 0x80000006);
	wrmsr(0x250, 0x0606060606060606ull);
	wrmsr(HV_X64_MSR_CRASH_P0, 0x55);
	wrmsr(HV_X64_MSR_SIMP, PAGE_GPA(FIRST_FREE_PAGE) | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SIEFP, PAGE_GPA(FIRST_FREE_PAGE + 1) | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_REFERENCE_TSC, PAGE_GPA(FIRST_FREE_PAGE + 2) | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SINT0 + SINT_MESSAGE, 0x90);
	wrmsr(HV_X64_MSR_SCONTROL, 1);
	MESSAGES->sint[SINT_MESSAGE].header.message_type = 0x1234;
	MESSAGES->sint[SINT_MESSAGE].payload[239] = 0x5a;
	FLAGS->sint[3][7] = 0x80000001;
}

static void set_timers(uint64_t now)
{
	wrmsr(HV_X64_MSR_STIMER0_CONFIG, HV_STIMER_DIRECT | VECTOR_STIMER << 4 | HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_X64_MSR_STIMER0_CONFIG + 1, now + 4000 * MS);
	wrmsr(HV_X64_MSR_STIMER0_CONFIG + 2, HV_STIMER_PERIODIC | (uint64_t)SINT_MESSAGE << 16);
	wrmsr(0x83e, 0xb);
	wrmsr(0x832, VECTOR_TIMER);
	wrmsr(0x838, 800 * 200000);
}

static uint64_t vector_registers[32];

static void load_fp(void)
{
	for (unsigned int i = 0; i < 32; i++)
		vector_registers[i] = 0x0101010101010101ull * (i + 1);
	__asm__ volatile("fninit\n fldpi\n fld1\n"
			 "movups (%0), %%xmm0\n movups 16(%0), %%xmm1\n movups 112(%0), %%xmm7\n movups 128(%0), %%xmm8\n"
			 "movups 240(%0), %%xmm15\n" : : "r" (vector_registers));
}

static bool fp_is_intact(void)
{
	uint64_t now[10];
	double pi, one;

	__asm__ volatile("movups %%xmm0, (%0)\n movups %%xmm1, 16(%0)\n movups %%xmm7, 32(%0)\n movups %%xmm8, 48(%0)\n"
			 "movups %%xmm15, 64(%0)\n fstpl %1\n fstpl %2" : : "r" (now), "m" (one), "m" (pi) : "memory");
	return now[0] == vector_registers[0] && now[3] == vector_registers[3] && now[4] == vector_registers[14] &&
	       now[6] == vector_registers[16] && now[9] == vector_registers[31] &&
	       *(volatile uint64_t *)&one == 0x3ff0000000000000ull && *(volatile uint64_t *)&pi == 0x400921fb54442d18ull;
}

static void set_debug(void)
{
	__asm__ volatile("mov %0, %%dr0\n mov %1, %%dr3" : : "r" (0x1234567ull), "r" (0x7654321ull));
}

static bool debug_is_intact(void)
{
	uint64_t dr0, dr3;

	__asm__ volatile("mov %%dr0, %0\n mov %%dr3, %1" : "=r" (dr0), "=r" (dr3));
	return dr0 == 0x1234567ull && dr3 == 0x7654321ull;
}

static uint64_t page_time(void)
{
	return (uint64_t)(((unsigned __int128)rdtsc() * TSC_PAGE->scale) >> 64) + (uint64_t)TSC_PAGE->offset;
}

static uint64_t time_before, tsc_before;
static uint64_t msrs_before[KEPT_MSRS];

/* In the handler of VECTOR_SERVED: that vector is in service and VECTOR_WAITING behind it. */
static void move(void)
{
	wrmsr(0x83f, VECTOR_WAITING);
	for (size_t i = 0; i < KEPT_MSRS; i++)
		msrs_before[i] = rdmsr(kept_msrs[i]);
	load_fp();
	set_debug();
	write_cr8(3);
	time_before = rdmsr(HV_X64_MSR_TIME_REF_COUNT);
	tsc_before = rdtsc();
	check_equal(ask(ASK_MOVE, 0, 0), 0, "the VMM saves and restores everything");
	check(fp_is_intact(), "x87 and XMM registers have moved");
	check(debug_is_intact(), "debug registers have");
	check_equal(read_cr8(), 3, "CR8 has");
	write_cr8(0);
	check_equal(rdmsr(0x814), 2, "the vector in service has");		/* ISR 0x80 to 0x9f */
	check_equal(rdmsr(0x823), 1u << 18, "the one that waits has");		/* IRR 0x60 to 0x7f */
}

static void compare_msrs(void)
{
	char claim[] = "MSR 0x00000000 has moved";

	for (size_t i = 0; i < KEPT_MSRS; i++) {
		for (int digit = 0; digit < 8; digit++)
			claim[6 + digit] = "0123456789abcdef"[kept_msrs[i] >> (28 - 4 * digit) & 15];
		check_equal(rdmsr(kept_msrs[i]), msrs_before[i], claim);
	}
}

static void times(struct cpu *c)
{
	uint64_t now = rdmsr(HV_X64_MSR_TIME_REF_COUNT), page = page_time();

	check(now >= time_before && now - time_before < 60000 * MS, "reference time goes on");
	check(TSC_PAGE->sequence && page + 1 >= now && page - now < 60000 * MS, "its page agrees");
	check(rdtsc() >= tsc_before, "the TSC did not go back");
	while (!c->interrupts[VECTOR_STIMER] || !c->interrupts[VECTOR_TIMER])
		sti_hlt();
	check(rdmsr(HV_X64_MSR_TIME_REF_COUNT) - time_before >= 100 * MS, "timers go off after the rest of their time");
}

void guest_state(unsigned int vp)
{
	struct cpu *c = &cpus[vp];

	hypercall_enable();
	set_msrs();
	set_timers(rdmsr(HV_X64_MSR_TIME_REF_COUNT));
	in_handler[VECTOR_SERVED] = move;
	wrmsr(0x83f, VECTOR_SERVED);
	check(wait_for(&c->interrupts[VECTOR_WAITING], 1, 20000), "an interrupt that waited is delivered after the move");
	check_equal(c->interrupts[VECTOR_WAITING], 1, "once");
	compare_msrs();
	check(MESSAGES->sint[SINT_MESSAGE].header.message_type == 0x1234 && MESSAGES->sint[SINT_MESSAGE].payload[239] == 0x5a,
	      "the message page has moved");
	check_equal(FLAGS->sint[3][7], 0x80000001, "the event flags have");
	check_equal(hypercall(0x7fff, 0, 0), HV_STATUS_INVALID_HYPERCALL_CODE, "the hypercall page has");
	times(c);
}
