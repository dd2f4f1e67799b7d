/* SPDX-License-Identifier: Apache-2.0 */
/* Freezes the guest's time and moves its TSC. See guest_time.c. */
#include <unistd.h>

#include "test_time.h"
#include "vmm.h"

static uint64_t freeze(unsigned int milliseconds)
{
	uint64_t status = set_property(HV_PROPERTY_TIME_FREEZE, 1), value = 0, again = 0;

	if (status)
		return status;
	get_property(HV_PROPERTY_REFERENCE_TIME, &value);
	usleep(milliseconds * 1000);
	get_property(HV_PROPERTY_REFERENCE_TIME, &again);
	claim_equal(again, value, "reference time stands still");
	return set_property(HV_PROPERTY_TIME_FREEZE, 0);
}

static void time_ask(struct vp *vp, struct ask *a)
{
	if (a->what == ASK_FREEZE)
		a->result[0] = freeze((unsigned int)a->argument[0]);
	else
		a->result[0] = set_register(vp->index, HV_X64_REGISTER_TSC, (union hv_register_value){ .reg64 = a->argument[0] });
}

const struct test test_time = {
	.name = "time", .guest = GUEST_TIME, .vps = 1, .ask = time_ask,
	.features = HV_SYNTH_REFERENCE_TSC | HV_SYNTH_FREQUENCY | HV_SYNTH_STIMERS | HV_SYNTH_DIRECT_STIMERS,
};
