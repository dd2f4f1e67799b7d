/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual processors. Root VP i is LP i for good; a child VP runs on whatever LP the root dispatches it on.
 * Fields up to `arch` are neutral; `arch` belongs to the vendor back end.
 */
#ifndef HV_VP_H
#define HV_VP_H

#include <hv/types.h>
#include <hv/vcpu.h>

struct partition;
struct lp;

enum vp_next {			/* what to do after an exit was handled */
	VP_RESUME,		/* enter the guest again */
	VP_RETURN,		/* end HvCallDispatchVp: intercept message is ready, or a root interrupt is pending */
	VP_BLOCK,		/* end HvCallDispatchVp: nothing to run until vp_kick() */
};

struct vp {
	struct vp_gprs gprs;			/* first: the entry code's offsets. RAX, RIP, RSP, RFLAGS go through vcpu_* */
	struct partition *partition;
	uint32_t index;
	struct lp *lp;				/* LP that runs it now, or ran it last; written by that LP */
	bool running;				/* in guest mode or in its exit handlers */
	bool explicit_suspend, intercept_suspend, dispatch_suspend;
	bool blocked;				/* last dispatch ended with BLOCKED and no signal has been sent since */
	bool waiting_for_sipi, halted;		/* TLFS internal activity state */
	uint64_t root_signal_count;
	struct hv_message *intercept_page;	/* VP state page 1; NULL until mapped */
	struct hv_vp_register_page *register_page; /* VP state page 0 */
	struct lapic *lapic;			/* children only: the root has the machine's */
	struct synic *synic;
	uint64_t vp_assist_msr;
	void *xsave_area;			/* children: extended state while not running; one pool page or more */
	uint64_t xcr0, xss;
	struct vcpu *arch;
};

/* Called by anything that may make a VP runnable (interrupt, SIPI, register write, message): signals the root once per block. */
void vp_kick(struct vp *vp);

/* Raises `vector` as a fixed edge interrupt: the root's goes to its LP's real APIC, a child's to its virtual one. */
void vp_assert_interrupt(struct vp *vp, uint8_t vector);

/* Runs a child on this LP until it must return to the root (hypercall/dispatch.c calls it; core/vp_run.c has it). */
enum vp_next vp_run_child(struct vp *vp);

#endif
