/* SPDX-License-Identifier: Apache-2.0 */
/* VMX as a feature of the CPU: is it there, switching it on per LP, its instructions (Intel SDM 3, 24.6 to 24.8; appendix A). */
#include <arch/vmx/vmx.h>
#include <boot/boot.h>
#include <hv/panic.h>
#include <hv/pool.h>

#define BASIC_REVISION(basic)	((uint32_t)(basic) & 0x7fffffff)
#define BASIC_TRUE_CONTROLS	BIT(55)
#define EPT_FOUR_LEVELS		BIT(6)
#define EPT_WRITE_BACK		BIT(14)
#define INVEPT_SINGLE		BIT(25)
#define INVVPID_SINGLE		BIT(41)
#define ONE_CONTEXT		1u
#define ALL_CONTEXTS		2u

struct vmx_features vmx_features;

static struct vmx_control control(uint32_t msr)
{
	uint64_t value = rdmsr(msr);

	return (struct vmx_control){ (uint32_t)value, (uint32_t)(value >> 32) };
}

static void find_features(void)
{
	struct vmx_features *f = &vmx_features;
	uint64_t basic = rdmsr(MSR_VMX_BASIC), caps;
	uint32_t first = basic & BASIC_TRUE_CONTROLS ? MSR_VMX_TRUE_PIN : MSR_VMX_PIN;

	f->revision = BASIC_REVISION(basic);
	f->pin = control(first);
	f->cpu = control(first + 1);
	f->exit = control(first + 2);
	f->entry = control(first + 3);
	f->cpu2 = f->cpu.may & CPU_SECONDARY ? control(MSR_VMX_CPU2) : (struct vmx_control){ 0, 0 };
	f->cr0_fixed = rdmsr(MSR_VMX_CR0_FIXED0) & ~(CR0_PE | CR0_PG);		/* those two are free for an unrestricted guest */
	f->cr4_fixed = rdmsr(MSR_VMX_CR4_FIXED0);
	f->timer_shift = rdmsr(MSR_VMX_MISC) & 31;
	caps = f->cpu2.may & (CPU2_EPT | CPU2_VPID) ? rdmsr(MSR_VMX_EPT_VPID) : 0;
	f->invept_type = caps & INVEPT_SINGLE ? ONE_CONTEXT : ALL_CONTEXTS;
	f->invvpid_type = caps & INVVPID_SINGLE ? ONE_CONTEXT : ALL_CONTEXTS;
}

static const char *missing_feature(void)
{
	const uint32_t pin = PIN_INTERRUPT_EXIT | PIN_NMI_EXIT | PIN_VIRTUAL_NMIS | PIN_PREEMPTION_TIMER;
	const uint32_t cpu2 = CPU2_EPT | CPU2_VPID | CPU2_UNRESTRICTED;
	uint64_t feature_control;

	if (!(cpuid(1, 0).ecx & BIT(5)))
		return "its processor does not offer VT-x (VMX). Look for \"Intel Virtualization Technology\" in the firmware's settings.";
	feature_control = rdmsr(MSR_FEATURE_CONTROL);
	if ((feature_control & FEATURE_CONTROL_LOCKED) && !(feature_control & FEATURE_CONTROL_VMX))
		return "VT-x is switched off. Switch on \"Intel Virtualization Technology\" in the firmware's settings.";
	find_features();
	if ((vmx_features.cpu2.may & cpu2) != cpu2)
		return "its processor has VT-x but no extended page tables (EPT), VPID or unrestricted guests; no firmware setting helps.";
	if ((vmx_features.pin.may & pin) != pin || !(vmx_features.cpu.may & CPU_TPR_SHADOW) ||
	    !(vmx_features.entry.may & ENTRY_LOAD_EFER) || !(vmx_features.exit.may & EXIT_LOAD_EFER) ||
	    (vmx_features.cpu.must & (CPU_CR3_LOAD_EXIT | CPU_CR3_STORE_EXIT)) ||
	    (rdmsr(MSR_VMX_EPT_VPID) & (EPT_FOUR_LEVELS | EPT_WRITE_BACK)) != (EPT_FOUR_LEVELS | EPT_WRITE_BACK))
		return "its processor's VT-x is too old for hv; no firmware setting helps.";
	return NULL;
}

void vmx_prepare_lp(struct lp *lp)
{
	struct vmx_lp *v = boot_alloc_aligned(sizeof(*v), PAGE_SIZE);

	if (!npt_format)
		ept_init();
	v->vmxon = boot_alloc_aligned(PAGE_SIZE, PAGE_SIZE);
	*(uint32_t *)v->vmxon = vmx_features.revision;
	switch_prepare_lp(&v->common);
	lp->vendor = &v->common;
}

