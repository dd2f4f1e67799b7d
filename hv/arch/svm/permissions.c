/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSR and port permission maps (AMD APM 2, 15.10 and 15.11). The root passes through all but a few MSRs, a child only what
 * the world switch or VMSAVE/VMLOAD keeps apart. All ports are the root's; every port of a child exits.
 */
#include <arch/svm/svm.h>
#include <arch/x86/apic.h>
#include <arch/x86/cpu.h>
#include <hv/pool.h>
#include <hv/string.h>

#define MSRPM_SIZE	8192
#define MSRPM_READ	1u
#define MSRPM_WRITE	2u

static uint8_t child_msrpm[MSRPM_SIZE] __aligned(4096);
static uint8_t child_iopm[3 * 4096] __aligned(4096);

struct msr_rule { uint32_t msr; uint8_t exits; };

static const struct msr_rule root_rules[] = {
	{ MSR_EFER, MSRPM_READ | MSRPM_WRITE },
	{ MSR_VM_CR, MSRPM_READ | MSRPM_WRITE },
	{ MSR_VM_HSAVE_PA, MSRPM_READ | MSRPM_WRITE },
	{ MSR_APIC_BASE, MSRPM_WRITE },
	{ APIC_MSR_ICR, MSRPM_WRITE },
};

static const struct msr_rule timer_rules[] = {
	{ APIC_MSR_LVT_TIMER, MSRPM_READ | MSRPM_WRITE },
	{ APIC_MSR_TIMER_INITIAL, MSRPM_READ | MSRPM_WRITE },
	{ APIC_MSR_TIMER_CURRENT, MSRPM_READ },
	{ APIC_MSR_TIMER_DIVIDE, MSRPM_READ | MSRPM_WRITE },
	{ MSR_TSC_DEADLINE, MSRPM_READ | MSRPM_WRITE },
};

/* Everything exits but these. The PAT exits, too: the VMCB holds it, but QEMU's VMRUN does not load it from there. */
static const struct msr_rule child_rules[] = {
	{ MSR_SYSENTER_CS, 0 }, { MSR_SYSENTER_ESP, 0 }, { MSR_SYSENTER_EIP, 0 },
	{ MSR_STAR, 0 }, { MSR_LSTAR, 0 }, { MSR_CSTAR, 0 }, { MSR_SFMASK, 0 },
	{ MSR_FS_BASE, 0 }, { MSR_GS_BASE, 0 }, { MSR_KERNEL_GS_BASE, 0 },
};

/* Two bits per MSR in three ranges of 8192 MSRs, 2 KiB of map each. */
static void msrpm_set(uint8_t *msrpm, uint32_t msr, uint8_t exits)
{
	uint32_t range = msr >= 0xc0010000 ? 2 : msr >= 0xc0000000 ? 1 : 0;
	uint8_t *byte = msrpm + range * 2048 + (msr & 0x1fff) / 4;
	unsigned int shift = msr % 4 * 2;

	*byte = (uint8_t)((*byte & ~(3u << shift)) | (unsigned int)exits << shift);
}

static void msrpm_apply(uint8_t *msrpm, const struct msr_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		msrpm_set(msrpm, rules[i].msr, rules[i].exits);
}

void msrpm_init_root(uint8_t *msrpm)
{
	msrpm_apply(msrpm, root_rules, ARRAY_SIZE(root_rules));
}

void msrpm_watch_timer(uint8_t *msrpm, bool on)
{
	for (size_t i = 0; i < ARRAY_SIZE(timer_rules); i++)
		msrpm_set(msrpm, timer_rules[i].msr, on ? timer_rules[i].exits : 0);
}

uint64_t svm_child_msrpm(void)
{
	if (!child_msrpm[0]) {				/* the first caller is the BSP, at boot */
		memset(child_msrpm, 0xff, sizeof(child_msrpm));
		msrpm_apply(child_msrpm, child_rules, ARRAY_SIZE(child_rules));
	}
	return virt_to_spa(child_msrpm).addr;
}

uint64_t svm_child_iopm(void)
{
	if (!child_iopm[0])
		memset(child_iopm, 0xff, sizeof(child_iopm));
	return virt_to_spa(child_iopm).addr;
}
