/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root's MSRs that do not pass through: EFER and those of the CPU's virtualization, which are hv's; APIC_BASE, because the LP must stay
 * in x2APIC mode; the ICR, for INIT and SIPI; the timer, while hv shares it. MSRs outside the bitmap's ranges come here, too.
 */
#include <abi/hv_register.h>
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <arch/x86/timer.h>
#include <boot/root_startup.h>
#include <hv/console.h>
#include <hv/root.h>

#define EFER_KNOWN	0x367d01ull		/* SCE LME LMA NXE SVME LMSLE FFXSR TCE MCOMMIT INTWB AIBRSE UAIE */

static uint64_t efer_get(struct vp *vp)
{
	union hv_register_value v;

	vcpu_get_register(vp, HV_X64_REGISTER_EFER, &v);
	return v.reg64;
}

/* SVME is hv's; LMA follows LME and CR0.PG and is not the writer's to change. */
static bool efer_set(struct vp *vp, uint64_t value)
{
	union hv_register_value v = { .reg64 = (value & ~EFER_LMA) | (efer_get(vp) & EFER_LMA) };

	if (value & (~EFER_KNOWN | EFER_SVME))
		return false;
	vcpu_set_register(vp, HV_X64_REGISTER_EFER, &v);
	return true;
}

static bool apic_base_set(uint64_t value)
{
	return value == rdmsr(MSR_APIC_BASE);	/* neither moved nor out of x2APIC mode */
}

static bool read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	enum vcpu_msr kind = vcpu_root_msr(msr, value);

	if (kind != VCPU_MSR_NATIVE)
		return kind == VCPU_MSR_VALUE;
	switch (msr) {
	case MSR_EFER:
		*value = efer_get(vp);
		return true;
	default:
		return timer_root_read(msr, value) || rdmsr_safe(msr, value);
	}
}

static bool write(struct vp *vp, uint32_t msr, uint64_t value)
{
	uint64_t ignored;

	if (vcpu_root_msr(msr, &ignored) != VCPU_MSR_NATIVE)
		return false;
	switch (msr) {
	case MSR_EFER:
		return efer_set(vp, value);
	case MSR_APIC_BASE:
		return apic_base_set(value);
	case APIC_MSR_ICR:
		root_startup_icr(value);
		return true;
	default:
		return timer_root_write(msr, value) || wrmsr_safe(msr, value);
	}
}

static enum vp_next finish(struct vp *vp, bool ok)
{
	if (ok)
		vcpu_skip_instruction(vp);
	else
		vcpu_inject_exception(vp, VECTOR_GP, true, 0);
	return VP_RESUME;
}

enum vp_next root_rdmsr(struct vp *vp, uint32_t msr)
{
	uint64_t value = 0;
	bool ok = read(vp, msr, &value);

	if (ok) {
		vp->gprs.rax = (uint32_t)value;
		vp->gprs.rdx = value >> 32;
	}
	return finish(vp, ok);
}

enum vp_next root_wrmsr(struct vp *vp, uint32_t msr, uint64_t value)
{
	return finish(vp, write(vp, msr, value));
}
