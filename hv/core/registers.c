/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HvCallGetVpRegisters and HvCallSetVpRegisters, one register at a time: a table says who keeps a register (this VP's struct, the
 * extended state area, local APIC, SynIC), the vendor's back end has the rest. Names nobody models read as zero and take any
 * value, because one refused name fails a VMM's whole list (hv-abi.md 8.1).
 */
#include <abi/hv_hypercall.h>
#include <abi/hv_status.h>
#include <abi/hv_synic.h>
#include <hv/cpuid_model.h>
#include <hv/lapic.h>
#include <hv/lapic_internal.h>
#include <hv/partition.h>
#include <hv/string.h>
#include <hv/synthetic_msr.h>
#include <hv/vp.h>
#include <hv/vp_timers.h>
#include <hv/xsave.h>

#define MTRR_CAPABILITY	(MTRR_VARIABLE | BIT(8) | BIT(10))	/* fixed ranges, write combining */
#define VECTOR_PF	14

enum keeper {
	BACK_END,
	KEPT,				/* a 64-bit value in struct vp that nothing depends on */
	SYNTHETIC,			/* a synthetic MSR under another name, with its side effects */
	FP,				/* the extended state area */
	APIC,				/* the local APIC's registers, to be read */
	OWN,				/* get_own() and set_own() */
};

/* `count` names and MSRs one after the other. Neutral: hv keeps it under the lock, whatever the VP is doing. */
struct vp_register {
	uint32_t name, count, msr, msr_step;
	size_t offset;			/* of a kept value */
	enum keeper keeper;
	bool neutral;
};
#define VALUE(name, count, field) { name, count, 0, 1, offsetof(struct vp, field), KEPT, false }
#define VALUE_MSR(name, count, msr, step, field) { name, count, msr, step, offsetof(struct vp, field), KEPT, false }
#define MSR(name, count, msr, neutral) { name, count, msr, 1, 0, SYNTHETIC, neutral }
#define OTHER(name, count, keeper, neutral) { name, count, 0, 1, 0, keeper, neutral }

