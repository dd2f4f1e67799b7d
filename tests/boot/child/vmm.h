/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VMM of these tests, on /dev/mshv itself. A test is a row: the guest function it starts, how many VPs, which synthetic
 * features, and what it does when the guest asks for something or makes a hypercall that hv passes on.
 */
#ifndef CHILD_VMM_H
#define CHILD_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/mshv.h>
#include <hv_cpuid.h>
#include <hv_hypercall.h>
#include <hv_message.h>
#include <hv_register.h>
#include <hv_status.h>
#include <hv_synic.h>
#include <hv_vp_page.h>
#include "shared.h"

struct vp {
	uint32_t index;
	int fd;
	struct hv_vp_register_page *page;
};

enum answer { UNEXPECTED, GO_ON, END };		/* END: the VP is not run again */

struct test {
	const char *name;
	enum guest_test guest;
	unsigned int vps;
	uint64_t features;				/* beside FEATURES_ALWAYS */
	void (*prepare)(void);				/* partition initialized, no VP runs */
	void (*ask)(struct vp *vp, struct ask *a);
	uint64_t (*hypercall)(struct vp *vp, const struct hv_x64_hypercall_intercept_message *m);	/* the result */
	enum answer (*message)(struct vp *vp, const struct hv_message *m);	/* any other */
	uint32_t wait_for_sipi;				/* VPs that are not started by the VMM, bit per index */
	void (*finish)(void);				/* the first VP has ended */
};
#define FEATURES_ALWAYS	(HV_SYNTH_HYPERVISOR_PRESENT | HV_SYNTH_HV1 | HV_SYNTH_HYPERCALL | HV_SYNTH_VP_INDEX | \
			 HV_SYNTH_REFERENCE_COUNTER | HV_SYNTH_SYNIC)

extern const struct test test_synic, test_signals, test_stimers, test_processors, test_apic, test_time, test_state, test_memory, test_isolation,
	test_fuzz, test_triple_fault, test_spin, test_exceptions;

/* The partition of the test that runs. */
extern int partition_fd;
extern uint8_t *ram;
extern struct vp vps[MAX_VPS];
extern unsigned int seconds;				/* of -s: how long the spinning test runs */

void claim(bool ok, const char *text);
void claim_equal(uint64_t got, uint64_t want, const char *text);
void must(long result, const char *what);		/* ends the program when it is negative */
uint64_t root_call(uint16_t code, void *in, size_t in_bytes, void *out, size_t out_bytes, unsigned int reps);	/* status */
uint64_t set_property(uint32_t code, uint64_t value);
uint64_t get_property(uint32_t code, uint64_t *value);
uint64_t set_register(uint32_t vp, uint32_t name, union hv_register_value value);
uint64_t get_register(uint32_t vp, uint32_t name, union hv_register_value *value);
uint64_t install_intercept(uint32_t type, uint32_t access, uint64_t parameter);
uint64_t post_message(uint32_t vp, uint32_t sint, const struct hv_message *message);
uint64_t signal_event(uint32_t vp, uint32_t sint, uint16_t flag, bool *newly);
void vp_close(struct vp *vp);
void move_to_new_partition(struct vp *vp, void (*restore)(struct vp *vp));	/* RAM stays; the only VP goes on there */
void advance(struct vp *vp, uint64_t rip, unsigned int bytes);	/* go on behind the instruction */

#endif
