/* SPDX-License-Identifier: Apache-2.0 */
/* The VMM of the fuzzing guest: any memory message is stepped over as a refused hypercall. See guest_fuzz.c. */
#include <stdio.h>

#include "test_fuzz.h"
#include "vmm.h"

static unsigned int messages;

/* A hypercall whose input is in nobody's memory comes as a memory message at the call instruction. */
static enum answer fuzz_message(struct vp *vp, const struct hv_message *message)
{
	const struct hv_x64_memory_intercept_message *m = (const void *)message->payload;

	if (message->header.message_type != HVMSG_UNMAPPED_GPA && message->header.message_type != HVMSG_GPA_INTERCEPT)
		return UNEXPECTED;
	messages++;
	advance(vp, m->header.rip, 3);
	return GO_ON;
}

static void fuzz_finish(void)
{
	printf("# fuzz: 2 x %u rounds of a hypercall, 3 MSR accesses and 2 CPUIDs, %u messages\n", FUZZ_ROUNDS, messages);
}

const struct test test_fuzz = {
	.name = "fuzz", .guest = GUEST_FUZZ, .vps = 2, .message = fuzz_message, .finish = fuzz_finish,
	.features = ~0ull,
};
