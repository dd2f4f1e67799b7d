/* SPDX-License-Identifier: Apache-2.0 */
/* Synthetic MSRs, SynIC, synthetic timers, reference TSC page, doorbell ring (TLFS, chapters 11 and 12). */
#ifndef HV_ABI_SYNIC_H
#define HV_ABI_SYNIC_H

#include "hv_message.h"

#define HV_X64_MSR_GUEST_OS_ID		0x40000000
#define HV_X64_MSR_HYPERCALL		0x40000001
#define HV_X64_MSR_VP_INDEX		0x40000002
#define HV_X64_MSR_RESET		0x40000003
#define HV_X64_MSR_VP_RUNTIME		0x40000010
#define HV_X64_MSR_TIME_REF_COUNT	0x40000020
#define HV_X64_MSR_REFERENCE_TSC	0x40000021
#define HV_X64_MSR_TSC_FREQUENCY	0x40000022
#define HV_X64_MSR_APIC_FREQUENCY	0x40000023
#define HV_X64_MSR_EOI			0x40000070
#define HV_X64_MSR_ICR			0x40000071
#define HV_X64_MSR_TPR			0x40000072
#define HV_X64_MSR_VP_ASSIST_PAGE	0x40000073
#define HV_X64_MSR_SCONTROL		0x40000080
#define HV_X64_MSR_SVERSION		0x40000081
#define HV_X64_MSR_SIEFP		0x40000082
#define HV_X64_MSR_SIMP			0x40000083
#define HV_X64_MSR_EOM			0x40000084
#define HV_X64_MSR_SIRBP		0x40000085
#define HV_X64_MSR_SINT0		0x40000090
#define HV_X64_MSR_SINT15		0x4000009f
#define HV_X64_MSR_STIMER0_CONFIG	0x400000b0
#define HV_X64_MSR_STIMER3_COUNT	0x400000b7
#define HV_X64_MSR_GUEST_IDLE		0x400000f0
#define HV_X64_MSR_CRASH_P0		0x40000100
#define HV_X64_MSR_CRASH_CTL		0x40000105
#define HV_X64_MSR_TSC_INVARIANT_CONTROL 0x40000118

#define HV_MSR_PAGE_ENABLE		1ull	/* HYPERCALL, REFERENCE_TSC, VP_ASSIST, SIMP, SIEFP, SIRBP: 63:12 is the GPFN */
#define HV_MSR_HYPERCALL_LOCKED		2ull

#define HV_SYNIC_SINT_COUNT		16
#define HV_SYNIC_VERSION		1
#define HV_SINT_VECTOR			0xffull
#define HV_SINT_MASKED			(1ull << 16)
#define HV_SINT_AUTO_EOI		(1ull << 17)
#define HV_SINT_POLLING			(1ull << 18)
#define HV_SINT_AS_INTERCEPT		(1ull << 19)
#define HV_SYNIC_INTERCEPTION_SINT	0
#define HV_SYNIC_VMBUS_SINT		2
#define HV_SYNIC_DOORBELL_SINT		5

struct hv_message_page { struct hv_message sint[HV_SYNIC_SINT_COUNT]; };
#define HV_EVENT_FLAGS_COUNT		2048
struct hv_event_flags_page { uint32_t sint[HV_SYNIC_SINT_COUNT][HV_EVENT_FLAGS_COUNT / 32]; };

#define HV_EVENT_RING_ENTRIES		63
struct hv_event_ring {
	uint8_t signal_masked, ring_full;
	uint16_t reserved;
	uint32_t data[HV_EVENT_RING_ENTRIES];
};
struct hv_event_ring_page { struct hv_event_ring sint[HV_SYNIC_SINT_COUNT]; };

#define HV_STIMER_COUNT			4
#define HV_STIMER_ENABLE		(1ull << 0)
#define HV_STIMER_PERIODIC		(1ull << 1)
#define HV_STIMER_AUTO_ENABLE		(1ull << 3)
#define HV_STIMER_VECTOR(config)	(((config) >> 4) & 0xff)
#define HV_STIMER_DIRECT		(1ull << 12)
#define HV_STIMER_SINT(config)		(((config) >> 16) & 0xf)

struct hv_reference_tsc_page {
	uint32_t sequence, reserved;
	uint64_t scale;
	int64_t offset;
};

struct hv_stimer_state {
	uint32_t undelivered, reserved;
	uint64_t config, count, adjustment, undelivered_expiry;
};
struct hv_synthetic_timers_state {
	struct hv_stimer_state timers[HV_STIMER_COUNT];
	uint64_t reserved[5];
};

HV_ASSERT_SIZE(struct hv_message_page, HV_PAGE_SIZE);
HV_ASSERT_SIZE(struct hv_event_flags_page, HV_PAGE_SIZE);
HV_ASSERT_SIZE(struct hv_event_ring_page, HV_PAGE_SIZE);
HV_ASSERT_SIZE(struct hv_synthetic_timers_state, 200);

#endif
