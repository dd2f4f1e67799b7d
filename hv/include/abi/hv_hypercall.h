/* SPDX-License-Identifier: Apache-2.0 */
/* Hypercall codes, control word and input/output blocks (TLFS, chapter 3 and HV_CALL_CODE). */
#ifndef HV_ABI_HYPERCALL_H
#define HV_ABI_HYPERCALL_H

#include "hv_message.h"
#include "hv_partition.h"

#define HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE	0x0002
#define HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST	0x0003
#define HVCALL_GET_LOGICAL_PROCESSOR_RUN_TIME	0x0004
#define HVCALL_NOTIFY_LONG_SPIN_WAIT		0x0008
#define HVCALL_SEND_IPI				0x000b
#define HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX	0x0013
#define HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX	0x0014
#define HVCALL_SEND_IPI_EX			0x0015
#define HVCALL_CREATE_PARTITION			0x0040
#define HVCALL_INITIALIZE_PARTITION		0x0041
#define HVCALL_FINALIZE_PARTITION		0x0042
#define HVCALL_DELETE_PARTITION			0x0043
#define HVCALL_GET_PARTITION_PROPERTY		0x0044
#define HVCALL_SET_PARTITION_PROPERTY		0x0045
#define HVCALL_GET_PARTITION_ID			0x0046
#define HVCALL_DEPOSIT_MEMORY			0x0048
#define HVCALL_WITHDRAW_MEMORY			0x0049
#define HVCALL_MAP_GPA_PAGES			0x004b
#define HVCALL_UNMAP_GPA_PAGES			0x004c
#define HVCALL_INSTALL_INTERCEPT		0x004d
#define HVCALL_CREATE_VP			0x004e
#define HVCALL_DELETE_VP			0x004f
#define HVCALL_GET_VP_REGISTERS			0x0050
#define HVCALL_SET_VP_REGISTERS			0x0051
#define HVCALL_TRANSLATE_VIRTUAL_ADDRESS	0x0052
#define HVCALL_CLEAR_VIRTUAL_INTERRUPT		0x0056
#define HVCALL_DELETE_PORT			0x0058
#define HVCALL_DISCONNECT_PORT			0x005b
#define HVCALL_POST_MESSAGE			0x005c
#define HVCALL_SIGNAL_EVENT			0x005d
#define HVCALL_MAP_STATS_PAGE			0x006c
#define HVCALL_UNMAP_STATS_PAGE			0x006d
#define HVCALL_SET_SYSTEM_PROPERTY		0x006f
#define HVCALL_ADD_LOGICAL_PROCESSOR		0x0076
#define HVCALL_GET_SYSTEM_PROPERTY		0x007b
#define HVCALL_MAP_DEVICE_INTERRUPT		0x007c
#define HVCALL_UNMAP_DEVICE_INTERRUPT		0x007d
#define HVCALL_RETARGET_INTERRUPT		0x007e
#define HVCALL_ENTER_SLEEP_STATE		0x0084
#define HVCALL_NOTIFY_PARTITION_EVENT		0x0087
#define HVCALL_NOTIFY_PORT_RING_EMPTY		0x008b
#define HVCALL_REGISTER_INTERCEPT_RESULT	0x0091
#define HVCALL_ASSERT_VIRTUAL_INTERRUPT		0x0094
#define HVCALL_CREATE_PORT			0x0095
#define HVCALL_CONNECT_PORT			0x0096
#define HVCALL_START_VIRTUAL_PROCESSOR		0x0099
#define HVCALL_GET_VP_INDEX_FROM_APIC_ID	0x009a
#define HVCALL_SIGNAL_EVENT_DIRECT		0x00c0
#define HVCALL_POST_MESSAGE_DIRECT		0x00c1
#define HVCALL_DISPATCH_VP			0x00c2
#define HVCALL_GET_GPA_PAGES_ACCESS_STATES	0x00c9
#define HVCALL_MAP_VP_STATE_PAGE		0x00e1
#define HVCALL_UNMAP_VP_STATE_PAGE		0x00e2
#define HVCALL_GET_VP_STATE			0x00e3
#define HVCALL_SET_VP_STATE			0x00e4
#define HVCALL_GET_VP_CPUID_VALUES		0x00f4
#define HVCALL_GET_PARTITION_PROPERTY_EX	0x0101
#define HVCALL_DISABLE_HYPERVISOR_EX		0x010f
#define HVCALL_CODE_MAX				0x0110

/* Control word and result */
#define HV_HC_CODE(control)		((control) & 0xffff)
#define HV_HC_FAST			(1ull << 16)
#define HV_HC_VARHEAD(control)		(((control) >> 17) & 0x3ff)	/* qwords */
#define HV_HC_REP_COUNT(control)	(((control) >> 32) & 0xfff)
#define HV_HC_REP_START(control)	(((control) >> 48) & 0xfff)
#define HV_HC_RESERVED			0xf000f000f8000000ull
#define HV_HC_REP_SHIFT			32
#define HV_HC_START_SHIFT		48

