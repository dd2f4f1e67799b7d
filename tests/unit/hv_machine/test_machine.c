/* SPDX-License-Identifier: Apache-2.0 */
/* Where hv finds room, what it leaves to the root, how it reads its options and writes its messages. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <boot/boot.h>
#include <hv/console.h>
#include <hv/panic.h>

#define MIB	(1ull << 20)

void hv_refuse(const char *format, ...)
{
	(void)format;
	abort();
}

/* hv itself, for memory_is_device(): nowhere near what the tests are about. */
char hv_image_start[1], hv_image_end[1];
void boot_heap_range(uint64_t *start, uint64_t *end) { *start = *end = BIT(40); }

static struct boot_info info;

/* 640 KiB, a hole, 15 MiB, a reserved MiB, then up to 512 MiB; a module of 4 MiB at 32 MiB. */
static int setup(void **state)
{
	(void)state;
	memory_map_add(0, 640 << 10, MEMORY_USABLE);
	memory_map_add(15 * MIB, MIB, MEMORY_RESERVED);
	memory_map_add(MIB, 14 * MIB, MEMORY_USABLE);
	memory_map_add(16 * MIB, 496 * MIB, MEMORY_USABLE);
	info.module_count = 1;
	info.modules[0].start = 32 * MIB;
	info.modules[0].size = 4 * MIB;
	return 0;
}

static void room_is_found_outside_modules_and_reserved_memory(void **state)
{
	static const struct { const char *rule; uint64_t size, align, from, want; } cases[] = {
		{ "the lowest place from where it may begin", 4096, 4096, 0x1000, 0x1000 },
		{ "not across the hole below 1 MiB", 700 << 10, 4096, 0x1000, MIB },
		{ "behind a module in the way", 8 * MIB, 2 * MIB, 28 * MIB, 36 * MIB },
		{ "just before a module", 8 * MIB, 2 * MIB, 24 * MIB, 24 * MIB },
		{ "nothing that large", 600 * MIB, 4096, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (memory_place(cases[i].size, cases[i].align, cases[i].from, &info) != cases[i].want)
			fail_msg("%s", cases[i].rule);
	assert_int_equal(memory_below_4g_top(16 * MIB, &info), 496 * MIB);
}

static void what_hv_reserves_is_cut_out_of_usable_memory(void **state)
{
	struct memory_range map[MEMORY_MAP_MAX];
	uint64_t before = memory_map_usable();
	unsigned int n;

	(void)state;
	memory_map_reserve(100 * MIB, 10 * MIB);
	assert_int_equal(memory_map_usable(), before - 10 * MIB);
	n = memory_map_copy(map, MEMORY_MAP_MAX);
	for (unsigned int i = 1; i < n; i++) {
		assert_true(map[i - 1].start < map[i].start);
		assert_true(map[i - 1].start + map[i - 1].size <= map[i].start);
	}
	assert_int_equal(memory_place(8 * MIB, 4096, 98 * MIB, &info), 110 * MIB);
	assert_int_equal(memory_map_end(), 512 * MIB);
}

static void an_option_is_a_whole_word(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_false(option_number("xloglevel=2 loglevel", "loglevel", &value));
	assert_int_equal(value, 7);
	assert_true(option_number("quiet loglevel=2 x", "loglevel", &value));
	assert_int_equal(value, 2);
}

static int __printf(3, 4) format(char *buffer, size_t size, const char *text, ...)
{
	va_list args;
	int n;

	va_start(args, text);
	n = hv_vsnprintf(buffer, size, text, args);
	va_end(args);
	return n;
}

static void messages_are_formatted_and_cut_to_the_buffer(void **state)
{
	char line[24];

	(void)state;
	assert_int_equal(format(line, sizeof(line), "%s %d|%04x %x %llu", "a", -12, 0xab, 0u, 1ull << 40), 26);
	assert_string_equal(line, "a -12|00ab 0 1099511627");
	assert_int_equal(strlen(line), sizeof(line) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_is_found_outside_modules_and_reserved_memory),
		cmocka_unit_test(what_hv_reserves_is_cut_out_of_usable_memory),
		cmocka_unit_test(an_option_is_a_whole_word),
		cmocka_unit_test(messages_are_formatted_and_cut_to_the_buffer),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
