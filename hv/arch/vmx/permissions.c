/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSR bitmaps (Intel SDM 3, 25.6.9). The root passes through all but a few MSRs, a child only what the VMCS or state.c keeps
 * apart. Ports need no map: a child exits on each, the root on none.
 */
#include <arch/vmx/vmx.h>
#include <arch/x86/apic.h>
#include <hv/pool.h>
#include <hv/string.h>

#define READ		1u
#define WRITE		2u
#define MAP_HIGH	1024		/* C0000000 to C0001FFF follow 0 to 1FFF */
#define MAP_WRITES	2048		/* and all that again for writes */

static uint8_t root_map[PAGE_SIZE] __aligned(4096), child_map[PAGE_SIZE] __aligned(4096);

static void set(uint8_t *map, uint32_t msr, unsigned int exits)
{
	uint8_t *byte = map + (msr >= 0xc0000000 ? MAP_HIGH : 0) + (msr & 0x1fff) / 8, bit = (uint8_t)(1u << msr % 8);

	byte[0] = (uint8_t)(exits & READ ? byte[0] | bit : byte[0] & ~bit);
	byte[MAP_WRITES] = (uint8_t)(exits & WRITE ? byte[MAP_WRITES] | bit : byte[MAP_WRITES] & ~bit);
}

static void fill_root(void)
{
	set(root_map, MSR_APIC_BASE, WRITE);
	set(root_map, APIC_MSR_ICR, WRITE);
	set(root_map, MSR_FEATURE_CONTROL, READ | WRITE);
	for (uint32_t msr = MSR_VMX_BASIC; msr <= MSR_VMX_LAST; msr++)
		set(root_map, msr, READ | WRITE);
}

static void fill_child(void)
{
	static const uint32_t own[] = {
		MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_PAT, MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK,
		MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	};

	memset(child_map, 0xff, sizeof(child_map));
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		set(child_map, own[i], 0);
}

uint64_t vmx_msr_bitmap(bool root)
{
	static bool filled;			/* by the first root VP, alone, on the BSP */

	if (!filled) {
		fill_root();
		fill_child();
		filled = true;
	}
	return virt_to_spa(root ? root_map : child_map).addr;
}
