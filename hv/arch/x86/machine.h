/* SPDX-License-Identifier: Apache-2.0 */
/* The machine below hv: paging, descriptor tables, local APICs, LPs. Called by boot/ and by the vendor back end. */
#ifndef HV_X86_MACHINE_H
#define HV_X86_MACHINE_H

#include <hv/types.h>

struct lp;

#define DIRECT_MAP	0xffff800000000000ull	/* all of physical memory, read-write, never executable */

extern char hv_image_start[], hv_text_end[], hv_rodata_end[], hv_image_end[];

/* paging.c: hv's own page tables. Tables come from boot_alloc_pages(). */
void paging_init(uint64_t end_of_memory);
void paging_load(void);				/* on each LP: CR3, CR4, NX, write protection */
void paging_hide(const void *page);		/* a guard page: 4 KiB, not present any more */
extern uint64_t paging_root;			/* CR3 value; an exit that leaves this in a guest's saved CR3 is a defect */

/* descriptors.c */
void descriptors_load(void);			/* GDT and IDT, on each LP */

/* lp.c */
void lp_table_add(uint32_t apic_id);		/* from the MADT, in the order Linux will number them */
void lp_allocate_all(void);
void *lp_stack_top(struct lp *lp);
void lp_stacks_in_use(void);			/* the boot stack is left: from now on this_lp() works */
bool machine_lps_known(void);
void machine_stop_other_lps(void);		/* for panic */

/* smp.c */
void smp_start_others(uint64_t trampoline_spa);

/* clock.c */
void clock_calibrate(void);

/* boot/entry.S: goes on in `go_on` on another stack and does not come back. */
void __noreturn stack_switch(void *top, void (*go_on)(void));

#endif