static const struct vp_register registers[] = {
	VALUE(HV_X64_REGISTER_RAX, 16, gprs.rax),
	VALUE_MSR(HV_X64_REGISTER_MTRR_DEF_TYPE, 1, 0x2ff, 1, msrs.mtrr_def_type),
	VALUE_MSR(HV_X64_REGISTER_MTRR_PHYS_BASE0, MTRR_VARIABLE, 0x200, 2, msrs.mtrr_base),
	VALUE_MSR(HV_X64_REGISTER_MTRR_PHYS_MASK0, MTRR_VARIABLE, 0x201, 2, msrs.mtrr_mask),
	VALUE_MSR(HV_X64_REGISTER_MTRR_FIX64K00000, 1, 0x250, 1, msrs.mtrr_fixed[0]),
	VALUE_MSR(HV_X64_REGISTER_MTRR_FIX16K80000, 2, 0x258, 1, msrs.mtrr_fixed[1]),
	VALUE_MSR(HV_X64_REGISTER_MTRR_FIX4KC0000, 8, 0x268, 1, msrs.mtrr_fixed[3]),
	VALUE_MSR(HV_X64_REGISTER_TSC_ADJUST, 1, 0x3b, 1, msrs.tsc_adjust),
	VALUE_MSR(HV_X64_REGISTER_MISC_ENABLE, 1, 0x1a0, 1, msrs.misc_enable),
	VALUE_MSR(HV_X64_REGISTER_DEBUG_CTL, 1, 0x1d9, 1, msrs.debug_ctl),
	VALUE_MSR(HV_X64_REGISTER_XSS, 1, 0xda0, 1, xss),
	VALUE(HV_X64_REGISTER_BNDCFGS, 1, msrs.bndcfgs),
	VALUE(HV_X64_REGISTER_U_CET, 8, msrs.u_cet),				/* to INTERRUPT_SSP_TABLE */
	VALUE(HV_REGISTER_INSTRUCTION_EMULATION_HINTS, 1, msrs.emulation_hints),

	MSR(HV_REGISTER_SINT0, 16, HV_X64_MSR_SINT0, true),
	MSR(HV_REGISTER_SCONTROL, 6, HV_X64_MSR_SCONTROL, true),		/* to SIRBP */
	MSR(HV_REGISTER_STIMER0_CONFIG, 8, HV_X64_MSR_STIMER0_CONFIG, false),
	MSR(HV_REGISTER_GUEST_CRASH_P0, 6, HV_X64_MSR_CRASH_P0, false),
	MSR(HV_REGISTER_VP_RUNTIME, 1, HV_X64_MSR_VP_RUNTIME, true),
	MSR(HV_REGISTER_HYPERCALL, 1, HV_X64_MSR_HYPERCALL, false),
	MSR(HV_REGISTER_GUEST_OS_ID, 1, HV_X64_MSR_GUEST_OS_ID, true),
	MSR(HV_REGISTER_VP_INDEX, 1, HV_X64_MSR_VP_INDEX, true),
	MSR(HV_REGISTER_TIME_REF_COUNT, 1, HV_X64_MSR_TIME_REF_COUNT, true),
	MSR(HV_REGISTER_VP_ASSIST_PAGE, 1, HV_X64_MSR_VP_ASSIST_PAGE, false),
	MSR(HV_REGISTER_REFERENCE_TSC, 1, HV_X64_MSR_REFERENCE_TSC, false),
	MSR(HV_REGISTER_PROCESSOR_CLOCK_FREQUENCY, 2, HV_X64_MSR_TSC_FREQUENCY, false),	/* and the APIC's */

	OTHER(HV_X64_REGISTER_XMM0, 26, FP, false),		/* and MMX, the two control and status registers */
	OTHER(HV_X64_REGISTER_APIC_BLOCK, APIC_REGISTERS, APIC, false),
	OTHER(HV_REGISTER_EXPLICIT_SUSPEND, 1, OWN, true),
	OTHER(HV_REGISTER_INTERCEPT_SUSPEND, 1, OWN, true),
	OTHER(HV_REGISTER_DISPATCH_SUSPEND, 1, OWN, true),
	OTHER(HV_REGISTER_DELIVERABILITY_NOTIFICATIONS, 1, OWN, true),
	OTHER(HV_REGISTER_VP_ROOT_SIGNAL_COUNT, 1, OWN, true),
	OTHER(HV_REGISTER_INTERNAL_ACTIVITY_STATE, 1, OWN, false),
	OTHER(HV_REGISTER_PENDING_EVENT0, 2, OWN, false),
	OTHER(HV_X64_REGISTER_RIP, 1, OWN, false),
	OTHER(HV_X64_REGISTER_XFEM, 1, OWN, false),
	OTHER(HV_X64_REGISTER_MTRR_CAP, 1, OWN, false),
	OTHER(HV_X64_REGISTER_APIC_BASE, 1, OWN, false),
	OTHER(HV_X64_REGISTER_INITIAL_APIC_ID, 1, OWN, false),
	OTHER(HV_X64_REGISTER_TSC_DEADLINE, 1, OWN, false),
};
static const struct vp_register of_the_back_end = OTHER(0, 0, BACK_END, false);

static const struct vp_register *register_find(uint32_t name)
{
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		if (name - registers[i].name < registers[i].count)
			return &registers[i];
	return &of_the_back_end;
}

bool vp_register_is_neutral(uint32_t name)
{
	return register_find(name)->neutral;
}

static uint64_t *kept_value(struct vp *vp, const struct vp_register *r, uint32_t index)
{
	return (uint64_t *)((char *)vp + r->offset) + index;
}

bool vp_msr_slot(struct vp *vp, uint32_t msr, uint64_t **slot)
{
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		const struct vp_register *r = &registers[i];
		uint32_t n = (msr - r->msr) / r->msr_step;

		if (r->keeper != KEPT || !r->msr || n >= r->count || (msr - r->msr) % r->msr_step)
			continue;
		*slot = kept_value(vp, r, n);
		return true;
	}
	return false;
}

uint64_t vp_register64(struct vp *vp, uint32_t name)
{
	union hv_register_value value = { 0 };

	vcpu_get_register(vp, name, &value);
	return value.reg64;
}

hv_status_t vp_set_register64(struct vp *vp, uint32_t name, uint64_t value)
{
	return vcpu_set_register(vp, name, &(union hv_register_value){ .reg64 = value });
}

static hv_status_t set_synthetic(struct vp *vp, uint32_t msr, uint64_t value)
{
	bool read_only = msr == HV_X64_MSR_VP_INDEX || msr == HV_X64_MSR_SVERSION;

	return synthetic_msr_write(vp, msr, value) || read_only ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_REGISTER_VALUE;
}

/* Floating point: in the extended state area while the VP is not running. The root's are in its CPUs. */

static void *fp_slot(struct xsave_area *area, uint32_t name)
{
	if (name < HV_X64_REGISTER_FP_MMX0)
		return &area->xmm[name - HV_X64_REGISTER_XMM0];
	if (name < HV_X64_REGISTER_FP_CONTROL_STATUS)
		return &area->st[name - HV_X64_REGISTER_FP_MMX0];
	return name == HV_X64_REGISTER_FP_CONTROL_STATUS ? (void *)&area->fcw : &area->rdp;
}

