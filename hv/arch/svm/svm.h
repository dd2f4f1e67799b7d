/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of arch/svm share: the VP's and the LP's part of the SVM state. */
#ifndef HV_SVM_SVM_H
#define HV_SVM_SVM_H

#include <arch/svm/vmcb.h>
#include <hv/lp.h>
#include <hv/vp.h>

struct vcpu {
	struct vmcb *vmcb;
	struct lp *asid_lp;			/* where `asid_epoch` counts and vmcb->asid is ours */
	uint64_t asid_epoch;
	uint64_t gpa_generation;		/* of partition->gpa at the last flush on asid_lp */
	bool flush;				/* before the next entry */
	bool reload;				/* the root: FS, GS, TR, ... in the VMCB were set and are not in the CPU yet */
	bool loaded;				/* children: between switch_in and switch_out, FS/GS/TR/... are in the CPU */
	bool interrupt_window, nmi_window;
	uint8_t tpr_window;			/* exit when CR8 falls below this priority class; 0: not wanted */
	bool nmi_blocked;			/* an NMI was injected and its IRET not seen yet */
	bool interrupted;			/* the last exit was a physical interrupt, which the root must take */
	bool uses_debug;			/* children: DR0 to DR3 are switched */
	uint64_t dr[4], tsc_aux;		/* children: while not loaded */
};

struct lp_vendor {
	uint8_t *host_save;			/* VM_HSAVE_PA */
	uint8_t *msrpm;				/* the root's, because the timer's bits change per LP */
	uint8_t *root_xsave;			/* the root's extended state while a child is loaded */
	uint64_t root_xcr0, root_tsc_aux, root_dr[4];
	uint32_t asid_next;
	uint64_t asid_epoch;
	uint64_t last_partition;		/* whose child ran here last: its branch predictions are not the next one's */
	bool watch_timer;			/* hv shares the timer: vcpu_watch_root_timer() */
	bool step_aside;			/* the root takes a pending interrupt itself; VINTR tells when it has */
};

struct svm_features { bool nrip, decode_assists, flush_by_asid, rdtscp, ibpb; uint32_t asids; uint64_t xcr0; };
extern struct svm_features svm_features;

/* enter.S. `host_if`: let physical interrupts end guest mode (V_INTR_MASKING); GIF stays 0 either way. */
void svm_enter(struct vp_gprs *gprs, uint64_t vmcb_spa, bool host_if);
bool svm_nmi_window(void);			/* STGI, CLGI: true when an NMI was taken between */

/* permissions.c */
void msrpm_init_root(uint8_t *msrpm);
void msrpm_watch_timer(uint8_t *msrpm, bool on);
uint64_t svm_child_msrpm(void);
uint64_t svm_child_iopm(void);

/* exits.c */
enum vp_next svm_handle_exit(struct vp *vp);

/* state.c */
void svm_load_pending(struct vp *vp);
void svm_sync(struct vp *vp);			/* makes FS, GS, TR, LDTR and the syscall MSRs in the VMCB current */

void svm_first_debug_access(struct vp *vp);	/* of a child, by itself or by its VMM */

/* events.c */
void svm_complete_event(struct vp *vp);		/* after an exit: what was not delivered is pending again */
void svm_prepare_events(struct vp *vp);		/* before an entry: windows */

static inline struct vmcb *vmcb_of(struct vp *vp) { return vp->arch->vmcb; }

#endif
