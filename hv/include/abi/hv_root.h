/* SPDX-License-Identifier: Apache-2.0 */
/* Input and output blocks of the calls only a root partition makes: processors, power, device interrupts (TLFS; hv-abi.md 3.3, 5.1). */
#ifndef HV_ABI_ROOT_H
#define HV_ABI_ROOT_H

#include "hv_types.h"

struct hv_in_lp { uint32_t lp_index, padding; };
struct hv_out_lp_run_time { uint64_t global, local, reserved, hypervisor; };

struct hv_in_add_lp { uint32_t lp_index, apic_id; struct hv_proximity proximity; };
struct hv_out_add_lp { uint64_t startup_status[7]; };

#define HV_SYSTEM_PROPERTY_SLEEP_STATE		3
#define HV_SYSTEM_PROPERTY_SCHEDULER_TYPE	15
#define HV_SCHEDULER_TYPE_ROOT			4
struct hv_in_get_system_property { uint32_t property, padding; uint64_t argument; };
struct hv_out_system_property { uint64_t value; };
struct hv_in_set_system_property {
	uint32_t property, reserved;
	uint32_t sleep_state;
	uint8_t pm1a_sleep_type, pm1b_sleep_type, padding[2];
};

struct hv_in_sleep { uint32_t state, padding; };
struct hv_in_partition_event { uint32_t event, padding; };

#define HV_INTERRUPT_SOURCE_MSI		1
#define HV_INTERRUPT_SOURCE_IOAPIC	2
struct hv_interrupt_entry {
	uint32_t source, reserved;
	union {
		struct { uint32_t address, data; } msi;
		uint64_t ioapic_rte;
	};
};

#define HV_DEVICE_TYPE(id)		((id) >> 62)
#define HV_DEVICE_IOAPIC		2
#define HV_INTERRUPT_TRIGGER_LEVEL	1
struct hv_in_map_device_interrupt {
	uint64_t partition_id, device_id;
	uint32_t flags, base_index;
	struct hv_interrupt_entry logical;
	struct { uint32_t type, trigger, vector_count, reserved; } descriptor;
	struct { uint32_t vector, flags; uint64_t set_format; } target;	/* then valid_bank_mask and banks: the variable header */
};
struct hv_out_map_device_interrupt { struct hv_interrupt_entry entry; uint64_t extended[5]; };
struct hv_in_unmap_device_interrupt {
	uint64_t partition_id, device_id;
	struct hv_interrupt_entry entry;
	uint32_t flags, padding;
};

HV_ASSERT_SIZE(struct hv_in_map_device_interrupt, 72);
HV_ASSERT_SIZE(struct hv_out_map_device_interrupt, 56);

#endif
