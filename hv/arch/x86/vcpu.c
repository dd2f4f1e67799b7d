/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv/vcpu.h for the neutral code: the vendor is chosen from CPUID when the boot code asks what is missing, and called through
 * its table from then on. Below that, the common part of a VP's life: memory, reset, TLB tags, the record of exits.
 */
#include <abi/hv_status.h>
#include <arch/x86/machine.h>
#include <arch/x86/vcpu.h>
#include <hv/panic.h>
#include <hv/partition.h>
#include <hv/string.h>

#define TAG_ROOT		1u		/* 0 is hv itself */
#define TAG_FIRST		2u		/* of children */
#define XSAVE_FCW		0
#define XSAVE_MXCSR		24
#define XSAVE_HEADER		512

static const struct vcpu_vendor *vendor;
const struct npt_format *npt_format;		/* set by the vendor in prepare_lp() */
uint8_t vcpu_hypercall_instruction[3];

static bool is_made_by_intel(void)
{
	return cpuid(0, 0).ebx == 0x756e6547;	/* "Genu"ineIntel; others that have VMX say so in leaf 1 */
}

const char *vcpu_missing_feature(void)
{
	vendor = (cpuid(1, 0).ecx & BIT(5)) || is_made_by_intel() ? &vmx_vendor : &svm_vendor;
	memcpy(vcpu_hypercall_instruction, vendor->hypercall_instruction, sizeof(vcpu_hypercall_instruction));
	if (!(cpuid(1, 0).ecx & BIT(26)))
		return "its processor has no XSAVE; no firmware setting helps.";
	return vendor->missing_feature();
}

#define X(result, name, parameters, arguments) result vcpu_##name parameters { return vendor->name arguments; }
VCPU_VENDOR_CALLS(X)
#undef X

bool vcpu_counts_deadlines(void)
{
	return vendor->counts_deadlines;
}

void vcpu_request_interrupt_window(struct vp *vp)
{
	vp->arch->interrupt_window = true;
}

void vcpu_request_tpr_window(struct vp *vp, uint8_t priority)
{
	vp->arch->tpr_window = priority;
}

void vcpu_request_nmi_window(struct vp *vp)
{
	vp->arch->nmi_window = true;
}

void vcpu_flush_guest_tlb(struct vp *vp)
{
	__atomic_store_n(&vp->arch->flush, true, __ATOMIC_SEQ_CST);
}

hv_status_t vcpu_create_common(struct vp *vp, size_t vcpu_size)
{
	struct pool *pool = &vp->partition->pool;

	hv_assert(vcpu_size <= PAGE_SIZE);
	vp->arch = pool_alloc_page(pool);
	if (!partition_is_root(vp->partition))
		vp->xsave_area = pool_alloc_page(pool);
	if (vp->arch && (vp->xsave_area || partition_is_root(vp->partition)))
		return HV_STATUS_SUCCESS;
	vcpu_destroy_common(vp);
	return HV_STATUS_INSUFFICIENT_MEMORY;
}

void vcpu_destroy_common(struct vp *vp)
{
	struct pool *pool = &vp->partition->pool;

	if (vp->arch)
		pool_free_page(pool, vp->arch);
	if (vp->xsave_area)
		pool_free_page(pool, vp->xsave_area);
	vp->arch = NULL;
	vp->xsave_area = NULL;
}

static void reset_extended_state(struct vp *vp)
{
	uint16_t fcw = 0x40;
	uint32_t mxcsr = 0x1f80;

	vp->xcr0 = 1;
	if (!vp->xsave_area)
		return;
	memset(vp->xsave_area, 0, PAGE_SIZE);
	memcpy((char *)vp->xsave_area + XSAVE_FCW, &fcw, sizeof(fcw));
	memcpy((char *)vp->xsave_area + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
	*(uint64_t *)((char *)vp->xsave_area + XSAVE_HEADER) = 1 | 2;		/* XSTATE_BV: x87 and SSE are in the area */
}

/* INIT keeps extended state, CR0's cache bits and some MSRs; a VP's first reset is a power-on, so hv resets all the same. */
void vcpu_reset_common(struct vp *vp)
{
	struct vcpu *v = vp->arch;

	memset(&vp->gprs, 0, sizeof(vp->gprs));
	vp->gprs.rdx = cpuid(1, 0).eax;
	v->interrupt_window = v->nmi_window = false;
	v->tpr_window = 0;
	v->flush = true;
	memset(v->dr, 0, sizeof(v->dr));
	reset_extended_state(vp);
}

/* Tags are per LP, handed out in order; when they are used up all are void. A new one may have stale translations. */
static void take_tag(struct vp *vp, struct lp *lp, uint32_t tags)
{
	struct lp_vendor *lv = lp->vendor;

	if (lv->tag_next < TAG_FIRST || lv->tag_next >= tags) {
		lv->tag_next = TAG_FIRST;
		lv->tag_epoch++;
	}
	vp->arch->tag = partition_is_root(vp->partition) ? TAG_ROOT : lv->tag_next++;
	vp->arch->tag_lp = lp;
	vp->arch->tag_epoch = lv->tag_epoch;
}

void vcpu_renew_tlb(struct vp *vp, struct lp *lp, uint32_t tags)
{
	struct vcpu *v = vp->arch;

	v->gpa_generation = __atomic_load_n(&vp->partition->gpa.generation, __ATOMIC_SEQ_CST);
	__atomic_store_n(&v->flush, false, __ATOMIC_SEQ_CST);
	if (v->tag_lp != lp || v->tag_epoch != lp->vendor->tag_epoch)
		take_tag(vp, lp, tags);
}

/*
 * hv's own state where the root's should be means that a world switch went wrong (a defect of emulators: root-boot-notes.md
 * section 7); nothing that follows would make sense. Children are not judged by it: they can put any number in CR3.
 */
void vcpu_check_saved_state(struct vp *vp, uint64_t rip, uint64_t cr3)
{
	if (partition_is_root(vp->partition) && cr3 == paging_root && rip >= (uintptr_t)hv_image_start &&
	    rip < (uintptr_t)hv_text_end)
		hv_panic("root VP %u left the guest with hv's own state", vp->index);
}
