/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vendor contract: arch/svm and arch/vmx implement exactly this, behind arch/x86/vcpu.c, and nothing else knows a VMCB or
 * VMCS. Every function works on a VP that is not in guest mode, on the LP that owns it.
 */
#ifndef HV_VCPU_H
#define HV_VCPU_H

#include <abi/hv_register.h>
#include <hv/types.h>

struct vp;
struct lp;

struct vp_gprs {		/* order of the x86 encoding; the RAX and RSP slots are kept current by the back end */
	uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
};

/* The first call: chooses the vendor. NULL when this CPU can run hv, else one line naming what is missing and the usual setting. */
const char *vcpu_missing_feature(void);
void vcpu_prepare_lp(struct lp *lp);			/* memory, at boot, on any LP */
void vcpu_enable_lp(struct lp *lp);			/* on the LP itself */

hv_status_t vcpu_create(struct vp *vp);			/* memory from vp->partition's pool; reset state (Intel SDM 3, 9.1.1) */
void vcpu_destroy(struct vp *vp);
void vcpu_reset(struct vp *vp);				/* architectural INIT state */
void vcpu_start_at_sipi(struct vp *vp, uint8_t vector);

/* Enters the guest once, records the exit, decodes it and calls intercept_*() (hv/intercept.h). */
int /* enum vp_next */ vcpu_run_once(struct vp *vp);

/* Around a series of vcpu_run_once() of a child: switch FS/GS/TR/syscall MSRs, debug registers and extended state. */
void vcpu_switch_in(struct vp *vp);
void vcpu_switch_out(struct vp *vp);

/* Registers the back end holds (RIP, RFLAGS, CRs, DRs, segments, tables, EFER, PAT, syscall MSRs, pending event, interrupt
 * state), by TLFS register name. HV_STATUS_INVALID_PARAMETER for a name that is not its own. */
hv_status_t vcpu_get_register(struct vp *vp, uint32_t name, union hv_register_value *value);
hv_status_t vcpu_set_register(struct vp *vp, uint32_t name, const union hv_register_value *value);

/* The registers every message and the register page show, at once. FS and GS are right only while switched out. */
struct vcpu_frame {
	uint64_t rip, rflags, cr0, cr3, cr4, cr8, efer, dr7, pending_interruption, interrupt_state;
	struct hv_x64_segment_register segments[6];	/* ES, CS, SS, DS, FS, GS */
};
void vcpu_get_frame(struct vp *vp, struct vcpu_frame *frame);
uint64_t vcpu_cr0(struct vp *vp);
uint64_t vcpu_cr8(struct vp *vp);
uint64_t vcpu_rip(struct vp *vp);
void vcpu_set_rip(struct vp *vp, uint64_t rip);		/* also ends the interrupt shadow */
unsigned int vcpu_cpl(struct vp *vp);
bool vcpu_in_long_mode(struct vp *vp);			/* EFER.LMA and CS.L */
void vcpu_skip_instruction(struct vp *vp);		/* the one that caused the current exit, which hv has executed */
void vcpu_complete_instruction(struct vp *vp, unsigned int length);	/* likewise, where hv itself has decoded it */

/* VMMCALL or VMCALL, for the hypercall page. */
extern uint8_t vcpu_hypercall_instruction[3];

/* Events. vcpu_can_take_interrupt: RFLAGS.IF set, no shadow, no event pending. */
bool vcpu_can_take_interrupt(struct vp *vp);
void vcpu_inject_interrupt(struct vp *vp, uint8_t vector);
void vcpu_inject_nmi(struct vp *vp);
bool vcpu_can_take_nmi(struct vp *vp);
void vcpu_inject_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error);
bool vcpu_event_pending(struct vp *vp);
void vcpu_request_interrupt_window(struct vp *vp);	/* exit as soon as vcpu_can_take_interrupt() would be true */
void vcpu_request_tpr_window(struct vp *vp, uint8_t priority);	/* exit when CR8 is below the class; 0 takes it back */
void vcpu_request_nmi_window(struct vp *vp);
void vcpu_prepare_windows(struct vp *vp);		/* a child's, before an entry if any of the above may have changed */

void vcpu_flush_guest_tlb(struct vp *vp);		/* before the next entry of this VP; from any LP */

/* True: entries end by themselves when this LP's first deadline is due, and the root keeps its timer (arch/x86/timer.c). */
bool vcpu_counts_deadlines(void);

/* The root only: while hv shares the LP's timer, the root's timer registers exit, and so does an interrupt it could take. */
void vcpu_watch_root_timer(struct lp *lp, bool on);
/* Sleeps in hv until an NMI (lp_kick); returns at once when one came since the last call. */
void vcpu_wait_for_kick(void);

/* Takes what physical interrupts are pending in hv's own IDT, where they end. */
void vcpu_let_interrupts_in(void);

/* What the root must not see of the CPU's virtualization: taken out of a CPUID answer; MSRs that are not simply the machine's. */
struct cpuid;
enum vcpu_msr { VCPU_MSR_NATIVE, VCPU_MSR_VALUE, VCPU_MSR_FAULTS };	/* VALUE can be read; only NATIVE can be written */
void vcpu_mask_root_cpuid(uint32_t leaf, uint32_t subleaf, struct cpuid *c);
enum vcpu_msr vcpu_root_msr(uint32_t msr, uint64_t *value);

/* Bytes at the faulting RIP if the CPU supplied them (decode assists), else 0. */
unsigned int vcpu_instruction_bytes(struct vp *vp, uint8_t bytes[16]);

#endif
