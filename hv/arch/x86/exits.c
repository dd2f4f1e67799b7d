/* SPDX-License-Identifier: Apache-2.0 */
/* Exits that both vendors answer alike; called from their tables. */
#include <abi/hv_synic.h>
#include <arch/x86/timer.h>
#include <arch/x86/vcpu.h>
#include <boot/root_startup.h>
#include <hv/intercept.h>
#include <hv/panic.h>
#include <hv/partition.h>

/* A kick ends the entry and nothing more; any other NMI is the root's. One of each that merge count as a kick. */
enum vp_next exit_nmi_common(struct vp *vp, bool taken)
{
	bool kick = __atomic_exchange_n(&this_lp()->kick_pending, 0, __ATOMIC_SEQ_CST), root = partition_is_root(vp->partition);

	hv_panic_join();
	if (taken && !kick) {
		vcpu_inject_nmi(this_lp()->root_vp);
		return root ? VP_RESUME : VP_RETURN;
	}
	return !root && root_startup_pending() ? VP_RETURN : VP_RESUME;
}

enum vp_next exit_for_root(struct vp *vp)
{
	vp->stats[STAT_EXTERNAL_INTERRUPTS]++;
	return VP_RETURN;
}

enum vp_next exit_debug_register(struct vp *vp)
{
	switch_debug_in(vp);
	vp_look_again(vp);
	return VP_RESUME;				/* to do it again */
}

/* The machine is failing; that is the root's to handle, whoever ran. */
enum vp_next exit_machine_check(struct vp *vp)
{
	(void)vp;
	vcpu_inject_exception(this_lp()->root_vp, VECTOR_MC, false, 0);
	return VP_RETURN;
}

/* The trap that RFLAGS.TF asks for after every instruction (Intel SDM 3, 18.3.1.4): a CPU raises it only for those that do not exit. */
void exit_single_step(struct vp *vp)
{
	union hv_register_value dr6 = { .reg64 = vp_register64(vp, HV_X64_REGISTER_DR6) | DR6_BS };

	vcpu_set_register(vp, HV_X64_REGISTER_DR6, &dr6);
	vcpu_inject_exception(vp, VECTOR_DB, false, 0);
}

void vcpu_complete_instruction(struct vp *vp, unsigned int length)
{
	vcpu_set_rip(vp, vcpu_rip(vp) + length);
	if (vp_register64(vp, HV_X64_REGISTER_RFLAGS) & RFLAGS_TF)
		exit_single_step(vp);
}

static uint64_t edx_eax(const struct vp *vp)
{
	return (uint32_t)vp->gprs.rax | vp->gprs.rdx << 32;
}

enum vp_next exit_msr_read(struct vp *vp)
{
	return intercept_rdmsr(vp, (uint32_t)vp->gprs.rcx);
}

enum vp_next exit_msr_write(struct vp *vp)
{
	uint32_t msr = (uint32_t)vp->gprs.rcx;
	enum vp_next next = intercept_wrmsr(vp, msr, edx_eax(vp));

	if (msr == HV_X64_MSR_SINT0 && partition_is_root(vp->partition))
		timer_own_vector_changed();
	return next;
}

enum vp_next exit_xsetbv(struct vp *vp)
{
	return intercept_xsetbv(vp, (uint32_t)vp->gprs.rcx, edx_eax(vp));
}

enum vp_next exit_undefined(struct vp *vp)
{
	vcpu_inject_exception(vp, VECTOR_UD, false, 0);
	return VP_RESUME;
}

/*
 * Kernel code that runs them without having looked at CPUID means to idle, so it does: nothing is monitored, the next
 * interrupt, NMI or INIT wakes the VP as after HLT.
 */
enum vp_next exit_monitor(struct vp *vp)
{
	return vcpu_cpl(vp) ? exit_undefined(vp) : exit_ignored(vp);
}

enum vp_next exit_mwait(struct vp *vp)
{
	return vcpu_cpl(vp) ? exit_undefined(vp) : intercept_halt(vp);
}

enum vp_next exit_forbidden(struct vp *vp)
{
	vcpu_inject_exception(vp, VECTOR_GP, true, 0);
	return VP_RESUME;
}

enum vp_next exit_ignored(struct vp *vp)
{
	vcpu_skip_instruction(vp);
	return VP_RESUME;
}