/* A component that was in its initial state must be loaded from memory from now on. */
static void fp_mark_valid(struct xsave_area *area, bool sse)
{
	if (!(area->xstate_bv & XSTATE_X87))
		area->fcw = FCW_INITIAL;
	if (!(area->xstate_bv & XSTATE_SSE))
		area->mxcsr = MXCSR_INITIAL;
	area->xstate_bv |= sse ? XSTATE_X87 | XSTATE_SSE : XSTATE_X87;
}

static void set_fp(struct xsave_area *area, uint32_t name, const union hv_register_value *v)
{
	bool control = name == HV_X64_REGISTER_XMM_CONTROL_STATUS;	/* RDP, MXCSR; the mask word is the CPU's */

	fp_mark_valid(area, name < HV_X64_REGISTER_FP_MMX0 || control);
	memcpy(fp_slot(area, name), v, control ? 12 : 16);
	area->mxcsr &= MXCSR_DEFINED;
}

/* State the VMM may change to let a VP go, to stop it, or to put it where a saved one was. */

static uint64_t activity(const struct vp *vp)
{
	uint64_t halt = vp->idle ? HV_ACTIVITY_IDLE_SUSPEND : HV_ACTIVITY_HALT_SUSPEND;

	return (vp->waiting_for_sipi ? HV_ACTIVITY_STARTUP_SUSPEND : 0) | (vp->halted ? halt : 0);
}

static hv_status_t set_activity(struct vp *vp, uint64_t state)
{
	vp->waiting_for_sipi = state & HV_ACTIVITY_STARTUP_SUSPEND;
	vp->halted = state & (HV_ACTIVITY_HALT_SUSPEND | HV_ACTIVITY_IDLE_SUSPEND);
	vp->idle = state & HV_ACTIVITY_IDLE_SUSPEND;
	vp_kick(vp);
	return HV_STATUS_SUCCESS;
}

static hv_status_t set_suspension(struct vp *vp, bool *which, bool suspended)
{
	*which = suspended;
	vp_kick(vp);				/* a running VP comes out; a blocked one that may not run hears of nothing */
	return HV_STATUS_SUCCESS;
}

static hv_status_t set_deliverability(struct vp *vp, union hv_deliverability_notifications want)
{
	if (want.nmi || want.interrupt)		/* the local APIC is hv's: nothing to tell (hv-abi.md 8.1) */
		return HV_STATUS_INVALID_PARAMETER;
	vp->deliverability = want.as_uint64;
	vp_kick(vp);
	return HV_STATUS_SUCCESS;
}

static hv_status_t set_pending_event(struct vp *vp, const union hv_pending_event *event)
{
	uint8_t vector = (uint8_t)event->exception.vector;

	if (!event->exception.pending)
		return HV_STATUS_SUCCESS;
	if (event->exception.type == HV_PENDING_EVENT_EXT_INT) {
		vp_assert_extint(vp, (uint8_t)event->ext_int.vector);
		return HV_STATUS_SUCCESS;
	}
	if (event->exception.type != HV_PENDING_EVENT_EXCEPTION || event->exception.vector > 31)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (vector == VECTOR_PF)
		vp_set_register64(vp, HV_X64_REGISTER_CR2, event->exception.parameter);
	vcpu_inject_exception(vp, vector, event->exception.deliver_error_code, event->exception.error_code);
	return HV_STATUS_SUCCESS;
}

static uint64_t get_own(struct vp *vp, uint32_t name)
{
	switch (name) {
	case HV_REGISTER_EXPLICIT_SUSPEND:	return vp->explicit_suspend;
	case HV_REGISTER_INTERCEPT_SUSPEND:	return vp->intercept_suspend;
	case HV_REGISTER_DISPATCH_SUSPEND:	return vp->dispatch_suspend;
	case HV_REGISTER_DELIVERABILITY_NOTIFICATIONS: return vp->deliverability;
	case HV_REGISTER_VP_ROOT_SIGNAL_COUNT:	return vp->root_signal_count;
	case HV_REGISTER_INTERNAL_ACTIVITY_STATE: return activity(vp);
	case HV_X64_REGISTER_RIP:		return vcpu_rip(vp);
	case HV_X64_REGISTER_XFEM:		return vp->xcr0;
	case HV_X64_REGISTER_MTRR_CAP:		return MTRR_CAPABILITY;
	case HV_X64_REGISTER_APIC_BASE:		return vp->lapic ? vp->lapic->base : 0;
	case HV_X64_REGISTER_INITIAL_APIC_ID:	return vp->lapic ? vp->lapic->reg[APIC_ID] : vp->index;
	case HV_X64_REGISTER_TSC_DEADLINE:	return vp->lapic ? vp->lapic->tsc_deadline : 0;
	}
	return 0;
}

