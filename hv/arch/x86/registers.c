/* SPDX-License-Identifier: Apache-2.0 */
/* A VP's registers by TLFS name, and its events, as far as both vendors have them alike; what is theirs: their state.c. */
#include <abi/hv_status.h>
#include <arch/x86/vcpu.h>
#include <hv/string.h>

uint64_t vcpu_pending_interruption(struct vp *vp)
{
	uint64_t event = vcpu_event(vp);
	union hv_pending_interruption p = { 0 };

	if (!(event & EVENT_VALID))
		return 0;
	p.pending = 1;
	p.type = EVENT_TYPE(event) & 7;
	p.deliver_error_code = !!(event & EVENT_HAS_ERROR);
	p.vector = EVENT_VECTOR(event);
	p.error_code = EVENT_ERROR(event);
	return p.as_uint64;
}

static void set_pending_interruption(struct vp *vp, union hv_pending_interruption p)
{
	unsigned int type = p.type > HV_INTERRUPTION_SOFTWARE_INTERRUPT ? EVENT_EXCEPTION : p.type;
	uint64_t error = p.deliver_error_code ? EVENT_HAS_ERROR | (uint64_t)p.error_code << 32 : 0;

	vcpu_set_event(vp, 0);
	if (!p.pending)
		return;
	if (type == EVENT_INTERRUPT && vcpu_can_take_interrupt(vp))
		vcpu_inject_interrupt(vp, (uint8_t)p.vector);
	else
		vcpu_set_event(vp, EVENT_MAKE(type, p.vector & 0xff) | error);
}

bool vcpu_event_pending(struct vp *vp)
{
	return vcpu_event(vp) & EVENT_VALID;
}

/* In real mode there are no error codes, and asking for one is an error. */
void vcpu_inject_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error)
{
	has_error &= !!(vcpu_cr0(vp) & CR0_PE);
	vcpu_set_event(vp, EVENT_MAKE(EVENT_EXCEPTION, vector) | (has_error ? EVENT_HAS_ERROR | (uint64_t)error << 32 : 0));
}

static uint64_t own64(struct vp *vp, uint32_t name)
{
	union hv_register_value value = { 0 };

	vcpu_get_own_register(vp, name, &value);
	return value.reg64;
}

/* An intermediate register is what a nested exit would show; there are none. */
static uint32_t final_name(uint32_t name)
{
	bool intermediate = name >= HV_X64_REGISTER_INTERMEDIATE_CR0 && name <= HV_X64_REGISTER_INTERMEDIATE_CR8;

	return intermediate ? name - HV_X64_REGISTER_INTERMEDIATE_CR0 + HV_X64_REGISTER_CR0 : name;
}

hv_status_t vcpu_get_register(struct vp *vp, uint32_t name, union hv_register_value *value)
{
	memset(value, 0, sizeof(*value));
	name = final_name(name);
	switch (name) {
	case HV_X64_REGISTER_CR8:		value->reg64 = vcpu_cr8(vp); return HV_STATUS_SUCCESS;
	case HV_X64_REGISTER_TSC:		value->reg64 = rdtsc() + own64(vp, HV_X64_REGISTER_TSC_OFFSET); return HV_STATUS_SUCCESS;
	case HV_REGISTER_PENDING_INTERRUPTION:	value->reg64 = vcpu_pending_interruption(vp); return HV_STATUS_SUCCESS;
	case HV_REGISTER_INTERRUPT_STATE:	value->reg64 = vcpu_interrupt_state(vp); return HV_STATUS_SUCCESS;
	}
	return switch_get(vp, name, &value->reg64) ? HV_STATUS_SUCCESS : vcpu_get_own_register(vp, name, value);
}

hv_status_t vcpu_set_register(struct vp *vp, uint32_t name, const union hv_register_value *value)
{
	union hv_register_value offset = { .reg64 = value->reg64 - rdtsc() };

	name = final_name(name);
	switch (name) {
	case HV_X64_REGISTER_CR8:		vcpu_set_cr8(vp, value->reg64); return HV_STATUS_SUCCESS;
	case HV_X64_REGISTER_TSC:		return vcpu_set_own_register(vp, HV_X64_REGISTER_TSC_OFFSET, &offset);
	case HV_REGISTER_PENDING_INTERRUPTION:	set_pending_interruption(vp, value->pending_interruption); return HV_STATUS_SUCCESS;
	case HV_REGISTER_INTERRUPT_STATE:	vcpu_set_interrupt_state(vp, value->reg64); return HV_STATUS_SUCCESS;
	}
	return switch_set(vp, name, value->reg64) ? HV_STATUS_SUCCESS : vcpu_set_own_register(vp, name, value);
}
