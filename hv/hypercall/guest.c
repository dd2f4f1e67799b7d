/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest asks of its own processors: TLB flushes, IPIs to several VPs, "I am spinning" (hv-abi.md 3.5). */
#include <abi/hv_status.h>
#include <abi/hv_types.h>
#include <hv/hypercall.h>
#include <hv/lapic.h>
#include <hv/lp.h>
#include <hv/partition.h>
#include <hv/string.h>
#include <hv/vp.h>

#define FIRST_VECTOR	0x10u
#define LAST_VECTOR	0xffu
#define VPS_PER_BANK	64u
#define BANKS		((HV_MAX_VPS + VPS_PER_BANK - 1) / VPS_PER_BANK)

struct vp_set { uint64_t banks[BANKS]; };

static bool vp_set_has(const struct vp_set *set, uint32_t index)
{
	return set->banks[index / VPS_PER_BANK] >> index % VPS_PER_BANK & 1;
}

/* TLFS, HV_VP_SET: the variable header has as many banks as the mask names; "all" needs none. What no VP can be is left out. */
static bool vp_set_read(const struct hc_call *call, uint64_t format, uint64_t bank_mask, struct vp_set *set)
{
	unsigned int next = 0;

	memset(set, format == HV_VP_SET_ALL ? 0xff : 0, sizeof(*set));
	if (format == HV_VP_SET_ALL)
		return true;
	for (; bank_mask; bank_mask &= bank_mask - 1, next++) {
		unsigned int bank = (unsigned int)__builtin_ctzll(bank_mask);

		if (next < call->var_qwords && bank < BANKS)
			set->banks[bank] = hc_var(call)[next];
	}
	return format == HV_VP_SET_SPARSE && call->var_qwords == next;
}

/* Both forms begin alike: address space, flags. */
static bool flush_set(const struct hc_call *call, struct vp_set *set)
{
	const struct hv_in_flush_ex *ex = hc_in(call, struct hv_in_flush_ex);
	bool all = ex->flags & HV_FLUSH_ALL_PROCESSORS;

	if (call->row->in == sizeof(*ex))
		return vp_set_read(call, all ? HV_VP_SET_ALL : ex->vp_set_format, ex->valid_bank_mask, set);
	*set = (struct vp_set){ { hc_in(call, struct hv_in_flush)->processor_mask } };
	if (all)
		memset(set, 0xff, sizeof(*set));
	return true;
}

/*
 * Flushes every address of the VPs that are named: more than was asked is always right. A VP that is not in the guest flushes
 * at its next entry; where one is, or may be, its LP leaves the guest before the call returns.
 */
hv_status_t hc_flush(struct hc_call *call)
{
	struct partition *p = call->caller->partition;
	struct vp_set set;
	uint64_t lps = 0;

	if (partition_is_root(p))
		return HV_STATUS_INVALID_HYPERCALL_CODE;
	if (!flush_set(call, &set))
		return HV_STATUS_INVALID_PARAMETER;
	spin_lock(&p->lock);
	for (uint32_t i = 0; i < HV_MAX_VPS; i++) {
		if (!p->vps[i] || !vp_set_has(&set, i))
			continue;
		vcpu_flush_guest_tlb(p->vps[i]);
		lps |= p->vps[i]->running ? BIT(p->vps[i]->lp->index) : 0;
	}
	spin_unlock(&p->lock);
	lp_kick_and_wait(lps);
	call->caller->stats[STAT_FLUSHES]++;
	call->reps_done = call->rep_count;
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_notify_long_spin_wait(struct hc_call *call)
{
	call->caller->stats[STAT_SPIN_WAITS]++;		/* the root's scheduler preempts spinning VPs by itself */
	return HV_STATUS_SUCCESS;
}

static hv_status_t send_ipi(struct partition *p, uint32_t vector, const struct vp_set *set)
{
	if (partition_is_root(p) || vector < FIRST_VECTOR || vector > LAST_VECTOR)
		return HV_STATUS_INVALID_PARAMETER;
	spin_lock(&p->lock);
	for (uint32_t i = 0; i < HV_MAX_VPS; i++)
		if (vp_set_has(set, i) && p->vps[i] && p->vps[i]->lapic)
			lapic_post(p->vps[i]->lapic, (uint8_t)vector, false);
	spin_unlock(&p->lock);
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_send_ipi(struct hc_call *call)
{
	const struct hv_in_send_ipi *in = hc_in(call, struct hv_in_send_ipi);

	return send_ipi(call->caller->partition, in->vector, &(struct vp_set){ { in->processor_mask } });
}

hv_status_t hc_send_ipi_ex(struct hc_call *call)
{
	const struct hv_in_send_ipi_ex *in = hc_in(call, struct hv_in_send_ipi_ex);
	struct vp_set set;

	return vp_set_read(call, in->vp_set_format, in->valid_bank_mask, &set) ?
	       send_ipi(call->caller->partition, in->vector, &set) : HV_STATUS_INVALID_PARAMETER;
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
		if (p->vps[*index] && p->vps[*index]->lapic && p->vps[*index]->lapic->reg[APIC_ID] == apic_id)
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
