/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest tries and must not get: memory, ports, MSRs, instructions, hypercalls of others. And what is counted of it. */
#include "guest.h"
#include "test_isolation.h"

/* Reads or writes 32 bits; the VMM steps over the access when hv tells it of one. MOV EAX, [RDX] and MOV [RDX], EAX: two bytes. */
static uint32_t read_at(uint64_t gpa)
{
	uint32_t value = 0xdead;

	__asm__ volatile("mov (%%rdx), %%eax" : "+a" (value) : "d" (gpa) : "memory");
	return value;
}

static void write_at(uint64_t gpa, uint32_t value)
{
	__asm__ volatile("mov %%eax, (%%rdx)" : : "a" (value), "d" (gpa) : "memory");
}

/* 1 GiB and up is identity mapped by the guest's tables, so these are GPAs: hv's image and heap, the root's RAM, the APICs. */
static void memory(void)
{
	static const uint32_t places[] = { GUEST_RAM, 0x1000000, 0x40000000, 0x7fe00000, 0xb0000000, 0xfec00000, 0xfed00000, 0xfffff000 };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint64_t before = ask(ASK_FAULTS, 0, 0);

		check_equal(read_at(places[i]), 0xdead, "reading what is not the guest's brings nothing");
		check_equal(ask(ASK_FAULTS, places[i], 0), before + 1, "but a message to its VMM with the address");
		write_at(places[i], 1);
		check_equal(ask(ASK_FAULTS, places[i], 0), before + 2, "so does writing");
	}
	check_equal(read_at(READ_ONLY_GPA), READ_ONLY_WORD, "what may be read can be");
	write_at(READ_ONLY_GPA, 1);
	check_equal(read_at(READ_ONLY_GPA), READ_ONLY_WORD, "and not written");
	check_equal(ask(ASK_UNMAP, 0, 0), 0, "memory can be taken away");
	check_equal(read_at(READ_ONLY_GPA), 0xdead, "then the next read finds nothing");
}

static void msrs(void)
{
	static const uint32_t forbidden[] = {
		0x480, 0x48b, 0x9e, 0x40000106, 0x400000f1, 0x40001000, 0x4b564d00, 0x12345678,
	};
	static const struct { uint32_t msr; uint64_t value; } bad[] = {
		{ 0xc0000080, 1u << 12 }, { 0xc0000080, 1u << 14 }, { 0xc0000080, 0 }, { 0x1b, 0xfee00400 }, { 0x80b, 1 }, { 0x40000085, 1 }, { 0x802, 0 }, { 0x40000002, 7 }, { 0x40000020, 1 },
	};
	uint64_t value;

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		check(!rdmsr_safe(forbidden[i], &value), "an MSR that is not offered cannot be read");
		check(!wrmsr_safe(forbidden[i], 0), "nor written");
	}
	wrmsr(0xc0010117, SCRATCH);
	check_equal(rdmsr(0xc0010117), 0, "SVM's MSRs keep nothing");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(!wrmsr_safe(bad[i].msr, bad[i].value), "reserved bits and forbidden states fault");
}

#define FAULTS(claim, vector, instruction, ...) do {								\
	this_cpu()->fault_vector = 0xff;									\
	__asm__ volatile("lea 1f(%%rip), %%rbx\n mov %%rbx, 8(%0)\n " instruction "\n1: movq $0, 8(%0)"		\
			 : : "r" (this_cpu()) __VA_ARGS__ : "rbx", "memory", "cc");				\
	check_equal(this_cpu()->fault_vector, vector, claim);							\
} while (0)

static void instructions(void)
{
	FAULTS("VMRUN is undefined", 6, "vmrun", , "a" (SCRATCH));
	FAULTS("VMLOAD is undefined", 6, "vmload", , "a" (SCRATCH));
	FAULTS("VMSAVE is undefined", 6, "vmsave", , "a" (SCRATCH));
	FAULTS("STGI is undefined", 6, "stgi");
	FAULTS("CLGI is undefined", 6, "clgi");
	FAULTS("SKINIT is undefined", 6, "skinit", , "a" (SCRATCH));
	FAULTS("INVLPGA is undefined", 6, "invlpga", , "a" (0), "c" (0));
	FAULTS("VMXON is undefined", 6, "vmxon (%%rsp)");
	FAULTS("MONITOR does nothing", 0xff, "monitor", , "a" (SCRATCH), "c" (0), "d" (0));	/* MWAIT is a HLT */
	FAULTS("RDPMC faults", 13, "rdpmc", , "c" (0));
	__asm__ volatile("mov %%cr4, %%rax\n bts $18, %%rax\n mov %%rax, %%cr4" : : : "rax", "cc");	/* OSXSAVE, else it is undefined */
	FAULTS("XSETBV of a forbidden state faults", 13, "xsetbv", , "c" (0), "a" (~0u), "d" (~0u));
	__asm__ volatile("wbinvd\n invd" : : : "memory");
	check(true, "WBINVD and INVD do no harm");
}

