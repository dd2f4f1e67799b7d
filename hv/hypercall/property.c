/* SPDX-License-Identifier: Apache-2.0 */
/* Partition properties (hv-abi.md 8.4): a table of what can be read, what can be set, and when. */
#include <abi/hv_cpuid.h>
#include <abi/hv_signal_window.h>
#include <abi/hv_status.h>
#include <hv/cpuid_model.h>
#include <hv/deadline.h>
#include <hv/hypercall.h>
#include <hv/lapic.h>
#include <hv/partition.h>
#include <hv/vp.h>
#include <hv/vp_timers.h>

#define VENDOR_AMD	0
#define VENDOR_INTEL	1
#define COMPATIBILITY	0x609

struct property {
	uint32_t code;
	uint64_t (*get)(struct partition *p);
	hv_status_t (*set)(struct partition *p, uint64_t value);	/* NULL: read only */
	bool early;						/* may be set before initialize, and only then */
};

static uint64_t get_synthetic(struct partition *p)	{ return p->synthetic_features; }
static uint64_t get_time_freeze(struct partition *p)	{ return p->time_frozen; }
static uint64_t get_apic_hz(struct partition *p)	{ (void)p; return LAPIC_HZ; }
static uint64_t get_per_socket(struct partition *p)	{ return p->processors_per_socket; }
static uint64_t get_tracking(struct partition *p)	{ return p->gpa.tracking; }
static uint64_t get_msr_action(struct partition *p)	{ return p->unimplemented_msr_action; }
static uint64_t get_compatibility(struct partition *p)	{ (void)p; return COMPATIBILITY; }
static uint64_t get_tsc_hz(struct partition *p)		{ (void)p; return tsc_hz; }
static uint64_t get_features0(struct partition *p)	{ return cpuid_features(0) & ~p->disabled_features[0]; }
static uint64_t get_features1(struct partition *p)	{ return cpuid_features(1) & ~p->disabled_features[1]; }
static uint64_t get_xsave_features(struct partition *p)	{ return cpuid_xsave_features() & ~p->disabled_xsave; }
static uint64_t get_xsave_states(struct partition *p)	{ (void)p; return cpuid_xcr0_mask(); }
static uint64_t get_xsave_size(struct partition *p)	{ (void)p; return PAGE_SIZE; }
static uint64_t get_os_id(struct partition *p)		{ return p->guest_os_id; }
static uint64_t get_creation_privileges(struct partition *p) { return p->privileges; }

static uint64_t get_vendor(struct partition *p)
{
	struct hv_cpuid_values v;

	(void)p;
	cpuid_host(0, 0, &v);
	return v.ebx == 0x756e6547 ? VENDOR_INTEL : VENDOR_AMD;		/* "Genu" */
}

static uint64_t get_clflush(struct partition *p)
{
	struct hv_cpuid_values v;

	(void)p;
	cpuid_host(1, 0, &v);
	return v.ebx >> 8 & 0xff;
}

static uint64_t get_address_width(struct partition *p)
{
	struct hv_cpuid_values v;

	(void)p;
	cpuid_host(0x80000008, 0, &v);
	return v.eax & 0xff;
}

static hv_status_t set_synthetic(struct partition *p, uint64_t value)
{
	cpuid_set_synthetic_features(p, value & HV_SYNTHETIC_OFFERED);	/* unknown bits are ignored, hv-abi.md 8.4 */
	return HV_STATUS_SUCCESS;
}

/* Timers stand still with the time they count in; a thaw arms them again. */
static hv_status_t set_time_freeze(struct partition *p, uint64_t value)
{
	if (value > 1)
		return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
	partition_freeze_time(p, value);
	for (uint32_t i = 0; i < HV_MAX_VPS && !value; i++)
		if (p->vps[i])
			vp_timers_changed(p->vps[i]);
	return HV_STATUS_SUCCESS;
}

static hv_status_t set_reference_time(struct partition *p, uint64_t value)
{
	partition_set_reference_time(p, value);
	return HV_STATUS_SUCCESS;
}

static hv_status_t set_per_socket(struct partition *p, uint64_t value)
{
	p->processors_per_socket = value;
	return HV_STATUS_SUCCESS;
}

static hv_status_t set_tracking(struct partition *p, uint64_t value)
{
	p->gpa.tracking = value & 1;
	return HV_STATUS_SUCCESS;
}

static hv_status_t set_msr_action(struct partition *p, uint64_t value)
{
	if (value > HV_UNIMPLEMENTED_MSR_IGNORE)
		return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
	p->unimplemented_msr_action = value;
	return HV_STATUS_SUCCESS;
}

