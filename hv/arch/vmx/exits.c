/* SPDX-License-Identifier: Apache-2.0 */
/* Exits, decoded from the VMCS and handed to intercept_*(), which answers them whoever the VP is (Intel SDM 3, appendix C). */
#include <arch/vmx/vmx.h>
#include <hv/intercept.h>
#include <hv/panic.h>
#include <hv/partition.h>

#define PORT_SIZE(q)	((uint8_t)(((q) & 7) + 1))
#define PORT_IN		BIT(3)
#define PORT_STRING	BIT(4)
#define PORT_REP	BIT(5)
#define PORT_NUMBER(q)	((uint16_t)((q) >> 16))

typedef enum vp_next (*vmx_exit_fn)(struct vp *vp);

static bool is_root(const struct vp *vp)
{
	return partition_is_root(vp->partition);
}

static uint64_t next_rip(struct vp *vp)
{
	uint64_t rip = field_get(vmx_of(vp), F_RIP) + vmcs_read(VMCS_EXIT_LENGTH);

	return vmx_in_long_mode(vp) ? rip : (uint32_t)rip;
}

void vmx_skip_instruction(struct vp *vp)
{
	vmx_set_rip(vp, next_rip(vp));
	if (field_get(vmx_of(vp), F_RFLAGS) & RFLAGS_TF)
		exit_single_step(vp);
}

unsigned int vmx_instruction_bytes(struct vp *vp, uint8_t bytes[16])
{
	(void)vp;
	(void)bytes;
	return 0;				/* VT-x supplies none */
}

/* Also an entry that an NMI prevented ends here. */
static enum vp_next exit_nmi(struct vp *vp)
{
	struct vmx_lp *lv = vmx_lp(this_lp());
	uint32_t count = __atomic_load_n(&this_lp()->nmi_count, __ATOMIC_RELAXED);
	bool taken = count != lv->nmis_seen;

	lv->nmis_seen = count;
	return exit_nmi_common(vp, taken);
}

/* Of all exceptions hv asks for machine checks alone. */
static enum vp_next exit_exception(struct vp *vp)
{
	return vmx_of(vp)->exit_event == EVENT_MAKE(EVENT_EXCEPTION, VECTOR_MC) ? exit_machine_check(vp) : exit_nmi(vp);
}

static enum vp_next exit_timer(struct vp *vp)		/* a deadline has been seen to; or a child's turn is over */
{
	return is_root(vp) ? VP_RESUME : exit_for_root(vp);
}

static enum vp_next exit_nothing(struct vp *vp)		/* INIT and SIPI are hv's to send */
{
	(void)vp;
	return VP_RESUME;
}

static enum vp_next exit_window(struct vp *vp)
{
	vp->arch->interrupt_window = false;
	vp->arch->tpr_window = 0;
	return intercept_interrupt_window(vp);
}

static enum vp_next exit_nmi_window(struct vp *vp)
{
	vp->arch->nmi_window = false;
	return intercept_interrupt_window(vp);
}

static enum vp_next exit_port(struct vp *vp)
{
	uint64_t q = vmx_of(vp)->qualification;
	struct port_access access = {
		.port = PORT_NUMBER(q), .size = PORT_SIZE(q), .write = !(q & PORT_IN), .string = q & PORT_STRING,
		.rep = q & PORT_REP, .next_rip = next_rip(vp),
	};

	return intercept_port(vp, &access);
}

/* IRET unblocks NMIs before its memory accesses; when one of those faults, it will be executed again (Intel SDM 3, 28.2.3). */
static void block_nmis_again(struct vmx_vcpu *v)
{
	if ((v->qualification & EPT_FAULT_NMI_UNBLOCKED) && !(v->event & EVENT_VALID))
		field_set(v, F_INTERRUPTIBILITY, field_get(v, F_INTERRUPTIBILITY) | BLOCKED_BY_NMI);
}

