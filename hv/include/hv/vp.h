/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual processors. Root VP i is LP i for good; a child VP runs on whatever LP the root dispatches it on.
 * Registers (gprs, arch, xsave_area) belong to the LP that runs the VP, or to whoever holds the partition's lock while
 * it is not running; all other fields are guarded by that lock.
 */
#ifndef HV_VP_H
#define HV_VP_H

#include <abi/hv_register.h>
#include <hv/deadline.h>
#include <hv/gpa_space.h>
#include <hv/stats.h>
#include <hv/types.h>
#include <hv/vcpu.h>

struct partition;
struct lp;
struct xsave_area;
struct hv_initial_vp_context;
struct hv_out_dispatch_vp;

enum vp_next {			/* what to do after an exit was handled */
	VP_RESUME,		/* enter the guest again */
	VP_RETURN,		/* end HvCallDispatchVp: intercept message is ready, or a root interrupt is pending */
	VP_BLOCK,		/* end HvCallDispatchVp: nothing to run until vp_kick() */
};

#define MTRR_VARIABLE		8	/* pairs a child sees; PHYS_BASE8 and up read as zero */
#define MTRR_FIXED		11

#define VP_CPUID_CACHE		8	/* power of two */

struct vp_msrs {		/* registers that hv only keeps for the guest: core/registers.c has the table */
	uint64_t mtrr_def_type, mtrr_base[MTRR_VARIABLE], mtrr_mask[MTRR_VARIABLE], mtrr_fixed[MTRR_FIXED];
	uint64_t debug_ctl, misc_enable, tsc_adjust, bndcfgs, emulation_hints;
	uint64_t u_cet, s_cet, ssp, pl_ssp[4], ssp_table;
};

struct vp {
	struct vp_gprs gprs;			/* first: the entry code's offsets. RAX, RIP, RSP, RFLAGS go through vcpu_* */
	struct partition *partition;
	uint32_t index;
	struct lp *lp;				/* LP that runs it now, or ran it last; written by that LP */
	bool running;				/* dispatched on vp->lp: its registers are not to be touched */
	bool attention;				/* before its next entry the VP looks for what others left (vp_run.c); set by anyone */
	bool explicit_suspend, intercept_suspend, dispatch_suspend;
	bool blocked;				/* last dispatch ended with BLOCKED and no signal has been sent since */
	bool waiting_for_sipi, halted;		/* TLFS internal activity state */
	bool idle;				/* halted by HV_X64_MSR_GUEST_IDLE: ends with any interrupt, whatever RFLAGS.IF is */
	bool init_pending, sipi_pending, start_pending;	/* for a VP to take at its next entry */
	bool nmi_pending, extint_pending;
	uint8_t sipi_vector, extint_vector;
	uint64_t deliverability;		/* what the VMM wants to be told: union hv_deliverability_notifications */
	uint64_t root_signal_count;
	struct vp *signal_next;			/* queue of VPs the root is to be told about; guarded by the root's lock */
	bool signal_queued;
	struct hv_message *intercept_page;	/* VP state page 1; NULL until mapped */
	unsigned int intercept_bytes;		/* of its payload that are not zero */
	struct hv_vp_register_page *register_page; /* VP state page 0 */
	struct hv_initial_vp_context *start;	/* what start_pending is to load */
	struct lapic *lapic;			/* children only: the root has the machine's */
	struct synic *synic;
	struct deadline deadline;		/* earliest of LAPIC timer and stimers */
	uint64_t tsc_offset;			/* the back end's, for timers looked at from other LPs */
	uint64_t timer_next;			/* TSC the deadline is for; 0 = no timer runs */
	struct gpa_overlay assist_page;		/* children */
	uint64_t vp_assist_msr;
	struct gpa_view hypercall_input, hypercall_output;	/* of the last call; guarded by the lock */
	struct vp_msrs msrs;
	struct vp_cpuid {			/* last CPUID answers, valid while `epoch` is the partition's (intercept/cpuid.c) */
		uint32_t leaf, subleaf, epoch, eax, ebx, ecx, edx, unused;
	} cpuid_cache[VP_CPUID_CACHE];		/* this and `gprs`: only the LP that runs the VP */
	uint64_t runtime;			/* TSC ticks spent dispatched */
	uint64_t *stats;			/* by enum vp_counter: own_stats, or the page the root has mapped */
	uint64_t own_stats[VP_COUNTERS];	/* counted by the LP that runs the VP */
	struct xsave_area *xsave_area;		/* children: extended state while not running; the back end's page */
	uint64_t xcr0, xss;
	struct vcpu *arch;
};

