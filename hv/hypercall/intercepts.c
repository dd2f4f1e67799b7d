/* SPDX-License-Identifier: Apache-2.0 */
/* HvCallInstallIntercept, RegisterInterceptResult, GetVpCpuidValues, Assert- and ClearVirtualInterrupt. */
#include <abi/hv_status.h>
#include <abi/hv_types.h>
#include <hv/cpuid_model.h>
#include <hv/hypercall.h>
#include <hv/hypercall_target.h>
#include <hv/lapic.h>
#include <hv/partition.h>
#include <hv/vp.h>

#define ACCESS_MASK	7u		/* read, write, execute */
#define FIRST_VECTOR	16u

/* One row per MSR; access 0 takes it out. intercepts[MSR_INDEX] says whether there is any row at all. */
static hv_status_t install_msr(struct partition *p, uint32_t msr, uint32_t access)
{
	struct msr_intercept *row = NULL;

	for (unsigned int i = 0; i < MSR_INTERCEPTS; i++)
		if (p->msr_intercepts[i].access && p->msr_intercepts[i].msr == msr)
			row = &p->msr_intercepts[i];
	for (unsigned int i = 0; i < MSR_INTERCEPTS && !row; i++)
		if (!p->msr_intercepts[i].access)
			row = &p->msr_intercepts[i];
	if (!row)
		return HV_STATUS_NO_RESOURCES;
	*row = (struct msr_intercept){ msr, access };
	p->intercepts[HV_INTERCEPT_MSR_INDEX] = 0;
	for (unsigned int i = 0; i < MSR_INTERCEPTS; i++)
		p->intercepts[HV_INTERCEPT_MSR_INDEX] |= p->msr_intercepts[i].access;
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_install_intercept(struct vp *caller, struct hc_call *call)
{
	const struct hv_in_install_intercept *in = hc_in(call, struct hv_in_install_intercept);
	struct partition *p;
	hv_status_t status = partition_get_child(in->partition_id, &p);

	(void)caller;
	if (status != HV_STATUS_SUCCESS)
		return status;
	spin_lock(&p->lock);
	if (in->type >= HV_INTERCEPT_TYPES || (in->access & ~ACCESS_MASK))
		status = HV_STATUS_INVALID_PARAMETER;
	else if (in->type == HV_INTERCEPT_MSR_INDEX)
		status = install_msr(p, (uint32_t)in->parameter, in->access);
	else
		p->intercepts[in->type] = in->access;
	spin_unlock(&p->lock);
	partition_put(p);
	return status;
}

static struct cpuid_record *cpuid_record_find(struct partition *p, uint32_t vp_index, const struct hv_cpuid_result *result)
{
	struct cpuid_record *r = NULL;

	while ((r = records_next(&p->cpuid_results, r)))
		if (r->vp_index == vp_index && r->result.eax == result->eax &&
		    r->result.subleaf_specific == result->subleaf_specific &&
		    (!result->subleaf_specific || r->result.ecx == result->ecx))
			return r;
	return records_add(&p->cpuid_results, &p->pool);
}

hv_status_t hc_register_intercept_result(struct vp *caller, struct hc_call *call)
{
	const struct hv_in_register_intercept_result *in = hc_in(call, struct hv_in_register_intercept_result);
	struct cpuid_record *record;
	struct partition *p;
	hv_status_t status = partition_get_child(in->partition_id, &p);

	(void)caller;
	if (status != HV_STATUS_SUCCESS)
		return status;
	spin_lock(&p->lock);
	if (p->state != PARTITION_INITIALIZED) {
		status = HV_STATUS_INVALID_PARTITION_STATE;
	} else if (in->type != HV_INTERCEPT_CPUID) {
		status = HV_STATUS_INVALID_PARAMETER;
	} else {
		record = cpuid_record_find(p, in->vp_index, &in->cpuid);
		if (record)
			*record = (struct cpuid_record){ .used = 1, .vp_index = in->vp_index, .result = in->cpuid };
		else
			status = HV_STATUS_INSUFFICIENT_MEMORY;
		p->cpuid_epoch++;
	}
	spin_unlock(&p->lock);
	partition_put(p);
	return status;
}

hv_status_t hc_get_vp_cpuid_values(struct vp *caller, struct hc_call *call)
{
	const struct hv_in_get_cpuid_values *in = hc_in(call, struct hv_in_get_cpuid_values);
	struct vp *vp;
	hv_status_t status = target_vp(caller, in->partition_id, in->vp_index, &vp);

	if (status != HV_STATUS_SUCCESS)
		return status;
	if (!vp->lapic || !target_is_stopped(caller, vp))
		status = HV_STATUS_INVALID_VP_STATE;
	while (status == HV_STATUS_SUCCESS && hc_next_rep(call)) {
		const struct hv_cpuid_query *query = hc_rep_in(call);

		cpuid_for_vp(vp, query->eax, query->ecx, hc_rep_out(call));
	}
	target_put(vp);
	return status;
}

static bool interrupt_is_valid(const struct hv_in_assert_interrupt *in)
{
	if (in->type == HV_INTERRUPT_FIXED || in->type == HV_INTERRUPT_LOWEST_PRIORITY)
		return in->vector >= FIRST_VECTOR && in->vector <= 0xff;
	return in->type <= HV_INTERRUPT_LINT1 && in->type != HV_INTERRUPT_SMI && in->type != HV_INTERRUPT_REMOTE_READ &&
	       in->vector <= 0xff;
}

hv_status_t hc_assert_virtual_interrupt(struct vp *caller, struct hc_call *call)
{
	const struct hv_in_assert_interrupt *in = hc_in(call, struct hv_in_assert_interrupt);
	struct partition *p;
	hv_status_t status = partition_get_child(in->partition_id, &p);

	(void)caller;
	if (status != HV_STATUS_SUCCESS)
		return status;
	spin_lock(&p->lock);
	if (!interrupt_is_valid(in) ||
	    !lapic_deliver(p, in->type, in->vector, in->destination, in->logical_mode, in->level_triggered))
		status = HV_STATUS_INVALID_PARAMETER;
	spin_unlock(&p->lock);
	partition_put(p);
	return status;
}

/* Takes back the PIC's interrupt; INVALID_VP_STATE tells the VMM that the guest has it already (or never had one). */
hv_status_t hc_clear_virtual_interrupt(struct vp *caller, struct hc_call *call)
{
	struct partition *p;
	hv_status_t status = partition_get_child(hc_in(call, struct hv_in_partition)->partition_id, &p);

	(void)caller;
	if (status != HV_STATUS_SUCCESS)
		return status;
	status = HV_STATUS_INVALID_VP_STATE;
	spin_lock(&p->lock);
	for (uint32_t i = 0; i < HV_MAX_VPS; i++)
		if (p->vps[i] && p->vps[i]->extint_pending) {
			p->vps[i]->extint_pending = false;
			status = HV_STATUS_SUCCESS;
		}
	spin_unlock(&p->lock);
	partition_put(p);
	return status;
}
