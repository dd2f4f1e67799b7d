/* SPDX-License-Identifier: Apache-2.0 */
/* Dirty and accessed pages as the driver reports them, and translation of the guest's addresses for the VMM. */
#include "guest.h"
#include "test_memory.h"

#define FIRST	16u
#define PAGES	32u

static void touch(unsigned int page) { *(volatile uint8_t *)PAGE(FIRST + page) = 1; }

static void dirty(void)
{
	struct { uint64_t partition, vtl; uint32_t apic; } in = { HV_PARTITION_ID_SELF, 0, 0 };
	volatile uint8_t sink;

	for (unsigned int i = 0; i < PAGES; i++)
		touch(i);
	check_equal(ask(ASK_TRACK, 1, 0), 0, "access tracking can be turned on");
	ask(ASK_DIRTY, FIRST, PAGES);
	check_equal(ask(ASK_DIRTY, FIRST, PAGES), 0, "what was told is clean");
	touch(3);
	touch(31);
	sink = *(volatile uint8_t *)PAGE(FIRST + 5);
	(void)sink;
	check_equal(ask(ASK_DIRTY, FIRST, PAGES), 1u << 3 | 1u << 31, "pages written are dirty, no others");
	check_equal(ask(ASK_DIRTY, FIRST, PAGES), 0, "and clean again");
	touch(3);
	check_equal(ask(ASK_DIRTY, FIRST, PAGES), 1u << 3, "until they are written again");
	memcpy(PAGE(1), &in, 20);
	ask(ASK_DIRTY, FIRST, PAGES);
	check_equal(hypercall(HVCALL_GET_VP_INDEX_FROM_APIC_ID | 1ull << HV_HC_REP_SHIFT, PAGE_GPA(1), PAGE_GPA(FIRST + 7)),
		    1ull << HV_HC_REP_SHIFT, "a hypercall with output");
	check_equal(ask(ASK_DIRTY, FIRST, PAGES), 1u << 7, "makes its page dirty, too");
	check(ask(ASK_ACCESSED, FIRST, PAGES) & 1u << 7, "what was written was accessed");
	check_equal(ask(ASK_TRACK, 0, 0), 0, "and tracking off");
}

static void translations(void)
{
	volatile uint64_t *pdpt = (volatile uint64_t *)0x2000ull, *pd = PAGE(8), *pt = PAGE(9);

	for (unsigned int i = 0; i < 512; i++)
		pd[i] = pt[i] = 0;
	pt[1] = PAGE_GPA(10) | 3;
	pt[2] = PAGE_GPA(11) | 1;			/* read only */
	pt[3] = 0x90000000ull | 3;			/* nobody's memory */
	pd[0] = PAGE_GPA(9) | 3;
	pdpt[1] = PAGE_GPA(8) | 3;
	check_equal(ask(ASK_TRANSLATE, GUEST_BASE, 1), GUEST_BASE >> 12, "a 2 MiB page is translated");
	check_equal(ask(ASK_TRANSLATE, 0x40001000, 3), PAGE_GPA(10) >> 12, "a 4 KiB page is");
	check_equal(ask(ASK_TRANSLATE, 0x40000000, 1) >> 56, 1, "a page that is not present is told");
	check_equal(ask(ASK_TRANSLATE, 0x40003000, 1) >> 56, 4, "one that leads to no memory is");
	check_equal(ask(ASK_TRANSLATE, 0x40002000, 1), PAGE_GPA(11) >> 12, "a read-only page can be read");
}

void guest_memory(unsigned int vp)
{
	(void)vp;
	hypercall_enable();
	dirty();
	translations();
}
