/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at registers of a VP that runs, and gets the halted VP 2 out of MSHV_RUN_VP. See guest_processors.c. */
#include <unistd.h>

#include "test_processors.h"
#include "vmm.h"

/* VP 1 spins, but may be between two dispatches just now: then it is stopped, so look again. */
static uint64_t read_running(uint32_t name)
{
	union hv_register_value value;
	uint64_t status = 0;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)		/* then it cannot run while this thread does */
		return HV_STATUS_INVALID_VP_STATE;
	for (int i = 0; i < 1000 && !status; i++)
		status = get_register(1, name, &value);
	return status;
}

/* An NMI without a handler's frame in VP 2's empty IDT is a triple fault: a message, and its thread is free. */
static void stop_vp2(void)
{
	struct hv_in_assert_interrupt in = { .type = HV_INTERRUPT_NMI, .destination = 2 };

	must(root_call(HVCALL_ASSERT_VIRTUAL_INTERRUPT, &in, sizeof(in), NULL, 0, 0) ? -1 : 0, "NMI");
}

static void processors_ask(struct vp *vp, struct ask *a)
{
	union hv_register_value value;

	(void)vp;
	switch (a->what) {
	case ASK_RUNNING_RIP:		a->result[0] = read_running(HV_X64_REGISTER_RIP); break;
	case ASK_RUNNING_SUSPEND:	a->result[0] = get_register(1, HV_REGISTER_EXPLICIT_SUSPEND, &value); break;
	case ASK_STOP_VP2:		stop_vp2(); break;
	}
}

static enum answer processors_message(struct vp *vp, const struct hv_message *m)
{
	return vp->index == 2 && m->header.message_type == HVMSG_UNRECOVERABLE_EXCEPTION ? END : UNEXPECTED;
}

const struct test test_processors = {
	.name = "processors", .guest = GUEST_PROCESSORS, .vps = 3, .wait_for_sipi = 1u << 2, .ask = processors_ask,
	.message = processors_message,
	.features = HV_SYNTH_TLB_FLUSH | HV_SYNTH_CLUSTER_IPI | HV_SYNTH_EX_MASKS | HV_SYNTH_START_VP | HV_SYNTH_LONG_SPIN_WAIT,
};
