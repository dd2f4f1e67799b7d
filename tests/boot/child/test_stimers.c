/* SPDX-License-Identifier: Apache-2.0 */
/* Synthetic timers need nothing of the VMM. See guest_stimers.c. */
#include "vmm.h"

const struct test test_stimers = {
	.name = "stimers", .guest = GUEST_STIMERS, .vps = 1, .features = HV_SYNTH_STIMERS | HV_SYNTH_DIRECT_STIMERS,
};
