/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two vendors' back ends share: the table through which hv/vcpu.h reaches the one that this CPU has (vcpu.c), the
 * common part of a VP's and an LP's state, the switch of state that neither world switch moves (switch.c), common exits (exits.c).
 */
#ifndef HV_X86_VCPU_H
#define HV_X86_VCPU_H

#include <arch/x86/cpu.h>
#include <arch/x86/event.h>
#include <hv/gpa_space.h>
#include <hv/lp.h>
#include <hv/partition.h>
#include <hv/vp.h>

#define PAT_RESET		0x0007040600070406ull
#define DR6_RESET		0xffff0ff0ull
#define DR7_RESET		0x400ull
#define SEGMENT_CODE		0x9b		/* attributes of the state after INIT: Intel SDM 3, 9.1.1 */
#define SEGMENT_DATA		0x93
#define SEGMENT_LDT		0x82
#define SEGMENT_TSS		0x8b

struct vcpu {					/* begins svm's and vmx's own struct */
	struct lp *tag_lp;			/* where `tag_epoch` counts and `tag`, the ASID or VPID, is ours */
	uint64_t tag_epoch;
	uint32_t tag;
	uint64_t gpa_generation;		/* of partition->gpa at the last flush on tag_lp */
	bool flush;				/* before the next entry; set by any LP, taken back by the VP's */
	bool loaded;				/* between switch_in and switch_out: what switch.c moves is in the CPU */
	bool interrupt_window, nmi_window;
	uint8_t tpr_window;			/* exit when CR8 falls below this priority class; 0: not wanted */
	bool uses_debug;			/* children: DR0 to DR3 are switched */
	uint64_t dr[4], tsc_aux;		/* children: while not loaded */
};

struct lp_vendor {				/* begins svm's and vmx's own struct */
	uint8_t *root_xsave;			/* the root's extended state while a child is loaded */
	uint64_t root_xcr0, root_tsc_aux, root_dr[4];
	uint32_t tag_next;
	uint64_t tag_epoch;
	uint64_t last_partition;		/* whose child ran here last: its branch predictions are not the next one's */
};

/*
 * Result, name, parameters, arguments: hv/vcpu.h says what each does. These are only for arch/x86: get_own_register and its pair, for
 * the names registers.c does not know; event, what is to be injected at the next entry (event.h), which set_event replaces, 0 by
 * nothing; interrupt_state and its pair, as TLFS has it.
 */
#define VCPU_VENDOR_CALLS(X) \
	X(void, prepare_lp, (struct lp *lp), (lp)) \
	X(void, enable_lp, (struct lp *lp), (lp)) \
	X(hv_status_t, create, (struct vp *vp), (vp)) \
	X(void, destroy, (struct vp *vp), (vp)) \
	X(void, reset, (struct vp *vp), (vp)) \
	X(void, start_at_sipi, (struct vp *vp, uint8_t vector), (vp, vector)) \
	X(int, run_once, (struct vp *vp), (vp)) \
	X(void, switch_in, (struct vp *vp), (vp)) \
	X(void, switch_out, (struct vp *vp), (vp)) \
	X(hv_status_t, get_own_register, (struct vp *vp, uint32_t name, union hv_register_value *value), (vp, name, value)) \
	X(hv_status_t, set_own_register, (struct vp *vp, uint32_t name, const union hv_register_value *value), (vp, name, value)) \
	X(void, get_frame, (struct vp *vp, struct vcpu_frame *frame), (vp, frame)) \
	X(uint64_t, cr0, (struct vp *vp), (vp)) \
	X(uint64_t, cr8, (struct vp *vp), (vp)) \
	X(void, set_cr8, (struct vp *vp, uint64_t value), (vp, value)) \
	X(uint64_t, rip, (struct vp *vp), (vp)) \
	X(void, set_rip, (struct vp *vp, uint64_t rip), (vp, rip)) \
	X(unsigned int, cpl, (struct vp *vp), (vp)) \
	X(bool, in_long_mode, (struct vp *vp), (vp)) \
	X(void, skip_instruction, (struct vp *vp), (vp)) \
	X(unsigned int, instruction_bytes, (struct vp *vp, uint8_t bytes[16]), (vp, bytes)) \
	X(bool, can_take_interrupt, (struct vp *vp), (vp)) \
	X(void, inject_interrupt, (struct vp *vp, uint8_t vector), (vp, vector)) \
	X(void, inject_nmi, (struct vp *vp), (vp)) \
	X(bool, can_take_nmi, (struct vp *vp), (vp)) \
	X(uint64_t, event, (struct vp *vp), (vp)) \
	X(void, set_event, (struct vp *vp, uint64_t event), (vp, event)) \
	X(uint64_t, interrupt_state, (struct vp *vp), (vp)) \
	X(void, set_interrupt_state, (struct vp *vp, uint64_t state), (vp, state)) \
	X(void, prepare_windows, (struct vp *vp), (vp)) \
	X(void, watch_root_timer, (struct lp *lp, bool on), (lp, on)) \
	X(void, wait_for_kick, (void), ()) \
	X(void, let_interrupts_in, (void), ()) \
	X(void, mask_root_cpuid, (uint32_t leaf, uint32_t subleaf, struct cpuid *c), (leaf, subleaf, c)) \
	X(enum vcpu_msr, root_msr, (uint32_t msr, uint64_t *value), (msr, value))

