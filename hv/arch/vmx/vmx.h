/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of arch/vmx share. A VMCS is only accessible where it is current, so a VP's registers live in `value` and the
 * VMCS follows: fields are read when asked for (`known`) and written before the next entry (`dirty`); fields.c. A child's VMCS is
 * cleared when it is switched out, with every field known: any LP may then look at the VP, or run it.
 */
#ifndef HV_VMX_VMX_H
#define HV_VMX_VMX_H

#include <arch/vmx/vmcs.h>
#include <arch/x86/vcpu.h>

enum vmx_field {			/* in the order of fields.c */
	F_RIP, F_RSP, F_RFLAGS, F_CR0, F_CR3, F_CR4, F_DR7, F_PAT, F_EFER, F_DEBUGCTL, F_SYSENTER_CS, F_SYSENTER_ESP, F_SYSENTER_EIP,
	F_INTERRUPTIBILITY, F_ACTIVITY, F_PDPTE, F_PDPTE3 = F_PDPTE + 3,
	F_SELECTOR, F_LIMIT = F_SELECTOR + 8, F_RIGHTS = F_LIMIT + 8, F_BASE = F_RIGHTS + 8,	/* ES, CS, SS, DS, FS, GS, LDTR, TR */
	F_GDTR_LIMIT = F_BASE + 8, F_IDTR_LIMIT, F_GDTR_BASE, F_IDTR_BASE,
	F_FIRST_OURS,			/* no exit changes these */
	F_CR0_SHADOW = F_FIRST_OURS, F_CR4_SHADOW, F_TSC_OFFSET, F_PIN_CONTROLS, F_CPU_CONTROLS, F_TPR_THRESHOLD,
	F_COUNT
};
enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT };
_Static_assert(F_COUNT <= 64, "a bit each");

#define VMX_MSRS	5		/* STAR, LSTAR, CSTAR, SFMASK, KERNEL_GS_BASE: switched with the VP, state.c */

struct vmx_vcpu {
	struct vcpu common;
	void *vmcs, *virtual_apic;	/* the latter a child's, for CR8 alone */
	bool prepared, launched;	/* the VMCS: has its constant part; since the last VMCLEAR */
	bool paging_changed;		/* since the last entry, by hv: PDPTEs and the entry control follow */
	uint64_t known, dirty, value[F_COUNT];
	uint64_t event;			/* to inject at the next entry */
	uint32_t reason, exit_event;	/* of the last exit */
	uint64_t qualification;
	uint64_t turn_end;		/* TSC: when a child goes back to the root at the latest */
	uint64_t msr[VMX_MSRS], cr2, dr6;	/* while not loaded */
};

struct vmx_lp {
	struct lp_vendor common;
	void *vmxon;
	struct vmx_vcpu *current;	/* whose VMCS is */
	uint32_t nmis_seen;		/* of lp->nmi_count */
};

struct vmx_control { uint32_t must, may; };		/* bits that are 1 whatever is asked for; bits that can be */
struct vmx_features {
	uint32_t revision;
	struct vmx_control pin, cpu, cpu2, exit, entry;
	uint64_t cr0_fixed, cr4_fixed;			/* bits that are 1 in VMX operation, whatever the guest thinks */
	unsigned int timer_shift;			/* the preemption timer counts TSC >> this */
	unsigned int invept_type, invvpid_type;
};
extern struct vmx_features vmx_features;

VCPU_VENDOR_CALLS(VCPU_VENDOR_PROTOTYPE_VMX)

static inline struct vmx_vcpu *vmx_of(const struct vp *vp) { return (struct vmx_vcpu *)vp->arch; }
static inline struct vmx_lp *vmx_lp(const struct lp *lp) { return (struct vmx_lp *)lp->vendor; }

/* vmx.c: the instructions */
void vmx_clear(struct vmx_vcpu *v);
void vmx_make_current(struct vmx_vcpu *v);
uint64_t vmcs_read(enum vmcs_field field);
void vmcs_write(enum vmcs_field field, uint64_t value);
void vmx_flush(uint64_t eptp, uint16_t vpid);

/* enter.S */
enum vmx_entry { VMX_LEFT, VMX_ABORTED, VMX_REFUSED };
int vmx_enter(struct vp_gprs *gprs, bool launched, const uint32_t *nmi_count, uint32_t nmis_seen);
void vmx_unblock_nmis(void);			/* after an exit by NMI: IRET does it */
void vmx_halt(const uint32_t *nmi_count, uint32_t nmis_seen);	/* until they differ */

/* fields.c */
uint64_t field_get(struct vmx_vcpu *v, unsigned int field);
void field_set(struct vmx_vcpu *v, unsigned int field, uint64_t value);
void fields_write_dirty(struct vmx_vcpu *v);
void fields_forget(struct vmx_vcpu *v);		/* after an exit */
void fields_read_all(struct vmx_vcpu *v);

/* setup.c: the constant part of a VMCS that is current for the first time, and what windows and deadlines change of it */
void vmx_prepare_vmcs(struct vp *vp);
uint32_t vmx_cpu_controls(const struct vp *vp, uint32_t extra);
uint32_t vmx_pin_controls(const struct vp *vp, uint32_t extra);
uint32_t vmx_entry_controls(uint32_t extra);

/* permissions.c */
uint64_t vmx_msr_bitmap(bool root);

/* ept.c */
void ept_init(void);
uint64_t ept_pointer(const struct vp *vp);

/* control_registers.c: the bits that a guest must not have as it likes */
uint64_t cr0_of_guest(struct vp *vp);		/* as the guest believes it is */
uint64_t cr4_of_guest(struct vp *vp);
void cr0_set(struct vp *vp, uint64_t value);
void cr4_set(struct vp *vp, uint64_t value);
uint64_t cr0_mask(const struct vp *vp);		/* bits of the real register that are not the guest's */
uint64_t cr4_mask(void);
void cr_load_paging(struct vp *vp);		/* before an entry, when paging_changed */
enum vp_next exit_control_register(struct vp *vp);

/* events.c */
void vmx_complete_event(struct vp *vp);		/* after an exit: what was not delivered is pending again */
void vmx_prepare_events(struct vp *vp);		/* before an entry */

/* exits.c */
enum vp_next vmx_handle_exit(struct vp *vp);

/* state.c */
void vmx_load_msrs(struct vp *vp);
void vmx_save_msrs(struct vp *vp);

#endif
