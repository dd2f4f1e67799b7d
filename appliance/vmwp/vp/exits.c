/* SPDX-License-Identifier: Apache-2.0 */
/* What each intercept message means. An exit nobody expected stops the VM with a reason, never the process. */
#include "vmwp/vp/vp.h"

#include <stdio.h>
#include <string.h>

static void exit_apic_eoi(struct vp *vp)
{
	const struct hv_x64_apic_eoi_message *eoi = (const void *)vp->message.payload;

	machine_lock(vp->machine);
	irq_apic_eoi(vp->machine, (uint8_t)eoi->vector);
	machine_unlock(vp->machine);
}

static void exit_triple_fault(struct vp *vp)
{
	machine_stop_triple_fault(vp->machine);
}

static void exit_bad_state(struct vp *vp)
{
	vp_fail(vp, "the processor refused the VP's registers");
}

static void exit_unsupported(struct vp *vp)
{
	const struct hv_unsupported_feature_message *m = (const void *)vp->message.payload;
	char what[80];

	snprintf(what, sizeof(what), "the hypervisor does not support feature %#x", m->feature_code);
	vp_fail(vp, what);
}

static const struct { uint32_t type; void (*handle)(struct vp *vp); } exits[] = {
	{ HVMSG_X64_IO_PORT_INTERCEPT, vp_exit_port },		/* first: the most frequent */
	{ HVMSG_UNMAPPED_GPA, vp_exit_memory },
	{ HVMSG_GPA_INTERCEPT, vp_exit_memory },
	{ HVMSG_HYPERCALL_INTERCEPT, vp_exit_hypercall },
	{ HVMSG_X64_APIC_EOI, exit_apic_eoi },
	{ HVMSG_SYNIC_SINT_DELIVERABLE, vp_exit_sint_deliverable },
	{ HVMSG_UNRECOVERABLE_EXCEPTION, exit_triple_fault },
	{ HVMSG_INVALID_VP_REGISTER_VALUE, exit_bad_state },
	{ HVMSG_UNSUPPORTED_FEATURE, exit_unsupported },
};

void vp_handle_exit(struct vp *vp)
{
	uint32_t type = vp->message.header.message_type;
	char what[80];

	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		if (exits[i].type == type) {
			exits[i].handle(vp);
			return;
		}
	snprintf(what, sizeof(what), "unexpected intercept %#x", type);
	vp_fail(vp, what);
}

void vp_fail(struct vp *vp, const char *what)
{
	const struct hv_vp_register_page *regs = hv_vp_registers(vp->hv);
	uint8_t bytes[INSTRUCTION_MAX];
	char text[3 * INSTRUCTION_MAX + 1] = "";
	size_t count = 0;

	if (vp_fetch(vp, bytes, &count) != 0)
		count = 0;
	for (size_t i = 0; i < count; i++)
		snprintf(text + 3 * i, sizeof(text) - 3 * i, " %02x", bytes[i]);
	machine_fail(vp->machine, "error: %s; VP %u at %04x:%llx (base %llx), instruction%s", what, vp->index,
		     regs->cs.selector, (unsigned long long)regs->rip, (unsigned long long)regs->cs.base,
		     count ? text : " bytes not readable");
}
