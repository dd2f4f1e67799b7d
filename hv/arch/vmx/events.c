/* SPDX-License-Identifier: Apache-2.0 */
/* Event injection, windows, deadlines (Intel SDM 3, 25.8.3, 26.2, 26.5.1, 27.6). The root takes its interrupts without hv. */
#include <arch/vmx/vmx.h>
#include <arch/x86/timer.h>
#include <hv/deadline.h>
#include <hv/partition.h>

#define SHADOW			(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)
#define VIRTUAL_TPR		0x80		/* in the virtual APIC page */

uint64_t vmx_event(struct vp *vp)
{
	return vmx_of(vp)->event;
}

void vmx_set_event(struct vp *vp, uint64_t event)
{
	vmx_of(vp)->event = event;
}

bool vmx_can_take_interrupt(struct vp *vp)
{
	struct vmx_vcpu *v = vmx_of(vp);

	return (field_get(v, F_RFLAGS) & RFLAGS_IF) && !(field_get(v, F_INTERRUPTIBILITY) & SHADOW) && !vcpu_event_pending(vp);
}

bool vmx_can_take_nmi(struct vp *vp)
{
	return !(field_get(vmx_of(vp), F_INTERRUPTIBILITY) & (SHADOW | BLOCKED_BY_NMI)) && !vcpu_event_pending(vp);
}

void vmx_inject_interrupt(struct vp *vp, uint8_t vector)
{
	vmx_set_event(vp, EVENT_MAKE(EVENT_INTERRUPT, vector));
}

void vmx_inject_nmi(struct vp *vp)
{
	vmx_set_event(vp, EVENT_MAKE(EVENT_NMI, VECTOR_NMI));
}

/* What the exit interrupted while it was being delivered. An NMI that was not delivered blocks no other. */
void vmx_complete_event(struct vp *vp)
{
	struct vmx_vcpu *v = vmx_of(vp);

	v->event = event_to_deliver_again(vmcs_read(VMCS_VECTORING) & ~EVENT_NMI_UNBLOCKED);
	if (!v->event)
		return;
	if (v->event & EVENT_HAS_ERROR)
		v->event |= vmcs_read(VMCS_VECTORING_ERROR) << 32;
	if (EVENT_TYPE(v->event) == EVENT_NMI)
		field_set(v, F_INTERRUPTIBILITY, field_get(v, F_INTERRUPTIBILITY) & ~BLOCKED_BY_NMI);
}

static uint32_t *virtual_tpr(struct vmx_vcpu *v)
{
	return (uint32_t *)((char *)v->virtual_apic + VIRTUAL_TPR);
}

uint64_t vmx_cr8(struct vp *vp)
{
	return vmx_of(vp)->virtual_apic ? *virtual_tpr(vmx_of(vp)) >> 4 & 0xf : read_cr8();
}

void vmx_set_cr8(struct vp *vp, uint64_t value)
{
	if (vmx_of(vp)->virtual_apic)
		*virtual_tpr(vmx_of(vp)) = (uint32_t)(value & 0xf) << 4;
}

/* A threshold above the TPR would be refused; then what waits can be taken anyway. */
void vmx_prepare_windows(struct vp *vp)
{
	struct vmx_vcpu *v = vmx_of(vp);
	uint64_t tpr = vmx_cr8(vp), threshold = v->common.tpr_window < tpr ? v->common.tpr_window : tpr;

	field_set(v, F_TPR_THRESHOLD, threshold);
	field_set(v, F_CPU_CONTROLS, vmx_cpu_controls(vp, (v->common.interrupt_window ? CPU_INTERRUPT_WINDOW : 0) |
						      (v->common.nmi_window ? CPU_NMI_WINDOW : 0) |
						      (v->common.uses_debug ? 0 : CPU_DR_EXIT)));
}

/*
 * The first deadline of this LP ends the entry, whoever runs: hv needs no timer interrupt and the root keeps its timer. A child is
 * also sent back after a while without a deadline: Bochs 3 leaves physical interrupts masked for a guest that was entered with
 * IF=0 and never changes it, and that guest would have the LP for good.
 */
static void prepare_deadline(struct vp *vp)
{
	bool root = partition_is_root(vp->partition);
	uint64_t due = timer_next(), now, ticks;

	field_set(vmx_of(vp), F_PIN_CONTROLS, vmx_pin_controls(vp, root && due == TIMER_NEVER ? 0 : PIN_PREEMPTION_TIMER));
	if (root && due == TIMER_NEVER)
		return;
	now = tsc_now();
	if (!root && due > vmx_of(vp)->turn_end)
		due = vmx_of(vp)->turn_end;
	ticks = due <= now ? 0 : ((due - now) >> vmx_features.timer_shift) + 1;
	vmcs_write(VMCS_PREEMPTION_TIMER, ticks > 0xffffffff ? 0xffffffff : ticks);
}

static void prepare_event(struct vmx_vcpu *v)
{
	if (!(v->event & EVENT_VALID))
		return;
	vmcs_write(VMCS_ENTRY_EVENT, (uint32_t)v->event);
	if (v->event & EVENT_HAS_ERROR)
		vmcs_write(VMCS_ENTRY_ERROR, EVENT_ERROR(v->event));
}

void vmx_prepare_events(struct vp *vp)
{
	if (partition_is_root(vp->partition))
		field_set(vmx_of(vp), F_CPU_CONTROLS, vmx_cpu_controls(vp, 0));
	prepare_deadline(vp);
	prepare_event(vmx_of(vp));
}
