/* SPDX-License-Identifier: Apache-2.0 */
/* Exits, decoded from the VMCB and handed to intercept_*(), which answers them whoever the VP is (AMD APM 2, appendix C). */
#include <arch/svm/svm.h>
#include <arch/x86/timer.h>
#include <hv/intercept.h>
#include <hv/panic.h>
#include <hv/partition.h>
#include <hv/string.h>

typedef enum vp_next (*svm_exit_fn)(struct vp *vp);

static const uint8_t instruction_bytes[SVM_EXIT_RDPRU + 1] = {	/* without prefixes; for CPUs that do not save the next RIP */
	[SVM_EXIT_RDPMC] = 2, [SVM_EXIT_CPUID] = 2, [SVM_EXIT_INVD] = 2, [SVM_EXIT_HLT] = 1, [SVM_EXIT_MSR] = 2,
	[SVM_EXIT_VMMCALL] = 3, [SVM_EXIT_WBINVD] = 2, [SVM_EXIT_XSETBV] = 3,
	[SVM_EXIT_MONITOR] = 3, [SVM_EXIT_MWAIT] = 3, [SVM_EXIT_MWAIT_ARMED] = 3,
};

static bool is_root(struct vp *vp)
{
	return partition_is_root(vp->partition);
}

void svm_skip_instruction(struct vp *vp)
{
	struct vmcb *c = vmcb_of(vp);

	hv_assert(c->exit_code < ARRAY_SIZE(instruction_bytes));
	c->rip = svm_features.nrip ? c->next_rip : c->rip + instruction_bytes[c->exit_code];
	c->interrupt_shadow = 0;
	if (c->rflags & RFLAGS_TF)
		exit_single_step(vp);
}

unsigned int svm_instruction_bytes(struct vp *vp, uint8_t bytes[16])
{
	struct vmcb *c = vmcb_of(vp);
	unsigned int n = c->bytes_fetched & 0xf;

	if (!svm_features.decode_assists || c->exit_code != SVM_EXIT_NPF)
		return 0;
	memcpy(bytes, c->bytes, n);
	return n;
}

/* This and the next but one tell of a physical interrupt, pending or just delivered to the root while hv stepped aside. */
static enum vp_next exit_interrupt(struct vp *vp)
{
	timer_poll(true);
	if (!is_root(vp))
		return exit_for_root(vp);
	svm_lp(this_lp())->step_aside = true;		/* timer_poll() has looked already; now the root takes it */
	return VP_RESUME;
}

static enum vp_next exit_window(struct vp *vp)
{
	timer_poll(true);
	vmcb_of(vp)->int_ctl &= ~INT_CTL_VIRQ_FIELDS;
	vmcb_of(vp)->intercept1 &= ~INTERCEPT1_VINTR;
	if (is_root(vp)) {
		svm_lp(this_lp())->step_aside = false;
		return VP_RESUME;
	}
	vp->arch->interrupt_window = false;
	return intercept_interrupt_window(vp);
}

static enum vp_next exit_nmi(struct vp *vp)
{
	return exit_nmi_common(vp, svm_nmi_window());
}

/* About to be executed. In the root it ends a handler, in a child the blocking of NMIs. */
static enum vp_next exit_iret(struct vp *vp)
{
	timer_poll(true);
	if (is_root(vp)) {
		svm_lp(this_lp())->step_aside = false;
		return VP_RESUME;
	}
	return svm_step_iret(vp);
}

static enum vp_next exit_msr(struct vp *vp)
{
	return vmcb_of(vp)->exit_info1 & 1 ? exit_msr_write(vp) : exit_msr_read(vp);
}

static enum vp_next exit_port(struct vp *vp)
{
	uint64_t info = vmcb_of(vp)->exit_info1;
	struct port_access access = {
		.port = IOIO_PORT(info), .size = IOIO_SIZE(info), .write = !(info & IOIO_IN),
		.string = info & IOIO_STRING, .rep = info & IOIO_REP, .next_rip = vmcb_of(vp)->exit_info2,
	};

	return intercept_port(vp, &access);
}

static enum vp_next __noinline exit_gpa_fault(struct vp *vp)
{
	uint64_t info = vmcb_of(vp)->exit_info1;
	struct gpa_fault fault = {
		.gpa = { vmcb_of(vp)->exit_info2 }, .write = info & NPF_WRITE, .execute = info & NPF_EXECUTE,
		.present = info & NPF_PRESENT,
	};

