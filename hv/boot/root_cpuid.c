/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID as the root sees it: the machine's own, with what hv keeps (SVM, VMX) taken out and the hypervisor leaves of
 * hv-abi.md section 1 put in. Leaves of the hypervisor range that hv does not define read as zero.
 */
#include <abi/hv_cpuid.h>
#include <abi/hv_register.h>
#include <arch/x86/cpu.h>
#include <hv/lp.h>
#include <hv/root.h>

#define HV_BUILD		27744u		/* inside the window Linux expects: hv-abi.md section 1.1 */
#define HV_VERSION		(10u << 16)
#define ROOT_PRIVILEGES		(HV_PRIV_VP_RUNTIME | HV_PRIV_TIME_REF_COUNT | HV_PRIV_SYNIC | HV_PRIV_HYPERCALL | \
				 HV_PRIV_VP_INDEX | HV_PRIV_RESET | HV_PRIV_FREQUENCY_MSRS | \
				 HV_PRIV_CREATE_PARTITIONS | HV_PRIV_ACCESS_PARTITION_ID | HV_PRIV_ACCESS_MEMORY_POOL | \
				 HV_PRIV_POST_MESSAGES | HV_PRIV_SIGNAL_EVENTS | HV_PRIV_CREATE_PORT | HV_PRIV_CONNECT_PORT | \
				 HV_PRIV_ACCESS_STATS | HV_PRIV_CPU_MANAGEMENT | HV_PRIV_ACCESS_VP_REGISTERS)
#define HV_CPUID_MAX		0x4000000cu

static const struct { uint32_t leaf; struct cpuid values; } hypervisor_leaves[] = {
	{ HV_CPUID_VENDOR, { HV_CPUID_MAX, 0x7263694d, 0x666f736f, 0x76482074 } },	/* "Microsoft Hv" */
	{ HV_CPUID_INTERFACE, { HV_INTERFACE_SIGNATURE, 0, 0, 0 } },
	{ HV_CPUID_VERSION, { HV_BUILD, HV_VERSION, 0, 0 } },
	{ HV_CPUID_FEATURES, { (uint32_t)ROOT_PRIVILEGES, (uint32_t)(ROOT_PRIVILEGES >> 32), 0, HV_FEATURE_FREQUENCY_MSRS } },
	{ HV_CPUID_ENLIGHTENMENTS, { HV_HINT_AUTO_EOI_DEPRECATED, 0xffffffff, 0, 0 } },
	{ HV_CPUID_LIMITS, { HV_MAX_LPS, HV_MAX_LPS, 0, 0 } },
};

static struct cpuid hypervisor_leaf(uint32_t leaf)
{
	for (size_t i = 0; i < ARRAY_SIZE(hypervisor_leaves); i++)
		if (hypervisor_leaves[i].leaf == leaf)
			return hypervisor_leaves[i].values;
	return (struct cpuid){ 0 };
}

/* CPUID executed here reports hv's CR4 in these bits, so they are taken from the root's (root-boot-notes.md section 4). */
static uint32_t with_cr4_bit(struct vp *vp, uint32_t value, uint64_t bit, uint64_t cr4_bit)
{
	return (uint32_t)((value & ~bit) | (vp_register64(vp, HV_X64_REGISTER_CR4) & cr4_bit ? bit : 0));
}

static struct cpuid machine_leaf(struct vp *vp, uint32_t leaf, uint32_t subleaf)
{
	struct cpuid c = cpuid(leaf, subleaf);

	if (leaf == 1)
		c.ecx = with_cr4_bit(vp, c.ecx | (uint32_t)BIT(31), BIT(27), CR4_OSXSAVE);	/* hypervisor present */
	if (leaf == 7 && subleaf == 0)
		c.ecx = with_cr4_bit(vp, c.ecx, BIT(4), CR4_PKE);
	vcpu_mask_root_cpuid(leaf, subleaf, &c);
	return c;
}

enum vp_next root_cpuid(struct vp *vp)
{
	uint32_t leaf = (uint32_t)vp->gprs.rax;
	bool hypervisor = leaf >= HV_CPUID_VENDOR && leaf <= HV_CPUID_LAST;
	struct cpuid c = hypervisor ? hypervisor_leaf(leaf) : machine_leaf(vp, leaf, (uint32_t)vp->gprs.rcx);

	vp->gprs.rax = c.eax;
	vp->gprs.rbx = c.ebx;
	vp->gprs.rcx = c.ecx;
	vp->gprs.rdx = c.edx;
	vcpu_skip_instruction(vp);
	return VP_RESUME;
}
