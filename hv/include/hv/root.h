/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the root partition has: the machine's own answers to CPUID and MSRs, pages chosen by hv (TLFS lets the guest
 * choose; the root finds them pre-set, hv-abi.md sections 2.2 to 2.4), and start-up by INIT and SIPI on real LPs.
 */
#ifndef HV_ROOT_H
#define HV_ROOT_H

#include <hv/intercept.h>
#include <hv/vp.h>

/* The root's exits; intercept_*() call these when partition_is_root(). Synthetic MSRs (0x40000000...) never come here. */
enum vp_next root_cpuid(struct vp *vp);
enum vp_next root_rdmsr(struct vp *vp, uint32_t msr);
enum vp_next root_wrmsr(struct vp *vp, uint32_t msr, uint64_t value);
enum vp_next root_gpa_fault(struct vp *vp, const struct gpa_fault *fault);
enum vp_next root_triple_fault(struct vp *vp);			/* resets the machine */

/* Pages in hv's memory that the root sees, reserved in its memory map. `vp_index` is 0 for partition-wide pages. */
enum root_page {
	ROOT_PAGE_HYPERCALL, ROOT_PAGE_REFERENCE_TSC, ROOT_PAGE_RSDP,
	ROOT_PAGE_VP_ASSIST, ROOT_PAGE_SIMP, ROOT_PAGE_SIEFP, ROOT_PAGE_SIRBP,
};
spa_t root_page_spa(enum root_page which, uint32_t vp_index);

/* True for pages the root may own: below the end of memory and not hv's. What it deposits or maps is checked with this. */
bool root_may_own(spa_t page);

/* Power and firmware, for hypercall/root.c. */
bool machine_set_sleep_type(uint32_t state, uint8_t pm1a, uint8_t pm1b);
void machine_enter_sleep(uint32_t state);	/* S5 does not return */
void __noreturn machine_reset(void);
void __noreturn machine_reset_now(void);		/* without a word: no lock is taken */

#endif
