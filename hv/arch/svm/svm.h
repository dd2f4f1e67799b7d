/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of arch/svm share: SVM's part of a VP's and an LP's state. */
#ifndef HV_SVM_SVM_H
#define HV_SVM_SVM_H

#include <arch/svm/vmcb.h>
#include <arch/x86/vcpu.h>

struct svm_vcpu {
	struct vcpu common;
	struct vmcb *vmcb;
	uint64_t vmcb_spa;
	bool reload;				/* the root: FS, GS, TR, ... in the VMCB were set and are not in the CPU yet */
	bool nmi_blocked;			/* an NMI was injected and its IRET not executed yet */
};

struct svm_lp {
	struct lp_vendor common;
	uint8_t *host_save;			/* VM_HSAVE_PA */
	uint8_t *msrpm;				/* the root's, because the timer's bits change per LP */
	bool watch_timer;			/* hv shares the timer: vcpu_watch_root_timer() */
	bool step_aside;			/* the root takes a pending interrupt itself; VINTR tells when it has */
};

#define EXCEPTIONS_CHILD ((uint32_t)BIT(VECTOR_MC))	/* that exit */

struct svm_features { bool nrip, decode_assists, flush_by_asid; uint32_t asids; };
extern struct svm_features svm_features;

static inline struct svm_vcpu *svm_of(const struct vp *vp) { return (struct svm_vcpu *)vp->arch; }
static inline struct svm_lp *svm_lp(const struct lp *lp) { return (struct svm_lp *)lp->vendor; }
static inline struct vmcb *vmcb_of(const struct vp *vp) { return svm_of(vp)->vmcb; }

VCPU_VENDOR_CALLS(VCPU_VENDOR_PROTOTYPE_SVM)

/* enter.S. `host_if`: let physical interrupts end guest mode (V_INTR_MASKING); GIF stays 0 either way. */
void svm_enter(struct vp_gprs *gprs, uint64_t vmcb_spa, bool host_if);
bool svm_nmi_window(void);			/* STGI, CLGI: true when an NMI was taken between */

/* permissions.c */
void msrpm_init_root(uint8_t *msrpm);
void msrpm_watch_timer(uint8_t *msrpm, bool on);
uint64_t svm_child_msrpm(void);
uint64_t svm_child_iopm(void);

/* vcpu.c */
void svm_run_guest(struct vp *vp);		/* one entry; the exit is still to be answered */

/* exits.c */
enum vp_next svm_handle_exit(struct vp *vp);

/* state.c */
void svm_load_pending(struct vp *vp);		/* before an entry of a root VP, if `reload` */
void svm_sync(struct vp *vp);			/* makes FS, GS, TR, LDTR and the syscall MSRs in the VMCB current */

/* events.c */
void svm_deliver_again(struct vp *vp);		/* after an exit that interrupted a delivery: it is pending again */
enum vp_next svm_step_iret(struct vp *vp);	/* a child's, that is to unblock NMIs */
void svm_prepare_root(struct vp *vp);		/* before an entry of a root VP */

#endif
