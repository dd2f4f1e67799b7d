/* SPDX-License-Identifier: Apache-2.0 */
/* Calls about a guest's own processors: IPIs and flushes in all their forms, 32-bit and XMM callers, starting a VP. */
#include "guest.h"
#include "test_processors.h"

#define VECTOR_IPI	0x61
#define ALL_SPACES	2ull		/* TLFS, HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES */
#define VARHEAD(n)	((uint64_t)(n) << 17)
#define REPS(n)		((uint64_t)(n) << HV_HC_REP_SHIFT)
#define START(n)	((uint64_t)(n) << HV_HC_START_SHIFT)

struct ipi_ex { struct hv_in_send_ipi_ex head; uint64_t banks[2]; };
struct flush_ex { struct hv_in_flush_ex head; uint64_t more[4]; };

static volatile uint32_t vp1_ready, vp2_started, stop;
static volatile uint64_t vp2_context[2];

static bool arrives(uint32_t so_far)
{
	return wait_for(&cpus[1].interrupts[VECTOR_IPI], so_far + 1, 20000);
}

static void ipis(void)
{
	struct ipi_ex ex = { { VECTOR_IPI, 0, HV_VP_SET_SPARSE, 1 }, { 1u << 1 } };
	uint64_t xmm[14] = { VECTOR_IPI, HV_VP_SET_SPARSE, 1, 1u << 1 };
	uint32_t n = cpus[1].interrupts[VECTOR_IPI];

	check_equal(hypercall(HVCALL_SEND_IPI | HV_HC_FAST, VECTOR_IPI, 1u << 1), 0, "a cluster IPI, fast");
	check(arrives(n++), "arrives");
	check_equal(hypercall_memory(HVCALL_SEND_IPI_EX | VARHEAD(1), &ex, 32), 0, "a sparse-set IPI");
	check(arrives(n++), "arrives");
	check_equal(hypercall_xmm(HVCALL_SEND_IPI_EX | HV_HC_FAST | VARHEAD(1), xmm), 0, "a sparse-set IPI from XMM registers");
	check(arrives(n++), "arrives");
	ex.head.valid_bank_mask = 3;
	check_equal(hypercall_memory(HVCALL_SEND_IPI_EX | VARHEAD(1), &ex, 32), HV_STATUS_INVALID_PARAMETER,
		    "as many banks must follow as the mask names");
	ex.head.vp_set_format = 2;
	check_equal(hypercall_memory(HVCALL_SEND_IPI_EX | VARHEAD(2), &ex, 40), HV_STATUS_INVALID_PARAMETER, "set format 2 is refused");
	check_equal(hypercall(HVCALL_SEND_IPI | HV_HC_FAST, 15, 2), HV_STATUS_INVALID_PARAMETER, "vector 15 is refused");
	check_equal(hypercall(HVCALL_SEND_IPI | HV_HC_FAST, 0x100, 2), HV_STATUS_INVALID_PARAMETER, "vector 256, too");
	check_equal(hypercall(HVCALL_SEND_IPI | HV_HC_FAST, VECTOR_IPI, 1ull << 63), 0, "a VP that does not exist is no error");
	check_equal(cpus[1].interrupts[VECTOR_IPI], n, "and nobody else's interrupt");
}

/* VP 1 watches the page at WINDOW, an alias that VP 0 moves: after the flush it must see the other page. */
#define WINDOW		0x40000000ull		/* 1 GiB: a PDPT entry of its own for a page table made here */
static volatile uint64_t seen;

static void alias(uint64_t gpa)
{
	volatile uint64_t *pdpt = (volatile uint64_t *)0x2000ull, *pd = PAGE(8), *pt = PAGE(9);

	pt[0] = gpa | 3;
	pd[0] = PAGE_GPA(9) | 3;
	pdpt[1] = PAGE_GPA(8) | 3;
}

static void flush_check(uint64_t result, uint64_t value, const char *claim)
{
	uint64_t end = rdmsr(HV_X64_MSR_TIME_REF_COUNT) + 200000000;

	check_equal(STATUS(result), 0, claim);
	while (seen != value && rdmsr(HV_X64_MSR_TIME_REF_COUNT) < end)
		pause();
	check_equal(seen, value, "and every VP sees the new translation");
}

static void flushes(void)
{
	struct hv_in_flush in = { 0, ALL_SPACES, 3 };
	struct flush_ex ex = { { 0, ALL_SPACES, HV_VP_SET_SPARSE, 1 }, { 3, WINDOW, WINDOW + 0x1000 } };
	uint64_t list[5] = { 0, ALL_SPACES, 3, WINDOW, WINDOW + 0x1000 }, xmm[14] = { 0, ALL_SPACES, 3 }, result;

	*(volatile uint64_t *)PAGE(10) = 1;
	*(volatile uint64_t *)PAGE(11) = 2;
	alias(PAGE_GPA(11));
	flush_check(hypercall_memory(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE, &in, sizeof(in)), 2, "a flush of everything");
	alias(PAGE_GPA(10));
	result = hypercall_memory(HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST | REPS(2), list, sizeof(list));
	flush_check(result, 1, "a flush of a list");
	check_equal(REPS_DONE(result), 2, "with all its reps");
	alias(PAGE_GPA(11));
	flush_check(hypercall_memory(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX | VARHEAD(1), &ex, 40), 2, "a flush of a sparse set");
	alias(PAGE_GPA(10));
	result = hypercall_memory(HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX | VARHEAD(1) | REPS(2), &ex, sizeof(ex));
	flush_check(result, 1, "a list for a sparse set");
	alias(PAGE_GPA(11));
	flush_check(hypercall_xmm(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE | HV_HC_FAST, xmm), 2, "a flush from XMM registers");
	check_equal(hypercall_memory(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX, &ex, 32), HV_STATUS_INVALID_PARAMETER,
		    "a sparse set without its bank is refused");
	check_equal(hypercall_memory(HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST | REPS(2) | START(2), list, sizeof(list)),
		    HV_STATUS_INVALID_HYPERCALL_INPUT, "a list that starts at its end is refused");
}

