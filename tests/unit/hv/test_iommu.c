/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv/iommu against a model of each vendor's IOMMU: registers that answer, commands that are carried out, and a walk of the tables
 * as the specifications have it, from a device's entry down. iommu.c is included, so that each test starts from its first state.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake.h"
#include <abi/hv_status.h>
#include <iommu/iommu.c>

#define HEAP		(40ull << 20)
#define REGISTERS	(56ull << 20)
#define ADDRESS_BITS	0x000ffffffffff000ull
#define ALL		(GPA_READ | GPA_WRITE | GPA_EXECUTE)
#define GIB_PAGES	(1ull << 18)
#define VTD_CAPABILITIES	(1ull << 10 | 3ull << 34 | 3ull << 54 | 0x20ull << 24 | 3ull << 40)	/* faults: 4, at 200h */
#define VTD_EXTENDED		(3ull | 0x30ull << 8)							/* coherent, a queue */

static struct { uint64_t next, refused_from, refused_to; unsigned int flushes, device_flushes, restarts, write_backs; } machine;
static char said[8][160];
static unsigned int said_count;

/* What hv/iommu calls in boot/ and lib/ */

void *boot_alloc_aligned(uint64_t bytes, uint64_t align)
{
	uint64_t at = ALIGN_UP(machine.next, align);

	machine.next = at + bytes;
	assert_true(machine.next <= REGISTERS);
	return fake_spa(at);
}

bool memory_is_device(uint64_t start, uint64_t size)
{
	return start >= REGISTERS && start < FAKE_MEMORY && size <= FAKE_MEMORY - start &&
	       !(start < machine.refused_to && machine.refused_from < start + size);
}

void hv_log(enum log_level level, const char *text, ...)
{
	va_list args;

	(void)level;
	va_start(args, text);
	vsnprintf(said[said_count++ % ARRAY_SIZE(said)], sizeof(said[0]), text, args);
	va_end(args);
}

void hv_panic(const char *text, ...)
{
	fail_msg("hv panics: %s", text);
	abort();
}

/* The models */

static uint64_t at(uint32_t reg) { return REGISTERS + reg; }
static uint64_t *reg64(uint32_t reg) { return fake_spa(at(reg)); }
static uint32_t *reg32(uint32_t reg) { return fake_spa(at(reg)); }
static uint32_t reg_of(const char *p) { return (uint32_t)(virt_to_spa(p).addr - REGISTERS) & 0xffff; }

static void amd_carry_out(const uint64_t *c)
{
	switch (c[0] >> 60) {
	case 1:
		*(uint64_t *)fake_spa(c[0] & 0xffffffffffff8) = c[1];
		return;
	case 2:
		machine.device_flushes++;
		return;
	case 3:
		assert_int_equal(c[1], 0x7ffffffffffff003);	/* S and PDE: all pages, tables too */
		assert_int_equal(c[0] >> 32 & 0xffff, 1);
		machine.flushes++;
		return;
	default:
		fail_msg("command %llx", (unsigned long long)c[0]);
	}
}

static void vtd_carry_out(const uint64_t *c)
{
	switch (c[0] & 15) {
	case 1:
		return;
	case 2:
		assert_int_equal(c[0] & 0x30, 0x10);		/* everything */
		machine.flushes++;
		return;
	case 5:
		*(uint32_t *)fake_spa(c[1]) = (uint32_t)(c[0] >> 32);
		return;
	default:
		fail_msg("command %llx", (unsigned long long)c[0]);
	}
}

static void carry_out(uint32_t head_reg, uint32_t tail_reg, uint64_t ring, void (*command)(const uint64_t *))
{
	while (*reg64(head_reg) != *reg64(tail_reg)) {
		command((const uint64_t *)((char *)fake_spa(ring & ADDRESS_BITS) + *reg64(head_reg)));
		*reg64(head_reg) = (*reg64(head_reg) + 16) % 4096;
	}
}