/* A child's; nothing here is written for the sake of a running VP's registers. What is not listed ignores what is written to it. */
static hv_status_t set_own(struct vp *vp, uint32_t name, const union hv_register_value *v)
{
	switch (name) {
	case HV_REGISTER_EXPLICIT_SUSPEND:	return set_suspension(vp, &vp->explicit_suspend, v->reg64 & 1);
	case HV_REGISTER_INTERCEPT_SUSPEND:	return set_suspension(vp, &vp->intercept_suspend, v->reg64 & 1);
	case HV_REGISTER_DISPATCH_SUSPEND:	return set_suspension(vp, &vp->dispatch_suspend, v->reg64 & 1);
	case HV_REGISTER_DELIVERABILITY_NOTIFICATIONS: return set_deliverability(vp, v->deliverability);
	case HV_REGISTER_INTERNAL_ACTIVITY_STATE: return set_activity(vp, v->reg64);
	case HV_REGISTER_PENDING_EVENT0:	return set_pending_event(vp, &v->pending_event);
	case HV_X64_REGISTER_RIP:		vcpu_set_rip(vp, v->reg64); break;
	case HV_X64_REGISTER_XFEM:
		if (!cpuid_xcr0_is_valid(v->reg64))	/* hv itself loads it */
			return HV_STATUS_INVALID_REGISTER_VALUE;
		vp->xcr0 = v->reg64;
		break;
	case HV_X64_REGISTER_APIC_BASE:			/* restoring a saved VP may go straight to x2APIC */
		vp->lapic->base = v->reg64 & LAPIC_BASE_WRITABLE;
		break;
	case HV_X64_REGISTER_TSC_DEADLINE:
		vp->lapic->tsc_deadline = v->reg64;
		vp_timers_changed(vp);
		break;
	}
	return HV_STATUS_SUCCESS;
}

static hv_status_t set_back_end(struct vp *vp, uint32_t name, const union hv_register_value *v)
{
	if (name == HV_X64_REGISTER_CR8)	/* kept in both places */
		vp->lapic->reg[APIC_TPR] = (uint32_t)(v->reg64 & 0xf) << 4;
	if (vcpu_set_register(vp, name, v) == HV_STATUS_INVALID_REGISTER_VALUE)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (name == HV_X64_REGISTER_TSC || name == HV_X64_REGISTER_TSC_OFFSET)
		vp_tsc_changed(vp);
	return HV_STATUS_SUCCESS;
}

hv_status_t vp_get_register(struct vp *vp, uint32_t name, union hv_register_value *value)
{
	const struct vp_register *r = register_find(name);
	uint32_t index = name - r->name;

	*value = (union hv_register_value){ 0 };
	if (name >= HV_X64_REGISTER_INTERMEDIATE_CR0 && name <= HV_X64_REGISTER_INTERMEDIATE_CR8)
		name -= HV_X64_REGISTER_INTERMEDIATE_CR0 - HV_X64_REGISTER_CR0;
	switch (r->keeper) {
	case KEPT:	value->reg64 = *kept_value(vp, r, index); break;
	case SYNTHETIC:	synthetic_msr_read(vp, r->msr + index, &value->reg64); break;
	case APIC:	value->reg64 = vp->lapic ? lapic_register(vp->lapic, index) : 0; break;
	case OWN:	value->reg64 = get_own(vp, name); break;
	case BACK_END:	vcpu_get_register(vp, name, value); break;
	case FP:
		if (vp->xsave_area)		/* the root's are in its CPUs */
			memcpy(value, fp_slot(vp->xsave_area, name), sizeof(*value));
	}
	return HV_STATUS_SUCCESS;
}

hv_status_t vp_set_register(struct vp *vp, uint32_t name, const union hv_register_value *value)
{
	const struct vp_register *r = register_find(name);
	uint32_t index = name - r->name;

	switch (r->keeper) {
	case KEPT:	*kept_value(vp, r, index) = value->reg64; break;
	case SYNTHETIC:	return set_synthetic(vp, r->msr + index, value->reg64);
	case FP:	set_fp(vp->xsave_area, name, value); break;
	case APIC:	break;			/* HvCallSetVpState is the way */
	case OWN:	return set_own(vp, name, value);
	case BACK_END:	return set_back_end(vp, name, value);
	}
	return HV_STATUS_SUCCESS;
}
