/* SPDX-License-Identifier: Apache-2.0 */
/* A child's CPUID: host leaves made safe, hypervisor leaves, registered results, dynamic bits. See cpuid_model.h. */
#include <abi/hv_cpuid.h>
#include <abi/hv_types.h>
#include <hv/cpuid_model.h>
#include <hv/intercept.h>
#include <hv/lapic.h>
#include <hv/lp.h>
#include <hv/message.h>
#include <hv/partition.h>
#include <hv/root.h>

#define HYPERVISOR_BUILD	27744		/* inside Linux' window of known builds, hv-abi.md 1.1 */
#define XCR0_SSE		2ull
#define XCR0_AVX		4ull
#define XCR0_AVX512		0xe0ull
#define XCR0_CHILD		0xe7ull		/* x87, SSE, AVX and AVX-512: what one save page holds */

void cpuid_host(uint32_t leaf, uint32_t subleaf, struct hv_cpuid_values *out)
{
	__asm__ volatile("cpuid" : "=a" (out->eax), "=b" (out->ebx), "=c" (out->ecx), "=d" (out->edx)
				 : "a" (leaf), "c" (subleaf));
}

uint64_t cpuid_xcr0_mask(void)
{
	struct hv_cpuid_values v;

	cpuid_host(0xd, 0, &v);
	return (v.eax & XCR0_CHILD) | 1;
}

bool cpuid_xcr0_is_valid(uint64_t value)
{
	if ((value & ~cpuid_xcr0_mask()) || !(value & 1) || ((value & XCR0_AVX) && !(value & XCR0_SSE)))
		return false;
	return !(value & XCR0_AVX512) || ((value & XCR0_AVX512) == XCR0_AVX512 && (value & XCR0_AVX));
}

static uint32_t vp_count(const struct partition *p)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < HV_MAX_VPS; i++)
		count += p->vps[i] != NULL;
	return count ? count : 1;
}

static uint32_t id_bits(uint32_t count)
{
	return count > 1 ? 32 - (uint32_t)__builtin_clz(count - 1) : 0;
}

/* What a feature leaf keeps of the host: everything needing MSRs or exits that hv does not provide is off. */
static void mask_features(uint32_t leaf, uint32_t subleaf, struct hv_cpuid_values *v)
{
	static const struct { uint32_t leaf, subleaf; struct hv_cpuid_values keep; } rows[] = {
		/* not DTES64, MONITOR, DS-CPL, VMX, SMX, EST, TM2, CNXT-ID, SDBG, xTPR, PDCM, DCA; not DS, ACPI, TM, PBE */
		{ 1, 0, { ~0u, 0x0000ff00, ~0x0004cdfcu, ~0xa0600000u } },
		/* not SGX, MPX, RDT, PT; of ECX and EDX only what is plain instructions */
		{ 7, 0, { 0, ~0x0200d004u, 0x1a405f46, 0x0000451c } },
		/* not SVM, extended APIC space, OSVW, IBS, SKINIT, WDT, LWP, TCE, NodeId, topology, counters, DBX, MWAITX */
		{ 0x80000001, 0, { ~0u, ~0u, ~0x7dcab60cu, ~0u } },
		{ 0x80000007, 0, { 0, 0, 0, 0x100 } },
		/* CLZERO, saved error pointers, WBNOINVD; no speculation controls yet: their MSRs are not switched */
		{ 0x80000008, 0, { ~0u, 0x00000205, 0, 0 } },
		{ 0x80000021, 0, { 0x44, 0, 0, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].leaf != leaf || rows[i].subleaf != subleaf)
			continue;
		v->eax &= rows[i].keep.eax;
		v->ebx &= rows[i].keep.ebx;
		v->ecx &= rows[i].keep.ecx;
		v->edx &= rows[i].keep.edx;
	}
}