	return intercept_gpa(vp, &fault);
}

/* MOV CR8, r64 is REX.R 0F 22 with mod 3; LOCK MOV CR0 is another name for it. Returns its length, 0 if it is neither. */
static unsigned int decode_mov_cr8(const uint8_t *bytes, unsigned int count, unsigned int *gpr)
{
	unsigned int at = 0;
	uint8_t rex = 0;

	while (at < count && (bytes[at] == 0xf0 || bytes[at] == 0x66 || bytes[at] == 0xf2 || bytes[at] == 0xf3))
		at++;
	if (at < count && (bytes[at] & 0xf0) == 0x40)
		rex = bytes[at++];
	if (at + 3 > count || bytes[at] != 0x0f || bytes[at + 1] != 0x22)
		return 0;
	*gpr = (bytes[at + 2] & 7) | (rex & 1) << 3;
	return at + 3;
}

static enum vp_next exit_write_cr8(struct vp *vp)
{
	union hv_register_value value;
	unsigned int gpr = 0, length;
	uint8_t bytes[16];

	length = decode_mov_cr8(bytes, vp_fetch_instruction(vp, bytes), &gpr);
	value = (union hv_register_value){ .reg64 = (&vp->gprs.rax)[gpr] };
	if (!length || value.reg64 >> 4) {
		vcpu_inject_exception(vp, VECTOR_GP, true, 0);
		return VP_RESUME;
	}
	vcpu_set_register(vp, HV_X64_REGISTER_CR8, &value);
	vcpu_complete_instruction(vp, length);
	return intercept_interrupt_window(vp);
}

static const svm_exit_fn svm_exits[] = {
	[SVM_EXIT_WRITE_CR8]	= exit_write_cr8,
	[SVM_EXIT_READ_DR0 ... SVM_EXIT_READ_DR0 + 3]	= exit_debug_register,
	[SVM_EXIT_WRITE_DR0 ... SVM_EXIT_WRITE_DR0 + 3]	= exit_debug_register,
	[SVM_EXIT_EXCEPTION + VECTOR_MC] = exit_machine_check,
	[SVM_EXIT_INTR]		= exit_interrupt,	[SVM_EXIT_NMI]		= exit_nmi,
	[SVM_EXIT_VINTR]	= exit_window,		[SVM_EXIT_IRET]		= exit_iret,
	[SVM_EXIT_CPUID]	= intercept_cpuid,	[SVM_EXIT_MSR]		= exit_msr,
	[SVM_EXIT_HLT]		= intercept_halt,	[SVM_EXIT_IOIO]		= exit_port,
	[SVM_EXIT_VMMCALL]	= intercept_hypercall,	[SVM_EXIT_XSETBV]	= exit_xsetbv,
	[SVM_EXIT_SHUTDOWN]	= intercept_triple_fault,	[SVM_EXIT_RDPMC]	= exit_forbidden,
	[SVM_EXIT_INVD]		= exit_ignored,		[SVM_EXIT_WBINVD]	= exit_ignored,
	[SVM_EXIT_VMRUN]	= exit_undefined,	[SVM_EXIT_VMLOAD]	= exit_undefined,
	[SVM_EXIT_VMSAVE]	= exit_undefined,	[SVM_EXIT_STGI]		= exit_undefined,
	[SVM_EXIT_CLGI]		= exit_undefined,	[SVM_EXIT_SKINIT]	= exit_undefined,
	[SVM_EXIT_INVLPGA]	= exit_undefined,	[SVM_EXIT_MONITOR]	= exit_monitor,
	[SVM_EXIT_MWAIT]	= exit_mwait,		[SVM_EXIT_MWAIT_ARMED]	= exit_mwait,
	[SVM_EXIT_RDPRU]	= exit_undefined,
};

enum vp_next svm_handle_exit(struct vp *vp)
{
	uint64_t code = vmcb_of(vp)->exit_code;

	if (code < ARRAY_SIZE(svm_exits) && svm_exits[code])
		return svm_exits[code](vp);
	if (code == SVM_EXIT_NPF)
		return exit_gpa_fault(vp);
	if (is_root(vp))
		hv_panic("root VP %u left the guest with code %llx", vp->index, (unsigned long long)code);
	return code == SVM_EXIT_INVALID ? intercept_invalid_state(vp) : intercept_unexpected(vp, code);
}
