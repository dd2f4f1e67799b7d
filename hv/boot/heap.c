/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv's memory besides its image: one block below 4 GiB, reserved in the root's memory map. Besides a fixed part it has a 512th
 * of RAM: the root's nested page tables even if every 2 MiB page of its memory is split into 4 KiB ones.
 */
#include <arch/x86/machine.h>
#include <boot/boot.h>
#include <hv/panic.h>
#include <hv/string.h>

#define HEAP_FIXED	(14ull << 20)		/* stacks, save areas and root pages of 64 LPs, hv's own page tables, the IOMMU's */

static uint64_t heap_start, heap_next, heap_end;

void boot_heap_init(const struct boot_info *info)
{
	uint64_t size = ALIGN_UP(HEAP_FIXED + memory_map_usable() / 512, BIT(21));

	heap_start = memory_below_4g_top(size, info);
	if (!heap_start)
		hv_refuse("hv needs %llu MiB of contiguous memory below 4 GiB and there is none.", (unsigned long long)(size >> 20));
	heap_next = heap_start;
	heap_end = heap_start + size;
	memory_map_reserve(heap_start, size);
}

void *boot_alloc_aligned(uint64_t bytes, uint64_t align)
{
	uint64_t at = ALIGN_UP(heap_next, align);

	hv_assert(at + bytes <= heap_end);
	heap_next = at + ALIGN_UP(bytes, PAGE_SIZE);
	return memset(BOOT_DIRECT(at), 0, bytes);
}

void boot_heap_range(uint64_t *start, uint64_t *end)
{
	*start = heap_start;
	*end = heap_end;
}

spa_t boot_heap_take_page(void)
{
	spa_t page = { 0 };

	if (heap_next < heap_end) {
		page.addr = heap_next;
		heap_next += PAGE_SIZE;
	}
	return page;
}
