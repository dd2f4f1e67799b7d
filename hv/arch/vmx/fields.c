/* SPDX-License-Identifier: Apache-2.0 */
/* The VP's registers as a cache over its VMCS: vmx.h says why. */
#include <arch/vmx/vmx.h>

static const uint16_t encodings[F_COUNT] = {
	[F_RIP] = VMCS_GUEST_RIP, [F_RSP] = VMCS_GUEST_RSP, [F_RFLAGS] = VMCS_GUEST_RFLAGS, [F_CR0] = VMCS_GUEST_CR0,
	[F_CR3] = VMCS_GUEST_CR3, [F_CR4] = VMCS_GUEST_CR4, [F_DR7] = VMCS_GUEST_DR7, [F_PAT] = VMCS_GUEST_PAT,
	[F_EFER] = VMCS_GUEST_EFER, [F_DEBUGCTL] = VMCS_GUEST_DEBUGCTL, [F_SYSENTER_CS] = VMCS_GUEST_SYSENTER_CS,
	[F_SYSENTER_ESP] = VMCS_GUEST_SYSENTER_ESP, [F_SYSENTER_EIP] = VMCS_GUEST_SYSENTER_EIP,
	[F_INTERRUPTIBILITY] = VMCS_GUEST_INTERRUPTIBILITY, [F_ACTIVITY] = VMCS_GUEST_ACTIVITY,
#define FOUR(to, from) [to] = (from), [(to) + 1] = (from) + 2, [(to) + 2] = (from) + 4, [(to) + 3] = (from) + 6
#define EIGHT(to, from) FOUR(to, from), FOUR((to) + 4, (from) + 8)
	FOUR(F_PDPTE, VMCS_GUEST_PDPTE0),
	EIGHT(F_SELECTOR, VMCS_GUEST_ES), EIGHT(F_LIMIT, VMCS_GUEST_ES_LIMIT),
	EIGHT(F_RIGHTS, VMCS_GUEST_ES_RIGHTS), EIGHT(F_BASE, VMCS_GUEST_ES_BASE),
	[F_GDTR_LIMIT] = VMCS_GUEST_GDTR_LIMIT, [F_IDTR_LIMIT] = VMCS_GUEST_IDTR_LIMIT,
	[F_GDTR_BASE] = VMCS_GUEST_GDTR_BASE, [F_IDTR_BASE] = VMCS_GUEST_IDTR_BASE,
	[F_CR0_SHADOW] = VMCS_CR0_SHADOW, [F_CR4_SHADOW] = VMCS_CR4_SHADOW, [F_TSC_OFFSET] = VMCS_TSC_OFFSET,
	[F_PIN_CONTROLS] = VMCS_PIN_CONTROLS, [F_CPU_CONTROLS] = VMCS_CPU_CONTROLS, [F_TPR_THRESHOLD] = VMCS_TPR_THRESHOLD,
};

static bool is_current(const struct vmx_vcpu *v)
{
	return vmx_lp(this_lp())->current == v;
}

/* A root VP that another LP runs cannot be read from here: then its last known value must do. */
uint64_t field_get(struct vmx_vcpu *v, unsigned int field)
{
	if (!(v->known & BIT(field)) && is_current(v)) {
		v->value[field] = vmcs_read(encodings[field]);
		v->known |= BIT(field);
	}
	return v->value[field];
}

void field_set(struct vmx_vcpu *v, unsigned int field, uint64_t value)
{
	if ((v->known & BIT(field)) && v->value[field] == value)
		return;
	v->value[field] = value;
	v->known |= BIT(field);
	v->dirty |= BIT(field);
}

void fields_write_dirty(struct vmx_vcpu *v)
{
	for (; v->dirty; v->dirty &= v->dirty - 1) {
		unsigned int field = (unsigned int)__builtin_ctzll(v->dirty);

		vmcs_write(encodings[field], v->value[field]);
	}
}

void fields_forget(struct vmx_vcpu *v)
{
	v->known &= ~(BIT(F_FIRST_OURS) - 1);
}

void fields_read_all(struct vmx_vcpu *v)
{
	for (unsigned int field = 0; field < F_COUNT; field++)
		field_get(v, field);
}
