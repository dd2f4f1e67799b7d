/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions that a CPU raises by itself, but for what a hypervisor does for it: the trap after a single step over an instruction that
 * exits, and an NMI that waits for the IRET of the one before.
 */
#include "guest.h"

#define VECTOR_DB	1u
#define VECTOR_NMI	2u
#define VECTOR_GP	13u
#define TRAP_FLAG	0x100ull
#define DR6_CLEAR	0xffff0ff0ull
#define DR6_BS		0x4000ull
#define CODE_SELECTOR	8u
#define NO_SELECTOR	0xf8u
#define ICR_NMI		0x4400ull
#define MSR_X2APIC_ID	0x802u
#define MSR_X2APIC_TPR	0x808u
#define MSR_X2APIC_ICR	0x830u
#define MSR_APIC_BASE	0x1bu
#define CALL_BYTES	3u		/* VMCALL or VMMCALL, in the hypercall page */
enum { RIP, CS, RFLAGS, RSP };		/* of an exception's frame */

static unsigned int traps, traps_wanted;
static uint64_t trap_rip[4], trap_dr6[4];

static bool take_trap(uint64_t vector, uint64_t *frame)
{
	if (vector != VECTOR_DB || traps == 4)
		return false;
	trap_rip[traps] = frame[RIP];
	__asm__ volatile("mov %%dr6, %0\n mov %1, %%dr6" : "=&r" (trap_dr6[traps]) : "r" (DR6_CLEAR));
	if (++traps >= traps_wanted)
		frame[RFLAGS] &= ~TRAP_FLAG;
	return true;
}

/* Steps once, over `text`; the address behind it. */
#define STEP_OVER(text, rax, rcx, rdx) ({ \
	uint64_t after_, a_ = (rax), c_ = (rcx), d_ = (rdx); \
	__asm__ volatile("lea 1f(%%rip), %0\n pushfq\n orq $0x100, (%%rsp)\n popfq\n" text "\n1: nop\n nop" \
			 : "=&r" (after_), "+a" (a_), "+c" (c_), "+d" (d_) : : "rbx", "memory", "cc"); \
	after_; })

static void check_trap(uint64_t after, const char *instruction)
{
	check_equal(traps, 1, instruction);
	check_equal(trap_rip[0], after, "right behind it");
	check(trap_dr6[0] & DR6_BS, "DR6 says why");
	traps = 0;
}

static void single_steps(void)
{
	traps_wanted = 1;
	check_trap(STEP_OVER("nop", 0, 0, 0), "a single step over NOP traps");
	check_trap(STEP_OVER("cpuid", 0, 0, 0), "over CPUID");
	check_trap(STEP_OVER("rdmsr", 0, MSR_APIC_BASE, 0), "over RDMSR");
	check_trap(STEP_OVER("rdmsr", 0, HV_X64_MSR_VP_INDEX, 0), "over RDMSR of a synthetic MSR");
	check_trap(STEP_OVER("wrmsr", 0, HV_X64_MSR_CRASH_P0, 0), "over WRMSR");
	check_trap(STEP_OVER("wrmsr", 0, MSR_X2APIC_TPR, 0), "over WRMSR of the APIC's");
	check_trap(STEP_OVER("wbinvd", 0, 0, 0), "over WBINVD");
	check_trap(STEP_OVER("hlt", 0, 0, 0), "over HLT, which it ends");
}

static void step_into_hypercall(void)
{
	register uint64_t r8 __asm__("r8") = 0;

	traps_wanted = 2;
	__asm__ volatile("pushfq\n orq $0x100, (%%rsp)\n popfq\n call *%0"
			 : : "b" (PAGE(0)), "c" (0x7fffull), "d" (0ull), "r" (r8) : "rax", "r9", "r10", "r11", "memory", "cc");
	check_equal(traps, 2, "steps over a CALL and a hypercall trap");
	check_equal(trap_rip[0], PAGE_GPA(0), "before the hypercall");
	check_equal(trap_rip[1], PAGE_GPA(0) + CALL_BYTES, "and behind it");
	check(trap_dr6[1] & DR6_BS, "DR6 says why");
}

static volatile unsigned int nmis, faults;
static volatile uint64_t nmi_rip[2], fault_rip;
static bool nmi_iret_faults;

static void send_nmi(void)
{
	wrmsr(MSR_X2APIC_ICR, rdmsr(MSR_X2APIC_ID) << 32 | ICR_NMI);
}

static bool take_nmi(uint64_t vector, uint64_t *frame)
{
	if (vector == VECTOR_GP && nmi_iret_faults) {		/* of the IRET: its frame is mended, and it is executed again */
		faults++;
		fault_rip = frame[RIP];
		((uint64_t *)frame[RSP])[CS] = CODE_SELECTOR;
		return true;
	}
	if (vector != VECTOR_NMI || nmis == 2)
		return false;
	nmi_rip[nmis] = frame[RIP];
	if (nmis++)
		return true;
	send_nmi();
	check_equal(nmis, 1, "an NMI waits while another is handled");
	if (nmi_iret_faults)
		frame[CS] = NO_SELECTOR;
	return true;
}

static void two_nmis(bool iret_faults)
{
	nmis = faults = 0;
	nmi_iret_faults = iret_faults;
	send_nmi();
	check_equal(nmis, 2, "two NMIs have been taken");
	check_equal(faults, iret_faults, iret_faults ? "the IRET of the first faulted" : "no IRET faulted");
}

void guest_exceptions(unsigned int vp)
{
	(void)vp;
	hypercall_enable();
	on_exception = take_trap;
	single_steps();
	step_into_hypercall();
	on_exception = take_nmi;
	two_nmis(false);
	check_equal(nmi_rip[1], nmi_rip[0], "the second interrupts what the first did, not its IRET");
	two_nmis(true);
	check(nmi_rip[1] != fault_rip, "an IRET that faults lets the NMI in, too, but not before it");
}
