/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state records of the VPs (TLFS, chapters 7, 10 to 12): registers by name, then what has no registers. The guest's TSC goes
 * on where it stood: VP 0 gets its value, the others their distance to VP 0, so that they agree as before.
 */
#include "vmwp/vp/vp.h"

#include "vmwp/state.h"

#include <string.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define RECORD_VERSION	1u

/* In the order in which they are set: what others depend on first. */
static const struct { uint32_t first, count; } saved[] = {
	{ HV_X64_REGISTER_XFEM, 1 },
	{ HV_X64_REGISTER_RAX, 18 },			/* ..RFLAGS */
	{ HV_X64_REGISTER_CR0, 5 },			/* CR0, 2, 3, 4, 8 */
	{ HV_X64_REGISTER_DR0, 6 },
	{ HV_X64_REGISTER_ES, 8 },			/* ..TR */
	{ HV_X64_REGISTER_IDTR, 2 },
	{ HV_X64_REGISTER_EFER, 11 },			/* ..SFMASK, the APIC base among them */
	{ HV_X64_REGISTER_MTRR_DEF_TYPE, 1 },
	{ HV_X64_REGISTER_MTRR_PHYS_BASE0, 16 },
	{ HV_X64_REGISTER_MTRR_PHYS_MASK0, 16 },
	{ HV_X64_REGISTER_MTRR_FIX64K00000, 11 },
	{ HV_X64_REGISTER_TSC_AUX, 1 },
	{ HV_X64_REGISTER_DEBUG_CTL, 1 },
	{ HV_X64_REGISTER_XSS, 1 },
	{ HV_X64_REGISTER_TSC_ADJUST, 1 },
	{ HV_X64_REGISTER_MISC_ENABLE, 1 },
	{ HV_REGISTER_GUEST_OS_ID, 1 },			/* before the page that needs it */
	{ HV_REGISTER_HYPERCALL, 1 },
	{ HV_REGISTER_REFERENCE_TSC, 1 },
	{ HV_REGISTER_VP_ASSIST_PAGE, 1 },
	{ HV_REGISTER_SINT0, 17 },			/* ..SCONTROL */
	{ HV_REGISTER_SIEFP, 2 },			/* and SIMP */
	{ HV_REGISTER_INTERRUPT_STATE, 1 },
	{ HV_REGISTER_PENDING_INTERRUPTION, 1 },
	{ HV_REGISTER_INTERNAL_ACTIVITY_STATE, 1 },
};

#define GROUP_MAX	18u

static void value_state(union hv_register_value *value, struct state *s)
{
	state_u64(s, &value->reg128.low_part);
	state_u64(s, &value->reg128.high_part);
}

static void group_state(struct vp *vp, uint32_t first, uint32_t count, struct state *s)
{
	struct hv_register_assoc list[GROUP_MAX];

	memset(list, 0, sizeof(list));
	for (uint32_t i = 0; i < count; i++)
		list[i].name = first + i;
	if (!state_loading(s) && hv_vp_get_registers(vp->hv, list, count) < 0)
		state_refuse(s);
	for (uint32_t i = 0; i < count; i++)
		value_state(&list[i].value, s);
	if (state_loading(s) && !state_error(s) && hv_vp_set_registers(vp->hv, list, count) < 0)
		state_refuse(s);
}

static void blob_state(struct vp *vp, enum hv_vp_blob which, struct state *s)
{
	uint8_t bytes[HV_VP_BLOB_BYTES] = { 0 };

	if (!state_loading(s) && hv_vp_get_blob(vp->hv, which, bytes) < 0)
		state_refuse(s);
	state_bytes(s, bytes, sizeof(bytes));
	if (state_loading(s) && !state_error(s) && hv_vp_set_blob(vp->hv, which, bytes) < 0)
		state_refuse(s);
}

static uint64_t register_get(struct vp *vp, uint32_t name, struct state *s)
{
	struct hv_register_assoc r = { .name = name };

	if (hv_vp_get_registers(vp->hv, &r, 1) < 0)
		state_refuse(s);
	return r.value.reg64;
}

static void register_set(struct vp *vp, uint32_t name, uint64_t value, struct state *s)
{
	struct hv_register_assoc r = { .name = name, .value.reg64 = value };

	if (hv_vp_set_registers(vp->hv, &r, 1) < 0)
		state_refuse(s);
}

static void tsc_state(struct vp *vp, struct state *s)
{
	struct vp *first = vp->machine->vps[0];
	uint64_t tsc = 0, ahead = 0;

	if (!state_loading(s)) {
		tsc = register_get(vp, HV_X64_REGISTER_TSC, s);
		ahead = register_get(vp, HV_X64_REGISTER_TSC_OFFSET, s) - register_get(first, HV_X64_REGISTER_TSC_OFFSET, s);
	}
	state_u64(s, &tsc);
	state_u64(s, &ahead);
	if (!state_loading(s) || state_error(s))
		return;
	if (vp == first)
		register_set(vp, HV_X64_REGISTER_TSC, tsc, s);
	else
		register_set(vp, HV_X64_REGISTER_TSC_OFFSET, register_get(first, HV_X64_REGISTER_TSC_OFFSET, s) + ahead, s);
}

/* The deadline is a value of the TSC; the APIC's timer mode must be there before it. */
static void deadline_state(struct vp *vp, struct state *s)
{
	group_state(vp, HV_X64_REGISTER_TSC_DEADLINE, 1, s);
}

static void vp_state(struct vp *vp, struct state *s)
{
	if (state_record_begin(s, "vp", RECORD_VERSION) == 0)
		return;
	tsc_state(vp, s);
	for (size_t i = 0; i < ARRAY_SIZE(saved); i++)
		group_state(vp, saved[i].first, saved[i].count, s);
	for (unsigned int i = 0; i < HV_VP_BLOBS; i++)
		blob_state(vp, (enum hv_vp_blob)i, s);
	deadline_state(vp, s);
	state_record_end(s);
}

static void partition_state(struct machine *m, struct state *s)
{
	uint64_t time = 0;

	if (state_record_begin(s, "partition", RECORD_VERSION) == 0)
		return;
	if (!state_loading(s) && hv_partition_get_property(m->partition, HV_PROPERTY_REFERENCE_TIME, &time) < 0)
		state_refuse(s);
	state_u64(s, &time);
	if (state_loading(s) && !state_error(s) && hv_partition_set_property(m->partition, HV_PROPERTY_REFERENCE_TIME, time) < 0)
		state_refuse(s);
	state_record_end(s);
}

void vps_state(struct machine *m, struct state *s)
{
	partition_state(m, s);
	for (unsigned int i = 0; i < m->vp_count && !state_error(s); i++)
		vp_state(m->vps[i], s);
}
