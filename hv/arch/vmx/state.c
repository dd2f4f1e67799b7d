/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VP's registers by TLFS name, and the switch of what neither the VMCS nor arch/x86/switch.c moves: the syscall MSRs, CR2 and
 * DR6. Those are in the CPU while `loaded`: a root VP always but for the time a child runs on its LP.
 */
#include <abi/hv_register.h>
#include <abi/hv_status.h>
#include <arch/vmx/vmx.h>
#include <hv/deadline.h>
#include <hv/partition.h>
#include <hv/string.h>

#define CHILD_TURNS_PER_SECOND	100	/* events.c says why a turn ends */
#define RIGHTS_PRESENT		BIT(7)
#define RIGHTS_LONG		BIT(13)
#define RIGHTS_ACCESSED		BIT(0)
#define RIGHTS_MEMORY		BIT(4)		/* code or data */
#define RIGHTS_KNOWN		0xf0ffull
#define RFLAGS_KNOWN		0x3f7fd5ull
#define SHADOW			(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)

static const struct { uint32_t name; uint8_t field; } plain_fields[] = {
	{ HV_X64_REGISTER_RIP, F_RIP }, { HV_X64_REGISTER_RFLAGS, F_RFLAGS }, { HV_X64_REGISTER_CR3, F_CR3 },
	{ HV_X64_REGISTER_EFER, F_EFER }, { HV_X64_REGISTER_DR7, F_DR7 },
	{ HV_X64_REGISTER_PAT, F_PAT }, { HV_X64_REGISTER_TSC_OFFSET, F_TSC_OFFSET }, { HV_X64_REGISTER_SYSENTER_CS, F_SYSENTER_CS },
	{ HV_X64_REGISTER_SYSENTER_EIP, F_SYSENTER_EIP }, { HV_X64_REGISTER_SYSENTER_ESP, F_SYSENTER_ESP },
};

static const struct { uint32_t name, msr; } msrs[VMX_MSRS] = {
	{ HV_X64_REGISTER_STAR, MSR_STAR }, { HV_X64_REGISTER_LSTAR, MSR_LSTAR }, { HV_X64_REGISTER_CSTAR, MSR_CSTAR },
	{ HV_X64_REGISTER_SFMASK, MSR_SFMASK }, { HV_X64_REGISTER_KERNEL_GS_BASE, MSR_KERNEL_GS_BASE },
};

/* ---- the switch between the root and a child ---- */

void vmx_save_msrs(struct vp *vp)
{
	struct vmx_vcpu *v = vmx_of(vp);

	for (unsigned int i = 0; i < VMX_MSRS; i++)
		v->msr[i] = rdmsr(msrs[i].msr);
	v->cr2 = read_cr2();
	v->dr6 = read_dr6();
	v->common.loaded = false;
}

void vmx_load_msrs(struct vp *vp)
{
	struct vmx_vcpu *v = vmx_of(vp);

	for (unsigned int i = 0; i < VMX_MSRS; i++)
		wrmsr_safe(msrs[i].msr, v->msr[i]);	/* a VMM may have set what the CPU refuses */
	write_cr2(v->cr2);
	write_dr6(v->dr6);
	v->common.loaded = true;
}

void vmx_switch_in(struct vp *vp)
{
	vmx_save_msrs(this_lp()->root_vp);
	switch_in_common(vp);
	vmx_load_msrs(vp);
	vmx_of(vp)->turn_end = tsc_now() + tsc_hz / CHILD_TURNS_PER_SECOND;
}

/* With its VMCS cleared and all fields known the VP is ready to be looked at, and run, on any LP; the root's is current again. */
void vmx_switch_out(struct vp *vp)
{
	struct vmx_vcpu *v = vmx_of(vp), *root = vmx_of(this_lp()->root_vp);

	switch_out_common(vp);
	vmx_save_msrs(vp);
	vmx_load_msrs(this_lp()->root_vp);
	if (vmx_lp(this_lp())->current != v)
		return;				/* it was never entered */
	fields_read_all(v);
	fields_write_dirty(v);
	vmx_clear(v);
	vmx_make_current(root);
}

/* ---- registers by name ---- */

static bool is_segment(uint32_t name)
{
	return name >= HV_X64_REGISTER_ES && name <= HV_X64_REGISTER_TR;
}

static struct hv_x64_segment_register segment_get(struct vmx_vcpu *v, unsigned int i)
{
	uint64_t rights = field_get(v, F_RIGHTS + i);