/* All VMX instructions say in CF and ZF whether they failed. */
#define VMX_INSTRUCTION(text, ...) ({ bool failed_; asm volatile(text : "=@ccbe"(failed_) : __VA_ARGS__ : "memory"); failed_; })

void vmx_enable_lp(struct lp *lp)
{
	uint64_t region = virt_to_spa(vmx_lp(lp)->vmxon).addr, feature_control = rdmsr(MSR_FEATURE_CONTROL);

	if (!(feature_control & FEATURE_CONTROL_LOCKED))
		wrmsr(MSR_FEATURE_CONTROL, feature_control | FEATURE_CONTROL_VMX | FEATURE_CONTROL_LOCKED);
	write_cr0(read_cr0() | vmx_features.cr0_fixed);
	write_cr4(read_cr4() | vmx_features.cr4_fixed);
	if (VMX_INSTRUCTION("vmxon %1", "m"(region)))
		hv_panic("LP %u: VMXON failed", lp->index);
}

void vmx_clear(struct vmx_vcpu *v)
{
	uint64_t region = virt_to_spa(v->vmcs).addr;

	if (VMX_INSTRUCTION("vmclear %1", "m"(region)))
		hv_panic("VMCLEAR failed");
	v->launched = false;
	if (vmx_lp(this_lp())->current == v)
		vmx_lp(this_lp())->current = NULL;
}

void vmx_make_current(struct vmx_vcpu *v)
{
	uint64_t region = virt_to_spa(v->vmcs).addr;

	if (VMX_INSTRUCTION("vmptrld %1", "m"(region)))
		hv_panic("VMPTRLD failed");
	vmx_lp(this_lp())->current = v;
}

uint64_t vmcs_read(enum vmcs_field field)
{
	uint64_t value;

	asm volatile("vmread %1, %0" : "=r"(value) : "r"((uint64_t)field) : "cc", "memory");
	return value;
}

void vmcs_write(enum vmcs_field field, uint64_t value)
{
	if (VMX_INSTRUCTION("vmwrite %1, %2", "r"(value), "r"((uint64_t)field)))
		hv_panic("VMCS field %x cannot be %llx", (unsigned int)field, (unsigned long long)value);
}

/* What the CPU has cached of one set of EPT and of one guest's own translations (Intel SDM 3, 29.4.3). */
void vmx_flush(uint64_t eptp, uint16_t vpid)
{
	const struct { uint64_t what, zero; } ept = { eptp, 0 }, linear = { vpid, 0 };

	if (VMX_INSTRUCTION("invept %1, %2", "m"(ept), "r"((uint64_t)vmx_features.invept_type)) ||
	    VMX_INSTRUCTION("invvpid %1, %2", "m"(linear), "r"((uint64_t)vmx_features.invvpid_type)))
		hv_panic("INVEPT or INVVPID failed");
}

void vmx_wait_for_kick(void)
{
	struct vmx_lp *v = vmx_lp(this_lp());

	vmx_halt(&this_lp()->nmi_count, v->nmis_seen);
	v->nmis_seen = __atomic_load_n(&this_lp()->nmi_count, __ATOMIC_RELAXED);
	__atomic_store_n(&this_lp()->kick_pending, 0, __ATOMIC_SEQ_CST);
}

void vmx_watch_root_timer(struct lp *lp, bool on)
{
	(void)lp;				/* never: counts_deadlines */
	hv_assert(!on);
}

/*
 * SMX goes with VMX: hv forbids it. Leaf 5 tells of C1 only, because the preemption timer, which hv counts children's deadlines
 * with, stops in deeper states (Intel SDM 3, 26.5.1); ACPI and intel_idle leave out what is not listed there.
 */
void vmx_mask_root_cpuid(uint32_t leaf, uint32_t subleaf, struct cpuid *c)
{
	(void)subleaf;
	if (leaf == 1)
		c->ecx &= ~(uint32_t)(BIT(5) | BIT(6));
	if (leaf == 5)
		c->edx &= 0xff;
}

/* As a machine whose firmware switched VMX off. */
enum vcpu_msr vmx_root_msr(uint32_t msr, uint64_t *value)
{
	*value = FEATURE_CONTROL_LOCKED;
	if (msr == MSR_FEATURE_CONTROL)
		return VCPU_MSR_VALUE;
	return msr >= MSR_VMX_BASIC && msr <= MSR_VMX_LAST ? VCPU_MSR_FAULTS : VCPU_MSR_NATIVE;
}

const struct vcpu_vendor vmx_vendor = {
	.hypercall_instruction = { 0x0f, 0x01, 0xc1 },		/* VMCALL */
	.counts_deadlines = true,
	.missing_feature = missing_feature,
	VCPU_VENDOR_CALLS(VCPU_VENDOR_ROW_VMX)
};