/* Called by anything that may make a VP runnable (interrupt, SIPI, register write, message): signals the root once per
 * block, and makes a running VP look. Caller holds the partition's lock. */
void vp_kick(struct vp *vp);

/* The LP that runs the VP calls it for what is not another's doing: before the next entry all that waits is looked at. */
static inline void vp_look_again(struct vp *vp)
{
	__atomic_store_n(&vp->attention, true, __ATOMIC_RELAXED);
}

/* Raises `vector` as a fixed edge interrupt: the root's goes to its LP's real APIC, a child's to its virtual one. */
void vp_assert_interrupt(struct vp *vp, uint8_t vector);

/* Runs a child on this LP until it must return to the root; (core/vp_run.c). Called with the partition's lock, returns without it. */
void vp_run_child(struct vp *vp, uint32_t flags, struct hv_out_dispatch_vp *out);

/* core/vp.c */
void vp_init_root(struct vp *vp, uint32_t index);	/* neutral part of a root VP; memory is the caller's */
hv_status_t vp_create(struct partition *p, uint32_t index);
void vp_destroy(struct vp *vp);				/* not running; caller holds no lock */
uint64_t vp_runtime_100ns(const struct vp *vp);		/* intercept/synthetic_msr.c */

/* core/registers.c: any register of TLFS HV_REGISTER_NAME. Caller holds the lock and has seen that the VP is not running, or that
 * hv keeps the register under the lock, whatever the VP is doing. */
bool vp_register_is_neutral(uint32_t name);
hv_status_t vp_get_register(struct vp *vp, uint32_t name, union hv_register_value *value);
hv_status_t vp_set_register(struct vp *vp, uint32_t name, const union hv_register_value *value);
bool vp_msr_slot(struct vp *vp, uint32_t msr, uint64_t **slot);	/* MSRs that are only kept */
uint64_t vp_register64(struct vp *vp, uint32_t name);	/* both: a register of the vendor's */
hv_status_t vp_set_register64(struct vp *vp, uint32_t name, uint64_t value);

/* core/register_page.c */
void vp_fill_register_page(struct vp *vp);
void vp_take_register_page(struct vp *vp);		/* applies and clears the dirty classes */

/* Events from other VPs or the VMM; taken at the next entry (core/vp.c). Caller holds the lock. */
void vp_assert_init(struct vp *vp);
void vp_assert_sipi(struct vp *vp, uint8_t vector);
bool vp_assert_start(struct vp *vp, const struct hv_initial_vp_context *context);	/* false: it does not wait for a start */
void vp_assert_nmi(struct vp *vp);
void vp_assert_extint(struct vp *vp, uint8_t vector);

/* hypercall/vp_state.c: state pages the root still holds go back to the pool. Caller holds no lock. */
void vp_unmap_state_pages(struct vp *vp);

/* core/vp_memory.c: guest memory by GPA. Caller holds the lock; false when some page is not accessible that way. */
bool partition_copy(struct partition *p, gpa_t gpa, void *buffer, size_t bytes, bool write);
static inline bool partition_read(struct partition *p, gpa_t gpa, void *to, size_t bytes)
{
	return partition_copy(p, gpa, to, bytes, false);
}

struct gva_walk { uint32_t result; gpa_t gpa; };	/* result: HV_TRANSLATE_* */
void vp_translate_gva(struct vp *vp, uint64_t gva, unsigned int flags, struct gva_walk *walk);
unsigned int vp_fetch_instruction(struct vp *vp, uint8_t bytes[16]);	/* at CS:RIP, as many as are readable */

#endif