/* Leaves that describe host resources a child does not have. */
static bool leaf_is_hidden(uint32_t leaf, uint32_t subleaf)
{
	if (leaf == 7)
		return subleaf > 0;
	if (leaf >= 0x80000000)
		return leaf == 0x8000000a || (leaf >= 0x8000001b && leaf != 0x80000021);
	return leaf == 5 || leaf == 0xa || leaf == 0xf || leaf == 0x10 || leaf == 0x12 || leaf == 0x14 ||
	       (leaf > 0x16 && leaf < 0x40000000);
}

/* Bits of the creation banks that hide a host feature: bank bit to CPUID bit (hv-abi.md 8.3). */
enum { EAX, EBX, ECX, EDX };
struct feature { uint8_t bank, bit; uint32_t leaf; uint8_t reg, cpuid_bit; };
static const struct feature features[] = {
	{ 0, 0, 1, ECX, 0 }, { 0, 2, 1, ECX, 9 }, { 0, 3, 1, ECX, 19 }, { 0, 4, 1, ECX, 20 }, { 0, 7, 1, ECX, 23 },
	{ 0, 8, 1, ECX, 13 }, { 0, 16, 1, ECX, 25 }, { 0, 17, 1, ECX, 1 }, { 0, 18, 1, ECX, 17 }, { 0, 20, 1, ECX, 29 },
	{ 0, 21, 1, ECX, 30 }, { 0, 29, 1, ECX, 22 }, { 1, 17, 1, ECX, 24 },
	{ 0, 22, 7, EBX, 0 }, { 0, 23, 7, EBX, 7 }, { 0, 24, 7, EBX, 9 }, { 0, 25, 7, EBX, 3 }, { 0, 26, 7, EBX, 8 },
	{ 0, 32, 7, EBX, 18 }, { 0, 33, 7, EBX, 19 }, { 0, 35, 7, EBX, 20 }, { 0, 36, 7, EBX, 4 }, { 0, 37, 7, EBX, 11 },
	{ 0, 39, 7, EBX, 23 }, { 0, 40, 7, EBX, 24 }, { 0, 41, 7, EBX, 29 }, { 0, 43, 7, EBX, 10 }, { 1, 18, 7, EBX, 1 },
	{ 0, 57, 7, ECX, 22 }, { 0, 58, 7, ECX, 2 }, { 1, 13, 7, ECX, 27 }, { 1, 14, 7, ECX, 28 }, { 1, 15, 7, ECX, 25 },
	{ 0, 49, 7, EDX, 4 }, { 1, 16, 7, EDX, 14 },
	{ 0, 1, 0x80000001, ECX, 0 }, { 0, 5, 0x80000001, ECX, 6 }, { 0, 6, 0x80000001, ECX, 11 },
	{ 0, 9, 0x80000001, ECX, 4 }, { 0, 10, 0x80000001, ECX, 5 }, { 0, 11, 0x80000001, ECX, 7 },
	{ 0, 19, 0x80000001, ECX, 16 }, { 0, 34, 0x80000001, ECX, 8 }, { 0, 12, 0x80000001, EDX, 22 },
	{ 0, 13, 0x80000001, EDX, 31 }, { 0, 14, 0x80000001, EDX, 30 }, { 0, 15, 0x80000001, EDX, 26 },
	{ 0, 38, 0x80000001, EDX, 27 }, { 1, 1, 0x80000007, EDX, 8 }, { 1, 2, 0x80000008, EBX, 0 },
	{ 1, 3, 0x80000008, EBX, 4 },
};

static uint32_t *value_reg(struct hv_cpuid_values *v, unsigned int reg)
{
	return reg == EAX ? &v->eax : reg == EBX ? &v->ebx : reg == ECX ? &v->ecx : &v->edx;
}