struct hv_in_partition { uint64_t partition_id; };
struct hv_out_partition_id { uint64_t partition_id; };

struct hv_in_create_partition {
	uint64_t flags;
	struct hv_proximity proximity;
	uint32_t compatibility_version, padding;
	uint64_t disabled_features[2], disabled_xsave, isolation;
};

struct hv_in_get_property { uint64_t partition_id; uint32_t property, padding; };
struct hv_in_set_property { uint64_t partition_id; uint32_t property, padding; uint64_t value; };
struct hv_in_get_property_ex { uint64_t partition_id; uint32_t property, padding; uint64_t argument; };
struct hv_out_property { uint64_t value; };
struct hv_out_property_ex { uint16_t bank_count, reserved[3]; uint64_t bank; };

struct hv_in_deposit { uint64_t partition_id; };		/* reps: u64 GPFN */
struct hv_in_withdraw { uint64_t partition_id; struct hv_proximity proximity; };

struct hv_in_map_gpa {
	uint64_t partition_id, gpfn;
	uint32_t flags, padding;				/* reps: u64 source GPFN */
};
struct hv_in_unmap_gpa { uint64_t partition_id, gpfn; uint32_t flags, padding; };

#define HV_GPA_CLEAR_ACCESSED	1u
#define HV_GPA_SET_ACCESSED	2u
#define HV_GPA_CLEAR_DIRTY	4u
#define HV_GPA_SET_DIRTY	8u
#define HV_GPA_STATE_ACCESSED	1u
#define HV_GPA_STATE_DIRTY	2u
struct hv_in_access_states { uint64_t partition_id, flags, gpfn; };

struct hv_in_install_intercept {
	uint64_t partition_id;
	uint32_t access, type;
	uint64_t parameter;
};

struct hv_in_create_vp {
	uint64_t partition_id;
	uint32_t vp_index;
	uint8_t padding[3], subnode_type;
	uint64_t subnode_id;
	struct hv_proximity proximity;
	uint64_t flags;
};

struct hv_in_vp { uint64_t partition_id; uint32_t vp_index; uint32_t reserved; };
struct hv_in_vp_registers {					/* reps: u32 names, or struct hv_register_assoc */
	uint64_t partition_id;
	uint32_t vp_index;
	uint8_t target_vtl, reserved[3];
};

#define HV_TRANSLATE_READ	1u
#define HV_TRANSLATE_WRITE	2u
#define HV_TRANSLATE_EXECUTE	4u
#define HV_TRANSLATE_PRIVILEGE_EXEMPT	8u
#define HV_TRANSLATE_SUCCESS		0
#define HV_TRANSLATE_PAGE_NOT_PRESENT	1
#define HV_TRANSLATE_PRIVILEGE_VIOLATION 2
#define HV_TRANSLATE_GPA_UNMAPPED	4
#define HV_TRANSLATE_GPA_NO_READ	5
#define HV_TRANSLATE_GPA_NO_WRITE	6
struct hv_in_translate {
	uint64_t partition_id;
	uint32_t vp_index, padding;
	uint64_t flags, gva_page;
};
struct hv_out_translate {
	uint32_t result;
	uint8_t cache_type, overlay, reserved[2];
	uint64_t gpa_page;
};

struct hv_stats_identity { uint64_t id; uint32_t vp_index; uint8_t reserved[3], area; };	/* id: of the partition, or LP */
struct hv_in_map_stats_page { uint32_t type, padding; struct hv_stats_identity identity; };
struct hv_out_page { uint64_t gpfn; };

struct hv_cpuid_result {
	uint32_t eax, ecx;
	uint8_t subleaf_specific, always_override;
	uint16_t padding;
	struct { uint32_t value, mask; } out[4];		/* EAX, EBX, ECX, EDX */
};
struct hv_in_register_intercept_result {
	uint64_t partition_id;
	uint32_t vp_index, type;
	union {
		struct hv_cpuid_result cpuid;
		struct { uint32_t msr, access, action; } msr_result;
	};
};

struct hv_in_get_cpuid_values {					/* reps: struct hv_cpuid_query */
	uint64_t partition_id;
	uint32_t vp_index, flags;
	uint32_t reserved, padding;
};
struct hv_cpuid_query { uint32_t eax, ecx; uint64_t xfem, xss; };
struct hv_cpuid_values { uint32_t eax, ebx, ecx, edx; };

struct hv_in_assert_interrupt {
	uint64_t partition_id;
	uint32_t type;
	uint32_t level_triggered : 1;
	uint32_t logical_mode : 1;
	uint32_t reserved : 30;
	uint64_t destination;
	uint32_t vector;
	uint8_t target_vtl, padding[3];
};

