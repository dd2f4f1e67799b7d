/* SPDX-License-Identifier: Apache-2.0 */
/* SynIC messages and the intercept messages a parent receives (TLFS, HV_MESSAGE_TYPE; layouts in docs of the same name). */
#ifndef HV_ABI_MESSAGE_H
#define HV_ABI_MESSAGE_H

#include "hv_register.h"

#define HV_MESSAGE_SIZE			256
#define HV_MESSAGE_PAYLOAD_SIZE		240
#define HV_MESSAGE_FLAG_PENDING		1

enum hv_message_type {
	HVMSG_NONE				= 0,
	HVMSG_UNMAPPED_GPA			= 0x80000000,
	HVMSG_GPA_INTERCEPT			= 0x80000001,
	HVMSG_TIMER_EXPIRED			= 0x80000010,
	HVMSG_INVALID_VP_REGISTER_VALUE		= 0x80000020,
	HVMSG_UNRECOVERABLE_EXCEPTION		= 0x80000021,
	HVMSG_UNSUPPORTED_FEATURE		= 0x80000022,
	HVMSG_HYPERCALL_INTERCEPT		= 0x80000050,
	HVMSG_SYNIC_SINT_INTERCEPT		= 0x80000061,
	HVMSG_SYNIC_SINT_DELIVERABLE		= 0x80000062,
	HVMSG_SCHEDULER_VP_SIGNAL_PAIR		= 0x80000101,
	HVMSG_X64_IO_PORT_INTERCEPT		= 0x80010000,
	HVMSG_X64_MSR_INTERCEPT			= 0x80010001,
	HVMSG_X64_APIC_EOI			= 0x80010004,
};

struct hv_message_header {
	uint32_t message_type;
	uint8_t payload_size;
	uint8_t message_flags;
	uint8_t reserved[2];
	uint64_t sender;		/* or the port */
};

struct hv_message {
	struct hv_message_header header;
	uint8_t payload[HV_MESSAGE_PAYLOAD_SIZE];
};

#define HV_INTERCEPT_ACCESS_READ	0
#define HV_INTERCEPT_ACCESS_WRITE	1
#define HV_INTERCEPT_ACCESS_EXECUTE	2

union hv_x64_vp_execution_state {
	uint16_t as_uint16;
	struct {
		uint16_t cpl : 2;
		uint16_t cr0_pe : 1;
		uint16_t cr0_am : 1;
		uint16_t efer_lma : 1;
		uint16_t debug_active : 1;
		uint16_t interruption_pending : 1;
		uint16_t vtl : 4;
		uint16_t enclave_mode : 1;
		uint16_t interrupt_shadow : 1;
		uint16_t virtualization_fault_active : 1;
		uint16_t reserved : 2;
	};
};

struct hv_x64_intercept_header {
	uint32_t vp_index;
	uint8_t instruction_length : 4;
	uint8_t cr8 : 4;
	uint8_t access_type;
	union hv_x64_vp_execution_state execution_state;
	struct hv_x64_segment_register cs;
	uint64_t rip, rflags;
};

#define HV_MEMORY_GVA_VALID	1
#define HV_MEMORY_GVA_GPA_VALID	2
struct hv_x64_memory_intercept_message {
	struct hv_x64_intercept_header header;
	uint32_t cache_type;
	uint8_t instruction_byte_count;
	uint8_t memory_access_info;
	uint8_t tpr_priority;
	uint8_t reserved;
	uint64_t gva, gpa;
	uint8_t instruction_bytes[16];
};

struct hv_x64_io_port_intercept_message {
	struct hv_x64_intercept_header header;
	uint16_t port;
	uint8_t access_size : 3;
	uint8_t string_op : 1;
	uint8_t rep_prefix : 1;
	uint8_t reserved : 3;
	uint8_t instruction_byte_count;
	uint32_t reserved1;
	uint64_t rax;
	uint8_t instruction_bytes[16];
	struct hv_x64_segment_register ds, es;
	uint64_t rcx, rsi, rdi;
};

struct hv_x64_msr_intercept_message {
	struct hv_x64_intercept_header header;
	uint32_t msr, reserved;
	uint64_t rdx, rax;
};

struct hv_x64_hypercall_intercept_message {
	struct hv_x64_intercept_header header;
	uint64_t rax, rbx, rcx, rdx, r8, rsi, rdi;
	struct hv_u128 xmm[6];
	uint32_t flags, reserved[3];
};

struct hv_x64_unrecoverable_exception_message { struct hv_x64_intercept_header header; };
struct hv_invalid_vp_register_message { uint32_t vp_index, reserved; };
struct hv_unsupported_feature_message { uint32_t vp_index, feature_code; uint64_t parameter; };
struct hv_x64_apic_eoi_message { uint32_t vp_index, vector; };

struct hv_sint_deliverable_message {
	struct hv_x64_intercept_header header;
	uint16_t deliverable_sints;
	uint16_t reserved[3];
};

struct hv_timer_message_payload {
	uint32_t timer_index, reserved;
	uint64_t expiration_time, delivery_time;
};

#define HV_SIGNAL_PAIR_MAX	19
struct hv_vp_signal_pair_message {
	uint32_t overflow_count;
	uint8_t vp_count;
	uint8_t reserved1[3];
	uint64_t partition_ids[HV_SIGNAL_PAIR_MAX];
	uint32_t vp_indexes[HV_SIGNAL_PAIR_MAX];
	uint8_t reserved2[4];
};

struct hv_sint_intercept_message { uint32_t sint_index; };

HV_ASSERT_SIZE(struct hv_message, HV_MESSAGE_SIZE);
HV_ASSERT_SIZE(struct hv_x64_intercept_header, 40);
HV_ASSERT_SIZE(struct hv_x64_memory_intercept_message, 80);
HV_ASSERT_SIZE(struct hv_x64_io_port_intercept_message, 128);
HV_ASSERT_SIZE(struct hv_x64_hypercall_intercept_message, 208);
HV_ASSERT_SIZE(struct hv_vp_signal_pair_message, HV_MESSAGE_PAYLOAD_SIZE);

#endif
