/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HvCallGetVpRegisters and HvCallSetVpRegisters, one register at a time: finds who keeps a register (this VP's struct, the
 * extended state area, local APIC, SynIC, the vendor back end). Names nobody models read as zero and take any value,
 * because one refused name fails a VMM's whole list (hv-abi.md 8.1).
 */
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

#define MSR_MTRR_CAP		0xfeu
#define MSR_IA32_TSC_ADJUST	0x3bu
#define MSR_MTRR_PHYS_BASE0	0x200u
#define MSR_MTRR_FIX64K		0x250u
#define MSR_MTRR_DEF_TYPE	0x2ffu
#define MSR_IA32_MISC_ENABLE	0x1a0u
#define MSR_IA32_DEBUGCTL	0x1d9u
#define MTRR_CAPABILITY		(MTRR_VARIABLE | BIT(8) | BIT(10))	/* fixed ranges, write combining */

/* Registers that are one kept 64-bit value: name, MSR, where. */
struct kept {
	uint32_t name, msr, count, name_step, msr_step;
	size_t offset;
};
#define KEPT(name, msr, count, msr_step, field) { name, msr, count, 1, msr_step, offsetof(struct vp, field) }

static const struct kept kept[] = {
	KEPT(HV_X64_REGISTER_MTRR_DEF_TYPE,	MSR_MTRR_DEF_TYPE,	1, 1, msrs.mtrr_def_type),
	KEPT(HV_X64_REGISTER_MTRR_PHYS_BASE0,	MSR_MTRR_PHYS_BASE0,	MTRR_VARIABLE, 2, msrs.mtrr_base),
	KEPT(HV_X64_REGISTER_MTRR_PHYS_MASK0,	MSR_MTRR_PHYS_BASE0 + 1, MTRR_VARIABLE, 2, msrs.mtrr_mask),
	KEPT(HV_X64_REGISTER_MTRR_FIX64K00000,	MSR_MTRR_FIX64K,	1, 1, msrs.mtrr_fixed[0]),
	KEPT(HV_X64_REGISTER_MTRR_FIX16K80000,	0x258,			2, 1, msrs.mtrr_fixed[1]),
	KEPT(HV_X64_REGISTER_MTRR_FIX4KC0000,	0x268,			8, 1, msrs.mtrr_fixed[3]),
	KEPT(HV_X64_REGISTER_TSC_ADJUST,	MSR_IA32_TSC_ADJUST,	1, 1, msrs.tsc_adjust),
	KEPT(HV_X64_REGISTER_MISC_ENABLE,	MSR_IA32_MISC_ENABLE,	1, 1, msrs.misc_enable),
	KEPT(HV_X64_REGISTER_DEBUG_CTL,		MSR_IA32_DEBUGCTL,	1, 1, msrs.debug_ctl),
	KEPT(HV_X64_REGISTER_BNDCFGS,		0,			1, 1, msrs.bndcfgs),
	KEPT(HV_X64_REGISTER_U_CET,		0,			1, 1, msrs.u_cet),
	KEPT(HV_X64_REGISTER_S_CET,		0,			1, 1, msrs.s_cet),
	KEPT(HV_X64_REGISTER_SSP,		0,			1, 1, msrs.ssp),
	KEPT(HV_X64_REGISTER_PL0_SSP,		0,			4, 1, msrs.pl_ssp),
	KEPT(HV_X64_REGISTER_INTERRUPT_SSP_TABLE, 0,			1, 1, msrs.ssp_table),
	KEPT(HV_REGISTER_INSTRUCTION_EMULATION_HINTS, 0,		1, 1, msrs.emulation_hints),
	KEPT(HV_X64_REGISTER_XSS,		0xda0,			1, 1, xss),
};

static uint64_t *kept_by_name(struct vp *vp, uint32_t name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (name >= kept[i].name && name - kept[i].name < kept[i].count)
			return (uint64_t *)((char *)vp + kept[i].offset) + (name - kept[i].name);
	return NULL;
}

bool vp_msr_slot(struct vp *vp, uint32_t msr, uint64_t **slot)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		uint32_t n = (msr - kept[i].msr) / kept[i].msr_step;

		if (!kept[i].msr || msr < kept[i].msr || (msr - kept[i].msr) % kept[i].msr_step || n >= kept[i].count)
			continue;
		*slot = (uint64_t *)((char *)vp + kept[i].offset) + n;
		return true;
	}
	return false;
}

