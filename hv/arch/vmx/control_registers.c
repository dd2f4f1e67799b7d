/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CR0 and CR4: VMX insists on some bits (NE, VMXE), and a child's cache bits must not become the machine's. The guest reads
 * those from a shadow, and exits when it changes them. EFER.LMA, the entry's idea of the mode and the PDPTEs follow before the
 * next entry from what was written (Intel SDM 3, 25.6.6, 27.3.1).
 */
#include <arch/vmx/vmx.h>
#include <hv/partition.h>

#define RIGHTS_LONG		BIT(13)
#define ACCESS_CR(q)		((unsigned int)(q) & 15)
#define ACCESS_TYPE(q)		((unsigned int)((q) >> 4) & 3)
#define ACCESS_GPR(q)		((unsigned int)((q) >> 8) & 15)
#define ACCESS_LMSW_SOURCE(q)	((uint64_t)(q) >> 16 & 0xf)
#define TYPE_WRITE		0u
#define TYPE_LMSW		3u
#define LMSW_BITS		0xeull			/* LMSW can set PE and not clear it */
#define PDPTES			4u
#define CR3_PDPT		0xffffffe0ull

uint64_t cr0_mask(const struct vp *vp)
{
	return vmx_features.cr0_fixed | (partition_is_root(vp->partition) ? 0 : CR0_CD | CR0_NW);
}

uint64_t cr4_mask(void)
{
	return vmx_features.cr4_fixed | CR4_VMXE | CR4_SMXE;
}

uint64_t cr0_of_guest(struct vp *vp)
{
	uint64_t mask = cr0_mask(vp);

	return (field_get(vmx_of(vp), F_CR0) & ~mask) | (field_get(vmx_of(vp), F_CR0_SHADOW) & mask);
}

uint64_t cr4_of_guest(struct vp *vp)
{
	uint64_t mask = cr4_mask();

	return (field_get(vmx_of(vp), F_CR4) & ~mask) | (field_get(vmx_of(vp), F_CR4_SHADOW) & mask);
}

void cr0_set(struct vp *vp, uint64_t value)
{
	field_set(vmx_of(vp), F_CR0, (value & ~cr0_mask(vp)) | vmx_features.cr0_fixed | CR0_ET);
	field_set(vmx_of(vp), F_CR0_SHADOW, value | CR0_ET);
	vmx_of(vp)->paging_changed = true;
}

void cr4_set(struct vp *vp, uint64_t value)
{
	field_set(vmx_of(vp), F_CR4, (value & ~cr4_mask()) | vmx_features.cr4_fixed);
	field_set(vmx_of(vp), F_CR4_SHADOW, value);
	vmx_of(vp)->paging_changed = true;
}

static void load_pdptes(struct vp *vp)
{
	uint64_t pdptes[PDPTES] = { 0 };

	spin_lock(&vp->partition->lock);
	partition_read(vp->partition, (gpa_t){ field_get(vmx_of(vp), F_CR3) & CR3_PDPT }, pdptes, sizeof(pdptes));
	spin_unlock(&vp->partition->lock);
	for (unsigned int i = 0; i < PDPTES; i++)
		field_set(vmx_of(vp), F_PDPTE + i, pdptes[i]);
}

void cr_load_paging(struct vp *vp)
{
	struct vmx_vcpu *v = vmx_of(vp);
	uint64_t efer = field_get(v, F_EFER) & ~EFER_LMA;
	bool paging = field_get(v, F_CR0) & CR0_PG, is_long = paging && (efer & EFER_LME);

	field_set(v, F_EFER, efer | (is_long ? EFER_LMA : 0));
	vmcs_write(VMCS_ENTRY_CONTROLS, vmx_entry_controls(is_long ? ENTRY_GUEST_64 : 0));
	if (paging && !is_long && (field_get(v, F_CR4) & CR4_PAE))
		load_pdptes(vp);
	v->paging_changed = false;
}

static bool cr0_is_valid(struct vp *vp, uint64_t value)
{
	struct vmx_vcpu *v = vmx_of(vp);
	bool was_paging = field_get(v, F_CR0) & CR0_PG, code_is_long = field_get(v, F_RIGHTS + SEG_CS) & RIGHTS_LONG;

	if (value >> 32 || ((value & CR0_PG) && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
		return false;
	if (!was_paging && (value & CR0_PG) && (field_get(v, F_EFER) & EFER_LME))
		return (field_get(v, F_CR4) & CR4_PAE) && !code_is_long;
	return (value & CR0_PG) || !was_paging || !vmx_in_long_mode(vp);
}

static enum vp_next write_cr0_for(struct vp *vp, uint64_t value)
{
	if (!cr0_is_valid(vp, value))
		return exit_forbidden(vp);
	cr0_set(vp, value);
	vcpu_flush_guest_tlb(vp);
	return exit_ignored(vp);
}

/* CR4 exits only for VMXE and SMXE, which are not in the CPU we show; CR3 and CR8 never do. */
enum vp_next exit_control_register(struct vp *vp)
{
	uint64_t access = vmx_of(vp)->qualification, old = cr0_of_guest(vp);

	if (ACCESS_CR(access) == 0 && ACCESS_TYPE(access) == TYPE_WRITE)
		return write_cr0_for(vp, (&vp->gprs.rax)[ACCESS_GPR(access)]);
	if (ACCESS_CR(access) == 0 && ACCESS_TYPE(access) == TYPE_LMSW)
		return write_cr0_for(vp, (old & ~LMSW_BITS) | ACCESS_LMSW_SOURCE(access));
	return exit_forbidden(vp);
}
