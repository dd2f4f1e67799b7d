/* SPDX-License-Identifier: Apache-2.0 */
/* A VP's life on SVM: creation, reset, and one round through the guest. */
#include <abi/hv_status.h>
#include <arch/svm/svm.h>
#include <arch/x86/timer.h>
#include <hv/partition.h>
#include <hv/pool.h>

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
		c->msrpm = virt_to_spa(svm_lp(lp_get(vp->index))->msrpm).addr;
		return;
	}
	c->intercept1 |= INTERCEPT1_CHILD;
	c->intercept2 |= INTERCEPT2_CHILD;
	c->intercept_exceptions = EXCEPTIONS_CHILD;
	c->msrpm = svm_child_msrpm();
	c->iopm = svm_child_iopm();
	c->int_ctl = INT_CTL_MASKING;
}

hv_status_t svm_create(struct vp *vp)
{
	hv_status_t status = vcpu_create_common(vp, sizeof(struct svm_vcpu));

	if (status != HV_STATUS_SUCCESS)
		return status;
	svm_of(vp)->vmcb = pool_alloc_page(&vp->partition->pool);
	if (!vmcb_of(vp)) {
		svm_destroy(vp);
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	svm_of(vp)->vmcb_spa = virt_to_spa(vmcb_of(vp)).addr;
	set_intercepts(vp);
	svm_reset(vp);
	return HV_STATUS_SUCCESS;
}

void svm_destroy(struct vp *vp)
{
	if (vmcb_of(vp))
		pool_free_page(&vp->partition->pool, vmcb_of(vp));
	vcpu_destroy_common(vp);
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

void svm_reset(struct vp *vp)
{
	struct vmcb *c = vmcb_of(vp);

	vcpu_reset_common(vp);
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
	svm_of(vp)->nmi_blocked = false;
	svm_of(vp)->reload = true;
}

void svm_start_at_sipi(struct vp *vp, uint8_t vector)
{
	struct vmcb *c = vmcb_of(vp);

	c->cs.selector = (uint16_t)(vector << 8);
	c->cs.base = (uint64_t)vector << 12;
	c->rip = 0;
}

static void renew_tlb(struct vp *vp, struct lp *lp)
{
	vcpu_renew_tlb(vp, lp, svm_features.asids);
	vmcb_of(vp)->asid = vp->arch->tag;
	vmcb_of(vp)->tlb_control = svm_features.flush_by_asid ? TLB_FLUSH_ASID : TLB_FLUSH_ALL;
}

static void record_exit(struct lp *lp, const struct vp *vp, const struct vmcb *c, uint64_t event_in)
{
	struct vp_exit_record *e = vcpu_next_record(lp);

	e->code = c->exit_code;
	e->rip = c->rip;
	e->cr3 = c->cr3;
	e->event_in = event_in;
	e->event_out = c->exit_int_info;
	e->info1 = c->exit_info1;
	e->info2 = c->exit_info2;
	e->partition_id = (uint32_t)vp->partition->id;
	e->vp_index = vp->index;
}

/* After `world` says guest mode, a removal of translations kicks this LP; one before shows in the generation. */
static void enter(struct lp *lp, struct vp *vp, struct vmcb *c)
{
	uint64_t event_in = c->event_inject;

	c->rax = vp->gprs.rax;
	c->rsp = vp->gprs.rsp;
	c->tlb_control = TLB_KEEP;
	__atomic_store_n(&lp->world, lp->world + 1, __ATOMIC_SEQ_CST);
	if (!vcpu_tlb_is_good(vp, lp))
		renew_tlb(vp, lp);
	svm_enter(&vp->gprs, svm_of(vp)->vmcb_spa, c->int_ctl & INT_CTL_MASKING);
	__atomic_store_n(&lp->world, lp->world + 1, __ATOMIC_RELEASE);
	vp->gprs.rax = c->rax;
	vp->gprs.rsp = c->rsp;
	record_exit(lp, vp, c, event_in);
}

static void prepare_root(struct vp *vp)
{
	svm_prepare_root(vp);
	if (svm_of(vp)->reload)
		svm_load_pending(vp);
}

void svm_run_guest(struct vp *vp)
{
	struct lp *lp = this_lp();
	struct vmcb *c = vmcb_of(vp);

	enter(lp, vp, c);
	if (partition_is_root(vp->partition))
		vcpu_check_saved_state(vp, c->rip, c->cr3);
	c->event_inject = 0;
	if (c->exit_int_info & EVENT_VALID)
		svm_deliver_again(vp);
	timer_look(lp);
}

int svm_run_once(struct vp *vp)
{
	if (partition_is_root(vp->partition))
		prepare_root(vp);
	svm_run_guest(vp);
	return svm_handle_exit(vp);
}