/* The answer to property PROCESSOR_FEATURES: what a child of this machine can be given. */
uint64_t cpuid_features(unsigned int bank)
{
	uint64_t enabled = 0;

	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		struct hv_cpuid_values v;

		if (features[i].bank != bank)
			continue;
		cpuid_host(features[i].leaf, 0, &v);
		mask_features(features[i].leaf, 0, &v);
		if (*value_reg(&v, features[i].reg) >> features[i].cpuid_bit & 1)
			enabled |= BIT(features[i].bit);
	}
	return bank == 1 ? enabled | BIT(17) : enabled;		/* the TSC deadline timer is hv's own */
}

static void apply_disabled_features(const struct partition *p, uint32_t leaf, struct hv_cpuid_values *v)
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (features[i].leaf == leaf && (p->disabled_features[features[i].bank] >> features[i].bit & 1))
			*value_reg(v, features[i].reg) &= ~(1u << features[i].cpuid_bit);
}

/* XSAVE */

static const struct { uint32_t leaf, subleaf; uint8_t reg, bit; } xsave_features[] = {
	{ 1, 0, ECX, 26 }, { 0xd, 1, EAX, 0 }, { 1, 0, ECX, 28 }, { 7, 0, EBX, 5 }, { 1, 0, ECX, 12 }, { 7, 0, EBX, 14 },
	{ 7, 0, EBX, 16 }, { 7, 0, EBX, 17 }, { 7, 0, EBX, 28 }, { 7, 0, EBX, 30 }, { 7, 0, EBX, 31 }, { 0xd, 1, EAX, 1 },
	{ 0xd, 1, EAX, 3 }, { 0xd, 1, EAX, 2 },
};

uint64_t cpuid_xsave_features(void)
{
	uint64_t enabled = 0;

	for (size_t i = 0; i < ARRAY_SIZE(xsave_features); i++) {
		struct hv_cpuid_values v;

		cpuid_host(xsave_features[i].leaf, xsave_features[i].subleaf, &v);
		mask_features(xsave_features[i].leaf, xsave_features[i].subleaf, &v);
		if (*value_reg(&v, xsave_features[i].reg) >> xsave_features[i].bit & 1)
			enabled |= BIT(i);
	}
	return enabled;
}

static void apply_disabled_xsave(const struct partition *p, uint32_t leaf, uint32_t subleaf, struct hv_cpuid_values *v)
{
	for (size_t i = 0; i < ARRAY_SIZE(xsave_features); i++)
		if (xsave_features[i].leaf == leaf && xsave_features[i].subleaf == subleaf &&
		    (p->disabled_xsave >> i & 1))
			*value_reg(v, xsave_features[i].reg) &= ~(1u << xsave_features[i].bit);
}

static uint32_t xsave_size(uint64_t xcr0, bool compacted)
{
	uint32_t size = 576;

	for (uint32_t i = 2; i < 63; i++) {
		struct hv_cpuid_values v;

		if (!(xcr0 >> i & 1))
			continue;
		cpuid_host(0xd, i, &v);
		if (compacted)
			size = (v.ecx & 2 ? (uint32_t)ALIGN_UP(size, 64) : size) + v.eax;
		else if (v.ebx + v.eax > size)
			size = v.ebx + v.eax;
	}
	return size;
}

static void xsave_leaf(struct vp *vp, uint32_t subleaf, struct hv_cpuid_values *v)
{
	uint64_t mask = cpuid_xcr0_mask();

	if (subleaf == 0) {
		*v = (struct hv_cpuid_values){ (uint32_t)mask, xsave_size(vp->xcr0, false), xsave_size(mask, false), 0 };
	} else if (subleaf == 1) {
		v->eax &= 0xf;
		v->ebx = v->eax & 0xa ? xsave_size(vp->xcr0 | vp->xss, true) : 0;
		v->ecx = v->edx = 0;
	} else if (subleaf > 62 || !(mask >> subleaf & 1)) {
		*v = (struct hv_cpuid_values){ 0 };
	}
}

