/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logical processors. An LP's struct sits at the low end of its hv stack, so this_lp() needs no segment register
 * (neither vendor's world switch saves FS/GS for us). hv runs with interrupts off and, on SVM, GIF=0.
 */
#ifndef HV_LP_H
#define HV_LP_H

#include <hv/types.h>

#define HV_MAX_LPS	64
#define LP_STACK_SIZE	16384ull		/* power of two; struct lp at its base, a guard page below */
#define LP_EXIT_RING	32

struct gpa_space;
struct vp;
struct vp_exit_record {				/* root-boot-notes.md section 7: what the last exits were */
	uint64_t code, rip, cr3, event_in, event_out, info1, info2;
	uint32_t partition_id, vp_index;
};

struct lp {
	uint32_t index;				/* written once at boot */
	uint32_t apic_id;
	struct vp *root_vp;			/* root VP `index`; never changes */
	struct vp *running;			/* the VP this LP is in or returns to; written by this LP only */
	struct vp_exit_record exits[LP_EXIT_RING];
	uint32_t exit_count;
	volatile uint64_t world;		/* odd while in guest mode; written by this LP, read by lp_kick_users_and_wait() */
	const struct gpa_space *gpa_space;	/* of `running`, written with it */
	uint32_t kick_pending;			/* an NMI on its way is hv's own; set by anyone, cleared by this LP */
	uint32_t nmi_count;			/* NMIs this LP has taken in hv; written by its NMI handler */
	uint32_t startup;			/* boot/root_startup.c: INIT and SIPI on their way to the root VP */
	struct lp_timer *timer;			/* arch/x86/timer.c */
	uint64_t timer_due;			/* TSC from which on timer_poll() has work, or TIMER_NEVER; by timer.c, on any LP */
	struct lp_vendor *vendor;		/* arch/x86/vcpu.h, and the vendor's own behind it */
};

extern uint32_t lp_count;
struct lp *lp_get(uint32_t index);

static inline struct lp *this_lp(void)
{
	uintptr_t rsp;

	asm("mov %%rsp, %0" : "=r"(rsp));
	return (struct lp *)(rsp & ~(LP_STACK_SIZE - 1));
}

/* Makes `lp` leave guest mode soon (NMI). Does not wait. */
void lp_kick(struct lp *lp);

/*
 * Makes every one of these LPs (bit i is LP i) that is in guest mode, or every one that is there in a GPA space, exit once and
 * waits until each has: after it returns, no LP holds a translation that was removed before the call. Callable with GIF=0 from a hypercall; it waits only for LPs in guest
 * mode, which the NMI ends, never for one in hv, so two LPs calling it at once cannot deadlock.
 */
void lp_kick_and_wait(uint64_t lps);
void lp_kick_users_and_wait(const struct gpa_space *g);

/* Sends a fixed physical interrupt to an LP's local APIC (x2APIC): how hv posts vectors to the root. */
void lp_send_interrupt(struct lp *lp, uint8_t vector);

#endif
