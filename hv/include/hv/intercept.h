/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exits once a vendor back end has decoded them. Each is answered here or becomes a message to the parent.
 * The root's are answered by boot/root_*.c, children's by intercept/ (both reached through these functions).
 */
#ifndef HV_INTERCEPT_H
#define HV_INTERCEPT_H

#include <hv/vp.h>

struct port_access {
	uint16_t port;
	uint8_t size;			/* 1, 2, 4 */
	bool write, string, rep;
	uint64_t next_rip;
};

struct gpa_fault {
	gpa_t gpa;
	uint64_t gva;
	bool gva_valid, write, execute, present;	/* present: an entry exists but forbids the access */
};

enum vp_next intercept_cpuid(struct vp *vp);
enum vp_next intercept_rdmsr(struct vp *vp, uint32_t msr);
enum vp_next intercept_wrmsr(struct vp *vp, uint32_t msr, uint64_t value);
enum vp_next intercept_port(struct vp *vp, const struct port_access *access);
enum vp_next intercept_gpa(struct vp *vp, const struct gpa_fault *fault);
enum vp_next intercept_hypercall(struct vp *vp);
enum vp_next intercept_halt(struct vp *vp);
enum vp_next intercept_xsetbv(struct vp *vp, uint32_t index, uint64_t value);
enum vp_next intercept_triple_fault(struct vp *vp);
enum vp_next intercept_invalid_state(struct vp *vp);		/* VM entry refused the VP's registers */
enum vp_next intercept_interrupt_window(struct vp *vp);
enum vp_next intercept_unexpected(struct vp *vp, uint64_t code);	/* stops that VP only */

#endif