/* Registers that are a synthetic MSR under another name: their side effects are the MSR's. */
static uint32_t synthetic_msr_of(uint32_t name)
{
	static const struct { uint32_t name, msr; } same[] = {
		{ HV_REGISTER_VP_RUNTIME, HV_X64_MSR_VP_RUNTIME }, { HV_REGISTER_HYPERCALL, HV_X64_MSR_HYPERCALL },
		{ HV_REGISTER_GUEST_OS_ID, HV_X64_MSR_GUEST_OS_ID }, { HV_REGISTER_VP_INDEX, HV_X64_MSR_VP_INDEX },
		{ HV_REGISTER_TIME_REF_COUNT, HV_X64_MSR_TIME_REF_COUNT },
		{ HV_REGISTER_VP_ASSIST_PAGE, HV_X64_MSR_VP_ASSIST_PAGE },
		{ HV_REGISTER_REFERENCE_TSC, HV_X64_MSR_REFERENCE_TSC },
		{ HV_REGISTER_PROCESSOR_CLOCK_FREQUENCY, HV_X64_MSR_TSC_FREQUENCY },
		{ HV_REGISTER_INTERRUPT_CLOCK_FREQUENCY, HV_X64_MSR_APIC_FREQUENCY },
	};

	if (name >= HV_REGISTER_SINT0 && name <= HV_REGISTER_SINT15)
		return HV_X64_MSR_SINT0 + (name - HV_REGISTER_SINT0);
	if (name >= HV_REGISTER_SCONTROL && name <= HV_REGISTER_SIRBP)
		return HV_X64_MSR_SCONTROL + (name - HV_REGISTER_SCONTROL);
	if (name >= HV_REGISTER_STIMER0_CONFIG && name <= HV_REGISTER_STIMER3_COUNT)
		return HV_X64_MSR_STIMER0_CONFIG + (name - HV_REGISTER_STIMER0_CONFIG);
	if (name >= HV_REGISTER_GUEST_CRASH_P0 && name <= HV_REGISTER_GUEST_CRASH_CTL)
		return HV_X64_MSR_CRASH_P0 + (name - HV_REGISTER_GUEST_CRASH_P0);
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (same[i].name == name)
			return same[i].msr;
	return 0;
}

/* Floating point: the legacy region of the XSAVE area (SDM 1, 13.4.1) while the VP is not running. */

#define XSAVE_MXCSR		24
#define XSAVE_ST0		32
#define XSAVE_XMM0		160
#define XSAVE_XSTATE_BV		512

static void *fp_slot(struct vp *vp, uint32_t name)
{
	uint8_t *area = vp->xsave_area;

	if (name >= HV_X64_REGISTER_XMM0 && name < HV_X64_REGISTER_FP_MMX0)
		return area + XSAVE_XMM0 + (name - HV_X64_REGISTER_XMM0) * 16;
	if (name >= HV_X64_REGISTER_FP_MMX0 && name < HV_X64_REGISTER_FP_CONTROL_STATUS)
		return area + XSAVE_ST0 + (name - HV_X64_REGISTER_FP_MMX0) * 16;
	if (name == HV_X64_REGISTER_FP_CONTROL_STATUS)
		return area;
	return name == HV_X64_REGISTER_XMM_CONTROL_STATUS ? area + 16 : NULL;
}

/* A component that was in its initial state must be loaded from memory from now on. */
static void fp_mark_valid(struct vp *vp, bool sse)
{
	uint64_t *xstate_bv = (uint64_t *)((char *)vp->xsave_area + XSAVE_XSTATE_BV);

	if (!(*xstate_bv & 1))
		*(uint16_t *)vp->xsave_area = 0x37f;
	if (!(*xstate_bv & 2))
		*(uint32_t *)((char *)vp->xsave_area + XSAVE_MXCSR) = 0x1f80;
	*xstate_bv |= sse ? 3 : 1;
}

static void set_fp(struct vp *vp, uint32_t name, const union hv_register_value *value)
{
	bool sse = name < HV_X64_REGISTER_FP_MMX0 || name == HV_X64_REGISTER_XMM_CONTROL_STATUS;
	void *slot = fp_slot(vp, name);

	fp_mark_valid(vp, sse);
	if (name == HV_X64_REGISTER_XMM_CONTROL_STATUS)	/* RDP, MXCSR; the mask word is the CPU's */
		memcpy(slot, value, 12);
	else
		memcpy(slot, value, 16);
	*(uint32_t *)((char *)vp->xsave_area + XSAVE_MXCSR) &= 0xffff;
}

