/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual processor: one thread that runs it and answers its exits. */
#ifndef VMWP_VP_VP_H
#define VMWP_VP_VP_H

#include "vmwp/machine.h"
#include "vmwp/vp/emulator.h"

struct vp {
	struct machine *machine;
	uint32_t index;
	struct hv_vp *hv;			/* replaced on reset while parked */
	pthread_t thread;
	bool has_thread;
	_Atomic bool parked;
	struct hv_message message;		/* of the exit being handled; this thread only */
};

/* threads.c; event loop's thread, without the machine lock */
int vps_create_threads(struct machine *m);	/* parked */
void vps_open(struct machine *m);		/* lets them run */
void vps_park(struct machine *m);		/* returns when none is in the guest or in a handler */
void vps_end(struct machine *m);		/* joins and frees them */

/* registers.c: VPs inside the hypervisor, with the machine parked */
int vps_power_on(struct machine *m);		/* creates them in their reset state */
void vps_power_off(struct machine *m);

/* vp_state.c: every VP, the partition's time and its synthetic registers; parked, time frozen */
void vps_state(struct machine *m, struct state *s);

/* Handlers of exits; VP's thread, without the lock */
void vp_handle_exit(struct vp *vp);		/* exits.c */
void vp_exit_port(struct vp *vp);		/* port_io.c */
void vp_exit_memory(struct vp *vp);		/* mmio.c */
void vp_exit_hypercall(struct vp *vp);		/* hypercall.c */
void vp_exit_sint_deliverable(struct vp *vp);

/* guest_address.c: linear addresses of this VP; valid while one exit is handled */
struct translation { uint64_t gva, gpa; bool valid, write; };	/* one page, remembered */
/* 0, or -EFAULT after #PF was made pending, or another negative errno */
int vp_translate(struct vp *vp, uint64_t gva, bool write, struct translation *last, uint64_t *gpa);
int vp_fetch(struct vp *vp, uint8_t bytes[INSTRUCTION_MAX], size_t *count);
void vp_fail(struct vp *vp, const char *what);	/* stops the VM; the reason names RIP and instruction bytes */

#endif
