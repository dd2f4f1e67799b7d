/* SPDX-License-Identifier: Apache-2.0 */
/* Saves a VP, makes a new partition on the same memory, restores it there. See guest_state.c. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm.h"

#define R(name) HV_X64_REGISTER_##name

/* In the order they are restored: paging before what depends on it, the hypervisor's pages before their content. */
static const struct { uint32_t first, count; } ranges[] = {
	{ R(EFER), 1 }, { R(CR0), 1 }, { R(CR2), 3 }, { R(XFEM), 1 }, { R(RAX), 18 }, { R(DR0), 6 }, { R(ES), 8 }, { R(IDTR), 2 },
	{ R(KERNEL_GS_BASE), 1 }, { R(APIC_BASE), 1 }, { R(PAT), 8 }, { R(MTRR_DEF_TYPE), 1 }, { R(MTRR_PHYS_BASE0), 8 },
	{ R(MTRR_PHYS_MASK0), 8 }, { R(MTRR_FIX64K00000), 11 }, { R(TSC_AUX), 1 }, { R(TSC_ADJUST), 1 }, { R(XSS), 1 },
	{ HV_REGISTER_GUEST_OS_ID, 1 }, { HV_REGISTER_HYPERCALL, 1 }, { HV_REGISTER_VP_ASSIST_PAGE, 1 },
	{ HV_REGISTER_GUEST_CRASH_P0, 5 }, { HV_REGISTER_SCONTROL, 1 }, { HV_REGISTER_SIEFP, 2 }, { HV_REGISTER_SINT0, 16 },
	{ HV_REGISTER_REFERENCE_TSC, 1 }, { R(TSC), 1 }, { HV_REGISTER_PENDING_INTERRUPTION, 2 },
	{ HV_REGISTER_PENDING_EVENT0, 1 }, { HV_REGISTER_INTERNAL_ACTIVITY_STATE, 1 },
};
#define RANGES	(sizeof(ranges) / sizeof(ranges[0]))
#define MOST	32
#define XCOMP_BV_END	527	/* of an XSAVE area: its highest bit says "compacted" (SDM 1, 13.4.2) */

static union hv_register_value saved[RANGES][MOST];
static uint64_t reference_time;
static uint8_t blobs[5][HV_PAGE_SIZE] __attribute__((aligned(4096)));

static int blob(struct vp *vp, unsigned long request, uint8_t type)
{
	struct mshv_get_set_vp_state state = { .type = type, .buf_sz = HV_PAGE_SIZE, .buf_ptr = (uintptr_t)blobs[type] };

	return ioctl(vp->fd, request, &state);
}

static void save(struct vp *vp)
{
	for (size_t i = 0; i < RANGES; i++)
		for (uint32_t n = 0; n < ranges[i].count; n++)
			must(get_register(vp->index, ranges[i].first + n, &saved[i][n]) ? -1 : 0, "get register");
	for (uint8_t type = 0; type < 5; type++)
		claim(blob(vp, MSHV_GET_VP_STATE, type) == 0, "a state blob can be read");
	claim(blobs[MSHV_VP_STATE_XSAVE][XCOMP_BV_END] & 0x80, "extended state comes in the compacted form");
	must(get_property(HV_PROPERTY_REFERENCE_TIME, &reference_time) ? -1 : 0, "reference time");
}

static void restore(struct vp *vp)
{
	must(set_property(HV_PROPERTY_TIME_FREEZE, 1) ? -1 : 0, "freeze");
	must(set_property(HV_PROPERTY_REFERENCE_TIME, reference_time) ? -1 : 0, "set reference time");
	for (size_t i = 0; i < RANGES; i++)
		for (uint32_t n = 0; n < ranges[i].count; n++)
			must(set_register(vp->index, ranges[i].first + n, saved[i][n]) ? -1 : 0, "set register");
	for (uint8_t type = 0; type < 5; type++)
		claim(blob(vp, MSHV_SET_VP_STATE, type) == 0, "a state blob can be written");
	must(set_property(HV_PROPERTY_TIME_FREEZE, 0) ? -1 : 0, "thaw");
}

/* The register page says where to go on: the save must see what the port's handler has put there. */
static void state_ask(struct vp *vp, struct ask *a)
{
	claim_equal(set_property(HV_PROPERTY_TIME_FREEZE, 1), 0, "time stands still for the save");
	save(vp);
	a->result[0] = 0;
	move_to_new_partition(vp, restore);
}

const struct test test_state = {
	.name = "state", .guest = GUEST_STATE, .vps = 1, .ask = state_ask,
	.features = HV_SYNTH_REFERENCE_TSC | HV_SYNTH_STIMERS | HV_SYNTH_DIRECT_STIMERS | HV_SYNTH_INTR_CTRL | HV_SYNTH_FREQUENCY,
};