uint32_t mmio_read32(const char *p) { return *(const uint32_t *)(const void *)p; }
uint64_t mmio_read64(const char *p) { return *(const uint64_t *)(const void *)p; }
void caches_write_back(void) { machine.write_backs++; }

void mmio_write64(char *p, uint64_t value)
{
	uint32_t reg = reg_of(p);

	if (vendor == &iommu_amd && reg == 0x2020)
		value = mmio_read64(p) & ~value;
	*(uint64_t *)(void *)p = value;
	if (vendor == &iommu_amd && reg == 0x18) {
		*reg64(0x2020) = (*reg64(0x2020) & ~8ull) | (value & 4 ? 8 : 0);
		machine.restarts += value & 4 ? 1 : 0;
	}
	if (vendor == &iommu_amd && (*reg64(0x18) & 0x1001) == 0x1001)
		carry_out(0x2000, 0x2008, *reg64(0x08), amd_carry_out);
	if (vendor == &iommu_vtd && (*reg32(0x1c) & 1u << 26))
		carry_out(0x80, 0x88, *reg64(0x90), vtd_carry_out);
}

void mmio_write32(char *p, uint32_t value)
{
	*(uint32_t *)(void *)p = value;
	if (reg_of(p) == 0x18)
		*reg32(0x1c) = value;				/* every command is done at once */
	if (reg_of(p) >= 0x200 && reg_of(p) % 16 == 12)
		*(uint32_t *)(void *)p = 0;			/* a fault's valid bit, written as one */
}

/* Where a device gets to: 0 and no rights, or the address and what it may do there. */
static unsigned int walk_amd(uint64_t address, uint64_t *spa)
{
	const uint64_t *device = (const uint64_t *)((char *)fake_spa(*reg64(0) & ADDRESS_BITS) + 0x4321 % 65536 * 32);
	uint64_t entry = device[0], rights = entry;
	unsigned int level = entry >> 9 & 7;

	assert_int_equal(*reg64(0) & 0x1ff, 511);
	assert_int_equal(entry & 3, 3);
	assert_int_equal(level, 4);
	for (;; level--) {
		entry = ((const uint64_t *)spa_to_virt((spa_t){ entry & ADDRESS_BITS }))[address >> (3 + 9 * level) & 511];
		if (!(entry & 1))
			return 0;
		rights &= entry;
		if ((entry >> 9 & 7) == 0)
			break;
		assert_int_equal(entry >> 9 & 7, level - 1);
	}
	*spa = (entry & ADDRESS_BITS & ~((1ull << (3 + 9 * level)) - 1)) | (address & ((1ull << (3 + 9 * level)) - 1));
	return (rights >> 61 & 1 ? GPA_READ : 0) | (rights >> 62 & 1 ? GPA_WRITE : 0);
}

static unsigned int walk_vtd(uint64_t address, uint64_t *spa)
{
	const uint64_t *root = fake_spa(*reg64(0x20)), *context = fake_spa(root[0x43 * 2] & ADDRESS_BITS);
	uint64_t entry = context[0x21 * 2], rights = 3;
	unsigned int level = (context[0x21 * 2 + 1] & 7) + 2;

	assert_int_equal(root[0x43 * 2] & 1, 1);
	assert_int_equal(entry & 0xf, 1);			/* present, only requests that are not translated */
	assert_int_equal(level, *reg64(0x08) & 1 << 10 ? 4 : 3);
	for (;; level--) {
		entry = ((const uint64_t *)spa_to_virt((spa_t){ entry & ADDRESS_BITS }))[address >> (3 + 9 * level) & 511];
		rights &= entry;
		if (!rights)
			return 0;
		if (level == 1 || (entry & 0x80))
			break;
	}
	assert_true(level == 1 || (*reg64(0x08) >> (32 + level) & 1));	/* a leaf of a size it has */
	*spa = (entry & ADDRESS_BITS & ~((1ull << (3 + 9 * level)) - 1)) | (address & ((1ull << (3 + 9 * level)) - 1));
	return (rights & 1 ? GPA_READ : 0) | (rights & 2 ? GPA_WRITE : 0);
}

