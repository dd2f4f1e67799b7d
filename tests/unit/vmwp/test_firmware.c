/* SPDX-License-Identifier: Apache-2.0 */
/* What SeaBIOS is handed: fw_cfg by port and by DMA, and the ACPI tables after the loader script was followed. */
#include "fake_hv.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TABLES_GPA	0x100000u
#define RSDP_GPA	0xf0000u
static struct machine *m;

static int machine_setup(void **state)
{
	(void)state;
	m = fake_machine_new(64 << 20, 3, true);
	return 0;
}

static int machine_teardown(void **state)
{
	(void)state;
	fake_machine_free(m);
	return 0;
}

static void fw_cfg_select(uint16_t key) { machine_port_write(m, 0x510, 2, key); }
static uint8_t fw_cfg_byte(void) { return (uint8_t)machine_port_read(m, 0x511, 1); }

static uint32_t fw_cfg_be32(void)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 8 | fw_cfg_byte();
	return value;
}

/* Finds a file the way firmware does: key and size from the directory. */
static uint32_t file_find(const char *wanted, uint16_t *key)
{
	uint32_t count;

	fw_cfg_select(0x19);
	count = fw_cfg_be32();
	for (uint32_t i = 0; i < count; i++) {
		uint32_t size = fw_cfg_be32(), rest = fw_cfg_be32();
		char name[56];

		for (int c = 0; c < 56; c++)
			name[c] = (char)fw_cfg_byte();
		*key = (uint16_t)(rest >> 16);
		if (strcmp(name, wanted) == 0)
			return size;
	}
	return 0;
}

static uint8_t *file_load(const char *name, uint32_t *size)
{
	uint16_t key = 0;
	uint8_t *data;

	*size = file_find(name, &key);
	data = calloc(1, *size + 1);
	fw_cfg_select(key);
	for (uint32_t i = 0; i < *size; i++)
		data[i] = fw_cfg_byte();
	return data;
}

static void fw_cfg_says_who_it_is(void **state)
{
	char signature[5] = "";

	(void)state;
	fw_cfg_select(0);
	for (int i = 0; i < 4; i++)
		signature[i] = (char)fw_cfg_byte();
	assert_string_equal(signature, "QEMU");
	fw_cfg_select(5);
	assert_int_equal(fw_cfg_byte(), 3);
	fw_cfg_select(0x7777);
	assert_int_equal(fw_cfg_byte(), 0);
	assert_int_equal(be32toh(machine_port_read(m, 0x514, 4)), 0x51454d55);
}

static void dma(uint64_t gpa)
{
	machine_port_write(m, 0x514, 4, htobe32((uint32_t)(gpa >> 32)));
	machine_port_write(m, 0x518, 4, htobe32((uint32_t)gpa));
}

static uint32_t dma_request(uint32_t control, uint32_t length, uint64_t address)
{
	struct { uint32_t control, length; uint64_t address; } block = { htobe32(control), htobe32(length), htobe64(address) };

	guest_write(m, 0x5000, &block, sizeof(block));
	dma(0x5000);
	guest_read(m, 0x5000, &block, sizeof(block));
	return be32toh(block.control);
}

static void fw_cfg_dma_reads_into_ram_and_pads_with_zeros(void **state)
{
	uint8_t bytes[8];

	(void)state;
	guest_write(m, 0x6000, "xxxxxxxx", 8);
	assert_int_equal(dma_request(0 << 16 | 8 | 2, 8, 0x6000), 0);
	guest_read(m, 0x6000, bytes, 8);
	assert_memory_equal(bytes, "QEMU\0\0\0\0", 8);
}

static void fw_cfg_dma_outside_ram_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(dma_request(8 | 2, 0xffffffff, 0x3fff000), 1);
	assert_int_equal(dma_request(8 | 2, 4, 0xffffffffffffffff), 1);
	assert_int_equal(dma_request(8 | 16, 4, 0x6000), 1);		/* nothing may be written */
	dma(0xfffffffffffffff0);					/* no control block there: nothing happens */
}

static void bootorder_names_the_drive(void **state)
{
	uint32_t size;
	uint8_t *text = file_load("bootorder", &size);

	(void)state;
	assert_string_equal((char *)text, "/pci@i0cf8/ide@1,1/drive@1/disk@0\n");
	free(text);
}

/* --- the table loader, followed as SeaBIOS does --- */

struct loaded { uint8_t *tables, *rsdp; uint32_t tables_size, rsdp_size; };

static uint8_t *blob(struct loaded *l, const char *name)
{
	return strcmp(name, "etc/acpi/tables") == 0 ? l->tables : l->rsdp;
}

static void loader_step(struct loaded *l, const uint8_t *e)
{
	uint32_t command, offset, start, length;
	uint64_t pointer = 0;
	uint8_t *to, sum = 0;

	memcpy(&command, e, 4);
	if (command == 2) {
		to = blob(l, (const char *)e + 4);
		memcpy(&offset, e + 4 + 112, 4);
		memcpy(&pointer, to + offset, e[120]);
		pointer += TABLES_GPA;
		memcpy(to + offset, &pointer, e[120]);
	} else if (command == 3) {
		to = blob(l, (const char *)e + 4);
		memcpy(&offset, e + 60, 4);
		memcpy(&start, e + 64, 4);
		memcpy(&length, e + 68, 4);
		to[offset] = 0;
		for (uint32_t i = 0; i < length; i++)
			sum = (uint8_t)(sum + to[start + i]);
		to[offset] = (uint8_t)-sum;
	} else {
		assert_int_equal(command, 1);
	}
}