static enum vp_next exit_gpa_fault(struct vp *vp)
{
	uint64_t q = vmx_of(vp)->qualification;
	struct gpa_fault fault = {
		.gpa = { vmcs_read(VMCS_GUEST_PHYSICAL) }, .gva_valid = q & EPT_FAULT_GVA_VALID, .write = q & EPT_FAULT_WRITE,
		.execute = q & EPT_FAULT_EXECUTE, .present = q & EPT_FAULT_ALLOWED,
	};

	if (fault.gva_valid)
		fault.gva = vmcs_read(VMCS_GUEST_LINEAR);
	block_nmis_again(vmx_of(vp));
	return intercept_gpa(vp, &fault);
}

/* XSETBV and INVD exit even for the root, who may do as it likes. */
static enum vp_next exit_xsetbv_any(struct vp *vp)
{
	uint64_t value = (uint32_t)vp->gprs.rax | vp->gprs.rdx << 32;

	if (!is_root(vp))
		return exit_xsetbv(vp);
	return xsetbv_safe((uint32_t)vp->gprs.rcx, value) ? exit_ignored(vp) : exit_forbidden(vp);
}

static enum vp_next exit_invd(struct vp *vp)
{
	if (is_root(vp))
		asm volatile("wbinvd" : : : "memory");
	return exit_ignored(vp);
}

static const vmx_exit_fn vmx_exits[VMX_EXIT_COUNT] = {
	[VMX_EXIT_EXCEPTION_NMI] = exit_exception,		[VMX_EXIT_INTERRUPT] = exit_for_root,
	[VMX_EXIT_TRIPLE_FAULT] = intercept_triple_fault,	[VMX_EXIT_INIT] = exit_nothing,
	[VMX_EXIT_SIPI] = exit_nothing,				[VMX_EXIT_INTERRUPT_WINDOW] = exit_window,
	[VMX_EXIT_NMI_WINDOW] = exit_nmi_window,		[VMX_EXIT_TPR] = exit_window,
	[VMX_EXIT_CPUID] = intercept_cpuid,			[VMX_EXIT_HLT] = intercept_halt,
	[VMX_EXIT_RDPMC] = exit_forbidden,			[VMX_EXIT_VMCALL] = intercept_hypercall,
	[VMX_EXIT_CR] = exit_control_register,			[VMX_EXIT_DR] = exit_debug_register,
	[VMX_EXIT_PORT] = exit_port,				[VMX_EXIT_RDMSR] = exit_msr_read,
	[VMX_EXIT_WRMSR] = exit_msr_write,			[VMX_EXIT_BAD_STATE] = intercept_invalid_state,
	[VMX_EXIT_MACHINE_CHECK] = exit_machine_check,		[VMX_EXIT_EPT_VIOLATION] = exit_gpa_fault,
	[VMX_EXIT_PREEMPTION_TIMER] = exit_timer,		[VMX_EXIT_XSETBV] = exit_xsetbv_any,
	[VMX_EXIT_INVD] = exit_invd,				[VMX_EXIT_WBINVD] = exit_ignored,
	[VMX_EXIT_MONITOR] = exit_monitor,			[VMX_EXIT_MWAIT] = exit_mwait,
	[VMX_EXIT_GETSEC] = exit_undefined,			[VMX_EXIT_VMFUNC] = exit_undefined,
	[VMX_EXIT_VMCLEAR ... VMX_EXIT_VMXON] = exit_undefined,
	[VMX_EXIT_INVEPT] = exit_undefined,			[VMX_EXIT_INVVPID] = exit_undefined,
};

enum vp_next vmx_handle_exit(struct vp *vp)
{
	uint32_t reason = vmx_of(vp)->reason, code = reason & 0xffff;
	bool failed = reason & VMX_EXIT_ENTRY_FAILED;

	if (is_root(vp) && (failed || code >= VMX_EXIT_COUNT || !vmx_exits[code]))
		hv_panic("root VP %u left the guest with reason %x, qualification %llx", vp->index, reason,
			 (unsigned long long)vmx_of(vp)->qualification);
	return code < VMX_EXIT_COUNT && vmx_exits[code] ? vmx_exits[code](vp) : intercept_unexpected(vp, reason);
}
