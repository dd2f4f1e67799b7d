/* SPDX-License-Identifier: Apache-2.0 */
/* A hypervisor that only remembers: hvclient.h without /dev/mshv, for tests of the worker. */
#ifndef FAKE_HV_H
#define FAKE_HV_H

#include "hvclient/hvclient.h"
#include "vmwp/machine.h"

struct fake_hv {
	struct hv_interrupt last;	/* asserted */
	unsigned int asserted;
	bool extint_pending;		/* offered and not taken: fake_take_extint() is the guest taking it */
	unsigned int extint_calls;	/* asserts and clears, i.e. hypercalls */
	struct hv_vp_register_page registers;
	struct hv_register_assoc set;	/* the last register set */
	unsigned int translations;
	unsigned int partitions;	/* created */
	_Atomic unsigned int runs;	/* calls of hv_vp_run() */
	int run_result, create_result;	/* what those answer; 0: EINTR, success */
};
extern struct fake_hv fake;

uint8_t fake_take_extint(void);

/* A machine with all of board.c's devices, `memory` bytes and no partition unless `powered`. Memory as in seabios.c. */
struct machine *fake_machine_new(uint64_t memory, unsigned int processors, bool powered);
void fake_machine_free(struct machine *m);

#endif