/* Topology: one socket of single-threaded cores, APIC id = VP index. A VMM that wants another registers results. */
static void topology_leaf(struct vp *vp, uint32_t leaf, uint32_t subleaf, struct hv_cpuid_values *v)
{
	uint32_t count = vp_count(vp->partition), bits = id_bits(count);

	switch (leaf) {
	case 1:
		v->ebx = (v->ebx & 0x0000ff00) | count << 16 | vp->lapic->reg[APIC_ID] << 24;
		if (count > 1)
			v->edx |= 1u << 28;
		break;
	case 4:
		v->eax = (v->eax & 0x3fff) | ((1u << bits) - 1) << 26;
		break;
	case 0xb:
		*v = (struct hv_cpuid_values){ .ecx = subleaf, .edx = vp->lapic->reg[APIC_ID] };
		if (subleaf == 0)
			*v = (struct hv_cpuid_values){ 0, 1, 0x100, vp->lapic->reg[APIC_ID] };
		else if (subleaf == 1)
			*v = (struct hv_cpuid_values){ bits, count, 0x201, vp->lapic->reg[APIC_ID] };
		break;
	case 0x80000008:
		v->ecx = bits << 12 | (count - 1);
		break;
	}
}

static void basic_leaf(struct vp *vp, uint32_t leaf, uint32_t subleaf, struct hv_cpuid_values *v)
{
	if (leaf_is_hidden(leaf, subleaf)) {
		*v = (struct hv_cpuid_values){ 0 };
		return;
	}
	cpuid_host(leaf, subleaf, v);
	mask_features(leaf, subleaf, v);
	if (leaf == 1) {			/* hv's own: the TSC deadline timer, and x2APIC if it was asked for */
		v->ecx |= 1u << 24;
		v->ecx &= ~(1u << 21);
		if (vp->partition->creation_flags & HV_CREATE_X2APIC)
			v->ecx |= 1u << 21;
		v->edx |= 1u << 9;
	}
	if (leaf == 6)
		*v = (struct hv_cpuid_values){ .eax = 4 };	/* the APIC timer never stops */
	if (leaf == 7 && subleaf == 0)
		v->ebx |= 1u << 1;				/* TSC_ADJUST */
	if (leaf == 0xd)
		xsave_leaf(vp, subleaf, v);
	topology_leaf(vp, leaf, subleaf, v);
	apply_disabled_features(vp->partition, leaf, v);
	apply_disabled_xsave(vp->partition, leaf, subleaf, v);
}

/* Hypervisor leaves (hv-abi.md section 1) */

static uint64_t privileges_by_features(const struct partition *p)
{
	static const struct { uint64_t feature, privilege; } rows[] = {
		{ HV_SYNTH_VP_RUNTIME, HV_PRIV_VP_RUNTIME }, { HV_SYNTH_REFERENCE_COUNTER, HV_PRIV_TIME_REF_COUNT },
		{ HV_SYNTH_SYNIC, HV_PRIV_SYNIC | HV_PRIV_POST_MESSAGES | HV_PRIV_SIGNAL_EVENTS },
		{ HV_SYNTH_STIMERS, HV_PRIV_STIMER }, { HV_SYNTH_INTR_CTRL, HV_PRIV_INTR_CTRL },
		{ HV_SYNTH_GUEST_IDLE, HV_PRIV_GUEST_IDLE }, { HV_SYNTH_START_VP, HV_PRIV_START_VP },
		{ HV_SYNTH_HYPERCALL, HV_PRIV_HYPERCALL | HV_PRIV_RESET }, { HV_SYNTH_VP_INDEX, HV_PRIV_VP_INDEX },
		{ HV_SYNTH_REFERENCE_TSC, HV_PRIV_REFERENCE_TSC }, { HV_SYNTH_FREQUENCY, HV_PRIV_FREQUENCY_MSRS },
	};
	struct hv_cpuid_values v;
	uint64_t granted = 0;

	if (!(p->synthetic_features & HV_SYNTH_HYPERVISOR_PRESENT))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (p->synthetic_features & rows[i].feature)
			granted |= rows[i].privilege;
	cpuid_host(0x80000007, 0, &v);
	return v.edx & 0x100 && (granted & HV_PRIV_REFERENCE_TSC) ? granted | HV_PRIV_TSC_INVARIANT : granted;
}

