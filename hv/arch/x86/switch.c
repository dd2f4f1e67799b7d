/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The switch between the root and a child, once per dispatch, of what no world switch moves: extended state, debug registers,
 * TSC_AUX, what the branch predictors have learnt. The root's are live in the CPU whenever no child is loaded.
 */
#include <abi/hv_register.h>
#include <arch/x86/vcpu.h>
#include <boot/boot.h>
#include <hv/partition.h>

#define XCR0_LARGE		(BIT(17) | BIT(18))	/* AMX tiles: more than the page a child's state has */
#define XSAVE_MAX		(16 * 1024)

static struct { bool known, rdtscp, ibpb; uint64_t xcr0; } features;

/* IBPB: AMD64 Indirect Branch Control Extension; Intel SDM 4, IA32_PRED_CMD. */
static void find_features(void)
{
	struct cpuid states = cpuid(0xd, 0);

	features.known = true;
	features.rdtscp = cpuid(0x80000001, 0).edx & BIT(27);
	features.ibpb = (cpuid(0x80000000, 0).eax >= 0x80000008 && (cpuid(0x80000008, 0).ebx & BIT(12))) ||
			(cpuid(0, 0).eax >= 7 && (cpuid(7, 0).edx & BIT(26)));
	features.xcr0 = (states.eax | (uint64_t)states.edx << 32) & ~XCR0_LARGE;
}

void switch_prepare_lp(struct lp_vendor *lv)
{
	if (!features.known)
		find_features();
	lv->root_xsave = boot_alloc_aligned(XSAVE_MAX, PAGE_SIZE);
}

static void xsave(void *area)
{
	asm volatile("xsave64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
}

static void xrstor(const void *area)
{
	asm volatile("xrstor64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
}

static void save_debug(uint64_t dr[4])
{
	dr[0] = read_dr0();
	dr[1] = read_dr1();
	dr[2] = read_dr2();
	dr[3] = read_dr3();
}

static void load_debug(const uint64_t dr[4])
{
	write_dr0(dr[0]);
	write_dr1(dr[1]);
	write_dr2(dr[2]);
	write_dr3(dr[3]);
}

static void switch_tsc_aux(uint64_t *save, uint64_t load)
{
	if (!features.rdtscp)
		return;
	*save = rdmsr(MSR_TSC_AUX);
	if (*save != load)
		wrmsr(MSR_TSC_AUX, load);
}

static uint64_t set_xcr0(uint64_t now, uint64_t wanted)
{
	if (now != wanted)			/* XSETBV serializes */
		xsetbv(0, wanted);
	return wanted;
}

/* All the states hv may have to keep for either side are enabled while they are saved and loaded; XCR0 comes last. */
static void switch_extended_in(struct vp *vp, struct lp_vendor *lv)
{
	uint64_t now;

	lv->root_xcr0 = xgetbv(0);
	now = set_xcr0(lv->root_xcr0, features.xcr0 | lv->root_xcr0);
	xsave(lv->root_xsave);
	now = set_xcr0(now, features.xcr0);
	xrstor(vp->xsave_area);
	set_xcr0(now, vp->xcr0);
}

static void switch_extended_out(struct vp *vp, struct lp_vendor *lv)
{
	uint64_t now = set_xcr0(vp->xcr0, features.xcr0 | lv->root_xcr0);

	xsave(vp->xsave_area);
	xrstor(lv->root_xsave);
	set_xcr0(now, lv->root_xcr0);
}

/* Few guests use breakpoints: DR0 to DR3 are the root's until a child touches them (switch_debug_in). */
static void debug_in(struct vcpu *v, struct lp_vendor *lv)
{
	if (!v->uses_debug)
		return;
	save_debug(lv->root_dr);
	load_debug(v->dr);
}

static void debug_out(struct vcpu *v, struct lp_vendor *lv)
{
	if (!v->uses_debug)
		return;
	save_debug(v->dr);
	load_debug(lv->root_dr);
}

void switch_debug_in(struct vp *vp)
{
	if (vp->arch->uses_debug)
		return;
	vp->arch->uses_debug = true;
	if (vp->arch->loaded)
		debug_in(vp->arch, this_lp()->vendor);
}

/* Nothing a child of another partition trained may steer this one. */
static void forget_branches(struct vp *vp, struct lp_vendor *lv)
{
	if (features.ibpb && lv->last_partition != vp->partition->id)
		wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
	lv->last_partition = vp->partition->id;
}

void switch_in_common(struct vp *vp)
{
	struct lp_vendor *lv = this_lp()->vendor;

	forget_branches(vp, lv);
	switch_extended_in(vp, lv);
	debug_in(vp->arch, lv);
	switch_tsc_aux(&lv->root_tsc_aux, vp->arch->tsc_aux);
	vp->arch->loaded = true;
	this_lp()->running = vp;
	this_lp()->gpa_space = &vp->partition->gpa;
}

void switch_out_common(struct vp *vp)
{
	struct lp_vendor *lv = this_lp()->vendor;

	vp->arch->loaded = false;
	switch_tsc_aux(&vp->arch->tsc_aux, lv->root_tsc_aux);
	debug_out(vp->arch, lv);
	switch_extended_out(vp, lv);
	this_lp()->running = this_lp()->root_vp;
	this_lp()->gpa_space = &root_partition.gpa;
}

static bool is_debug(uint32_t name)
{
	return name >= HV_X64_REGISTER_DR0 && name <= HV_X64_REGISTER_DR3;
}

bool switch_get(struct vp *vp, uint32_t name, uint64_t *value)
{
	struct vcpu *v = vp->arch;

	if (is_debug(name)) {
		if (v->loaded && v->uses_debug)
			save_debug(v->dr);
		*value = v->dr[name - HV_X64_REGISTER_DR0];
		return true;
	}
	if (name == HV_X64_REGISTER_TSC_AUX)
		*value = v->loaded && features.rdtscp ? rdmsr(MSR_TSC_AUX) : v->tsc_aux;
	return name == HV_X64_REGISTER_TSC_AUX;
}

bool switch_set(struct vp *vp, uint32_t name, uint64_t value)
{
	struct vcpu *v = vp->arch;

	if (is_debug(name)) {
		switch_debug_in(vp);
		if (v->loaded)
			save_debug(v->dr);
		v->dr[name - HV_X64_REGISTER_DR0] = value;
		if (v->loaded)
			load_debug(v->dr);
		return true;
	}
	if (name != HV_X64_REGISTER_TSC_AUX)
		return false;
	v->tsc_aux = (uint32_t)value;
	if (v->loaded && features.rdtscp)
		wrmsr(MSR_TSC_AUX, v->tsc_aux);
	return true;
}
