/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VP's registers in the VMCB, by TLFS name, and the switch of what VMRUN leaves alone but VMSAVE and VMLOAD move: FS, GS, TR,
 * LDTR and the syscall MSRs. The root's are live in the CPU whenever hv runs for it.
 */
#include <abi/hv_register.h>
#include <abi/hv_status.h>
#include <arch/svm/svm.h>
#include <arch/x86/cpu.h>
#include <hv/partition.h>
#include <hv/pool.h>
#include <hv/string.h>

struct vmcb_field { uint32_t name; uint16_t offset; };
#define FIELD(name, member) { name, offsetof(struct vmcb, member) }

static const struct vmcb_field plain_fields[] = {
	FIELD(HV_X64_REGISTER_RIP, rip), FIELD(HV_X64_REGISTER_RFLAGS, rflags),
	FIELD(HV_X64_REGISTER_CR0, cr0), FIELD(HV_X64_REGISTER_CR2, cr2), FIELD(HV_X64_REGISTER_CR3, cr3),
	FIELD(HV_X64_REGISTER_CR4, cr4), FIELD(HV_X64_REGISTER_EFER, efer),
	FIELD(HV_X64_REGISTER_DR6, dr6), FIELD(HV_X64_REGISTER_DR7, dr7), FIELD(HV_X64_REGISTER_PAT, pat),
	FIELD(HV_X64_REGISTER_TSC_OFFSET, tsc_offset),
	FIELD(HV_X64_REGISTER_KERNEL_GS_BASE, kernel_gs_base), FIELD(HV_X64_REGISTER_SYSENTER_CS, sysenter_cs),
	FIELD(HV_X64_REGISTER_SYSENTER_EIP, sysenter_eip), FIELD(HV_X64_REGISTER_SYSENTER_ESP, sysenter_esp),
	FIELD(HV_X64_REGISTER_STAR, star), FIELD(HV_X64_REGISTER_LSTAR, lstar), FIELD(HV_X64_REGISTER_CSTAR, cstar),
	FIELD(HV_X64_REGISTER_SFMASK, sfmask),
};

static const struct vmcb_field segment_fields[] = {
	FIELD(HV_X64_REGISTER_ES, es), FIELD(HV_X64_REGISTER_CS, cs), FIELD(HV_X64_REGISTER_SS, ss), FIELD(HV_X64_REGISTER_DS, ds),
	FIELD(HV_X64_REGISTER_FS, fs), FIELD(HV_X64_REGISTER_GS, gs), FIELD(HV_X64_REGISTER_LDTR, ldtr), FIELD(HV_X64_REGISTER_TR, tr),
	FIELD(HV_X64_REGISTER_IDTR, idtr), FIELD(HV_X64_REGISTER_GDTR, gdtr),
};

static void *field_find(struct vmcb *c, const struct vmcb_field *fields, size_t n, uint32_t name)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].name == name)
			return (char *)c + fields[i].offset;
	return NULL;
}

/* What VMSAVE and VMLOAD move, and VMRUN does not. */
static bool is_switched(uint32_t name)
{
	return (name >= HV_X64_REGISTER_FS && name <= HV_X64_REGISTER_TR) ||
	       (name >= HV_X64_REGISTER_KERNEL_GS_BASE && name <= HV_X64_REGISTER_SFMASK &&
		name != HV_X64_REGISTER_APIC_BASE && name != HV_X64_REGISTER_PAT);
}

/* ---- the switch between the root and a child ---- */

static void vmsave(struct vmcb *c)
{
	asm volatile("vmsave %0" : : "a"(virt_to_spa(c).addr) : "memory");
}

static void vmload(struct vmcb *c)
{
	asm volatile("vmload %0" : : "a"(virt_to_spa(c).addr) : "memory");
}

void svm_switch_in(struct vp *vp)
{
	vmsave(vmcb_of(this_lp()->root_vp));
	vmload(vmcb_of(vp));
	switch_in_common(vp);
}

void svm_switch_out(struct vp *vp)
{
	switch_out_common(vp);
	vmsave(vmcb_of(vp));
	vmload(vmcb_of(this_lp()->root_vp));
}

/* The root's are in the CPU unless they were set and it has not run since; a child's only while it is loaded. */
void svm_sync(struct vp *vp)
{
	if (vp->arch->loaded || (partition_is_root(vp->partition) && !svm_of(vp)->reload))
		vmsave(vmcb_of(vp));
}

static void sync_back(struct vp *vp)
{
	if (vp->arch->loaded)
		vmload(vmcb_of(vp));
	else
		svm_of(vp)->reload = true;
}

void svm_load_pending(struct vp *vp)
{
	vmload(vmcb_of(vp));
	svm_of(vp)->reload = false;
}

/* ---- registers by name ---- */

static uint16_t attributes_to_tlfs(uint16_t a)
{
	return (uint16_t)((a & 0xff) | (a & 0xf00) << 4);
}

static uint16_t attributes_from_tlfs(uint16_t a)
{
	return (uint16_t)((a & 0xff) | (a >> 4 & 0xf00));
}

static void segment_get(const struct vmcb_segment *s, uint32_t name, union hv_register_value *v)
{
	if (name == HV_X64_REGISTER_IDTR || name == HV_X64_REGISTER_GDTR) {
		v->table = (struct hv_x64_table_register){ .limit = (uint16_t)s->limit, .base = s->base };
		return;
	}
	v->segment = (struct hv_x64_segment_register){ s->base, s->limit, s->selector, attributes_to_tlfs(s->attributes) };
}

