/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exits of children that are short: ports, HLT, XSETBV, faults that end the VP. MSRs, CPUID and memory have files of their
 * own. The root's exits of the same kind go to root_*().
 */
#include <hv/cpuid_model.h>
#include <hv/hypercall.h>
#include <hv/intercept.h>
#include <hv/message.h>
#include <hv/panic.h>
#include <hv/partition.h>
#include <hv/root.h>

#define VECTOR_UD	6
#define VECTOR_GP	13
#define CR4_OSXSAVE	BIT(18)

enum vp_next intercept_port(struct vp *vp, const struct port_access *access)
{
	vp->stats[STAT_IO]++;
	return message_io_port(vp, access);	/* every port of a child is its VMM's; the root's never exit */
}

enum vp_next intercept_hypercall(struct vp *vp)
{
	vp->stats[STAT_HYPERCALLS]++;
	return hc_dispatch(vp);
}

/* Whether there is something to wake for is seen before the next entry. */
enum vp_next intercept_halt(struct vp *vp)
{
	vp->stats[STAT_HALTS]++;
	vcpu_skip_instruction(vp);
	vp->halted = !vcpu_event_pending(vp);		/* the trap of a single step ends it */
	vp_look_again(vp);
	return VP_RESUME;
}

enum vp_next intercept_xsetbv(struct vp *vp, uint32_t index, uint64_t value)
{
	vp->stats[STAT_CONTROL_REGISTERS]++;
	if (!(vp_register64(vp, HV_X64_REGISTER_CR4) & CR4_OSXSAVE)) {	/* a CPU tells that itself; QEMU's TCG exits first */
		vcpu_inject_exception(vp, VECTOR_UD, false, 0);
		return VP_RESUME;
	}
	if (vcpu_cpl(vp) || index || !cpuid_xcr0_is_valid(value)) {
		vcpu_inject_exception(vp, VECTOR_GP, true, 0);
		return VP_RESUME;
	}
	vp->xcr0 = value;
	__asm__ volatile("xsetbv" : : "c" (0), "a" ((uint32_t)value), "d" ((uint32_t)(value >> 32)));
	vcpu_skip_instruction(vp);
	return VP_RESUME;
}

enum vp_next intercept_triple_fault(struct vp *vp)
{
	if (partition_is_root(vp->partition))
		return root_triple_fault(vp);
	hv_fault_for_test();
	return message_unrecoverable(vp);
}

enum vp_next intercept_invalid_state(struct vp *vp)
{
	return message_invalid_state(vp);
}

enum vp_next intercept_interrupt_window(struct vp *vp)
{
	vp->stats[STAT_INTERRUPT_WINDOWS]++;
	vp_look_again(vp);			/* what waited is injected before the next entry */
	return VP_RESUME;
}

enum vp_next intercept_unexpected(struct vp *vp, uint64_t code)
{
	vp->stats[STAT_OTHER_INTERCEPTS]++;
	return message_unsupported(vp, 0, code);
}