static unsigned int walk(uint64_t address, uint64_t *spa)
{
	return vendor == &iommu_amd ? walk_amd(address, spa) : walk_vtd(address, spa);
}

/* Set-up: an ACPI table of one block, the start as boot/root.c has it */

static uint8_t table[256];

static uint32_t table_begin(const char *signature)
{
	memset(table, 0, sizeof(table));
	memcpy(table, signature, 4);
	return 48;
}

static uint32_t table_block(uint32_t where, uint8_t type, uint16_t length, uint64_t base)
{
	table[where] = type;
	memcpy(table + where + 2, &length, 2);
	memcpy(table + where + 8, &base, 8);
	return where + length;
}

static void table_end(uint32_t length)
{
	memcpy(table + 4, &length, 4);
	iommu_read_acpi(table, sizeof(table));
}

static void forget(void)
{
	fake_reset();
	memset(&machine, 0, sizeof(machine));
	machine.next = HEAP;
	said_count = unit_count = 0;
	vendor = NULL;
	unusable = "none";
	memset(devices, 0, sizeof(devices));
	memset(&lock, 0, sizeof(lock));
	started = false;
	next_report = 0;
	tsc_hz = 1000000000;
	*reg64(0x08) = VTD_CAPABILITIES;
	*reg64(0x10) = VTD_EXTENDED;
}

static void root_map(uint64_t gpa, uint64_t pages)
{
	assert_int_equal(gpa_space_map(&root_partition.gpa, (gpa_t){ gpa }, (spa_t){ gpa }, pages, ALL, false), HV_STATUS_SUCCESS);
}

static void start(const char *signature)
{
	uint32_t end = table_begin(signature);

	table_end(table_block(end, signature[0] == 'I' ? 0x11 : 0, 24, REGISTERS));
	memset(spa_to_virt(root_partition.gpa.root), 0, PAGE_SIZE);
	root_partition.gpa.devices = iommu_prepare();
	root_map(0, FAKE_RAM >> PAGE_SHIFT);
	iommu_start();
}

static int with_amd(void **state) { (void)state; forget(); start("IVRS"); return 0; }
static int with_vtd(void **state) { (void)state; forget(); start("DMAR"); return 0; }
static int with_none(void **state) { (void)state; forget(); return 0; }

/* Claims */

static void devices_have_the_roots_view(void)
{
	for (uint64_t gpa = 0; gpa < FAKE_MEMORY + 16 * PAGE_SIZE; gpa += PAGE_SIZE) {
		uint64_t device_spa = 0;
		unsigned int root_access, device_access = walk(gpa, &device_spa);
		spa_t spa = { 0 };

		gpa_space_lookup(&root_partition.gpa, (gpa_t){ gpa }, &spa, &root_access);
		if (device_access != (root_access & (GPA_READ | GPA_WRITE)) || (device_access && device_spa != spa.addr))
			fail_msg("%llx: root %u, device %u at %llx", (unsigned long long)gpa, root_access, device_access,
				 (unsigned long long)device_spa);
	}
}

static void a_device_reaches_what_the_root_reaches(void **state)
{
	uint64_t random = 1;

	(void)state;
	devices_have_the_roots_view();
	for (unsigned int i = 0; i < 40; i++) {
		uint64_t page, pages;

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		page = random >> 33 & 0x1fff;
		pages = 1 + (random >> 50) % (i % 3 ? 7 : 1500);
		if (page + pages > FAKE_RAM >> PAGE_SHIFT)
			continue;
		if (i % 2)
			root_map(page << PAGE_SHIFT, pages);
		else
			gpa_space_unmap(&root_partition.gpa, (gpa_t){ page << PAGE_SHIFT }, pages);
		devices_have_the_roots_view();
	}
	root_map(0, FAKE_RAM >> PAGE_SHIFT);		/* whole large pages again */
	devices_have_the_roots_view();
}

