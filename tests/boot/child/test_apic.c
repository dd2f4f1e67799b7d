/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's crash report and reset as the VMM sees them. See guest_apic.c. */
#include "test_apic.h"
#include "vmm.h"

static unsigned int crashes;

static void apic_prepare(void)
{
	claim_equal(install_intercept(HV_INTERCEPT_MSR_INDEX, 2, HV_X64_MSR_CRASH_CTL), 0, "an intercept of one MSR can be installed");
	for (uint32_t i = 0; i < 7; i++)
		must(install_intercept(HV_INTERCEPT_MSR_INDEX, 1, 0x5000 + i) ? -1 : 0, "MSR intercept");
	claim_equal(install_intercept(HV_INTERCEPT_MSR_INDEX, 1, 0x6000), HV_STATUS_NO_RESOURCES, "eight of them");
	claim_equal(install_intercept(HV_INTERCEPT_MSR_INDEX, 0, 0x5000), 0, "and taken away");
	claim_equal(install_intercept(HV_INTERCEPT_MSR_INDEX, 1, 0x6000), 0, "for another");
}

static bool crash_parameters_are_right(void)
{
	union hv_register_value value;

	for (uint32_t i = 0; i < 5; i++)
		if (get_register(0, HV_REGISTER_GUEST_CRASH_P0 + i, &value) || value.reg64 != CRASH_PARAMETER(i))
			return false;
	return true;
}

static enum answer on_msr(struct vp *vp, const struct hv_x64_msr_intercept_message *m)
{
	if (m->msr != HV_X64_MSR_CRASH_CTL)
		return UNEXPECTED;
	crashes++;
	claim(m->rdx == 1u << 31 && (uint32_t)m->rax == 0, "the intercept has the value");
	claim(crash_parameters_are_right(), "the crash parameters can be read as registers");
	advance(vp, m->header.rip, m->header.instruction_length);
	return GO_ON;
}

static enum answer apic_message(struct vp *vp, const struct hv_message *m)
{
	if (m->header.message_type == HVMSG_X64_MSR_INTERCEPT)
		return on_msr(vp, (const void *)m->payload);
	if (m->header.message_type != HVMSG_UNRECOVERABLE_EXCEPTION)
		return UNEXPECTED;
	claim(crashes == 1, "RESET ends the VP as an unrecoverable exception does");
	return END;
}

static void apic_ask(struct vp *vp, struct ask *a)
{
	(void)vp;
	a->result[0] = crashes;
}

const struct test test_apic = {
	.name = "apic", .guest = GUEST_APIC, .vps = 1, .prepare = apic_prepare, .ask = apic_ask, .message = apic_message,
	.features = HV_SYNTH_INTR_CTRL | HV_SYNTH_GUEST_IDLE | HV_SYNTH_STIMERS | HV_SYNTH_DIRECT_STIMERS,
};
