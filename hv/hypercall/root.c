/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root's own calls: its processors (all started by hv before it), power, and where its devices' interrupts go. Physical
 * interrupts are the root's as they are, so mapping one is arithmetic (hv-abi.md sections 4 and 5).
 */
#include <abi/hv_root.h>
#include <hv/console.h>
#include <hv/hypercall.h>
#include <hv/lp.h>
#include <hv/partition.h>
#include <hv/root.h>
#include <hv/vp.h>

#define MSI_ADDRESS		0xfee00000u
#define MSI_APIC_ID_SHIFT	12
#define MSI_APIC_ID_MAX		0xff		/* no interrupt remapping: 8 bits of destination */
#define RTE_LEVEL		BIT(15)
#define RTE_APIC_ID_SHIFT	56
#define VPS_PER_BANK		64
#define MSI_APIC_ID(address)	((address) >> MSI_APIC_ID_SHIFT & MSI_APIC_ID_MAX)

static uint64_t unmapped_here[HV_MAX_LPS];	/* the device whose MSI this LP had and has just unmapped; each LP its own */

hv_status_t hc_get_lp_run_time(struct hc_call *call)
{
	if (hc_in(call, struct hv_in_lp)->lp_index >= lp_count)
		return HV_STATUS_INVALID_LP_INDEX;
	hc_out(call, struct hv_out_lp_run_time)->global = tsc_now() / (tsc_hz / 10000000);
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_get_partition_id(struct hc_call *call)
{
	hc_out(call, struct hv_out_partition_id)->partition_id = call->caller->partition->id;
	return HV_STATUS_SUCCESS;
}

/* Every LP runs since boot, so adding one only checks that both sides count the same way. */
hv_status_t hc_add_logical_processor(struct hc_call *call)
{
	const struct lp *lp = lp_get(hc_in(call, struct hv_in_add_lp)->lp_index);

	if (!lp || lp->apic_id != hc_in(call, struct hv_in_add_lp)->apic_id)
		return HV_STATUS_INVALID_LP_INDEX;
	return HV_STATUS_SUCCESS;
}

hv_status_t root_create_vp(const struct hv_in_create_vp *in)
{
	return in->vp_index < lp_count && in->flags == in->vp_index ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_VP_INDEX;
}

hv_status_t hc_get_system_property(struct hc_call *call)
{
	if (hc_in(call, struct hv_in_get_system_property)->property != HV_SYSTEM_PROPERTY_SCHEDULER_TYPE)
		return HV_STATUS_UNKNOWN_PROPERTY;
	hc_out(call, struct hv_out_system_property)->value = HV_SCHEDULER_TYPE_ROOT;
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_set_system_property(struct hc_call *call)
{
	const struct hv_in_set_system_property *in = hc_in(call, struct hv_in_set_system_property);

	if (in->property != HV_SYSTEM_PROPERTY_SLEEP_STATE)
		return HV_STATUS_UNKNOWN_PROPERTY;
	if (!machine_set_sleep_type(in->sleep_state, in->pm1a_sleep_type, in->pm1b_sleep_type))
		return HV_STATUS_INVALID_PARAMETER;
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_enter_sleep_state(struct hc_call *call)
{
	machine_enter_sleep(hc_in(call, struct hv_in_sleep)->state);
	return HV_STATUS_OPERATION_FAILED;		/* it came back */
}

hv_status_t hc_notify_partition_event(struct hc_call *call)
{
	hv_log(LOG_DEBUG, "the root reports event %u\n", hc_in(call, struct hv_in_partition_event)->event);
	return HV_STATUS_SUCCESS;
}

/* Only a crash kernel that knows hv's crash area asks for this, and hv offers none (system property 47). */
hv_status_t hc_disable_hypervisor_ex(struct hc_call *call)
{
	(void)call;
	return HV_STATUS_OPERATION_DENIED;
}

/* The first VP of the set; the root always names exactly one. The variable header is valid_bank_mask, then the banks. */
static struct lp *target_of(const struct hc_call *call)
{
	const uint64_t *var = hc_var(call);

	if (call->var_qwords < 2 || !var[0] || !var[1])
		return NULL;
	return lp_get((uint32_t)(__builtin_ctzll(var[0]) * VPS_PER_BANK + __builtin_ctzll(var[1])));
}

/*
 * The root moves a device's MSI to another LP on the one that had it: interrupts off, it unmaps, maps, and writes the message. It takes
 * that for atomic, as with interrupt remapping, and looks for nothing that went astray (Linux' MSI chip for a Hyper-V root has no
 * irq_retrigger, so what is pending when a processor goes off line is dropped; and an MSI sent between the writes of address and data
 * has the new LP with the old vector). So the new vector is raised once: a device's handler takes a spurious MSI for nothing to do,
 * and it runs after the message is written, because Linux moves an interrupt under the lock its handler takes.
 */
static void raise_moved_interrupt(uint64_t device_id, struct lp *to, uint8_t vector)
{
	uint64_t *unmapped = &unmapped_here[this_lp()->index];

	if (*unmapped == device_id && to != this_lp())
		lp_send_interrupt(to, vector);
	*unmapped = 0;
}

hv_status_t hc_map_device_interrupt(struct hc_call *call)
{
	const struct hv_in_map_device_interrupt *in = hc_in(call, struct hv_in_map_device_interrupt);
	struct hv_interrupt_entry *entry = &hc_out(call, struct hv_out_map_device_interrupt)->entry;
	struct lp *lp = target_of(call);
	uint64_t level = in->descriptor.trigger == HV_INTERRUPT_TRIGGER_LEVEL ? RTE_LEVEL : 0;

	if (in->partition_id != HV_PARTITION_ID_SELF && in->partition_id != call->caller->partition->id)
		return HV_STATUS_INVALID_PARTITION_ID;
	if (!lp || lp->apic_id > MSI_APIC_ID_MAX || in->target.vector < 16 || in->target.vector > 255)
		return HV_STATUS_INVALID_PARAMETER;
	if (HV_DEVICE_TYPE(in->device_id) == HV_DEVICE_IOAPIC) {
		entry->source = HV_INTERRUPT_SOURCE_IOAPIC;
		entry->ioapic_rte = in->target.vector | level | (uint64_t)lp->apic_id << RTE_APIC_ID_SHIFT;
		return HV_STATUS_SUCCESS;
	}
	entry->source = HV_INTERRUPT_SOURCE_MSI;
	entry->msi.address = MSI_ADDRESS | lp->apic_id << MSI_APIC_ID_SHIFT;
	entry->msi.data = in->target.vector;
	raise_moved_interrupt(in->device_id, lp, (uint8_t)in->target.vector);
	return HV_STATUS_SUCCESS;
}

hv_status_t hc_unmap_device_interrupt(struct hc_call *call)
{
	const struct hv_in_unmap_device_interrupt *in = hc_in(call, struct hv_in_unmap_device_interrupt);
	bool was_here = in->entry.source == HV_INTERRUPT_SOURCE_MSI && MSI_APIC_ID(in->entry.msi.address) == this_lp()->apic_id;

	unmapped_here[this_lp()->index] = was_here ? in->device_id : 0;
	return HV_STATUS_SUCCESS;			/* an error would abort the root's affinity change */
}
