/* SPDX-License-Identifier: Apache-2.0 */
/* A VP's life on SVM: creation, reset, and one round through the guest. */
#include <abi/hv_status.h>
#include <arch/svm/svm.h>
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <arch/x86/timer.h>
#include <hv/panic.h>
#include <hv/partition.h>
#include <hv/string.h>

#define ASID_ROOT		1
#define PAT_RESET		0x0007040600070406ull
#define DR6_RESET		0xffff0ff0ull
#define DR7_RESET		0x400ull
#define XSAVE_LEGACY_FCW	0
#define XSAVE_LEGACY_MXCSR	24
#define SEGMENT_CODE		0x9b
#define SEGMENT_DATA		0x93
#define SEGMENT_LDT		0x82
#define SEGMENT_TSS		0x8b

#define INTERCEPT1_ALL	(INTERCEPT1_NMI | INTERCEPT1_CPUID | INTERCEPT1_INVLPGA | INTERCEPT1_MSR | INTERCEPT1_SHUTDOWN)
#define INTERCEPT2_ALL	(INTERCEPT2_VMRUN | INTERCEPT2_VMMCALL | INTERCEPT2_VMLOAD | INTERCEPT2_VMSAVE | INTERCEPT2_STGI | \
			 INTERCEPT2_CLGI | INTERCEPT2_SKINIT)
#define INTERCEPT1_CHILD (INTERCEPT1_INTR | INTERCEPT1_RDPMC | INTERCEPT1_INVD | INTERCEPT1_HLT | INTERCEPT1_IOIO | \
			  INTERCEPT1_TASK_SWITCH)
#define INTERCEPT2_CHILD (INTERCEPT2_WBINVD | INTERCEPT2_MONITOR | INTERCEPT2_MWAIT | INTERCEPT2_MWAIT_ARMED | \
			  INTERCEPT2_XSETBV | INTERCEPT2_RDPRU)

static void set_intercepts(struct vp *vp)
{
	struct vmcb *c = vmcb_of(vp);

	c->intercept1 = INTERCEPT1_ALL;
	c->intercept2 = INTERCEPT2_ALL;
	c->np_enable = NP_ENABLE;
	c->nested_cr3 = vp->partition->gpa.root.addr;
	if (partition_is_root(vp->partition)) {
		c->asid = ASID_ROOT;
		c->msrpm = virt_to_spa(lp_get(vp->index)->vendor->msrpm).addr;
		return;
	}
	c->intercept1 |= INTERCEPT1_CHILD;
	c->intercept2 |= INTERCEPT2_CHILD;
	c->intercept_dr = INTERCEPT_DR0_TO_DR3;
	c->intercept_exceptions = (uint32_t)BIT(VECTOR_MC);
	c->msrpm = svm_child_msrpm();
	c->iopm = svm_child_iopm();
	c->int_ctl = INT_CTL_MASKING;
}