	if (rights & RIGHTS_UNUSABLE)
		rights &= ~(RIGHTS_UNUSABLE | RIGHTS_PRESENT);
	return (struct hv_x64_segment_register){ field_get(v, F_BASE + i), (uint32_t)field_get(v, F_LIMIT + i),
						 (uint16_t)field_get(v, F_SELECTOR + i), (uint16_t)rights };
}

/* VM entry is stricter than segment loads are: what is not present is "unusable", what is, has been accessed. */
static void segment_set(struct vmx_vcpu *v, unsigned int i, const struct hv_x64_segment_register *s)
{
	uint64_t rights = s->attributes & RIGHTS_KNOWN;

	if (!(rights & RIGHTS_PRESENT) && i != SEG_TR)
		rights |= RIGHTS_UNUSABLE;
	if (rights & RIGHTS_MEMORY)
		rights |= RIGHTS_ACCESSED;
	if (i == SEG_TR)
		rights |= RIGHTS_PRESENT | 2;		/* busy */
	field_set(v, F_SELECTOR + i, s->selector);
	field_set(v, F_BASE + i, s->base);
	field_set(v, F_LIMIT + i, s->limit);
	field_set(v, F_RIGHTS + i, rights);
}

uint64_t vmx_interrupt_state(struct vp *vp)
{
	uint64_t blocked = field_get(vmx_of(vp), F_INTERRUPTIBILITY);

	return (blocked & SHADOW ? HV_INTERRUPT_STATE_SHADOW : 0) | (blocked & BLOCKED_BY_NMI ? HV_INTERRUPT_STATE_NMI_MASKED : 0);
}

void vmx_set_interrupt_state(struct vp *vp, uint64_t state)
{
	field_set(vmx_of(vp), F_INTERRUPTIBILITY, (state & HV_INTERRUPT_STATE_SHADOW ? BLOCKED_BY_MOV_SS : 0) |
						  (state & HV_INTERRUPT_STATE_NMI_MASKED ? BLOCKED_BY_NMI : 0));
}

static uint64_t *msr_slot(struct vmx_vcpu *v, uint32_t name, uint32_t *msr)
{
	for (unsigned int i = 0; i < VMX_MSRS; i++)
		if (msrs[i].name == name) {
			*msr = msrs[i].msr;
			return &v->msr[i];
		}
	return NULL;
}

static const uint8_t *plain_field(uint32_t name)
{
	for (size_t i = 0; i < ARRAY_SIZE(plain_fields); i++)
		if (plain_fields[i].name == name)
			return &plain_fields[i].field;
	return NULL;
}

static hv_status_t special_get(struct vp *vp, uint32_t name, uint64_t *value)
{
	struct vmx_vcpu *v = vmx_of(vp);

	switch (name) {
	case HV_X64_REGISTER_CR0:	*value = cr0_of_guest(vp); return HV_STATUS_SUCCESS;
	case HV_X64_REGISTER_CR4:	*value = cr4_of_guest(vp); return HV_STATUS_SUCCESS;
	case HV_X64_REGISTER_CR2:	*value = v->common.loaded ? read_cr2() : v->cr2; return HV_STATUS_SUCCESS;
	case HV_X64_REGISTER_DR6:	*value = v->common.loaded ? read_dr6() : v->dr6; return HV_STATUS_SUCCESS;
	}
	return HV_STATUS_INVALID_PARAMETER;
}

static hv_status_t special_set(struct vp *vp, uint32_t name, uint64_t value)
{
	struct vmx_vcpu *v = vmx_of(vp);

	switch (name) {
	case HV_X64_REGISTER_CR0:	cr0_set(vp, value); return HV_STATUS_SUCCESS;
	case HV_X64_REGISTER_CR4:	cr4_set(vp, value); return HV_STATUS_SUCCESS;
	case HV_X64_REGISTER_CR2:
		v->cr2 = value;
		if (v->common.loaded)
			write_cr2(value);
		return HV_STATUS_SUCCESS;
	case HV_X64_REGISTER_DR6:
		v->dr6 = (uint32_t)value;
		if (v->common.loaded)
			write_dr6(v->dr6);
		return HV_STATUS_SUCCESS;
	}
	return HV_STATUS_INVALID_PARAMETER;
}