static struct loaded tables_load(void)
{
	struct loaded l;
	uint32_t size;
	uint8_t *script = file_load("etc/table-loader", &size);

	l.tables = file_load("etc/acpi/tables", &l.tables_size);
	l.rsdp = file_load("etc/acpi/rsdp", &l.rsdp_size);
	assert_true(size && size % 128 == 0);
	for (uint32_t i = 0; i < size; i += 128)
		loader_step(&l, script + i);
	free(script);
	return l;
}

static uint32_t u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, 4);
	return value;
}

static uint8_t *table_at(struct loaded *l, uint32_t gpa)
{
	uint8_t *table = l->tables + (gpa - TABLES_GPA), sum = 0;

	assert_in_range(gpa, TABLES_GPA, TABLES_GPA + l->tables_size - 36);
	if (memcmp(table, "FACS", 4) == 0)
		return table;
	for (uint32_t i = 0; i < u32(table + 4); i++)
		sum = (uint8_t)(sum + table[i]);
	if (sum)
		fail_msg("%.4s has a wrong checksum", table);
	return table;
}

static void keep_for_iasl(const uint8_t *table)	/* VMWP_TABLES=directory: to look at with iasl -d */
{
	const char *directory = getenv("VMWP_TABLES");
	char path[256];
	FILE *f;

	if (!directory)
		return;
	snprintf(path, sizeof(path), "%s/%.4s.aml", directory, table);
	f = fopen(path, "w");
	if (f) {
		fwrite(table, 1, u32(table + 4), f);
		fclose(f);
	}
}

static void every_table_is_reached_and_sums_to_zero(void **state)
{
	struct loaded l = tables_load();
	uint8_t *rsdt, *xsdt, *fadt, sum = 0;

	(void)state;
	for (uint32_t i = 0; i < l.rsdp_size; i++)
		sum = (uint8_t)(sum + l.rsdp[i]);
	assert_int_equal(sum, 0);
	rsdt = table_at(&l, u32(l.rsdp + 16));
	xsdt = table_at(&l, u32(l.rsdp + 24));
	assert_int_equal((u32(rsdt + 4) - 36) / 4, (u32(xsdt + 4) - 36) / 8);
	for (uint32_t i = 0; i < (u32(rsdt + 4) - 36) / 4; i++) {
		assert_int_equal(u32(rsdt + 36 + 4 * i), u32(xsdt + 36 + 8 * i));
		keep_for_iasl(table_at(&l, u32(rsdt + 36 + 4 * i)));
	}
	fadt = table_at(&l, u32(rsdt + 36));
	assert_memory_equal(fadt, "FACP", 4);
	assert_memory_equal(table_at(&l, u32(fadt + 40)), "DSDT", 4);
	assert_int_equal(u32(fadt + 40), u32(fadt + 140));
	assert_memory_equal(table_at(&l, u32(fadt + 36)), "FACS", 4);
	keep_for_iasl(table_at(&l, u32(fadt + 40)));
	free(l.tables);
	free(l.rsdp);
}

static void madt_has_a_row_per_processor(void **state)
{
	struct loaded l = tables_load();
	uint8_t *rsdt = table_at(&l, u32(l.rsdp + 16)), *madt = table_at(&l, u32(rsdt + 40));
	unsigned int lapics = 0, ioapics = 0;

	(void)state;
	assert_memory_equal(madt, "APIC", 4);
	for (uint32_t at = 44; at < u32(madt + 4); at += madt[at + 1]) {
		assert_true(madt[at + 1] >= 2);
		lapics += madt[at] == 0;
		ioapics += madt[at] == 1;
	}
	assert_int_equal(lapics, 3);
	assert_int_equal(ioapics, 1);
	free(l.tables);
	free(l.rsdp);
}

static void smbios_carries_the_uuid(void **state)
{
	uint32_t size, anchor_size;
	uint8_t *tables = file_load("etc/smbios/smbios-tables", &size), *anchor = file_load("etc/smbios/smbios-anchor", &anchor_size);
	static const uint8_t uuid[16] = { 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };

	(void)state;
	assert_int_equal(tables[0], 1);
	assert_memory_equal(tables + 8, uuid, 16);
	assert_int_equal(tables[size - 1] | tables[size - 2], 0);
	assert_int_equal(anchor[0x16] | anchor[0x17] << 8, size);
	free(tables);
	free(anchor);
}

static void bios_is_mapped_below_four_gigabytes(void **state)
{
	uint8_t byte;

	(void)state;
	assert_int_equal(guest_read(m, 0xfffffff0, &byte, 1), 0);
	assert_int_equal(byte, 0xea);
	assert_int_not_equal(guest_write(m, 0xfffffff0, &byte, 1), 0);
	assert_null(guest_memory(m, 0xa0000, 1));
	assert_null(guest_memory(m, 0x9ffff, 2));
	assert_non_null(guest_memory(m, 0xc0000, 1));
	assert_null(guest_memory(m, (64 << 20) - 1, 2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fw_cfg_says_who_it_is), TEST(fw_cfg_dma_reads_into_ram_and_pads_with_zeros), TEST(fw_cfg_dma_outside_ram_is_an_error),
		TEST(bootorder_names_the_drive), TEST(every_table_is_reached_and_sums_to_zero), TEST(madt_has_a_row_per_processor),
		TEST(smbios_carries_the_uuid), TEST(bios_is_mapped_below_four_gigabytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