static void a_deposit_takes_the_pages_from_devices_and_withdrawing_gives_them_back(void **state)
{
	struct hv_in_withdraw in = { 0 };
	unsigned int before = machine.flushes;
	uint64_t pages[8], spa;

	(void)state;
	in.partition_id = fake_child();			/* one deposit, of 128 pages from 400h on */
	assert_int_equal(machine.flushes, before + 1);
	assert_int_equal(walk(0x400000, &spa), 0);
	assert_int_equal(walk(0x47f000, &spa), 0);
	assert_int_equal(walk(0x480000, &spa), GPA_READ | GPA_WRITE);
	fake_hypercall(HVCALL_WITHDRAW_MEMORY | REPS(8), &in, sizeof(in), pages, sizeof(pages));
	assert_int_equal(machine.flushes, before + 2);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(walk(pages[i] << 12, &spa), GPA_READ | GPA_WRITE);
	devices_have_the_roots_view();
}

static void a_childs_changes_do_not_trouble_devices(void **state)
{
	struct { struct hv_in_map_gpa in; uint64_t page; } map = { .in = { .gpfn = 0, .flags = HV_MAP_GPA_READABLE }, .page = 0x1000 };
	struct hv_in_unmap_gpa unmap = { 0 };
	unsigned int before;

	(void)state;
	map.in.partition_id = unmap.partition_id = fake_child();
	before = machine.flushes;
	assert_int_equal(RESULT_STATUS(fake_hypercall(HVCALL_MAP_GPA_PAGES | REPS(1), &map, sizeof(map), NULL, 0)), HV_STATUS_SUCCESS);
	assert_int_equal(RESULT_STATUS(fake_hypercall(HVCALL_UNMAP_GPA_PAGES | REPS(1), &unmap, sizeof(unmap), NULL, 0)),
			 HV_STATUS_SUCCESS);
	assert_int_equal(machine.flushes, before);
}

static void the_registers_read_as_ones_and_nobody_writes_to_them(void **state)
{
	unsigned int access;
	uint64_t device_spa;
	spa_t spa;

	(void)state;
	for (uint64_t page = 0; page < units[0].pages; page++) {
		assert_int_equal(gpa_space_lookup(&root_partition.gpa, (gpa_t){ at(0) + page * PAGE_SIZE }, &spa, &access), GPA_MAPPED);
		assert_int_equal(access, GPA_READ);
		assert_int_equal(*(uint64_t *)spa_to_virt(spa), ~0ull);
		assert_int_equal(walk(at(0) + page * PAGE_SIZE, &device_spa), GPA_READ);
		assert_int_equal(device_spa, spa.addr);
	}
}

static void commands_go_round_the_ring(void **state)
{
	unsigned int before = machine.flushes;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		iommu_flush();
	assert_int_equal(machine.flushes, before + 1000);
}

static void every_entry_of_amds_device_table_is_announced(void **state)
{
	(void)state;
	assert_int_equal(machine.device_flushes, 65536);
	assert_int_equal(*reg64(0x18) & 0x1405, 0x1405);
}

static void amd_event(unsigned int n, uint64_t address)
{
	uint64_t *log = fake_spa(*reg64(0x10) & ADDRESS_BITS);

	log[n % 256 * 2] = 2ull << 60 | 0x0128;
	log[n % 256 * 2 + 1] = address;
	*reg64(0x2018) = (n + 1) % 256 * 16;
}

