/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware's memory map, what hv takes out of it, and where there is room. What is left goes to the root. */
#include <arch/x86/machine.h>
#include <boot/boot.h>
#include <hv/panic.h>

static struct memory_range map[MEMORY_MAP_MAX];
static unsigned int map_count;

void memory_map_add(uint64_t start, uint64_t size, uint32_t type)
{
	if (!size)
		return;
	if (map_count == MEMORY_MAP_MAX)
		hv_refuse("its firmware describes memory in more than %u pieces.", MEMORY_MAP_MAX);
	map[map_count++] = (struct memory_range){ start, size, type };
}

static uint64_t range_end(const struct memory_range *r)
{
	return r->start + r->size;
}

/* Cuts [start, end) out of range i: at most one piece before and one behind remain. */
static void cut(unsigned int i, uint64_t start, uint64_t end)
{
	struct memory_range r = map[i];

	if (r.type != MEMORY_USABLE || range_end(&r) <= start || r.start >= end)
		return;
	map[i].size = start > r.start ? start - r.start : 0;
	if (range_end(&r) > end)
		memory_map_add(end, range_end(&r) - end, r.type);
}

void memory_map_reserve(uint64_t start, uint64_t size)
{
	for (unsigned int i = 0, n = map_count; i < n; i++)
		cut(i, start, start + size);
	memory_map_add(start, size, MEMORY_RESERVED);
}

unsigned int memory_map_copy(struct memory_range *to, unsigned int most)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < map_count; i++) {
		unsigned int at;

		if (!map[i].size || n == most)
			continue;
		for (at = n++; at && to[at - 1].start > map[i].start; at--)	/* sorted, as the root's kernel likes it */
			to[at] = to[at - 1];
		to[at] = map[i];
	}
	return n;
}

uint64_t memory_map_end(void)
{
	uint64_t end = 0;

	for (unsigned int i = 0; i < map_count; i++)
		if (map[i].type == MEMORY_USABLE && range_end(&map[i]) > end)
			end = range_end(&map[i]);
	return end;
}

uint64_t memory_map_usable(void)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < map_count; i++)
		sum += map[i].type == MEMORY_USABLE ? map[i].size : 0;
	return sum;
}

static bool overlaps(uint64_t start, uint64_t end, uint64_t other_start, uint64_t other_end)
{
	return start < other_end && other_start < end;
}

bool memory_is_device(uint64_t start, uint64_t size)
{
	uint64_t heap_start, heap_end, end = start + size;

	boot_heap_range(&heap_start, &heap_end);
	if (start >= BIT(32) || size > BIT(32) - start || overlaps(start, end, heap_start, heap_end) ||
	    overlaps(start, end, (uintptr_t)hv_image_start, (uintptr_t)hv_image_end))
		return false;
	for (unsigned int i = 0; i < map_count; i++)
		if (map[i].type == MEMORY_USABLE && overlaps(start, end, map[i].start, range_end(&map[i])))
			return false;
	return true;
}

/* The module that [start, start + size) touches, or NULL. */
static const struct boot_module *module_in_the_way(const struct boot_info *info, uint64_t start, uint64_t size)
{
	for (unsigned int i = 0; i < info->module_count; i++)
		if (start < info->modules[i].start + info->modules[i].size && info->modules[i].start < start + size)
			return &info->modules[i];
	return NULL;
}

static uint64_t top_of_range(const struct memory_range *r, uint64_t size, const struct boot_info *info)
{
	uint64_t end = range_end(r) < BIT(32) ? range_end(r) : BIT(32);

	for (uint64_t start = end < size ? 0 : (end - size) & ~(BIT(21) - 1); start && start >= r->start; start -= BIT(21))
		if (!module_in_the_way(info, start, size))
			return start;
	return 0;
}

uint64_t memory_below_4g_top(uint64_t size, const struct boot_info *info)
{
	uint64_t best = 0;

	for (unsigned int i = 0; i < map_count; i++) {
		uint64_t start = map[i].type == MEMORY_USABLE ? top_of_range(&map[i], size, info) : 0;

		if (start > best)
			best = start;
	}
	return best;
}

static uint64_t bottom_of_range(const struct memory_range *r, uint64_t size, uint64_t align, uint64_t from,
				const struct boot_info *info)
{
	uint64_t start = ALIGN_UP(r->start > from ? r->start : from, align);
	const struct boot_module *m;

	while (start + size <= range_end(r)) {
		m = module_in_the_way(info, start, size);
		if (!m)
			return start;
		start = ALIGN_UP(m->start + m->size, align);
	}
	return 0;
}

uint64_t memory_place(uint64_t size, uint64_t align, uint64_t from, const struct boot_info *info)
{
	uint64_t best = 0;

	for (unsigned int i = 0; i < map_count; i++) {
		uint64_t start = map[i].type == MEMORY_USABLE ? bottom_of_range(&map[i], size, align, from, info) : 0;

		if (start && (!best || start < best))
			best = start;
	}
	return best;
}
