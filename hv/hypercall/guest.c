/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest asks of its own processors: TLB flushes, IPIs to several VPs, "I am spinning" (hv-abi.md 3.5). */
#include <abi/hv_status.h>
#include <abi/hv_types.h>
#include <hv/hypercall.h>
#include <hv/lapic.h>
#include <hv/partition.h>
#include <hv/vp.h>

#define FIRST_VECTOR	0x10u
#define LAST_VECTOR	0xffu
#define VPS_PER_BANK	64u

static unsigned int count_bits(uint64_t mask)
{
	unsigned int count = 0;

	for (; mask; mask &= mask - 1)
		count++;
	return count;
}

/* TLFS, HV_VP_SET: as many banks follow as the mask names; "all" needs none. */
static bool vp_set_is_valid(uint64_t format, uint64_t bank_mask, const struct hc_call *call)
{
	return format == HV_VP_SET_ALL || (format == HV_VP_SET_SPARSE && call->var_qwords == count_bits(bank_mask));
}

/*
 * Flushes everything of every VP: more than was asked is always right, and a child's VPs share nothing with others. It works
 * as a change of the GPA space does: every LP that enters a VP of this partition later, or is in one now, flushes.
 */
hv_status_t hc_flush(struct hc_call *call)
{
	struct partition *p = call->caller->partition;

	if (partition_is_root(p))
		return HV_STATUS_INVALID_HYPERCALL_CODE;
	if (call->row->in == sizeof(struct hv_in_flush_ex)) {
		const struct hv_in_flush_ex *in = hc_in(call, struct hv_in_flush_ex);

		if (!vp_set_is_valid(in->vp_set_format, in->valid_bank_mask, call))
			return HV_STATUS_INVALID_PARAMETER;
	}
	__atomic_add_fetch(&p->gpa.generation, 1, __ATOMIC_SEQ_CST);
	gpa_space_flush(&p->gpa, &p->lock);
	call->reps_done = call->rep_count;
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_notify_long_spin_wait(struct hc_call *call)
{
	(void)call;				/* the root's scheduler preempts spinning VPs by itself */
	return HV_STATUS_SUCCESS;
}

static void send_to_bank(struct partition *p, uint32_t bank, uint64_t mask, uint8_t vector)
{
	for (uint32_t i = 0; i < VPS_PER_BANK && bank * VPS_PER_BANK + i < HV_MAX_VPS; i++) {
		struct vp *vp = p->vps[bank * VPS_PER_BANK + i];

		if (vp && vp->lapic && (mask >> i & 1))
			lapic_post(vp->lapic, vector, false);
	}
}

hv_status_t hc_send_ipi(struct hc_call *call)
{
	const struct hv_in_send_ipi *in = hc_in(call, struct hv_in_send_ipi);
	struct partition *p = call->caller->partition;

	if (partition_is_root(p) || in->vector < FIRST_VECTOR || in->vector > LAST_VECTOR)
		return HV_STATUS_INVALID_PARAMETER;
	spin_lock(&p->lock);
	send_to_bank(p, 0, in->processor_mask, (uint8_t)in->vector);
	spin_unlock(&p->lock);
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_send_ipi_ex(struct hc_call *call)
{
	const struct hv_in_send_ipi_ex *in = hc_in(call, struct hv_in_send_ipi_ex);
	bool all = in->vp_set_format == HV_VP_SET_ALL;
	struct partition *p = call->caller->partition;
	unsigned int next = 0;

	if (partition_is_root(p) || in->vector < FIRST_VECTOR || in->vector > LAST_VECTOR ||
	    !vp_set_is_valid(in->vp_set_format, in->valid_bank_mask, call))
		return HV_STATUS_INVALID_PARAMETER;
	spin_lock(&p->lock);
	for (uint32_t bank = 0; bank < 64; bank++)
		if (all)
			send_to_bank(p, bank, ~0ull, (uint8_t)in->vector);
		else if (in->valid_bank_mask >> bank & 1)
			send_to_bank(p, bank, hc_var(call)[next++], (uint8_t)in->vector);
	spin_unlock(&p->lock);
	return HV_STATUS_SUCCESS;
}

/* The new VP starts where the caller says, in the caller's privilege level: as after INIT and SIPI, but in any mode. */
hv_status_t hc_start_vp(struct hc_call *call)
{
	const struct hv_in_start_vp *in = hc_in(call, struct hv_in_start_vp);

	if (in->target_vtl)
		return HV_STATUS_INVALID_PARAMETER;
	return call->vp->lapic && vp_assert_start(call->vp, &in->context) ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_VP_STATE;
}

static bool vp_index_of(struct partition *p, uint32_t apic_id, uint32_t *index)
{
	for (*index = 0; *index < HV_MAX_VPS; ++*index)
		if (p->vps[*index] && p->vps[*index]->lapic && p->vps[*index]->lapic->id == apic_id)
			return true;
	return false;
}

hv_status_t hc_get_vp_index(struct hc_call *call)
{
	while (hc_next_rep(call))
		if (!vp_index_of(call->partition, *(const uint32_t *)hc_rep_in(call), hc_rep_out(call)))
			return HV_STATUS_INVALID_PARAMETER;
	return HV_STATUS_SUCCESS;
}
