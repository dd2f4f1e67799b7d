/* SPDX-License-Identifier: Apache-2.0 */
/* A hypervisor that only remembers: hvclient.h without /dev/mshv, for tests of the worker. */
#ifndef FAKE_HV_H
#define FAKE_HV_H

#include "hvclient/hvclient.h"
#include "vmwp/machine.h"

#define FAKE_MESSAGES	4096
#define FAKE_REGISTERS	512	/* names of one VP */
struct fake_hv {
	struct hv_interrupt last;	/* asserted */
	unsigned int asserted;
	bool extint_pending;		/* offered and not taken: fake_take_extint() is the guest taking it */
	unsigned int extint_calls;	/* asserts and clears, i.e. hypercalls */
	struct hv_vp_register_page registers;
	struct hv_register_assoc set;	/* the last register set */
	uint64_t reference_time;	/* of the partition */
	unsigned int translations;
	unsigned int partitions;	/* created */
	unsigned int intercepts;	/* installed */
	bool slot_busy;			/* of the guest's SynIC: messages cannot be posted */
	uint16_t deliverable_asked;	/* SINTs */
	struct { uint32_t vp; struct hv_message message; } posted[FAKE_MESSAGES];	/* ring of */
	unsigned int posted_first, posted_count;
	uint32_t event_vp[2048];	/* by flag of SINT 2: where the last signal went, and how many came */
	unsigned int event_count[2048];
	bool signal_window;		/* the hypervisor has one */
	int doorbell[2048];		/* bound eventfds by relid; 0: none */
	_Atomic unsigned int runs;	/* calls of hv_vp_run() */
	int run_result, create_result;	/* what those answer; 0: EINTR, success */
};
extern struct fake_hv fake;

uint8_t fake_take_extint(void);

/* A machine with all of board.c's devices, `memory` bytes and no partition unless `powered`. Memory as in seabios.c. */
struct machine *fake_machine_new(uint64_t memory, unsigned int processors, bool powered);
struct machine *fake_machine_configured(struct vm_config *config, bool powered);	/* of any kind; takes the descriptors */
int fake_file(const char *name, uint8_t fill, size_t size);	/* a descriptor of so many equal bytes */
int fake_bios(void);			/* a descriptor for config.bios_fd */
void fake_machine_free(struct machine *m);

#endif
