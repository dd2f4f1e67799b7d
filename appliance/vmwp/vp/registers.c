/* SPDX-License-Identifier: Apache-2.0 */
/* Creates the VPs of a partition in the state a processor has after RESET (Intel SDM 3, 10.1.1); APs wait for SIPI. */
#include "vmwp/vp/vp.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define SEGMENT(b, sel, attr) { .segment = { .base = (b), .limit = 0xffff, .selector = (sel), .attributes = (attr) } }
#define ATTR_DATA	0x93
#define ATTR_CODE	0x9b
#define ATTR_LDT	0x82
#define ATTR_TSS	0x8b
#define CR0_RESET	0x60000010

static const struct hv_register_assoc reset_state[] = {
	{ .name = HV_X64_REGISTER_CR0, .value.reg64 = CR0_RESET },
	{ .name = HV_X64_REGISTER_CS, .value = SEGMENT(0xffff0000, 0xf000, ATTR_CODE) },
	{ .name = HV_X64_REGISTER_DS, .value = SEGMENT(0, 0, ATTR_DATA) },
	{ .name = HV_X64_REGISTER_ES, .value = SEGMENT(0, 0, ATTR_DATA) },
	{ .name = HV_X64_REGISTER_SS, .value = SEGMENT(0, 0, ATTR_DATA) },
	{ .name = HV_X64_REGISTER_FS, .value = SEGMENT(0, 0, ATTR_DATA) },
	{ .name = HV_X64_REGISTER_GS, .value = SEGMENT(0, 0, ATTR_DATA) },
	{ .name = HV_X64_REGISTER_LDTR, .value = SEGMENT(0, 0, ATTR_LDT) },
	{ .name = HV_X64_REGISTER_TR, .value = SEGMENT(0, 0, ATTR_TSS) },
	{ .name = HV_X64_REGISTER_IDTR, .value.table = { .limit = 0xffff } },
	{ .name = HV_X64_REGISTER_GDTR, .value.table = { .limit = 0xffff } },
	{ .name = HV_X64_REGISTER_RIP, .value.reg64 = 0xfff0 },
	{ .name = HV_X64_REGISTER_RFLAGS, .value.reg64 = 2 },
};

static const struct hv_register_assoc wait_for_sipi[] = {
	{ .name = HV_REGISTER_INTERNAL_ACTIVITY_STATE, .value.reg64 = HV_ACTIVITY_STARTUP_SUSPEND },
};

static int vp_power_on(struct vp *vp)
{
	int r = hv_vp_create(vp->machine->partition, vp->index, &vp->hv);

	if (r == 0)
		r = hv_vp_set_registers(vp->hv, reset_state, ARRAY_SIZE(reset_state));
	if (r == 0 && vp->index != 0)
		r = hv_vp_set_registers(vp->hv, wait_for_sipi, ARRAY_SIZE(wait_for_sipi));
	return r;
}

int vps_power_on(struct machine *m)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < m->vp_count; i++)
		r = vp_power_on(m->vps[i]);
	return r;
}

void vps_power_off(struct machine *m)
{
	for (unsigned int i = 0; i < m->vp_count; i++) {
		if (!m->vps[i])
			continue;
		hv_vp_destroy(m->vps[i]->hv);
		m->vps[i]->hv = NULL;
	}
}
