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
#define GENUINE_INTEL	0x756e6547u	/* "Genu" */
#define COMPATIBILITY	0x609

/* What `get` answers, else a field of struct partition, else a constant; set by `set`, else a field up to `most`, else read only. */
struct property {
	uint32_t code;
	size_t field;			/* a uint64_t; 0 is the id, which is no property */
	uint64_t constant, most;
	uint64_t (*get)(struct partition *p);
	hv_status_t (*set)(struct partition *p, uint64_t value);
	bool early;			/* set before initialize, and only then */
};

static uint64_t get_time_freeze(struct partition *p)	{ return p->time_frozen; }
static uint64_t get_tracking(struct partition *p)	{ return p->gpa.tracking; }
static uint64_t get_tsc_hz(struct partition *p)		{ (void)p; return tsc_hz; }
static uint64_t get_features0(struct partition *p)	{ return cpuid_features(0) & ~p->disabled_features[0]; }
static uint64_t get_features1(struct partition *p)	{ return cpuid_features(1) & ~p->disabled_features[1]; }
static uint64_t get_xsave_features(struct partition *p)	{ return cpuid_xsave_features() & ~p->disabled_xsave; }
static uint64_t get_xsave_states(struct partition *p)	{ (void)p; return cpuid_xcr0_mask(); }
static uint64_t get_reference_time(struct partition *p) { return partition_reference_time(p); }

static struct hv_cpuid_values host(uint32_t leaf)
{
	struct hv_cpuid_values v;

	cpuid_host(leaf, 0, &v);
	return v;
}

static uint64_t get_vendor(struct partition *p)		{ (void)p; return host(0).ebx == GENUINE_INTEL ? VENDOR_INTEL : VENDOR_AMD; }
static uint64_t get_clflush(struct partition *p)	{ (void)p; return host(1).ebx >> 8 & 0xff; }
static uint64_t get_address_width(struct partition *p)	{ (void)p; return host(0x80000008).eax & 0xff; }

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

static hv_status_t set_tracking(struct partition *p, uint64_t value)
{
	p->gpa.tracking = value & 1;
	return HV_STATUS_SUCCESS;
}

/* Accepted and without effect: the frequency a guest is told is fixed, privileges follow the synthetic features. */
static hv_status_t set_nothing(struct partition *p, uint64_t value)
{
	(void)p;
	(void)value;
	return HV_STATUS_SUCCESS;
}

#define FIELD(name)	.field = offsetof(struct partition, name)
static const struct property properties[] = {
	{ HV_PROPERTY_PRIVILEGE_FLAGS, FIELD(privileges), .set = set_nothing, .early = true },
	{ HV_PROPERTY_SYNTHETIC_FEATURES, FIELD(synthetic_features), .set = set_synthetic, .early = true },
	{ HV_PROPERTY_TIME_FREEZE, .get = get_time_freeze, .set = set_time_freeze },
	{ HV_PROPERTY_APIC_FREQUENCY, .constant = LAPIC_HZ, .set = set_nothing },
	{ HV_PROPERTY_REFERENCE_TIME, .get = get_reference_time, .set = set_reference_time },
	{ HV_PROPERTY_PROCESSORS_PER_SOCKET, FIELD(processors_per_socket), .most = ~0ull },
	{ HV_PROPERTY_GPA_ACCESS_TRACKING, .get = get_tracking, .set = set_tracking },
	{ HV_PROPERTY_PHYSICAL_ADDRESS_BITS, .get = get_address_width },
	{ HV_PROPERTY_UNIMPLEMENTED_MSR_ACTION, FIELD(unimplemented_msr_action), .most = HV_UNIMPLEMENTED_MSR_IGNORE },
	{ HV_PROPERTY_PROCESSOR_VENDOR, .get = get_vendor },
	{ HV_PROPERTY_XSAVE_FEATURES, .get = get_xsave_features },
	{ HV_PROPERTY_CLFLUSH_SIZE, .get = get_clflush },
	{ HV_PROPERTY_COMPATIBILITY_VERSION, .constant = COMPATIBILITY },
	{ HV_PROPERTY_PHYSICAL_ADDRESS_WIDTH, .get = get_address_width },
	{ HV_PROPERTY_XSAVE_STATES, .get = get_xsave_states },
	{ HV_PROPERTY_MAX_XSAVE_DATA_SIZE, .constant = PAGE_SIZE },
	{ HV_PROPERTY_PROCESSOR_CLOCK_FREQUENCY, .get = get_tsc_hz },
	{ HV_PROPERTY_PROCESSOR_FEATURES0, .get = get_features0 },
	{ HV_PROPERTY_PROCESSOR_FEATURES1, .get = get_features1 },
	{ HV_PROPERTY_GUEST_OS_ID, FIELD(guest_os_id) },
	{ HV_PROPERTY_SIGNAL_WINDOW, .constant = HV_SIGNAL_WINDOW_BASE },
};

static const struct property *property_find(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
		if (properties[i].code == code)
			return &properties[i];
	return NULL;
}

static uint64_t *field_of(struct partition *p, const struct property *property)
{
	return (uint64_t *)((char *)p + property->field);
}

hv_status_t hc_get_partition_property(struct hc_call *call)
{
	const struct property *property = property_find(hc_in(call, struct hv_in_get_property)->property);
	struct hv_out_property *out = hc_out(call, struct hv_out_property);

	if (!property)
		return HV_STATUS_UNKNOWN_PROPERTY;
	if (property->get)
		out->value = property->get(call->partition);
	else
		out->value = property->field ? *field_of(call->partition, property) : property->constant;
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_set_partition_property(struct hc_call *call)
{
	const struct hv_in_set_property *in = hc_in(call, struct hv_in_set_property);
	const struct property *property = property_find(in->property);

	if (!property)
		return HV_STATUS_UNKNOWN_PROPERTY;
	if (!property->set && !property->most)
		return HV_STATUS_OPERATION_DENIED;
	if (call->partition->state != (property->early ? PARTITION_CREATED : PARTITION_INITIALIZED))
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (property->set)
		return property->set(call->partition, in->value);
	if (in->value > property->most)
		return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
	*field_of(call->partition, property) = in->value;
	return HV_STATUS_SUCCESS;
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
