/* SPDX-License-Identifier: Apache-2.0 */
/* HvCallCreateVp, DeleteVp, Get/SetVpRegisters, TranslateVirtualAddress and DispatchVp. */
#include <abi/hv_register.h>
#include <abi/hv_status.h>
#include <abi/hv_types.h>
#include <hv/hypercall.h>
#include <hv/partition.h>
#include <hv/vp.h>

/* A root VP other than the caller may be in the guest; a child VP says so itself. */
static bool is_stopped(struct vp *caller, const struct vp *vp)
{
	return partition_is_root(vp->partition) ? vp == caller : !vp->running;
}

hv_status_t hc_create_vp(struct hc_call *call)
{
	const struct hv_in_create_vp *in = hc_in(call, struct hv_in_create_vp);
	struct partition *p;
	hv_status_t status;

	if (in->partition_id == HV_PARTITION_ID_SELF || in->partition_id == HV_PARTITION_ROOT)
		return root_create_vp(in);
	status = partition_get_child(in->partition_id, &p);
	if (status != HV_STATUS_SUCCESS)
		return status;
	spin_lock(&p->lock);
	if (p->state != PARTITION_INITIALIZED)
		status = HV_STATUS_INVALID_PARTITION_STATE;
	else if (in->vp_index >= HV_MAX_VPS || p->vps[in->vp_index])
		status = HV_STATUS_INVALID_VP_INDEX;
	else
		status = vp_create(p, in->vp_index);
	stats_partition_changed(p);
	spin_unlock(&p->lock);
	partition_put(p);
	return status;
}

hv_status_t hc_delete_vp(struct hc_call *call)
{
	const struct hv_in_vp *in = hc_in(call, struct hv_in_vp);
	struct partition *p = call->partition;
	struct vp *vp;
	bool running;

	spin_lock(&p->lock);
	vp = partition_vp(p, in->vp_index);
	running = vp && vp->running;
	if (vp && !running)
		p->vps[in->vp_index] = NULL;
	p->cpuid_epoch++;
	spin_unlock(&p->lock);
	if (!vp || running)
		return vp ? HV_STATUS_INVALID_VP_STATE : HV_STATUS_INVALID_VP_INDEX;
	vp_destroy(vp);
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_get_vp_registers(struct hc_call *call)
{
	bool stopped = is_stopped(call->caller, call->vp);
	hv_status_t status = HV_STATUS_SUCCESS;
	struct vp *vp = call->vp;

	if (stopped)
		vp_take_register_page(vp);
	while (status == HV_STATUS_SUCCESS && hc_next_rep(call)) {
		uint32_t name = *(const uint32_t *)hc_rep_in(call);

		status = stopped || vp_register_is_neutral(name) ? vp_get_register(vp, name, hc_rep_out(call)) :
								HV_STATUS_INVALID_VP_STATE;
	}
	return status;
}

/*
 * Elements take effect in list order. The register page follows, so that a later look at it sees what was set; but a VMM asks for
 * a deliverability notification from any thread, while the VP's own thread may be writing the page: that leaves it alone.
 */
hv_status_t hc_set_vp_registers(struct hc_call *call)
{
	bool stopped = is_stopped(call->caller, call->vp), page = false;
	hv_status_t status = HV_STATUS_SUCCESS;
	struct vp *vp = call->vp;

	if (partition_is_root(vp->partition))		/* the root's registers are its own CPUs' */
		return HV_STATUS_ACCESS_DENIED;
	while (status == HV_STATUS_SUCCESS && hc_next_rep(call)) {
		const struct hv_register_assoc *element = hc_rep_in(call);

		if (stopped && !page && element->name != HV_REGISTER_DELIVERABILITY_NOTIFICATIONS) {
			vp_take_register_page(vp);
			page = true;
		}
		status = stopped || vp_register_is_neutral(element->name) ?
			 vp_set_register(vp, element->name, &element->value) : HV_STATUS_INVALID_VP_STATE;
	}
	if (page)
		vp_fill_register_page(vp);
	return status;
}

hv_status_t hc_translate_virtual_address(struct hc_call *call)
{
	const struct hv_in_translate *in = hc_in(call, struct hv_in_translate);
	struct hv_out_translate *out = hc_out(call, struct hv_out_translate);
	struct gva_walk walk;

	if (!is_stopped(call->caller, call->vp))
		return HV_STATUS_INVALID_VP_STATE;
	vp_take_register_page(call->vp);
	vp_translate_gva(call->vp, in->gva_page << PAGE_SHIFT, (unsigned int)in->flags, &walk);
	out->result = walk.result;
	out->gpa_page = walk.gpa.addr >> PAGE_SHIFT;
	return HV_STATUS_SUCCESS;
}

/* The child's own hypercalls reuse this LP's blocks: take the input out first, write the output last. */
hv_status_t hc_dispatch_vp(struct hc_call *call)
{
	const struct hv_in_dispatch_vp in = *hc_in(call, struct hv_in_dispatch_vp);
	struct partition *p = call->partition;
	struct hv_out_dispatch_vp out;
	struct vp *vp;

	spin_lock(&p->lock);
	vp = partition_vp(p, in.vp_index);
	if (!vp || p->state != PARTITION_INITIALIZED || vp->running) {
		spin_unlock(&p->lock);
		return vp ? HV_STATUS_INVALID_VP_STATE : HV_STATUS_INVALID_VP_INDEX;
	}
	vp_run_child(vp, in.flags, &out);
	*hc_out(call, struct hv_out_dispatch_vp) = out;
	return HV_STATUS_SUCCESS;
}
