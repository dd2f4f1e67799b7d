/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intercept messages to the parent (hv-abi.md section 7): each fills the VP's message page and marks the VP as
 * intercept-suspended. Called by the LP that runs the VP. All return VP_RETURN for the exit handler to pass on.
 */
#ifndef HV_MESSAGE_H
#define HV_MESSAGE_H

#include <hv/intercept.h>
#include <hv/vp.h>

enum vp_next message_io_port(struct vp *vp, const struct port_access *access);
enum vp_next message_memory(struct vp *vp, uint32_t type, const struct gpa_fault *fault);
enum vp_next message_hypercall(struct vp *vp);
enum vp_next message_msr(struct vp *vp, uint32_t msr, bool write);
enum vp_next message_apic_eoi(struct vp *vp, uint8_t vector);
enum vp_next message_unrecoverable(struct vp *vp);
enum vp_next message_invalid_state(struct vp *vp);
enum vp_next message_unsupported(struct vp *vp, uint32_t code, uint64_t parameter);
enum vp_next message_sint_deliverable(struct vp *vp, uint16_t sints);

#endif
