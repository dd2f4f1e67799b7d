/* SPDX-License-Identifier: Apache-2.0 */
/* A machine for hv's neutral code on the host: an arena as physical memory, a VP back end that only stores, counted kicks. */
#ifndef TEST_FAKE_H
#define TEST_FAKE_H

#include <abi/hv_hypercall.h>
#include <abi/hv_status.h>
#include <hv/gpa_space.h>
#include <hv/hypercall.h>
#include <hv/lp.h>
#include <hv/partition.h>
#include <hv/vp.h>

#define FAKE_MEMORY	(64ull << 20)
#define FAKE_RAM	(32ull << 20)		/* the root's; above it is hv's own */

struct fake_machine {
	uint64_t tsc;
	unsigned int all_kicks;			/* lp_kick_users_and_wait() */
	uint64_t kicked_lps;			/* the last lp_kick_and_wait() */
	struct deadline *armed;
	uint64_t armed_tsc;
	struct lp lps[2];
	struct vp root_vps[2];
};
extern struct fake_machine fake;

void fake_reset(void);				/* fresh memory, root partition with two VPs, nothing else */
void *fake_spa(uint64_t spa);

struct vcpu {					/* what vcpu_* keep */
	struct { uint32_t name; union hv_register_value value; } registers[64];
	uint64_t rip;
	unsigned int cpl, bits;
	bool can_take_interrupt, event_pending, window;
	int injected;				/* vector, or -1 */
	int exception;
	unsigned int skipped, entries, flushes;
	uint8_t tpr_window;
	int (*exit)(struct vp *vp);		/* what vcpu_run_once() answers */
};

/* A hypercall from root VP 0: control word, input in the root's memory; the result register is returned. */
uint64_t fake_hypercall(uint64_t control, const void *in, size_t in_bytes, void *out, size_t out_bytes);
uint64_t fake_fast_hypercall(uint64_t control, uint64_t first, uint64_t second);
#define RESULT_STATUS(result)	((hv_status_t)((result) & 0xffff))
#define RESULT_REPS(result)	((unsigned int)((result) >> 32 & 0xfff))
#define REPS(n)			((uint64_t)(n) << HV_HC_REP_SHIFT)
#define START(n)		((uint64_t)(n) << HV_HC_START_SHIFT)

void fake_deposit(uint64_t partition_id, uint64_t first_gpfn, unsigned int pages);
uint64_t fake_child(void);			/* created, deposited, initialized; its id */
struct vp *fake_child_vp(uint64_t partition_id, uint32_t index);

#endif
