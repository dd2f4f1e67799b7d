/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root's MSRs that do not pass through: EFER and those of the CPU's virtualization, which are hv's; APIC_BASE, because the LP must stay
 * in x2APIC mode; the ICR, for INIT and SIPI; the timer, while hv shares it. MSRs outside the bitmap's ranges come here, too.
 */
#include <abi/hv_register.h>
#include <abi/hv_status.h>
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <arch/x86/timer.h>
#include <boot/root_startup.h>
#include <hv/console.h>
#include <hv/root.h>

#define EFER_KNOWN	0x367d01ull		/* SCE LME LMA NXE SVME LMSLE FFXSR TCE MCOMMIT INTWB AIBRSE UAIE */

/* SVME is hv's; LMA follows LME and CR0.PG and is not the writer's to change. */
static bool efer_set(struct vp *vp, uint64_t value)
{
	uint64_t lma = vp_register64(vp, HV_X64_REGISTER_EFER) & EFER_LMA;

	return !(value & (~EFER_KNOWN | EFER_SVME)) &&
	       vp_set_register64(vp, HV_X64_REGISTER_EFER, (value & ~EFER_LMA) | lma) == HV_STATUS_SUCCESS;
}

static bool read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	enum vcpu_msr kind = vcpu_root_msr(msr, value);

	if (kind != VCPU_MSR_NATIVE)
		return kind == VCPU_MSR_VALUE;
	if (msr != MSR_EFER)
		return timer_root_read(msr, value) || rdmsr_safe(msr, value);
	*value = vp_register64(vp, HV_X64_REGISTER_EFER);
	return true;
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
		return value == rdmsr(MSR_APIC_BASE);	/* neither moved nor out of x2APIC mode */
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