/* State the VMM may change to let a VP go, to stop it, or to put it where a saved one was. */

static uint64_t activity(const struct vp *vp)
{
	uint64_t halt = vp->idle ? HV_ACTIVITY_IDLE_SUSPEND : HV_ACTIVITY_HALT_SUSPEND;

	return (vp->waiting_for_sipi ? HV_ACTIVITY_STARTUP_SUSPEND : 0) | (vp->halted ? halt : 0);
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
	union hv_register_value cr2 = { .reg64 = event->exception.parameter };

	if (!event->exception.pending)
		return HV_STATUS_SUCCESS;
	if (event->exception.type == HV_PENDING_EVENT_EXT_INT) {
		vp_assert_extint(vp, (uint8_t)event->ext_int.vector);
		return HV_STATUS_SUCCESS;
	}
	if (event->exception.type != HV_PENDING_EVENT_EXCEPTION || event->exception.vector > 31)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (event->exception.vector == 14)
		vcpu_set_register(vp, HV_X64_REGISTER_CR2, &cr2);
	vcpu_inject_exception(vp, (uint8_t)event->exception.vector, event->exception.deliver_error_code,
			      event->exception.error_code);
	return HV_STATUS_SUCCESS;
}

static bool get_own(struct vp *vp, uint32_t name, union hv_register_value *v)
{
	switch (name) {
	case HV_REGISTER_EXPLICIT_SUSPEND:	v->reg64 = vp->explicit_suspend; return true;
	case HV_REGISTER_INTERCEPT_SUSPEND:	v->reg64 = vp->intercept_suspend; return true;
	case HV_REGISTER_DISPATCH_SUSPEND:	v->reg64 = vp->dispatch_suspend; return true;
	case HV_REGISTER_INTERNAL_ACTIVITY_STATE: v->reg64 = activity(vp); return true;
	case HV_REGISTER_DELIVERABILITY_NOTIFICATIONS: v->reg64 = vp->deliverability; return true;
	case HV_REGISTER_PENDING_EVENT0:
	case HV_REGISTER_PENDING_EVENT1:	return true;
	case HV_REGISTER_VP_ROOT_SIGNAL_COUNT:	v->reg64 = vp->root_signal_count; return true;
	case HV_X64_REGISTER_RIP:		v->reg64 = vcpu_rip(vp); return true;
	case HV_X64_REGISTER_XFEM:		v->reg64 = vp->xcr0; return true;
	case HV_X64_REGISTER_MTRR_CAP:		v->reg64 = MTRR_CAPABILITY; return true;
	case HV_X64_REGISTER_APIC_BASE:		v->reg64 = vp->lapic ? vp->lapic->base : 0; return true;
	case HV_X64_REGISTER_INITIAL_APIC_ID:	v->reg64 = vp->lapic ? vp->lapic->id : vp->index; return true;
	case HV_X64_REGISTER_TSC_DEADLINE:	v->reg64 = vp->lapic ? vp->lapic->tsc_deadline : 0; return true;
	}
	return false;
}