hv_status_t vmx_get_own_register(struct vp *vp, uint32_t name, union hv_register_value *value)
{
	struct vmx_vcpu *v = vmx_of(vp);
	const uint8_t *plain = plain_field(name);
	uint32_t msr;
	uint64_t *slot = msr_slot(v, name, &msr);

	if (plain)
		value->reg64 = field_get(v, *plain);
	else if (slot)
		value->reg64 = v->common.loaded ? rdmsr(msr) : *slot;
	else if (is_segment(name))
		value->segment = segment_get(v, name - HV_X64_REGISTER_ES);
	else if (name == HV_X64_REGISTER_GDTR)
		value->table = (struct hv_x64_table_register){ .limit = (uint16_t)field_get(v, F_GDTR_LIMIT), .base = field_get(v, F_GDTR_BASE) };
	else if (name == HV_X64_REGISTER_IDTR)
		value->table = (struct hv_x64_table_register){ .limit = (uint16_t)field_get(v, F_IDTR_LIMIT), .base = field_get(v, F_IDTR_BASE) };
	else
		return special_get(vp, name, &value->reg64);
	return HV_STATUS_SUCCESS;
}

static void set_plain(struct vmx_vcpu *v, uint8_t field, uint64_t value)
{
	field_set(v, field, field == F_RFLAGS ? (value & RFLAGS_KNOWN) | 2 : value);
	if (field == F_CR3 || field == F_EFER)
		v->paging_changed = true;
}

static void set_msr(struct vmx_vcpu *v, uint64_t *slot, uint32_t msr, uint64_t value)
{
	*slot = value;
	if (v->common.loaded)
		wrmsr_safe(msr, value);
}

hv_status_t vmx_set_own_register(struct vp *vp, uint32_t name, const union hv_register_value *value)
{
	struct vmx_vcpu *v = vmx_of(vp);
	const uint8_t *plain = plain_field(name);
	hv_status_t status = HV_STATUS_SUCCESS;
	uint32_t msr;
	uint64_t *slot = msr_slot(v, name, &msr);

	if (plain) {
		set_plain(v, *plain, value->reg64);
	} else if (slot) {
		set_msr(v, slot, msr, value->reg64);
	} else if (is_segment(name)) {
		segment_set(v, name - HV_X64_REGISTER_ES, &value->segment);
	} else if (name == HV_X64_REGISTER_GDTR) {
		field_set(v, F_GDTR_LIMIT, value->table.limit);
		field_set(v, F_GDTR_BASE, value->table.base);
	} else if (name == HV_X64_REGISTER_IDTR) {
		field_set(v, F_IDTR_LIMIT, value->table.limit);
		field_set(v, F_IDTR_BASE, value->table.base);
	} else {
		status = special_set(vp, name, value->reg64);
	}
	v->common.flush |= v->paging_changed || name == HV_X64_REGISTER_PAT;	/* no MOV to CR did it */
	return status;
}

void vmx_get_frame(struct vp *vp, struct vcpu_frame *f)
{
	struct vmx_vcpu *v = vmx_of(vp);

	f->rip = field_get(v, F_RIP);
	f->rflags = field_get(v, F_RFLAGS);
	f->cr0 = cr0_of_guest(vp);
	f->cr3 = field_get(v, F_CR3);
	f->cr4 = cr4_of_guest(vp);
	f->cr8 = vmx_cr8(vp);
	f->efer = field_get(v, F_EFER);
	f->dr7 = field_get(v, F_DR7);
	f->pending_interruption = vcpu_pending_interruption(vp);
	f->interrupt_state = vmx_interrupt_state(vp);
	for (unsigned int i = 0; i < ARRAY_SIZE(f->segments); i++)
		f->segments[i] = segment_get(v, i);
}

uint64_t vmx_cr0(struct vp *vp)
{
	return cr0_of_guest(vp);
}

uint64_t vmx_rip(struct vp *vp)
{
	return field_get(vmx_of(vp), F_RIP);
}

void vmx_set_rip(struct vp *vp, uint64_t rip)
{
	struct vmx_vcpu *v = vmx_of(vp);

	field_set(v, F_RIP, rip);
	field_set(v, F_INTERRUPTIBILITY, field_get(v, F_INTERRUPTIBILITY) & ~SHADOW);
}

unsigned int vmx_cpl(struct vp *vp)
{
	return field_get(vmx_of(vp), F_RIGHTS + SEG_SS) >> 5 & 3;
}

bool vmx_in_long_mode(struct vp *vp)
{
	return (field_get(vmx_of(vp), F_EFER) & EFER_LMA) && (field_get(vmx_of(vp), F_RIGHTS + SEG_CS) & RIGHTS_LONG);
}
