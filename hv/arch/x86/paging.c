/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv's own address space: its image at the physical addresses it was linked for, each section with its own rights and
 * nothing both writable and executable, and all of physical memory at DIRECT_MAP. The image is not in DIRECT_MAP, so there
 * is no second, writable way to its code.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <boot/boot.h>
#include <hv/panic.h>
#include <hv/pool.h>

#define PTE_PRESENT	BIT(0)
#define PTE_WRITE	BIT(1)
#define PTE_LARGE	BIT(7)
#define PTE_NX		BIT(63)
#define PTE_ADDRESS	0x000ffffffffff000ull
#define LEVEL_SHIFT(level)	(12 + 9 * ((level) - 1))	/* level 1: 4 KiB ... 4: the root */

uint64_t paging_root;

void *spa_to_virt(spa_t spa)
{
	if (spa.addr >= (uintptr_t)hv_image_start && spa.addr < (uintptr_t)hv_image_end)
		return (void *)spa.addr;
	return (void *)(DIRECT_MAP + spa.addr);
}

spa_t virt_to_spa(const void *virt)
{
	uint64_t v = (uintptr_t)virt;

	return (spa_t){ v >= DIRECT_MAP ? v - DIRECT_MAP : v };
}

static uint64_t *entry_of(uint64_t *table, uint64_t va, unsigned int level)
{
	return &table[va >> LEVEL_SHIFT(level) & 511];
}

static uint64_t *next_table(uint64_t *entry)
{
	if (!(*entry & PTE_PRESENT))
		*entry = virt_to_spa(boot_alloc_aligned(PAGE_SIZE, PAGE_SIZE)).addr | PTE_PRESENT | PTE_WRITE;
	return spa_to_virt((spa_t){ *entry & PTE_ADDRESS });
}

static void map_leaf(uint64_t va, uint64_t spa, unsigned int level, uint64_t rights)
{
	uint64_t *table = spa_to_virt((spa_t){ paging_root });

	for (unsigned int l = 4; l > level; l--)
		table = next_table(entry_of(table, va, l));
	*entry_of(table, va, level) = spa | PTE_PRESENT | rights | (level > 1 ? PTE_LARGE : 0);
}

static unsigned int largest_level(uint64_t va, uint64_t spa, uint64_t size, unsigned int most)
{
	unsigned int level = most;

	while (level > 1 && (((va | spa) & (BIT(LEVEL_SHIFT(level)) - 1)) || size < BIT(LEVEL_SHIFT(level))))
		level--;
	return level;
}

static void map_range(uint64_t va, uint64_t spa, uint64_t size, uint64_t rights)
{
	unsigned int most = cpuid(0x80000001, 0).edx & BIT(26) ? 3 : 2;		/* 1 GiB pages */

	for (uint64_t done = 0; done < size; ) {
		unsigned int level = largest_level(va + done, spa + done, size - done, most);

		map_leaf(va + done, spa + done, level, rights);
		done += BIT(LEVEL_SHIFT(level));
	}
}

static void map_image(void)
{
	uint64_t start = (uintptr_t)hv_image_start, text = (uintptr_t)hv_text_end, rodata = (uintptr_t)hv_rodata_end;

	map_range(start, start, text - start, 0);
	map_range(text, text, rodata - text, PTE_NX);
	map_range(rodata, rodata, (uintptr_t)hv_image_end - rodata, PTE_NX | PTE_WRITE);
}

void paging_init(uint64_t end_of_memory)
{
	uint64_t end = ALIGN_UP(end_of_memory > BIT(32) ? end_of_memory : BIT(32), BIT(30));
	uint64_t image_end = (uintptr_t)hv_image_end;

	paging_root = virt_to_spa(boot_alloc_aligned(PAGE_SIZE, PAGE_SIZE)).addr;
	map_image();
	map_range(DIRECT_MAP, 0, (uintptr_t)hv_image_start, PTE_NX | PTE_WRITE);
	map_range(DIRECT_MAP + image_end, image_end, end - image_end, PTE_NX | PTE_WRITE);
}

static void split(uint64_t *entry, unsigned int level)
{
	uint64_t old = *entry, *table = boot_alloc_aligned(PAGE_SIZE, PAGE_SIZE);

	for (unsigned int i = 0; i < 512; i++)
		table[i] = (old + i * BIT(LEVEL_SHIFT(level - 1))) & ~(level == 2 ? PTE_LARGE : 0);
	*entry = virt_to_spa(table).addr | PTE_PRESENT | PTE_WRITE;
}

void paging_hide(const void *page)
{
	uint64_t va = (uintptr_t)page, *table = spa_to_virt((spa_t){ paging_root });

	for (unsigned int level = 4; level > 1; level--) {
		uint64_t *entry = entry_of(table, va, level);

		if (*entry & PTE_LARGE)
			split(entry, level);
		table = next_table(entry);
	}
	*entry_of(table, va, 1) = 0;
	asm volatile("invlpg (%0)" : : "r"(page) : "memory");
}

void paging_load(void)
{
	uint64_t cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (cpuid(1, 0).ecx & BIT(26))
		cr4 |= CR4_OSXSAVE;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	write_cr3(paging_root);
	write_cr4(cr4);
	write_cr0(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
}