hv_status_t vcpu_create(struct vp *vp)
{
	struct pool *pool = &vp->partition->pool;
	struct vcpu *v = pool_alloc_page(pool);
	void *vmcb = pool_alloc_page(pool);

	vp->arch = v;
	if (v)
		v->vmcb = vmcb;
	if (!partition_is_root(vp->partition))
		vp->xsave_area = pool_alloc_page(pool);
	if (!v || !vmcb || (!vp->xsave_area && !partition_is_root(vp->partition))) {
		if (vmcb && !v)
			pool_free_page(pool, vmcb);
		vcpu_destroy(vp);
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	set_intercepts(vp);
	vcpu_reset(vp);
	return HV_STATUS_SUCCESS;
}

void vcpu_destroy(struct vp *vp)
{
	struct pool *pool = &vp->partition->pool;

	if (vp->arch && vp->arch->vmcb)
		pool_free_page(pool, vp->arch->vmcb);
	if (vp->arch)
		pool_free_page(pool, vp->arch);
	if (vp->xsave_area)
		pool_free_page(pool, vp->xsave_area);
	vp->arch = NULL;
	vp->xsave_area = NULL;
}

static void reset_segments(struct vmcb *c)
{
	struct vmcb_segment data = { 0, SEGMENT_DATA, 0xffff, 0 };

	c->es = c->ss = c->ds = c->fs = c->gs = data;
	c->cs = (struct vmcb_segment){ 0xf000, SEGMENT_CODE, 0xffff, 0xffff0000 };
	c->gdtr = c->idtr = (struct vmcb_segment){ .limit = 0xffff };
	c->ldtr = (struct vmcb_segment){ 0, SEGMENT_LDT, 0xffff, 0 };
	c->tr = (struct vmcb_segment){ 0, SEGMENT_TSS, 0xffff, 0 };
}

static void reset_extended_state(struct vp *vp)
{
	uint16_t fcw = 0x40;
	uint32_t mxcsr = 0x1f80;

	vp->xcr0 = 1;
	if (!vp->xsave_area)
		return;
	memset(vp->xsave_area, 0, PAGE_SIZE);
	memcpy((char *)vp->xsave_area + XSAVE_LEGACY_FCW, &fcw, sizeof(fcw));
	memcpy((char *)vp->xsave_area + XSAVE_LEGACY_MXCSR, &mxcsr, sizeof(mxcsr));
	*(uint64_t *)((char *)vp->xsave_area + 512) = 1 | 2;		/* XSTATE_BV: x87 and SSE are in the area */
}

/* INIT keeps extended state, CR0's cache bits and some MSRs; a VP's first reset is a power-on, so hv resets all the same. */
void vcpu_reset(struct vp *vp)
{
	struct vcpu *v = vp->arch;
	struct vmcb *c = v->vmcb;

	memset(&vp->gprs, 0, sizeof(vp->gprs));
	vp->gprs.rdx = cpuid(1, 0).eax;
	reset_segments(c);
	c->cpl = 0;
	c->efer = EFER_SVME;
	c->cr0 = CR0_CD | CR0_NW | CR0_ET;
	c->cr2 = c->cr3 = c->cr4 = 0;
	c->dr6 = DR6_RESET;
	c->dr7 = DR7_RESET;
	c->rflags = 2;
	c->rip = 0xfff0;
	c->pat = PAT_RESET;
	c->event_inject = c->interrupt_shadow = c->exit_int_info = 0;
	c->int_ctl &= INT_CTL_MASKING;
	v->interrupt_window = v->nmi_window = v->nmi_blocked = false;
	v->tpr_window = 0;
	v->flush = v->reload = true;
	memset(v->dr, 0, sizeof(v->dr));
	reset_extended_state(vp);
}

void vcpu_start_at_sipi(struct vp *vp, uint8_t vector)
{
	struct vmcb *c = vmcb_of(vp);

	c->cs.selector = (uint16_t)(vector << 8);
	c->cs.base = (uint64_t)vector << 12;
	c->rip = 0;
}

/* ASIDs are per LP, handed out in order; when they are used up all are void and the TLB is flushed as a whole. */
static bool take_new_asid(struct vp *vp, struct lp *lp)
{
	struct vcpu *v = vp->arch;

	if (v->asid_lp == lp && v->asid_epoch == lp->vendor->asid_epoch)
		return false;
	if (lp->vendor->asid_next >= svm_features.asids) {
		lp->vendor->asid_next = 2;
		lp->vendor->asid_epoch++;
	}
	v->vmcb->asid = lp->vendor->asid_next++;
	v->asid_lp = lp;
	v->asid_epoch = lp->vendor->asid_epoch;
	return true;
}

/* After `world` says guest mode: a removal from now on kicks this LP, one before now shows in the generation. */
static void prepare_tlb(struct vp *vp, struct lp *lp)
{
	struct vcpu *v = vp->arch;
	uint64_t generation = __atomic_load_n(&vp->partition->gpa.generation, __ATOMIC_SEQ_CST);
	bool flush = v->flush || v->gpa_generation != generation;

	if (!partition_is_root(vp->partition))
		flush |= take_new_asid(vp, lp);
	v->gpa_generation = generation;
	v->flush = false;
	v->vmcb->tlb_control = !flush ? TLB_KEEP : svm_features.flush_by_asid ? TLB_FLUSH_ASID : TLB_FLUSH_ALL;
}

static void record_exit(struct lp *lp, struct vp *vp, uint64_t event_in)
{
	struct vmcb *c = vmcb_of(vp);
	struct vp_exit_record *e = &lp->exits[lp->exit_count++ % LP_EXIT_RING];

	*e = (struct vp_exit_record){ c->exit_code, c->rip, c->cr3, event_in, c->exit_int_info, c->exit_info1, c->exit_info2,
				      (uint32_t)vp->partition->id, vp->index };
}

/*
 * hv's own state where the root's should be means that a world switch went wrong (a defect of emulators: root-boot-notes.md
 * section 7); nothing that follows would make sense. Children are not judged by it: they can put any number in CR3.
 */
static void check_saved_state(struct vp *vp)
{
	const struct vmcb *c = vmcb_of(vp);

	if (partition_is_root(vp->partition) && c->cr3 == paging_root && c->rip >= (uintptr_t)hv_image_start &&
	    c->rip < (uintptr_t)hv_text_end)
		hv_panic("root VP %u left the guest with hv's own state", vp->index);
}

static void enter(struct lp *lp, struct vp *vp)
{
	struct vmcb *c = vmcb_of(vp);
	uint64_t event_in = c->event_inject;

	svm_load_pending(vp);
	c->rax = vp->gprs.rax;
	c->rsp = vp->gprs.rsp;
	lp->gpa_space = &vp->partition->gpa;
	__atomic_store_n(&lp->world, lp->world + 1, __ATOMIC_SEQ_CST);
	prepare_tlb(vp, lp);
	svm_enter(&vp->gprs, virt_to_spa(c).addr, c->int_ctl & INT_CTL_MASKING);
	__atomic_store_n(&lp->world, lp->world + 1, __ATOMIC_SEQ_CST);
	vp->gprs.rax = c->rax;
	vp->gprs.rsp = c->rsp;
	record_exit(lp, vp, event_in);
	check_saved_state(vp);
}

/* Exits that tell of a physical interrupt: pending, or just delivered to the root while hv stepped aside. */
static bool is_interruption(uint64_t code)
{
	return code == SVM_EXIT_INTR || code == SVM_EXIT_VINTR || code == SVM_EXIT_IRET;
}

int vcpu_run_once(struct vp *vp)
{
	struct lp *lp = this_lp();

	lp->running = vp;
	svm_prepare_events(vp);
	enter(lp, vp);
	svm_complete_event(vp);
	timer_poll(is_interruption(vmcb_of(vp)->exit_code));
	return svm_handle_exit(vp);
}
