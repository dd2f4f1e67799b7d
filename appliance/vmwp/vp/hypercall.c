/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypercalls that the hypervisor leaves to us: PostMessage and SignalEvent on connections it does not know, and whatever
 * it has never heard of. The caller's registers are in the message; blocks of input lie in guest memory.
 */
#include "vmwp/vp/alu.h"
#include "vmwp/vp/vp.h"

#include "vmwp/vmbus/server.h"

#include <hv_hypercall.h>
#include <hv_status.h>

#define INSTRUCTION_BYTES	3	/* VMCALL and VMMCALL */

struct call { uint64_t control, input; };	/* input: the value when fast, else the GPA of the block */

/* TLFS, "Hypercall Inputs": 64-bit callers use RCX and RDX, 32-bit callers EDX:EAX and EBX:ECX. */
static struct call call_decode(const struct hv_x64_hypercall_intercept_message *m, bool long_mode)
{
	if (long_mode)
		return (struct call){ m->rcx, m->rdx };
	return (struct call){ m->rdx << 32 | (uint32_t)m->rax, m->rbx << 32 | (uint32_t)m->rcx };
}

static int call_input(struct vp *vp, const struct call *call, void *block, size_t size)
{
	int r;

	machine_lock(vp->machine);
	r = guest_read(vp->machine, call->input, block, size);
	machine_unlock(vp->machine);
	return r;
}

static uint16_t call_post_message(struct vp *vp, const struct call *call)
{
	struct hv_in_post_message in;

	if (call->control & HV_HC_FAST)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;	/* the block is larger than the registers */
	if (call_input(vp, call, &in, sizeof(in)) < 0 || in.payload_size > sizeof(in.payload))
		return HV_STATUS_INVALID_PARAMETER;
	return vmbus_guest_post_message(vp->machine->vmbus, in.connection_id, in.message_type, in.payload, in.payload_size);
}

static uint16_t call_signal_event(struct vp *vp, const struct call *call)
{
	struct hv_in_signal_event in = { .connection_id = (uint32_t)call->input, .flag_number = (uint16_t)(call->input >> 32) };

	if (!(call->control & HV_HC_FAST) && call_input(vp, call, &in, sizeof(in)) < 0)
		return HV_STATUS_INVALID_PARAMETER;
	return vmbus_guest_signal_event(vp->machine->vmbus, in.connection_id, in.flag_number);
}

static uint16_t call_carry_out(struct vp *vp, const struct call *call)
{
	switch (HV_HC_CODE(call->control)) {
	case HVCALL_POST_MESSAGE:
		return call_post_message(vp, call);
	case HVCALL_SIGNAL_EVENT:
		return call_signal_event(vp, call);
	}
	return HV_STATUS_INVALID_HYPERCALL_CODE;
}

void vp_exit_hypercall(struct vp *vp)
{
	const struct hv_x64_hypercall_intercept_message *m = (const void *)vp->message.payload;
	struct hv_vp_register_page *regs = hv_vp_registers(vp->hv);
	bool long_mode = is_long_mode(regs);
	struct call call = call_decode(m, long_mode);
	uint64_t rip = m->header.rip + INSTRUCTION_BYTES;

	regs->rax = call_carry_out(vp, &call);
	if (!long_mode) {
		regs->rdx = 0;
		rip = (uint32_t)rip;
	}
	regs->rip = rip;
	regs->dirty |= 1u << HV_REGISTER_CLASS_GENERAL | 1u << HV_REGISTER_CLASS_IP;
}

void vp_exit_sint_deliverable(struct vp *vp)
{
	const struct hv_sint_deliverable_message *m = (const void *)vp->message.payload;

	for (uint8_t sint = 0; sint < 16; sint++)
		if (m->deliverable_sints >> sint & 1)
			vmbus_message_slot_free(vp->machine->vmbus, vp->index, sint);
}