void cpuid_set_synthetic_features(struct partition *p, uint64_t synthetic)
{
	p->synthetic_features = synthetic;
	p->privileges = privileges_by_features(p);
}

static void features_leaf(const struct partition *p, struct hv_cpuid_values *v)
{
	uint64_t privileges = p->privileges;

	v->eax = (uint32_t)privileges;
	v->ebx = (uint32_t)(privileges >> 32);
	v->edx = HV_FEATURE_CRASH_MSRS | HV_FEATURE_XMM_INPUT;
	if (privileges & HV_PRIV_FREQUENCY_MSRS)
		v->edx |= HV_FEATURE_FREQUENCY_MSRS;
	if (p->synthetic_features & HV_SYNTH_DIRECT_STIMERS)
		v->edx |= HV_FEATURE_DIRECT_STIMERS;
}

static void hints_leaf(const struct partition *p, struct hv_cpuid_values *v)
{
	uint64_t f = p->synthetic_features;

	v->eax = HV_HINT_RELAXED_TIMING | HV_HINT_AUTO_EOI_DEPRECATED;
	v->eax |= f & HV_SYNTH_TLB_FLUSH ? HV_HINT_REMOTE_TLB_FLUSH : 0;
	v->eax |= f & HV_SYNTH_CLUSTER_IPI ? HV_HINT_CLUSTER_IPI : 0;
	v->eax |= f & HV_SYNTH_EX_MASKS ? HV_HINT_EX_PROCESSOR_MASKS : 0;
	v->ebx = f & HV_SYNTH_LONG_SPIN_WAIT ? 0xfff : 0xffffffff;
}

static void hypervisor_leaf(const struct partition *p, uint32_t leaf, struct hv_cpuid_values *v)
{
	*v = (struct hv_cpuid_values){ 0 };
	if (!(p->synthetic_features & HV_SYNTH_HYPERVISOR_PRESENT))
		return;
	switch (leaf) {
	case HV_CPUID_VENDOR:
		*v = (struct hv_cpuid_values){ HV_CPUID_HARDWARE, 0x7263694d, 0x666f736f, 0x76482074 };
		break;
	case HV_CPUID_INTERFACE:
		v->eax = p->synthetic_features & HV_SYNTH_HV1 ? HV_INTERFACE_SIGNATURE : 0;
		break;
	case HV_CPUID_VERSION:
		*v = (struct hv_cpuid_values){ HYPERVISOR_BUILD, 10 << 16, 0, 0 };
		break;
	case HV_CPUID_FEATURES:
		features_leaf(p, v);
		break;
	case HV_CPUID_ENLIGHTENMENTS:
		hints_leaf(p, v);
		break;
	case HV_CPUID_LIMITS:
		*v = (struct hv_cpuid_values){ HV_MAX_VPS, lp_count, 0, 0 };
		break;
	}
}

/* Registered results: (value & mask) | (default & ~mask); the VP's own before the partition's. */

static bool record_applies(const struct cpuid_record *r, const struct vp *vp, uint32_t leaf, uint32_t subleaf)
{
	return r->result.eax == leaf && (!r->result.subleaf_specific || r->result.ecx == subleaf) &&
	       (r->vp_index == HV_ANY_VP || r->vp_index == vp->index);
}

static void apply_registered(struct vp *vp, uint32_t leaf, uint32_t subleaf, struct hv_cpuid_values *v)
{
	const struct cpuid_record *best = NULL, *r = NULL;

	while ((r = records_next(&vp->partition->cpuid_results, r)))
		if (record_applies(r, vp, leaf, subleaf) && (!best || r->vp_index != HV_ANY_VP))
			best = r;
	for (unsigned int reg = EAX; best && reg <= EDX; reg++) {
		uint32_t *value = value_reg(v, reg), mask = best->result.out[reg].mask;

		*value = (best->result.out[reg].value & mask) | (*value & ~mask);
	}
}