static void amds_events_are_told_and_an_overflow_is_got_over(void **state)
{
	unsigned int restarts = machine.restarts;

	(void)state;
	said_count = 0;
	for (unsigned int n = 0; n < 250; n++)
		amd_event(n, 0x200000 + n);
	iommu_report();
	assert_int_equal(said_count, REPORT_LINES + 1);
	assert_string_equal(said[0], "device 01:05.0 was kept from 200000 (AMD-Vi reason 2)\n");
	assert_string_equal(said[4], "... and devices were 246 times more\n");
	assert_int_equal(*reg64(0x2010), 250 * 16);
	amd_event(250, 0x300000);
	iommu_report();
	assert_int_equal(said_count, 5);			/* not so soon */
	*reg64(0x2020) |= 1;
	fake.tsc += tsc_hz;
	iommu_report();
	assert_int_equal(said_count, 6);
	assert_int_equal(*reg64(0x2020), 8);			/* no overflow any more, the log runs */
	assert_int_equal(machine.restarts, restarts + 1);
}

static void intels_faults_are_told(void **state)
{
	(void)state;
	said_count = 0;
	for (unsigned int i = 1; i < 4; i += 2) {
		*reg64(0x200 + i * 16) = 0x3000 * i;
		*reg64(0x208 + i * 16) = 1ull << 63 | 6ull << 32 | 0x28;
	}
	*reg32(0x34) = 2;
	iommu_report();
	assert_int_equal(said_count, 2);
	assert_string_equal(said[0], "device 00:05.0 was kept from 3000 (VT-d reason 6)\n");
	assert_string_equal(said[1], "device 00:05.0 was kept from 9000 (VT-d reason 6)\n");
}

static void intels_smaller_units_get_what_they_can_walk(void **state)
{
	uint64_t spa;

	(void)state;
	*reg64(0x08) = (VTD_CAPABILITIES | 1 << 9) & ~(1ull << 10 | 1ull << 35);	/* 39 bits, no 1 GiB pages */
	*reg64(0x10) = VTD_EXTENDED & ~1ull;						/* blind to caches */
	start("DMAR");
	root_map(GIB_PAGES * PAGE_SIZE, GIB_PAGES);
	assert_int_equal(walk((GIB_PAGES + 5) * PAGE_SIZE, &spa), GPA_READ | GPA_WRITE);
	assert_int_equal(spa, (GIB_PAGES + 5) * PAGE_SIZE);
	assert_int_equal(root_partition.gpa.devices->largest_level, 2);
	devices_have_the_roots_view();
	machine.write_backs = 0;
	iommu_flush();
	assert_int_equal(machine.write_backs, 1);
}