/* Everything a root may call a child must not know; what it may call refuses other partitions. */
static void calls(void)
{
	struct hv_in_vp_registers registers = { .partition_id = 1 };
	unsigned int refused = 0, roots = 0;

	for (uint64_t code = 0x40; code < HVCALL_CODE_MAX; code++) {
		uint64_t status = STATUS(hypercall(code, PAGE_GPA(1), PAGE_GPA(2)));
		bool own = code == HVCALL_POST_MESSAGE || code == HVCALL_SIGNAL_EVENT || code == HVCALL_GET_VP_REGISTERS ||
			   code == HVCALL_SET_VP_REGISTERS || code == HVCALL_START_VIRTUAL_PROCESSOR ||
			   code == HVCALL_GET_VP_INDEX_FROM_APIC_ID;

		roots += !own;
		refused += !own && status == HV_STATUS_INVALID_HYPERCALL_CODE;
	}
	check_equal(refused, roots, "a child has none of the root's calls");
	check_equal(hypercall_memory(HVCALL_GET_VP_REGISTERS | 1ull << HV_HC_REP_SHIFT, &registers, sizeof(registers)),
		    HV_STATUS_ACCESS_DENIED, "registers are not offered to this child");
	check_equal(hypercall(HVCALL_SEND_IPI, PAGE_GPA(1) + 4, 0), HV_STATUS_INVALID_ALIGNMENT, "input is aligned to 8");
	check_equal(hypercall(HVCALL_POST_MESSAGE, PAGE_GPA(1) + 0xff8, 0), HV_STATUS_INVALID_ALIGNMENT, "and within a page");
	check_equal(hypercall(HVCALL_SEND_IPI | 1ull << 27, 0, 0), HV_STATUS_INVALID_HYPERCALL_INPUT, "reserved control bits are refused");
	check_equal(hypercall(HVCALL_SEND_IPI | 1ull << 60, 0, 0), HV_STATUS_INVALID_HYPERCALL_INPUT, "all of them");
	check_equal(hypercall(HVCALL_SEND_IPI | 1ull << 32, PAGE_GPA(1), 0), HV_STATUS_INVALID_HYPERCALL_INPUT,
		    "reps on a simple call are refused");
}

static uint64_t counter(const char *name)
{
	return ask(ASK_COUNTER, (uintptr_t)name, 0);
}

static void statistics(void)
{
	uint64_t cpuids = counter("VpCpuidInstructionsCount"), msrs_before = counter("VpMsrAccessesCount"), value;
	uint32_t out[4];

	for (unsigned int i = 0; i < COUNTED_CPUIDS; i++)
		cpuid(i & 1, 0, out);
	for (unsigned int i = 0; i < COUNTED_CPUIDS; i++)
		rdmsr_safe(HV_X64_MSR_VP_INDEX, &value);
	check_equal(counter("VpCpuidInstructionsCount") - cpuids, COUNTED_CPUIDS, "the root can read how many CPUID exits there were");
	check_equal(counter("VpMsrAccessesCount") - msrs_before, COUNTED_CPUIDS, "and MSR exits");
	check(counter("VpIoInstructionsCount") > 100 && counter("VpHypercallsCount") > 100 && counter("VpMemoryInterceptMessages") > 10,
	      "ports, hypercalls and messages are counted");
	check(counter("VpLogicalProcessorDispatches") > 100 && counter("VpTotalRunTime") > 0, "so are dispatches and run time");
}

static void ports(void)
{
	static const uint16_t tried[] = { 0x20, 0x60, 0x64, 0x70, 0xcf8, 0xcfc, 0x3f8, 0x604, 0xffff };
	uint64_t before = ask(ASK_PORT_READS, 0, 0);

	for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
		uint32_t value;

		__asm__ volatile("inl %%dx, %%eax" : "=a" (value) : "d" (tried[i]));
		__asm__ volatile("outl %%eax, %%dx" : : "a" (6), "d" (tried[i]));
	}
	check_equal(ask(ASK_PORT_READS, 0, 0) - before, 2 * sizeof(tried) / sizeof(tried[0]), "every port is the VMM's");
}

void guest_isolation(unsigned int vp)
{
	(void)vp;
	hypercall_enable();
	memory();
	msrs();
	instructions();
	calls();
	ports();
	statistics();
}

/* No IDT and an exception: the VMM is told, nothing else happens. With hv's option fault_test=1 hv itself faults then. */
void guest_triple_fault(unsigned int vp)
{
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) none = { 0, 0 };

	(void)vp;
	__asm__ volatile("lidt %0\n ud2" : : "m" (none));
}
