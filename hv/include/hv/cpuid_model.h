/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CPUID tells a child: the host's answer, less the features its creator disabled, plus the hypervisor leaves its
 * synthetic features grant, changed by registered results (HvCallRegisterInterceptResult), with the bits that follow
 * the VP's state put in last.
 */
#ifndef HV_CPUID_MODEL_H
#define HV_CPUID_MODEL_H

#include <abi/hv_cpuid.h>
#include <abi/hv_hypercall.h>
#include <hv/types.h>

struct vp;
struct partition;

struct cpuid_record {			/* a record of partition->cpuid_results */
	uint32_t used;
	uint32_t vp_index;		/* or HV_ANY_VP */
	struct hv_cpuid_result result;
	uint32_t padding;
};

void cpuid_for_vp(struct vp *vp, uint32_t leaf, uint32_t subleaf, struct hv_cpuid_values *out);
void cpuid_host(uint32_t leaf, uint32_t subleaf, struct hv_cpuid_values *out);
uint64_t cpuid_features(unsigned int bank);		/* partition property PROCESSOR_FEATURES0/1 of this machine */
uint64_t cpuid_xsave_features(void);
void cpuid_set_synthetic_features(struct partition *p, uint64_t features);	/* and the privileges they grant */
uint64_t cpuid_xcr0_mask(void);				/* XCR0 bits a child may set */
bool cpuid_xcr0_is_valid(uint64_t value);		/* hv can load it: SDM 1, 13.3 */

#define HV_SYNTHETIC_OFFERED	(HV_SYNTH_HYPERVISOR_PRESENT | HV_SYNTH_HV1 | HV_SYNTH_VP_RUNTIME | \
	HV_SYNTH_REFERENCE_COUNTER | HV_SYNTH_SYNIC | HV_SYNTH_STIMERS | HV_SYNTH_INTR_CTRL | HV_SYNTH_HYPERCALL | \
	HV_SYNTH_VP_INDEX | HV_SYNTH_REFERENCE_TSC | HV_SYNTH_FREQUENCY | HV_SYNTH_DIRECT_STIMERS | \
	HV_SYNTH_GUEST_IDLE | HV_SYNTH_START_VP | \
	HV_SYNTH_EX_MASKS | HV_SYNTH_TLB_FLUSH | HV_SYNTH_CLUSTER_IPI | HV_SYNTH_LONG_SPIN_WAIT | HV_SYNTH_SIGNAL_EVENTS)

#endif