static void a_unit_that_cannot_is_not_used(void **state)
{
	static const struct { const char *rule; uint64_t cap, ext; } rows[] = {
		{ "no width hv has", VTD_CAPABILITIES & ~(1ull << 10), VTD_EXTENDED },
		{ "no large pages", VTD_CAPABILITIES & ~(3ull << 34), VTD_EXTENDED },
		{ "no queue", VTD_CAPABILITIES, VTD_EXTENDED & ~2ull },
		{ "write buffers", VTD_CAPABILITIES | 1 << 4, VTD_EXTENDED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		forget();
		*reg64(0x08) = rows[i].cap;
		*reg64(0x10) = rows[i].ext;
		start("DMAR");
		if (root_partition.gpa.devices || started || said_count != 1)
			fail_msg("%s", rows[i].rule);
		iommu_flush();
		iommu_report();
	}
}

/* What follows a sound first block; length 0: the table ends where the second block does. */
static void a_table_that_is_not_sound_is_not_used(void **state)
{
	static const struct { const char *rule; uint16_t second_length; uint64_t second_base; int length; bool used; } rows[] = {
		{ "one more unit", 24, REGISTERS + 0x10000, 0, true },
		{ "the same unit again", 40, REGISTERS, 0, true },
		{ "a block of no length", 0, 0, 48 + 24 + 24, false },
		{ "a block of less than its head", 3, 0, 48 + 24 + 24, false },
		{ "a block of less than a unit", 12, REGISTERS + 0x10000, 0, false },
		{ "a block that ends behind the table", 24, REGISTERS + 0x10000, 48 + 24 + 23, false },
		{ "a head that ends behind the table", 24, 0, 48 + 24 + 3, false },
		{ "registers within another's", 24, REGISTERS + 0x1000, 0, false },
		{ "registers that are not on a page", 24, REGISTERS + 0x10010, 0, false },
		{ "registers in memory", 24, 0x100000, 0, false },
		{ "registers that run into memory", 24, FAKE_MEMORY - PAGE_SIZE, 0, false },
		{ "registers at the end of everything", 24, ~0xfffull, 0, false },
		{ "a table without its head", 24, REGISTERS + 0x10000, 47, false },
		{ "a table with its head only", 24, REGISTERS + 0x10000, 48, false },
		{ "a table longer than what can be looked at", 24, REGISTERS + 0x10000, sizeof(table) + 1, false },
		{ "a table of 4 GiB", 24, REGISTERS + 0x10000, -1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t end;

		forget();
		end = table_block(table_begin("IVRS"), 0x10, 24, REGISTERS);
		table_block(end, 0x40, rows[i].second_length, rows[i].second_base);
		table_end(rows[i].length ? (uint32_t)rows[i].length : end + rows[i].second_length);
		if (!!iommu_prepare() != rows[i].used)
			fail_msg("%s: %s", rows[i].rule, unusable ? unusable : "used");
	}
}

static void more_units_than_hv_keeps_are_refused(void **state)
{
	static uint8_t many[48 + 24 * (UNITS_MAX + 1)];
	uint32_t length = sizeof(many);

	(void)state;
	memcpy(many, "IVRS", 4);
	memcpy(many + 4, &length, 4);
	for (unsigned int i = 0; i <= UNITS_MAX; i++) {
		uint64_t base = REGISTERS + i * 0x10000ull;

		many[48 + i * 24] = 0x11;
		many[48 + i * 24 + 2] = 24;
		memcpy(many + 48 + i * 24 + 8, &base, 8);
	}
	iommu_read_acpi(many, sizeof(many));
	assert_non_null(unusable);
	assert_null(iommu_prepare());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a_device_reaches_what_the_root_reaches (AMD-Vi)", a_device_reaches_what_the_root_reaches, with_amd, NULL, NULL },
		{ "a_device_reaches_what_the_root_reaches (VT-d)", a_device_reaches_what_the_root_reaches, with_vtd, NULL, NULL },
		{ "a_deposit_takes_the_pages_from_devices... (AMD-Vi)",
		  a_deposit_takes_the_pages_from_devices_and_withdrawing_gives_them_back, with_amd, NULL, NULL },
		{ "a_deposit_takes_the_pages_from_devices... (VT-d)",
		  a_deposit_takes_the_pages_from_devices_and_withdrawing_gives_them_back, with_vtd, NULL, NULL },
		{ "the_registers_read_as_ones... (AMD-Vi)", the_registers_read_as_ones_and_nobody_writes_to_them, with_amd, NULL, NULL },
		{ "the_registers_read_as_ones... (VT-d)", the_registers_read_as_ones_and_nobody_writes_to_them, with_vtd, NULL, NULL },
		{ "commands_go_round_the_ring (AMD-Vi)", commands_go_round_the_ring, with_amd, NULL, NULL },
		{ "commands_go_round_the_ring (VT-d)", commands_go_round_the_ring, with_vtd, NULL, NULL },
		cmocka_unit_test_setup(a_childs_changes_do_not_trouble_devices, with_amd),
		cmocka_unit_test_setup(every_entry_of_amds_device_table_is_announced, with_amd),
		cmocka_unit_test_setup(amds_events_are_told_and_an_overflow_is_got_over, with_amd),
		cmocka_unit_test_setup(intels_faults_are_told, with_vtd),
		cmocka_unit_test_setup(intels_smaller_units_get_what_they_can_walk, with_none),
		cmocka_unit_test_setup(a_unit_that_cannot_is_not_used, with_none),
		cmocka_unit_test_setup(a_table_that_is_not_sound_is_not_used, with_none),
		cmocka_unit_test_setup(more_units_than_hv_keeps_are_refused, with_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
