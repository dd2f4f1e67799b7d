/* SPDX-License-Identifier: Apache-2.0 */
/* HvCallCreatePartition, Initialize, Finalize and Delete: a child's life as the driver drives it (hv-abi.md 3.4, 3.6). */
#include <abi/hv_status.h>
#include <hv/hypercall.h>
#include <hv/partition.h>
#include <hv/stats.h>
#include <hv/vp.h>

#define FLAGS_SUPPORTED	(HV_CREATE_SMT_ENABLED | HV_CREATE_GPA_SUPER_PAGES | HV_CREATE_EXO | HV_CREATE_LAPIC | \
			 HV_CREATE_INTERCEPT_PAGE | HV_CREATE_X2APIC)

hv_status_t hc_create_partition(struct hc_call *call)
{
	const struct hv_in_create_partition *in = hc_in(call, struct hv_in_create_partition);
	struct partition *p;
	hv_status_t status;

	if ((in->flags & ~FLAGS_SUPPORTED) || !(in->flags & HV_CREATE_LAPIC) || in->isolation)
		return HV_STATUS_INVALID_PARAMETER;
	status = partition_create(&p);
	if (status != HV_STATUS_SUCCESS)
		return status;
	p->creation_flags = in->flags;
	p->disabled_features[0] = in->disabled_features[0];
	p->disabled_features[1] = in->disabled_features[1];
	p->disabled_xsave = in->disabled_xsave;
	hc_out(call, struct hv_out_partition_id)->partition_id = p->id;
	stats_hypervisor_changed();
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_initialize_partition(struct hc_call *call)
{
	struct partition *p = call->partition;

	return p->state == PARTITION_CREATED ? partition_initialize(p) : HV_STATUS_INVALID_PARTITION_STATE;
}

static bool some_vp_runs(struct partition *p)
{
	for (uint32_t i = 0; i < HV_MAX_VPS; i++)
		if (p->vps[i] && p->vps[i]->running)
			return true;
	return false;
}

hv_status_t hc_finalize_partition(struct hc_call *call)
{
	struct partition *p = call->partition;
	bool possible;

	spin_lock(&p->lock);
	possible = p->state == PARTITION_INITIALIZED && !some_vp_runs(p);
	if (possible)
		p->state = PARTITION_FINALIZED;		/* from here on no VP can be created or dispatched */
	spin_unlock(&p->lock);
	if (!possible)
		return HV_STATUS_INVALID_PARTITION_STATE;
	partition_finalize(p);
	return HV_STATUS_SUCCESS;
}

/* Whatever was deposited and not withdrawn would be lost to the root, so a pool that is not empty is refused. */
hv_status_t hc_delete_partition(struct hc_call *call)
{
	if (call->partition->state == PARTITION_INITIALIZED || call->partition->pool.total_pages)
		return HV_STATUS_INVALID_PARTITION_STATE;
	partition_remove(call->partition);
	stats_hypervisor_changed();
	return HV_STATUS_SUCCESS;
}