static void callers(void)
{
	uint32_t n = cpus[1].interrupts[VECTOR_IPI];
	uint64_t apic[3] = { HV_PARTITION_ID_SELF, 0, 1 };

	check_equal(hypercall32(HVCALL_SEND_IPI | HV_HC_FAST, VECTOR_IPI, 1u << 1), 0, "a fast call from 32-bit code");
	check(arrives(n++), "arrives");
	check_equal(hypercall32(0x7fff, 0, 0), HV_STATUS_INVALID_HYPERCALL_CODE, "its result is in EDX:EAX");
	memcpy(PAGE(1), apic, 20);
	check_equal(hypercall32(HVCALL_GET_VP_INDEX_FROM_APIC_ID | REPS(1), PAGE_GPA(1), PAGE_GPA(2)), REPS(1),
		    "a rep call from 32-bit code reports its reps");
	check_equal(*(uint32_t *)PAGE(2), 1, "APIC id 1 is VP 1");
	apic[2] = 77;
	check_equal(hypercall_memory(HVCALL_GET_VP_INDEX_FROM_APIC_ID | REPS(1), apic, 20), HV_STATUS_INVALID_PARAMETER,
		    "APIC id 77 is nobody's");
	check_equal(hypercall(HVCALL_SEND_IPI_EX | HV_HC_FAST | VARHEAD(12), 0, 0), HV_STATUS_INVALID_HYPERCALL_INPUT,
		    "registers hold 112 bytes, no more");
	check_equal(hypercall(HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HC_FAST, 1, 0), 0, "NotifyLongSpinWait is taken");
}

/* VP 2 waits for a start. It finds itself in 64-bit mode, at the given place with the given stack. */
static void vp2_entry(void)
{
	uint64_t rsp;

	__asm__ volatile("mov %%rsp, %0" : "=r" (rsp));
	vp2_context[0] = rsp;
	vp2_started = 1;
	for (;;)
		__asm__ volatile("hlt");
}

static uint64_t cr(int n)
{
	uint64_t value = 0;

	if (n == 0)
		__asm__("mov %%cr0, %0" : "=r" (value));
	if (n == 3)
		__asm__("mov %%cr3, %0" : "=r" (value));
	if (n == 4)
		__asm__("mov %%cr4, %0" : "=r" (value));
	return value;
}

static void start_vp(void)
{
	struct hv_x64_segment_register code = { 0, 0xffffffff, 8, 0xa09b }, data = { 0, 0xffffffff, 16, 0xc093 };
	struct hv_in_start_vp in = {
		.partition_id = HV_PARTITION_ID_SELF, .vp_index = 2, .context = {
			.rip = (uintptr_t)vp2_entry, .rsp = STACK_TOP(2) - 8, .rflags = 2, .cs = code, .ds = data, .es = data,
			.fs = data, .gs = data, .ss = data, .tr = { 0, 0xffff, 0, 0x8b }, .ldtr = { 0, 0xffff, 0, 0x82 },
			.idtr = { .limit = 0xfff }, .gdtr = { .limit = 31, .base = 0x8000 }, .efer = 0xd01, .cr0 = cr(0),
			.cr3 = cr(3), .cr4 = cr(4), .pat = 0x0007040600070406ull,
		},
	};

	check_equal(hypercall_memory(HVCALL_START_VIRTUAL_PROCESSOR, &in, sizeof(in)), 0, "StartVirtualProcessor");
	check(wait_for(&vp2_started, 1, 20000), "starts the VP");
	check(vp2_context[0] <= STACK_TOP(2) && vp2_context[0] > STACK_TOP(2) - 256, "on the stack it was given");
	check_equal(hypercall_memory(HVCALL_START_VIRTUAL_PROCESSOR, &in, sizeof(in)), HV_STATUS_INVALID_VP_STATE, "only once");
	in.vp_index = 5;
	check_equal(hypercall_memory(HVCALL_START_VIRTUAL_PROCESSOR, &in, sizeof(in)), HV_STATUS_INVALID_VP_INDEX,
		    "a VP that does not exist cannot be started");
	in.partition_id = 1;
	check_equal(hypercall_memory(HVCALL_START_VIRTUAL_PROCESSOR, &in, sizeof(in)), HV_STATUS_ACCESS_DENIED, "nor the root's");
}

static void vp1(void)
{
	volatile uint64_t *window = (volatile uint64_t *)WINDOW;

	while (!vp1_ready)
		pause();
	sti();
	while (!stop)
		seen = *window;
	cli();
}

static void looked_at(void)
{
	check_equal(ask(ASK_RUNNING_RIP, 0, 0), HV_STATUS_INVALID_VP_STATE, "RIP of a running VP cannot be read");
	check_equal(ask(ASK_RUNNING_SUSPEND, 0, 0), 0, "its suspend register can");
}

void guest_processors(unsigned int vp)
{
	if (vp == 1) {
		vp1();
		return;
	}
	hypercall_enable();
	alias(PAGE_GPA(10));
	vp1_ready = 1;
	ipis();
	flushes();
	callers();
	looked_at();
	start_vp();
	stop = 1;
	ask(ASK_STOP_VP2, 0, 0);
}
