/* SPDX-License-Identifier: Apache-2.0 */
/* HvCallInstallIntercept, RegisterInterceptResult, GetVpCpuidValues, Assert- and ClearVirtualInterrupt. */
#include <abi/hv_status.h>
#include <abi/hv_types.h>
#include <hv/cpuid_model.h>
#include <hv/hypercall.h>
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

hv_status_t hc_install_intercept(struct hc_call *call)
{
	const struct hv_in_install_intercept *in = hc_in(call, struct hv_in_install_intercept);

	if (in->type >= HV_INTERCEPT_TYPES || (in->access & ~ACCESS_MASK))
		return HV_STATUS_INVALID_PARAMETER;
	if (in->type == HV_INTERCEPT_MSR_INDEX)
		return install_msr(call->partition, (uint32_t)in->parameter, in->access);
	call->partition->intercepts[in->type] = in->access;
	return HV_STATUS_SUCCESS;
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

hv_status_t hc_register_intercept_result(struct hc_call *call)
{
	const struct hv_in_register_intercept_result *in = hc_in(call, struct hv_in_register_intercept_result);
	struct partition *p = call->partition;
	struct cpuid_record *record;

	if (p->state != PARTITION_INITIALIZED)
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (in->type != HV_INTERCEPT_CPUID)
		return HV_STATUS_INVALID_PARAMETER;
	record = cpuid_record_find(p, in->vp_index, &in->cpuid);
	if (!record)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	*record = (struct cpuid_record){ .used = 1, .vp_index = in->vp_index, .result = in->cpuid };
	p->cpuid_epoch++;
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_get_vp_cpuid_values(struct hc_call *call)
{
	while (hc_next_rep(call)) {
		const struct hv_cpuid_query *query = hc_rep_in(call);

		cpuid_for_vp(call->vp, query->eax, query->ecx, hc_rep_out(call));
	}
	return HV_STATUS_SUCCESS;
}

static bool interrupt_is_valid(const struct hv_in_assert_interrupt *in)
{
	if (in->type == HV_INTERRUPT_FIXED || in->type == HV_INTERRUPT_LOWEST_PRIORITY)
		return in->vector >= FIRST_VECTOR && in->vector <= 0xff;
	return in->type <= HV_INTERRUPT_LINT1 && in->type != HV_INTERRUPT_SMI && in->type != HV_INTERRUPT_REMOTE_READ &&
	       in->vector <= 0xff;
}

hv_status_t hc_assert_virtual_interrupt(struct hc_call *call)
{
	const struct hv_in_assert_interrupt *in = hc_in(call, struct hv_in_assert_interrupt);

	if (!interrupt_is_valid(in) ||
	    !lapic_deliver(call->partition, in->type, in->vector, in->destination, in->logical_mode, in->level_triggered))
		return HV_STATUS_INVALID_PARAMETER;
	return HV_STATUS_SUCCESS;
}

/* Takes back the PIC's interrupt; INVALID_VP_STATE tells the VMM that the guest has it already (or never had one). */
hv_status_t hc_clear_virtual_interrupt(struct hc_call *call)
{
	struct partition *p = call->partition;
	hv_status_t status = HV_STATUS_INVALID_VP_STATE;

	for (uint32_t i = 0; i < HV_MAX_VPS; i++)
		if (p->vps[i] && p->vps[i]->extint_pending) {
			p->vps[i]->extint_pending = false;
			status = HV_STATUS_SUCCESS;
		}
	return status;
}