static void segment_set(struct vmcb *c, struct vmcb_segment *s, uint32_t name, const union hv_register_value *v)
{
	if (name == HV_X64_REGISTER_IDTR || name == HV_X64_REGISTER_GDTR) {
		s->limit = v->table.limit;
		s->base = v->table.base;
		return;
	}
	s->base = v->segment.base;
	s->limit = v->segment.limit;
	s->selector = v->segment.selector;
	s->attributes = attributes_from_tlfs(v->segment.attributes);
	if (name == HV_X64_REGISTER_SS)
		c->cpl = s->attributes >> 5 & 3;		/* SVM keeps the CPL apart */
}

uint64_t svm_interrupt_state(struct vp *vp)
{
	return (vmcb_of(vp)->interrupt_shadow & VMCB_SHADOW ? HV_INTERRUPT_STATE_SHADOW : 0) |
	       (svm_of(vp)->nmi_blocked ? HV_INTERRUPT_STATE_NMI_MASKED : 0);
}

void svm_set_interrupt_state(struct vp *vp, uint64_t state)
{
	vmcb_of(vp)->interrupt_shadow = state & HV_INTERRUPT_STATE_SHADOW ? VMCB_SHADOW : 0;
	svm_of(vp)->nmi_blocked = state & HV_INTERRUPT_STATE_NMI_MASKED;
}

hv_status_t svm_get_own_register(struct vp *vp, uint32_t name, union hv_register_value *value)
{
	struct vmcb *c = vmcb_of(vp);
	uint64_t *plain = field_find(c, plain_fields, ARRAY_SIZE(plain_fields), name);
	struct vmcb_segment *segment = field_find(c, segment_fields, ARRAY_SIZE(segment_fields), name);

	if (is_switched(name))
		svm_sync(vp);
	if (plain)
		value->reg64 = name == HV_X64_REGISTER_EFER ? *plain & ~EFER_SVME : *plain;
	else if (segment)
		segment_get(segment, name, value);
	return plain || segment ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PARAMETER;
}

/* Set from outside there was no MOV to CR that flushed the guest's translations. */
static bool changes_paging(uint32_t name)
{
	return name == HV_X64_REGISTER_CR0 || name == HV_X64_REGISTER_CR3 || name == HV_X64_REGISTER_CR4 ||
	       name == HV_X64_REGISTER_EFER || name == HV_X64_REGISTER_PAT;
}

hv_status_t svm_set_own_register(struct vp *vp, uint32_t name, const union hv_register_value *value)
{
	struct vmcb *c = vmcb_of(vp);
	uint64_t *plain = field_find(c, plain_fields, ARRAY_SIZE(plain_fields), name);
	struct vmcb_segment *segment = field_find(c, segment_fields, ARRAY_SIZE(segment_fields), name);

	if (is_switched(name))
		svm_sync(vp);
	vp->arch->flush |= changes_paging(name);
	if (plain)					/* VMRUN insists on SVME; the guest does not see it */
		*plain = name == HV_X64_REGISTER_EFER ? value->reg64 | EFER_SVME : value->reg64;
	else if (segment)
		segment_set(c, segment, name, value);
	if (is_switched(name))
		sync_back(vp);
	return plain || segment ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PARAMETER;
}

void svm_get_frame(struct vp *vp, struct vcpu_frame *f)
{
	const struct vmcb *c = vmcb_of(vp);

	f->rip = c->rip;
	f->rflags = c->rflags;
	f->cr0 = c->cr0;
	f->cr3 = c->cr3;
	f->cr4 = c->cr4;
	f->cr8 = c->int_ctl & INT_CTL_TPR;
	f->efer = c->efer & ~EFER_SVME;
	f->dr7 = c->dr7;
	f->pending_interruption = vcpu_pending_interruption(vp);
	f->interrupt_state = svm_interrupt_state(vp);
	for (unsigned int i = 0; i < 6; i++) {		/* segment_fields begins with ES to GS */
		const struct vmcb_segment *from = (const void *)((const char *)c + segment_fields[i].offset);

		f->segments[i] = (struct hv_x64_segment_register){ from->base, from->limit, from->selector,
								   attributes_to_tlfs(from->attributes) };
	}
}

uint64_t svm_cr0(struct vp *vp)
{
	return vmcb_of(vp)->cr0;
}

uint64_t svm_cr8(struct vp *vp)
{
	return vmcb_of(vp)->int_ctl & INT_CTL_TPR;
}

void svm_set_cr8(struct vp *vp, uint64_t value)
{
	vmcb_of(vp)->int_ctl = (vmcb_of(vp)->int_ctl & ~INT_CTL_TPR) | (value & INT_CTL_TPR);
}

uint64_t svm_rip(struct vp *vp)
{
	return vmcb_of(vp)->rip;
}

void svm_set_rip(struct vp *vp, uint64_t rip)
{
	vmcb_of(vp)->rip = rip;
	vmcb_of(vp)->interrupt_shadow = 0;
}

unsigned int svm_cpl(struct vp *vp)
{
	return vmcb_of(vp)->cpl;
}

bool svm_in_long_mode(struct vp *vp)
{
	return (vmcb_of(vp)->efer & EFER_LMA) && (attributes_to_tlfs(vmcb_of(vp)->cs.attributes) & BIT(13));
}
