/* SPDX-License-Identifier: Apache-2.0 */
/* Hypervisor CPUID leaves and their bits (TLFS, chapter 2). */
#ifndef HV_ABI_CPUID_H
#define HV_ABI_CPUID_H

#define HV_CPUID_VENDOR			0x40000000
#define HV_CPUID_INTERFACE		0x40000001
#define HV_CPUID_VERSION		0x40000002
#define HV_CPUID_FEATURES		0x40000003
#define HV_CPUID_ENLIGHTENMENTS		0x40000004
#define HV_CPUID_LIMITS			0x40000005
#define HV_CPUID_HARDWARE		0x40000006
#define HV_CPUID_LAST			0x400000ff

#define HV_INTERFACE_SIGNATURE		0x31237648	/* "Hv#1" */

/* FEATURES, EAX: privileges 31:0 */
#define HV_PRIV_VP_RUNTIME		(1ull << 0)
#define HV_PRIV_TIME_REF_COUNT		(1ull << 1)
#define HV_PRIV_SYNIC			(1ull << 2)
#define HV_PRIV_STIMER			(1ull << 3)
#define HV_PRIV_INTR_CTRL		(1ull << 4)
#define HV_PRIV_HYPERCALL		(1ull << 5)
#define HV_PRIV_VP_INDEX		(1ull << 6)
#define HV_PRIV_RESET			(1ull << 7)
#define HV_PRIV_REFERENCE_TSC		(1ull << 9)
#define HV_PRIV_GUEST_IDLE		(1ull << 10)
#define HV_PRIV_FREQUENCY_MSRS		(1ull << 11)
#define HV_PRIV_TSC_INVARIANT		(1ull << 15)
/* FEATURES, EBX: privileges 63:32 */
#define HV_PRIV_CREATE_PARTITIONS	(1ull << 32)
#define HV_PRIV_ACCESS_PARTITION_ID	(1ull << 33)
#define HV_PRIV_ACCESS_MEMORY_POOL	(1ull << 34)
#define HV_PRIV_POST_MESSAGES		(1ull << 36)
#define HV_PRIV_SIGNAL_EVENTS		(1ull << 37)
#define HV_PRIV_CREATE_PORT		(1ull << 38)
#define HV_PRIV_CONNECT_PORT		(1ull << 39)
#define HV_PRIV_ACCESS_STATS		(1ull << 40)
#define HV_PRIV_CPU_MANAGEMENT		(1ull << 44)
#define HV_PRIV_ACCESS_VP_REGISTERS	(1ull << 49)
#define HV_PRIV_START_VP		(1ull << 53)
/* FEATURES, EDX */
#define HV_FEATURE_XMM_INPUT		(1u << 4)
#define HV_FEATURE_FREQUENCY_MSRS	(1u << 8)
#define HV_FEATURE_CRASH_MSRS		(1u << 10)
#define HV_FEATURE_DIRECT_STIMERS	(1u << 19)
/* ENLIGHTENMENTS, EAX */
#define HV_HINT_REMOTE_TLB_FLUSH	(1u << 2)
#define HV_HINT_RELAXED_TIMING		(1u << 5)
#define HV_HINT_AUTO_EOI_DEPRECATED	(1u << 9)
#define HV_HINT_CLUSTER_IPI		(1u << 10)
#define HV_HINT_EX_PROCESSOR_MASKS	(1u << 11)

/* Synthetic processor features: partition property 0x10001 */
#define HV_SYNTH_HYPERVISOR_PRESENT	(1ull << 0)
#define HV_SYNTH_HV1			(1ull << 1)
#define HV_SYNTH_VP_RUNTIME		(1ull << 2)
#define HV_SYNTH_REFERENCE_COUNTER	(1ull << 3)
#define HV_SYNTH_SYNIC			(1ull << 4)
#define HV_SYNTH_STIMERS		(1ull << 5)
#define HV_SYNTH_INTR_CTRL		(1ull << 6)
#define HV_SYNTH_HYPERCALL		(1ull << 7)
#define HV_SYNTH_VP_INDEX		(1ull << 8)
#define HV_SYNTH_REFERENCE_TSC		(1ull << 9)
#define HV_SYNTH_GUEST_IDLE		(1ull << 10)
#define HV_SYNTH_FREQUENCY		(1ull << 11)
#define HV_SYNTH_START_VP		(1ull << 20)
#define HV_SYNTH_DIRECT_STIMERS		(1ull << 22)
#define HV_SYNTH_EX_MASKS		(1ull << 24)
#define HV_SYNTH_TLB_FLUSH		(1ull << 25)
#define HV_SYNTH_CLUSTER_IPI		(1ull << 26)
#define HV_SYNTH_LONG_SPIN_WAIT		(1ull << 27)
#define HV_SYNTH_SIGNAL_EVENTS		(1ull << 29)

#endif
