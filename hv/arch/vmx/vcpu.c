/* SPDX-License-Identifier: Apache-2.0 */
/* A VP's life on VMX: creation, reset, and one round through the guest. */
#include <abi/hv_status.h>
#include <arch/vmx/vmx.h>
#include <arch/x86/timer.h>
#include <hv/panic.h>
#include <hv/partition.h>
#include <hv/pool.h>

#define VPIDS			0x10000u

hv_status_t vmx_create(struct vp *vp)
{
	struct pool *pool = &vp->partition->pool;
	bool root = partition_is_root(vp->partition);
	hv_status_t status = vcpu_create_common(vp, sizeof(struct vmx_vcpu));
	struct vmx_vcpu *v = vmx_of(vp);

	if (status != HV_STATUS_SUCCESS)
		return status;
	v->vmcs = pool_alloc_page(pool);
	v->virtual_apic = root ? NULL : pool_alloc_page(pool);
	if (!v->vmcs || (!root && !v->virtual_apic)) {
		vmx_destroy(vp);
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	*(uint32_t *)v->vmcs = vmx_features.revision;
	field_set(v, F_TSC_OFFSET, 0);
	vmx_reset(vp);
	return HV_STATUS_SUCCESS;
}

/* No LP has the VMCS: a child's was cleared when it was switched out. */
void vmx_destroy(struct vp *vp)
{
	struct pool *pool = &vp->partition->pool;

	if (vmx_of(vp)->vmcs)
		pool_free_page(pool, vmx_of(vp)->vmcs);
	if (vmx_of(vp)->virtual_apic)
		pool_free_page(pool, vmx_of(vp)->virtual_apic);
	vcpu_destroy_common(vp);
}

static void reset_segments(struct vmx_vcpu *v)
{
	for (unsigned int i = 0; i < SEG_COUNT; i++) {
		field_set(v, F_SELECTOR + i, i == SEG_CS ? 0xf000 : 0);
		field_set(v, F_BASE + i, i == SEG_CS ? 0xffff0000 : 0);
		field_set(v, F_LIMIT + i, 0xffff);
		field_set(v, F_RIGHTS + i, i == SEG_CS ? SEGMENT_CODE : i == SEG_LDTR ? SEGMENT_LDT : i == SEG_TR ? SEGMENT_TSS : SEGMENT_DATA);
	}
	field_set(v, F_GDTR_BASE, 0);
	field_set(v, F_IDTR_BASE, 0);
	field_set(v, F_GDTR_LIMIT, 0xffff);
	field_set(v, F_IDTR_LIMIT, 0xffff);
}

void vmx_reset(struct vp *vp)
{
	static const struct { uint8_t field; uint64_t value; } reset[] = {
		{ F_RIP, 0xfff0 }, { F_RFLAGS, 2 }, { F_CR3, 0 }, { F_DR7, DR7_RESET }, { F_PAT, PAT_RESET }, { F_EFER, 0 },
		{ F_DEBUGCTL, 0 }, { F_SYSENTER_CS, 0 }, { F_SYSENTER_ESP, 0 }, { F_SYSENTER_EIP, 0 }, { F_INTERRUPTIBILITY, 0 },
		{ F_ACTIVITY, 0 },
	};
	struct vmx_vcpu *v = vmx_of(vp);

	vcpu_reset_common(vp);
	for (size_t i = 0; i < ARRAY_SIZE(reset); i++)
		field_set(v, reset[i].field, reset[i].value);
	reset_segments(v);
	cr0_set(vp, CR0_CD | CR0_NW | CR0_ET);
	cr4_set(vp, 0);
	vmx_set_cr8(vp, 0);
	v->cr2 = 0;
	v->dr6 = DR6_RESET;
	v->event = 0;
}

void vmx_start_at_sipi(struct vp *vp, uint8_t vector)
{
	field_set(vmx_of(vp), F_SELECTOR + SEG_CS, (uint64_t)vector << 8);
	field_set(vmx_of(vp), F_BASE + SEG_CS, (uint64_t)vector << 12);
	field_set(vmx_of(vp), F_RIP, 0);
}

/* After `world` says guest mode, a removal of translations kicks this LP; one before shows in the generation. */
static void renew_tlb(struct vp *vp, struct lp *lp)
{
	vcpu_renew_tlb(vp, lp, VPIDS);
	vmcs_write(VMCS_VPID, vp->arch->tag);
	vmx_flush(ept_pointer(vp), (uint16_t)vp->arch->tag);
}

static void make_ready(struct lp *lp, struct vp *vp)
{
	struct vmx_vcpu *v = vmx_of(vp);

	if (!v->prepared)
		vmx_clear(v);
	if (vmx_lp(lp)->current != v)
		vmx_make_current(v);
	if (!v->prepared)
		vmx_prepare_vmcs(vp);
	v->prepared = true;
	if (!v->common.loaded)			/* a root VP's first time; a child was switched in */
		vmx_load_msrs(vp);
	if (v->paging_changed)
		cr_load_paging(vp);
	field_set(v, F_RSP, vp->gprs.rsp);
	vmx_prepare_events(vp);
	fields_write_dirty(v);
}

static void note_exit(struct lp *lp, struct vp *vp)
{
	struct vmx_vcpu *v = vmx_of(vp);
	uint64_t event_in = v->event;

	v->reason = (uint32_t)vmcs_read(VMCS_EXIT_REASON);
	v->qualification = vmcs_read(VMCS_QUALIFICATION);
	v->exit_event = v->reason == VMX_EXIT_EXCEPTION_NMI ? (uint32_t)(vmcs_read(VMCS_EXIT_EVENT) & ~EVENT_NMI_UNBLOCKED) : 0;
	if (v->exit_event == EVENT_MAKE(EVENT_NMI, VECTOR_NMI)) {
		lp->nmi_count++;		/* this exit took it instead of hv's IDT; until IRET no other comes */
		vmx_unblock_nmis();
	}
	v->launched |= !(v->reason & VMX_EXIT_ENTRY_FAILED);
	fields_forget(v);
	vp->gprs.rsp = field_get(v, F_RSP);
	vmx_complete_event(vp);
	*vcpu_next_record(lp) = (struct vp_exit_record){ v->reason, field_get(v, F_RIP), field_get(v, F_CR3), event_in, v->event,
							 v->qualification, 0, (uint32_t)vp->partition->id, vp->index };
	vcpu_check_saved_state(vp, field_get(v, F_RIP), field_get(v, F_CR3));
}

static void note_no_entry(struct vp *vp)
{
	vmcs_write(VMCS_ENTRY_EVENT, 0);		/* it stays in v->event */
	vmx_of(vp)->reason = VMX_EXIT_EXCEPTION_NMI;
	vmx_of(vp)->exit_event = 0;
}

static void enter(struct lp *lp, struct vp *vp)
{
	int result;

	make_ready(lp, vp);
	__atomic_store_n(&lp->world, lp->world + 1, __ATOMIC_SEQ_CST);
	if (!vcpu_tlb_is_good(vp, lp))
		renew_tlb(vp, lp);
	result = vmx_enter(&vp->gprs, vmx_of(vp)->launched, &lp->nmi_count, vmx_lp(lp)->nmis_seen);
	__atomic_store_n(&lp->world, lp->world + 1, __ATOMIC_SEQ_CST);
	if (result == VMX_REFUSED)
		hv_panic("VP %u of partition %u: VMX instruction error %u", vp->index, (unsigned int)vp->partition->id,
			 (unsigned int)vmcs_read(VMCS_INSTRUCTION_ERROR));
	if (result == VMX_LEFT)
		note_exit(lp, vp);
	else
		note_no_entry(vp);
}

int vmx_run_once(struct vp *vp)
{
	struct lp *lp = this_lp();

	enter(lp, vp);
	timer_look(lp);
	return vmx_handle_exit(vp);
}
