/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a loader says, of either Multiboot, then the memory map and the options it gave: hv looks for room in any map and reads
 * any text. Loops without end are findings, too. The map grows over the inputs of a run until hv refuses it.
 */
#include "tests/fuzz/input.h"

#include <arch/x86/machine.h>
#include <boot/boot.h>

#include <stdlib.h>
#include <string.h>

#define INFO		(WINDOW + 0x100)
#define MB1_MAGIC	0x2badb002u
#define MB2_MAGIC	0x36d76289u

/* Fields of either information block are likely to point into it. */
static void fill(void)
{
	uint32_t *word = (uint32_t *)(void *)low_memory_at(INFO, 0x4000);
	size_t n = input_left() / 4 < 0x1000 ? input_left() / 4 : 0x1000;

	for (size_t i = 0; i < n; i++) {
		word[i] = any();
		if (word[i] >> 24 == 0xff)
			word[i] = INFO + (word[i] & 0x3ff);
	}
}

static void look_for_room(const struct boot_info *info)
{
	struct memory_range copy[8];
	uint64_t value;

	memory_map_reserve(INFO, 0x1000);
	memory_map_copy(copy, 8);
	memory_place(2 << 20, 2 << 20, 1 << 20, info);
	memory_below_4g_top(1 << 20, info);
	memory_is_device(0xfed00000, 0x1000);
	memory_map_end();
	memory_map_usable();
	option_number(info->options, "loglevel", &value);
	if (memchr(info->options, 0, sizeof(info->options)) == NULL)
		abort();
	for (unsigned int i = 0; i < info->module_count; i++)
		if (info->modules[i].size == 0 || !memchr(info->modules[i].text, 0, BOOT_TEXT_MAX))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct boot_info info;
	uint32_t magic;

	input_begin(data, size);
	low_memory_reset();
	memset(&info, 0, sizeof(info));
	magic = once_in(16) ? any() : below(2) ? MB2_MAGIC : MB1_MAGIC;
	fill();
	if (setjmp(refused))
		return 0;
	multiboot_read(magic, INFO, &info);
	look_for_room(&info);
	return 0;
}