/* Bits that follow CR4 and the MSRs whatever was registered. */
static void apply_dynamic(struct vp *vp, uint32_t leaf, struct hv_cpuid_values *v)
{
	if (leaf == 1) {
		bool osxsave = vp_register64(vp, HV_X64_REGISTER_CR4) >> 18 & 1;

		v->ecx = (v->ecx & ~(1u << 27)) | (uint32_t)osxsave << 27;
		if (vp->partition->synthetic_features & HV_SYNTH_HYPERVISOR_PRESENT)
			v->ecx |= 1u << 31;
		if (!(vp->lapic->base & LAPIC_GLOBAL_ENABLE))
			v->edx &= ~(1u << 9);
	}
	if (leaf == 0x80000007 && (vp->partition->privileges & HV_PRIV_TSC_INVARIANT) &&
	    !vp->partition->tsc_invariant_control)
		v->edx &= ~0x100u;
}

void cpuid_for_vp(struct vp *vp, uint32_t leaf, uint32_t subleaf, struct hv_cpuid_values *out)
{
	if (leaf >= HV_CPUID_VENDOR && leaf <= HV_CPUID_LAST)
		hypervisor_leaf(vp->partition, leaf, out);
	else
		basic_leaf(vp, leaf, subleaf, out);
	apply_registered(vp, leaf, subleaf, out);
	apply_dynamic(vp, leaf, out);
}

/* The leaves that are not answered from the cache: those that follow registers (apply_dynamic(); XCR0). */
static bool leaf_is_dynamic(uint32_t leaf)
{
	return leaf == 1 || leaf == 0xd || leaf == 0x80000007;
}

static enum vp_next complete_cpuid(struct vp *vp, uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx)
{
	vp->gprs.rax = eax;
	vp->gprs.rbx = ebx;
	vp->gprs.rcx = ecx;
	vp->gprs.rdx = edx;
	vcpu_skip_instruction(vp);
	return VP_RESUME;
}

static struct vp_cpuid *cache_slot(struct vp *vp, uint32_t leaf, uint32_t subleaf)
{
	return &vp->cpuid_cache[(leaf ^ leaf >> 28 ^ subleaf) % VP_CPUID_CACHE];
}

/* A function of its own, to keep the way of most exits short. */
static enum vp_next __noinline answer_anew(struct vp *vp, uint32_t leaf, uint32_t subleaf)
{
	struct hv_cpuid_values v;

	spin_lock(&vp->partition->lock);
	cpuid_for_vp(vp, leaf, subleaf, &v);
	*cache_slot(vp, leaf, subleaf) = (struct vp_cpuid){
		leaf, subleaf, leaf_is_dynamic(leaf) ? 0 : vp->partition->cpuid_epoch, v.eax, v.ebx, v.ecx, v.edx, 0,
	};
	spin_unlock(&vp->partition->lock);
	return complete_cpuid(vp, v.eax, v.ebx, v.ecx, v.edx);
}

enum vp_next intercept_cpuid(struct vp *vp)
{
	uint32_t leaf = (uint32_t)vp->gprs.rax, subleaf = (uint32_t)vp->gprs.rcx;
	const struct vp_cpuid *c = cache_slot(vp, leaf, subleaf);

	vp->stats[STAT_CPUID]++;
	if (partition_is_root(vp->partition))
		return root_cpuid(vp);
	if (c->leaf != leaf || c->subleaf != subleaf || c->epoch != __atomic_load_n(&vp->partition->cpuid_epoch, __ATOMIC_RELAXED))
		return answer_anew(vp, leaf, subleaf);
	return complete_cpuid(vp, c->eax, c->ebx, c->ecx, c->edx);
}
