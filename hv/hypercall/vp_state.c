/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VP state pages (register page, intercept message) and Get/SetVpState blobs. A page the root sees is a
 * deposited one, shown at its own address because Linux takes its struct page (hv-abi.md 3.6), and goes back to its pool.
 */
#include <abi/hv_status.h>
#include <abi/hv_synic.h>
#include <abi/hv_vp_page.h>
#include <hv/hypercall.h>
#include <hv/lapic.h>
#include <hv/partition.h>
#include <hv/string.h>
#include <hv/synic.h>
#include <hv/vp.h>

#include "xsave_blob.h"

/* State pages */

static void **state_page_slot(struct vp *vp, uint16_t type)
{
	if (type == HV_VP_STATE_PAGE_REGISTERS)
		return (void **)&vp->register_page;
	return type == HV_VP_STATE_PAGE_INTERCEPT_MESSAGE ? (void **)&vp->intercept_page : NULL;
}

static hv_status_t state_page_map(struct vp *vp, void **slot)
{
	struct pool *pool = &vp->partition->pool;
	void *page = *slot ? *slot : pool_alloc_page(pool);
	hv_status_t status = page ? root_page_show(page) : HV_STATUS_INSUFFICIENT_MEMORY;

	if (status == HV_STATUS_SUCCESS)
		*slot = page;
	else if (page && !*slot)
		pool_free_page(pool, page);
	return status;
}

hv_status_t hc_map_vp_state_page(struct hc_call *call)
{
	const struct hv_in_vp_state_page *in = hc_in(call, struct hv_in_vp_state_page);
	struct vp *vp = call->vp;
	void **slot = state_page_slot(vp, in->type);
	hv_status_t status = slot && vp->lapic && !vp->running ? state_page_map(vp, slot) : HV_STATUS_INVALID_PARAMETER;

	if (status != HV_STATUS_SUCCESS)
		return status;
	vp_fill_register_page(vp);
	hc_out(call, struct hv_out_page)->gpfn = virt_to_spa(*slot).addr >> PAGE_SHIFT;
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_unmap_vp_state_page(struct hc_call *call)
{
	const struct hv_in_vp_state_page *in = hc_in(call, struct hv_in_vp_state_page);
	struct partition *p = call->partition;
	void **slot, *page = NULL;
	struct vp *vp;

	spin_lock(&p->lock);
	vp = partition_vp(p, in->vp_index);
	slot = vp ? state_page_slot(vp, in->type) : NULL;
	if (slot && !vp->running) {
		page = *slot;
		*slot = NULL;
	}
	spin_unlock(&p->lock);
	root_page_hide(page, &p->pool);
	if (!vp)
		return HV_STATUS_INVALID_VP_INDEX;
	return page ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PARAMETER;
}

void vp_unmap_state_pages(struct vp *vp)
{
	root_page_hide(vp->register_page, &vp->partition->pool);
	root_page_hide(vp->intercept_page, &vp->partition->pool);
	vp->register_page = NULL;
	vp->intercept_page = NULL;
}

/* State blobs: whole pages of the root's memory, named by PFN, or the timers inline */

static hv_status_t blob_get(struct vp *vp, uint32_t type, void *page)
{
	switch (type) {
	case HV_VP_STATE_LAPIC:	lapic_get_state(vp->lapic, page); return HV_STATUS_SUCCESS;
	case HV_VP_STATE_XSAVE:	xsave_blob_get(vp, page); return HV_STATUS_SUCCESS;
	case HV_VP_STATE_SIMP:	memcpy(page, vp->synic->messages, PAGE_SIZE); return HV_STATUS_SUCCESS;
	case HV_VP_STATE_SIEFP:	memcpy(page, vp->synic->flags, PAGE_SIZE); return HV_STATUS_SUCCESS;
	}
	return HV_STATUS_INVALID_PARAMETER;
}

static hv_status_t blob_set(struct vp *vp, uint32_t type, void *page)
{
	struct hv_lapic_state lapic;

	switch (type) {
	case HV_VP_STATE_LAPIC:
		memcpy(&lapic, page, sizeof(lapic));
		lapic_set_state(vp->lapic, &lapic);
		return HV_STATUS_SUCCESS;
	case HV_VP_STATE_XSAVE:	return xsave_blob_set(vp, page);
	case HV_VP_STATE_SIMP:	memcpy(vp->synic->messages, page, PAGE_SIZE); return HV_STATUS_SUCCESS;
	case HV_VP_STATE_SIEFP:	memcpy(vp->synic->flags, page, PAGE_SIZE); return HV_STATUS_SUCCESS;
	}
	return HV_STATUS_INVALID_PARAMETER;
}

static bool root_page_copy(uint64_t gpfn, void *page, bool to_root)
{
	gpa_t gpa = { gpfn << PAGE_SHIFT };
	bool ok;

	spin_lock(&root_partition.lock);
	ok = gpfn < 1ull << 40 && partition_copy(&root_partition, gpa, page, PAGE_SIZE, to_root);
	spin_unlock(&root_partition.lock);
	return ok;
}

/* Every blob here fits one page; a VMM may bring more. `bounce` is the call's input block, which is used up by now. */
static hv_status_t blob_transfer(struct vp *vp, struct hc_call *call, bool set)
{
	uint32_t type = hc_in(call, struct hv_in_vp_state)->type;
	uint64_t gpfn = call->var_qwords ? hc_var(call)[0] : ~0ull;
	void *bounce = call->in;
	hv_status_t status;

	if (set)
		return root_page_copy(gpfn, bounce, false) ? blob_set(vp, type, bounce) : HV_STATUS_INVALID_PARAMETER;
	memset(bounce, 0, PAGE_SIZE);
	status = blob_get(vp, type, bounce);
	if (status == HV_STATUS_SUCCESS && !root_page_copy(gpfn, bounce, true))
		status = HV_STATUS_INVALID_PARAMETER;
	return status;
}

hv_status_t hc_get_vp_state(struct hc_call *call)
{
	if (hc_in(call, struct hv_in_vp_state)->type != HV_VP_STATE_SYNTHETIC_TIMERS)
		return blob_transfer(call->vp, call, false);
	stimer_get_state(call->vp->synic, hc_out(call, struct hv_synthetic_timers_state));
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_set_vp_state(struct hc_call *call)
{
	if (hc_in(call, struct hv_in_vp_state)->type != HV_VP_STATE_SYNTHETIC_TIMERS)
		return blob_transfer(call->vp, call, true);
	if (call->var_qwords * 8 < sizeof(struct hv_synthetic_timers_state))
		return HV_STATUS_INVALID_PARAMETER;
	stimer_set_state(call->vp->synic, (const struct hv_synthetic_timers_state *)(const void *)hc_var(call));
	return HV_STATUS_SUCCESS;
}