struct vcpu_vendor {
	uint8_t hypercall_instruction[3];
	bool counts_deadlines;
	const char *(*missing_feature)(void);
#define X(result, name, parameters, arguments) result (*name) parameters;
	VCPU_VENDOR_CALLS(X)
#undef X
};
extern const struct vcpu_vendor svm_vendor, vmx_vendor;

/* For a vendor: prototypes of svm_create() and so on, and their rows in its table. */
#define VCPU_VENDOR_PROTOTYPE_SVM(result, name, parameters, arguments) result svm_##name parameters;
#define VCPU_VENDOR_PROTOTYPE_VMX(result, name, parameters, arguments) result vmx_##name parameters;
#define VCPU_VENDOR_ROW_SVM(result, name, parameters, arguments) .name = svm_##name,
#define VCPU_VENDOR_ROW_VMX(result, name, parameters, arguments) .name = vmx_##name,

/* vcpu.c */
hv_status_t vcpu_create_common(struct vp *vp, size_t vcpu_size);	/* vp->arch, and a child's page of extended state */
void vcpu_destroy_common(struct vp *vp);
void vcpu_reset_common(struct vp *vp);
void vcpu_renew_tlb(struct vp *vp, struct lp *lp, uint32_t tags);	/* a tag on this LP; it is to be flushed before the entry */
void vcpu_check_saved_state(struct vp *vp, uint64_t rip, uint64_t cr3);

/* Whether the translations under vp->arch->tag are the VP's and not stale; `world` says guest mode already. */
static inline bool vcpu_tlb_is_good(const struct vp *vp, const struct lp *lp)
{
	const struct vcpu *v = vp->arch;

	return !__atomic_load_n(&v->flush, __ATOMIC_SEQ_CST) &&
	       v->gpa_generation == __atomic_load_n(&vp->partition->gpa.generation, __ATOMIC_SEQ_CST) &&
	       v->tag_lp == lp && v->tag_epoch == lp->vendor->tag_epoch;
}

static inline struct vp_exit_record *vcpu_next_record(struct lp *lp)
{
	return &lp->exits[lp->exit_count++ % LP_EXIT_RING];
}

/* Prototypes of what is not in hv/vcpu.h. */
hv_status_t vcpu_get_own_register(struct vp *vp, uint32_t name, union hv_register_value *value);
hv_status_t vcpu_set_own_register(struct vp *vp, uint32_t name, const union hv_register_value *value);
void vcpu_set_cr8(struct vp *vp, uint64_t value);
uint64_t vcpu_event(struct vp *vp);
void vcpu_set_event(struct vp *vp, uint64_t event);
uint64_t vcpu_interrupt_state(struct vp *vp);
void vcpu_set_interrupt_state(struct vp *vp, uint64_t state);

/* registers.c */
uint64_t vcpu_pending_interruption(struct vp *vp);		/* union hv_pending_interruption */

/* switch.c */
void switch_prepare_lp(struct lp_vendor *lv);			/* memory, at boot */
void switch_in_common(struct vp *vp);
void switch_out_common(struct vp *vp);
void switch_debug_in(struct vp *vp);				/* at a child's first access to DR0 to DR3: uses_debug is set */
bool switch_get(struct vp *vp, uint32_t name, uint64_t *value);	/* DR0 to DR3, TSC_AUX */
bool switch_set(struct vp *vp, uint32_t name, uint64_t value);

/* exits.c: what both vendors answer alike */
enum vp_next exit_nmi_common(struct vp *vp, bool taken);	/* taken: an NMI came, of whomever */
enum vp_next exit_for_root(struct vp *vp);			/* a child's: a physical interrupt is the root's to take */
enum vp_next exit_debug_register(struct vp *vp);		/* a child's first access to DR0 to DR3 */
enum vp_next exit_machine_check(struct vp *vp);
enum vp_next exit_msr_read(struct vp *vp);
enum vp_next exit_msr_write(struct vp *vp);
enum vp_next exit_xsetbv(struct vp *vp);
enum vp_next exit_undefined(struct vp *vp);			/* SVM, VMX, ...: not in the CPU we show */
enum vp_next exit_monitor(struct vp *vp), exit_mwait(struct vp *vp);	/* not either, but OVMF parks its APs with them unasked */
enum vp_next exit_forbidden(struct vp *vp);			/* RDPMC: no counters */
void exit_single_step(struct vp *vp);				/* hv has executed an instruction, and RFLAGS.TF is set */
enum vp_next exit_ignored(struct vp *vp);			/* a child's INVD, WBINVD: caches are coherent, devices are emulated */

/* NMIs that come while hv runs: between `begin` and `end` the code must not go on, see nmi_take() in descriptors.c. */
struct nmi_fixup { uint64_t begin, end, go_on; };

#endif
