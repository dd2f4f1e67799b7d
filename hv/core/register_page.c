/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VP register page (hv-abi.md 6.5): filled when a VP stops, its dirty classes taken over before the VP runs again and
 * before a register hypercall looks, so that whoever wrote last wins. The VMM can write the page at any time: every
 * field is read once and only the classes marked dirty are read at all.
 */
#include <abi/hv_vp_page.h>
#include <hv/string.h>
#include <hv/vp.h>
#include <hv/xsave.h>

void vp_fill_register_page(struct vp *vp)
{
	struct hv_vp_register_page *page = vp->register_page;
	struct vcpu_frame f;

	if (!page)
		return;
	vcpu_get_frame(vp, &f);
	memcpy(page->gprs, &vp->gprs, sizeof(page->gprs));
	memcpy(page->xmm, vp->xsave_area->xmm, sizeof(page->xmm));
	memcpy(page->segments, f.segments, sizeof(page->segments));
	page->rip = f.rip;
	page->rflags = f.rflags;
	page->cr0 = f.cr0;
	page->cr3 = f.cr3;
	page->cr4 = f.cr4;
	page->cr8 = f.cr8;
	page->efer = f.efer;
	page->dr7 = f.dr7;
	page->pending_interruption.as_uint64 = f.pending_interruption;
	page->interrupt_state = f.interrupt_state;
	page->instruction_emulation_hints = vp->msrs.emulation_hints;
	page->xfem = vp->xcr0;
	page->version = HV_REGISTER_PAGE_VERSION;
	page->dirty = 0;
	page->isvalid = 1;
}

static void take_registers(struct vp *vp, const struct hv_vp_register_page *page, uint32_t dirty)
{
	union hv_register_value value = { 0 };

	if (dirty & BIT(HV_REGISTER_CLASS_GENERAL))
		memcpy(&vp->gprs, page->gprs, sizeof(vp->gprs));
	if (dirty & BIT(HV_REGISTER_CLASS_IP))
		vcpu_set_rip(vp, page->rip);
	if (dirty & BIT(HV_REGISTER_CLASS_FLAGS))
		vp_set_register64(vp, HV_X64_REGISTER_RFLAGS, page->rflags);
	for (unsigned int i = 0; i < 6 && (dirty & BIT(HV_REGISTER_CLASS_XMM)); i++) {
		value.reg128 = page->xmm[i];
		vp_set_register(vp, HV_X64_REGISTER_XMM0 + i, &value);
	}
	for (unsigned int i = 0; i < 6 && (dirty & BIT(HV_REGISTER_CLASS_SEGMENT)); i++) {
		value.segment = page->segments[i];
		vcpu_set_register(vp, HV_X64_REGISTER_ES + i, &value);
	}
}

void vp_take_register_page(struct vp *vp)
{
	struct hv_vp_register_page *page = vp->register_page;
	uint32_t dirty = page ? __atomic_exchange_n(&page->dirty, 0, __ATOMIC_ACQUIRE) : 0;

	if (dirty)
		take_registers(vp, page, dirty);
}