/* Accepted and without effect: the frequency a guest is told is fixed, privileges follow the synthetic features. */
static hv_status_t set_fixed(struct partition *p, uint64_t value)
{
	(void)p;
	(void)value;
	return HV_STATUS_SUCCESS;
}

static uint64_t get_signal_window(struct partition *p)	{ (void)p; return HV_SIGNAL_WINDOW_BASE; }
static uint64_t get_reference_time(struct partition *p) { return partition_reference_time(p); }

static const struct property properties[] = {
	{ HV_PROPERTY_PRIVILEGE_FLAGS,		get_creation_privileges, set_fixed,	true },
	{ HV_PROPERTY_SYNTHETIC_FEATURES,	get_synthetic,		set_synthetic,	true },
	{ HV_PROPERTY_TIME_FREEZE,		get_time_freeze,	set_time_freeze, false },
	{ HV_PROPERTY_APIC_FREQUENCY,		get_apic_hz,		set_fixed,	false },
	{ HV_PROPERTY_REFERENCE_TIME,		get_reference_time,	set_reference_time, false },
	{ HV_PROPERTY_PROCESSORS_PER_SOCKET,	get_per_socket,		set_per_socket,	false },
	{ HV_PROPERTY_GPA_ACCESS_TRACKING,	get_tracking,		set_tracking,	false },
	{ HV_PROPERTY_PHYSICAL_ADDRESS_BITS,	get_address_width,	NULL,		false },
	{ HV_PROPERTY_UNIMPLEMENTED_MSR_ACTION,	get_msr_action,		set_msr_action,	false },
	{ HV_PROPERTY_PROCESSOR_VENDOR,		get_vendor,		NULL,		false },
	{ HV_PROPERTY_XSAVE_FEATURES,		get_xsave_features,	NULL,		false },
	{ HV_PROPERTY_CLFLUSH_SIZE,		get_clflush,		NULL,		false },
	{ HV_PROPERTY_COMPATIBILITY_VERSION,	get_compatibility,	NULL,		false },
	{ HV_PROPERTY_PHYSICAL_ADDRESS_WIDTH,	get_address_width,	NULL,		false },
	{ HV_PROPERTY_XSAVE_STATES,		get_xsave_states,	NULL,		false },
	{ HV_PROPERTY_MAX_XSAVE_DATA_SIZE,	get_xsave_size,		NULL,		false },
	{ HV_PROPERTY_PROCESSOR_CLOCK_FREQUENCY, get_tsc_hz,		NULL,		false },
	{ HV_PROPERTY_PROCESSOR_FEATURES0,	get_features0,		NULL,		false },
	{ HV_PROPERTY_PROCESSOR_FEATURES1,	get_features1,		NULL,		false },
	{ HV_PROPERTY_GUEST_OS_ID,		get_os_id,		NULL,		false },
	{ HV_PROPERTY_SIGNAL_WINDOW,		get_signal_window,	NULL,		false },
};

static const struct property *property_find(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
		if (properties[i].code == code)
			return &properties[i];
	return NULL;
}

hv_status_t hc_get_partition_property(struct hc_call *call)
{
	const struct hv_in_get_property *in = hc_in(call, struct hv_in_get_property);
	const struct property *property = property_find(in->property);

	if (!property)
		return HV_STATUS_UNKNOWN_PROPERTY;
	hc_out(call, struct hv_out_property)->value = property->get(call->partition);
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_set_partition_property(struct hc_call *call)
{
	const struct hv_in_set_property *in = hc_in(call, struct hv_in_set_property);
	const struct property *property = property_find(in->property);

	if (!property)
		return HV_STATUS_UNKNOWN_PROPERTY;
	if (!property->set)
		return HV_STATUS_OPERATION_DENIED;
	if (call->partition->state != (property->early ? PARTITION_CREATED : PARTITION_INITIALIZED))
		return HV_STATUS_INVALID_PARTITION_STATE;
	return property->set(call->partition, in->value);
}

hv_status_t hc_get_partition_property_ex(struct hc_call *call)
{
	const struct hv_in_get_property_ex *in = hc_in(call, struct hv_in_get_property_ex);
	struct hv_out_property_ex *out = hc_out(call, struct hv_out_property_ex);

	out->bank_count = 1;
	if (in->property == HV_PROPERTY_VMM_CAPABILITIES)
		out->bank = HV_VMM_CAN_ASSIGN_SYNTHETIC_FEATURES;
	else if (in->property == HV_PROPERTY_ASSIGNABLE_SYNTHETIC_FEATURES)
		out->bank = HV_SYNTHETIC_OFFERED;
	else
		return HV_STATUS_UNKNOWN_PROPERTY;
	return HV_STATUS_SUCCESS;
}