struct hv_in_create_port {
	uint64_t port_partition;
	uint32_t port_id;
	uint8_t port_vtl, min_vtl;
	uint16_t padding;
	uint64_t connection_partition;
	struct { uint32_t type, padding, sint, vp; uint64_t reserved; } port;
	struct hv_proximity proximity;
};
struct hv_in_delete_port { uint64_t partition_id; uint32_t port_id, reserved; };
struct hv_in_connect_port {
	uint64_t connection_partition;
	uint32_t connection_id;
	uint8_t connection_vtl, padding[3];
	uint64_t port_partition;
	uint32_t port_id, reserved;
	struct { uint32_t type, padding; uint64_t gpa, value, flags; } connection;
	struct hv_proximity proximity;
};
struct hv_in_disconnect_port { uint64_t partition_id; uint32_t connection_id, is_doorbell; };
struct hv_in_ring_empty { uint32_t sint, reserved; };

struct hv_in_post_message {
	uint32_t connection_id, reserved, message_type, payload_size;
	uint8_t payload[HV_MESSAGE_PAYLOAD_SIZE];
};
struct hv_in_signal_event { uint32_t connection_id; uint16_t flag_number, reserved; };

struct hv_in_signal_event_direct {
	uint64_t partition_id;
	uint32_t vp_index;
	uint8_t vtl, sint;
	uint16_t flag_number;
};
struct hv_out_signal_event_direct { uint8_t newly_signaled, reserved[7]; };

struct hv_in_post_message_direct {
	uint64_t partition_id;
	uint32_t vp_index;
	uint8_t vtl, padding[3];
	uint32_t sint;
	uint8_t message[HV_MESSAGE_SIZE];
	uint32_t padding1;
};

struct hv_in_dispatch_vp {
	uint64_t partition_id;
	uint32_t vp_index, flags;
	uint64_t time_slice, spec_ctrl;
};
struct hv_out_dispatch_vp { uint32_t state, event; };

struct hv_in_vp_state_page {
	uint64_t partition_id;
	uint32_t vp_index;
	uint16_t type;
	uint8_t vtl, flags;
	uint64_t requested_gpfn;
};

struct hv_in_vp_state {						/* variable header: u64 PFNs, or bytes on set */
	uint64_t partition_id;
	uint32_t vp_index;
	uint8_t vtl, padding[3];
	uint32_t type, reserved;
	uint64_t xsave_flags, xfem;
};

struct hv_initial_vp_context {					/* HV_INITIAL_VP_CONTEXT */
	uint64_t rip, rsp, rflags;
	struct hv_x64_segment_register cs, ds, es, fs, gs, ss, tr, ldtr;
	struct hv_x64_table_register idtr, gdtr;
	uint64_t efer, cr0, cr3, cr4, pat;
};
struct hv_in_start_vp {
	uint64_t partition_id;
	uint32_t vp_index;
	uint8_t target_vtl, reserved[3];
	struct hv_initial_vp_context context;
};
struct hv_in_get_vp_index { uint64_t partition_id; uint8_t target_vtl, reserved[7]; };	/* reps: u32 APIC ids; u32 indexes out */

#define HV_FLUSH_ALL_PROCESSORS	1ull
struct hv_in_flush {						/* reps of the list forms: u64 GVA ranges */
	uint64_t address_space, flags, processor_mask;
};
struct hv_in_flush_ex { uint64_t address_space, flags, vp_set_format, valid_bank_mask; };
struct hv_in_send_ipi { uint32_t vector, reserved; uint64_t processor_mask; };
struct hv_in_send_ipi_ex { uint32_t vector, reserved; uint64_t vp_set_format, valid_bank_mask; };

/* LAPIC state blob (HV_VP_STATE_LAPIC): packed registers as in HV_X64_INTERRUPT_CONTROLLER_STATE. */
struct hv_lapic_state {
	uint32_t apic_id, version, ldr, dfr, spurious, isr[8], tmr[8], irr[8], esr, icr_high, icr_low;
	uint32_t lvt_timer, lvt_thermal, lvt_perfmon, lvt_lint0, lvt_lint1, lvt_error, lvt_cmci;
	uint32_t error_status, initial_count, counter_value, divide_configuration, remote_read;
};

HV_ASSERT_SIZE(struct hv_in_create_partition, 56);
HV_ASSERT_SIZE(struct hv_in_create_vp, 40);
HV_ASSERT_SIZE(struct hv_in_register_intercept_result, 64);
HV_ASSERT_SIZE(struct hv_cpuid_result, 44);
HV_ASSERT_SIZE(struct hv_in_assert_interrupt, 32);
HV_ASSERT_SIZE(struct hv_in_create_port, 56);
HV_ASSERT_SIZE(struct hv_in_connect_port, 72);
HV_ASSERT_SIZE(struct hv_in_post_message, 256);
HV_ASSERT_SIZE(struct hv_in_post_message_direct, 280);
HV_ASSERT_SIZE(struct hv_in_dispatch_vp, 32);
HV_ASSERT_SIZE(struct hv_in_vp_state, 40);
HV_ASSERT_SIZE(struct hv_in_start_vp, 240);
HV_ASSERT_SIZE(struct hv_in_vp_state_page, 24);
HV_ASSERT_SIZE(struct hv_lapic_state, 44 * 4);

#endif