/* True when handled; `status` is then the answer. Nothing here is written for the sake of a running VP's registers. */
static bool set_own(struct vp *vp, uint32_t name, const union hv_register_value *v, hv_status_t *status)
{
	*status = HV_STATUS_SUCCESS;
	switch (name) {
	case HV_REGISTER_EXPLICIT_SUSPEND:
		vp->explicit_suspend = v->reg64 & 1;
		vp_kick(vp);
		return true;
	case HV_REGISTER_INTERCEPT_SUSPEND:	vp->intercept_suspend = v->reg64 & 1; return true;
	case HV_REGISTER_DISPATCH_SUSPEND:
		vp->dispatch_suspend = v->reg64 & 1;
		vp_kick(vp);			/* a running VP comes out; a blocked one hears of nothing more */
		return true;
	case HV_REGISTER_INTERNAL_ACTIVITY_STATE:
		vp->waiting_for_sipi = v->reg64 & HV_ACTIVITY_STARTUP_SUSPEND;
		vp->halted = v->reg64 & (HV_ACTIVITY_HALT_SUSPEND | HV_ACTIVITY_IDLE_SUSPEND);
		vp->idle = v->reg64 & HV_ACTIVITY_IDLE_SUSPEND;
		vp_kick(vp);
		return true;
	case HV_REGISTER_DELIVERABILITY_NOTIFICATIONS:
		*status = set_deliverability(vp, v->deliverability);
		return true;
	case HV_REGISTER_PENDING_EVENT0:
		*status = set_pending_event(vp, &v->pending_event);
		return true;
	case HV_X64_REGISTER_RIP:		vcpu_set_rip(vp, v->reg64); return true;
	case HV_X64_REGISTER_XFEM:
		if (cpuid_xcr0_is_valid(v->reg64))	/* hv itself loads it */
			vp->xcr0 = v->reg64;
		else
			*status = HV_STATUS_INVALID_REGISTER_VALUE;
		return true;
	case HV_X64_REGISTER_APIC_BASE:
		if (vp->lapic)			/* restoring a saved VP may go straight to x2APIC */
			vp->lapic->base = v->reg64 & LAPIC_BASE_WRITABLE;
		return true;
	case HV_X64_REGISTER_TSC_DEADLINE:
		vp->lapic->tsc_deadline = v->reg64;
		vp_timers_changed(vp);
		return true;
	case HV_X64_REGISTER_CR8:
		vp->lapic->tpr = (uint32_t)(v->reg64 & 0xf) << 4;
		return false;			/* the back end keeps it, too */
	}
	return false;
}

static bool is_gpr(uint32_t name)
{
	return name >= HV_X64_REGISTER_RAX && name <= HV_X64_REGISTER_R15;
}

static bool is_apic(const struct vp *vp, uint32_t name)
{
	return vp->lapic && name >= HV_X64_REGISTER_APIC_BLOCK && name <= HV_X64_REGISTER_APIC_BLOCK_END;
}

uint64_t vp_register64(struct vp *vp, uint32_t name)
{
	union hv_register_value value = { 0 };

	vcpu_get_register(vp, name, &value);
	return value.reg64;
}

hv_status_t vp_get_register(struct vp *vp, uint32_t name, union hv_register_value *value)
{
	uint32_t msr = synthetic_msr_of(name);
	uint64_t *slot = kept_by_name(vp, name);

	*value = (union hv_register_value){ 0 };
	if (name >= HV_X64_REGISTER_INTERMEDIATE_CR0 && name <= HV_X64_REGISTER_INTERMEDIATE_CR8)
		name -= HV_X64_REGISTER_INTERMEDIATE_CR0 - HV_X64_REGISTER_CR0;
	if (is_gpr(name))
		value->reg64 = (&vp->gprs.rax)[name - HV_X64_REGISTER_RAX];
	else if (slot)
		value->reg64 = *slot;
	else if (msr)
		synthetic_msr_read(vp, msr, &value->reg64);
	else if (vp->xsave_area && fp_slot(vp, name))
		memcpy(value, fp_slot(vp, name), 16);
	else if (is_apic(vp, name))
		value->reg64 = lapic_register(vp->lapic, name - HV_X64_REGISTER_APIC_BLOCK);
	else if (!get_own(vp, name, value))
		vcpu_get_register(vp, name, value);
	return HV_STATUS_SUCCESS;
}

hv_status_t vp_set_register(struct vp *vp, uint32_t name, const union hv_register_value *value)
{
	uint32_t msr = synthetic_msr_of(name);
	uint64_t *slot = kept_by_name(vp, name);
	hv_status_t status;

	if (is_gpr(name))
		(&vp->gprs.rax)[name - HV_X64_REGISTER_RAX] = value->reg64;
	else if (slot)
		*slot = value->reg64;
	else if (msr)
		return synthetic_msr_write(vp, msr, value->reg64) || msr == HV_X64_MSR_VP_INDEX ||
		       msr == HV_X64_MSR_SVERSION ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_REGISTER_VALUE;
	else if (vp->xsave_area && fp_slot(vp, name))
		set_fp(vp, name, value);
	else if (set_own(vp, name, value, &status))
		return status;
	else if (vcpu_set_register(vp, name, value) == HV_STATUS_INVALID_REGISTER_VALUE)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (name == HV_X64_REGISTER_TSC || name == HV_X64_REGISTER_TSC_OFFSET)
		vp_tsc_changed(vp);
	return HV_STATUS_SUCCESS;
}
