/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI tables of a firmware that lies: RSDP by the loader or by scan, root tables and tables anywhere in the low 4 GiB and beyond,
 * lengths, MADT entries. Reading behind the 4 GiB is a fault, as on the machine at this point; tables handed on are read whole.
 */
#include "tests/fuzz/input.h"

#include <arch/x86/machine.h>
#include <boot/boot.h>
#include <boot/power.h>
#include <hv/iommu.h>
#include <hv/root.h>

#include <string.h>

#define RSDP_AT		(WINDOW + 0x10)
#define ROOT_AT		(WINDOW + 0x100)
#define TABLES_AT	(WINDOW + 0x1000)

static volatile uint8_t seen;

static void read_all(const void *bytes, uint64_t size)
{
	for (uint64_t i = 0; i < size && i < 4096; i++)
		seen = ((const uint8_t *)bytes)[i];
}

void lp_table_add(uint32_t apic_id) { seen = (uint8_t)apic_id; }
void power_read_fadt(const void *fadt, uint32_t length) { read_all(fadt, length); }
void iommu_read_acpi(const void *table, uint64_t size_at_most) { read_all(table, size_at_most); }
spa_t root_page_spa(enum root_page which, uint32_t index) { (void)which; (void)index; return (spa_t){ WINDOW }; }
void *spa_to_virt(spa_t spa) { return low_memory + spa.addr; }

/* Somewhere else: at the end of what can be seen, behind it, or anywhere. */
static uint64_t astray(void)
{
	return once_in(3) ? BIT(32) - below(64) : once_in(3) ? input_number(8) : any();
}

static void put(uint64_t at, const void *bytes, size_t size)
{
	unsigned char *to = low_memory_at(at, size);

	if (to)
		memcpy(to, bytes, size);
}

static void seal(uint64_t at, uint32_t size, unsigned int sum_at)
{
	unsigned char *table = low_memory_at(at, size), sum = 0;

	if (!table || once_in(16))
		return;
	for (uint32_t i = 0; i < size; i++)
		sum = (unsigned char)(sum + table[i]);
	table[sum_at] = (unsigned char)(table[sum_at] - sum);
}

static uint64_t table_put(uint64_t at)
{
	static const char names[][5] = { "APIC", "FACP", "DMAR", "IVRS" };
	uint32_t size = 36 + (uint32_t)below(200), said = once_in(8) ? any() : size;
	uint8_t body[200];

	input_take(body, below(sizeof(body)));
	put(at, names[below(4)], 4);
	put(at + 4, &said, 4);
	put(at + 44, body, sizeof(body));
	seal(at, said, 9);
	return once_in(16) ? astray() : at;
}

static void root_put(bool extended)
{
	uint32_t count = below(8), size = 36 + count * (extended ? 8 : 4), said = once_in(8) ? any() : size;

	put(ROOT_AT, extended ? "XSDT" : "RSDT", 4);
	put(ROOT_AT + 4, &said, 4);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t table = table_put(TABLES_AT + i * 0x200);

		put(ROOT_AT + 36 + i * (extended ? 8 : 4), &table, extended ? 8 : 4);
	}
}

static void rsdp_put(struct boot_info *info, bool extended)
{
	uint32_t rsdt = once_in(8) ? (uint32_t)astray() : ROOT_AT;
	uint64_t xsdt = once_in(8) ? astray() : ROOT_AT;
	uint8_t revision = extended ? 2 : 0;

	put(RSDP_AT, "RSD PTR ", 8);
	put(RSDP_AT + 15, &revision, 1);
	put(RSDP_AT + 16, &rsdt, 4);
	put(RSDP_AT + 24, &xsdt, 8);
	seal(RSDP_AT, 20, 8);
	if (below(2))
		memcpy(info->rsdp_copy, low_memory + RSDP_AT, sizeof(info->rsdp_copy));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct boot_info info;
	bool extended;

	input_begin(data, size);
	low_memory_reset();
	memset(&info, 0, sizeof(info));
	extended = below(2);
	root_put(extended);
	rsdp_put(&info, extended);
	if (setjmp(refused))
		return 0;
	acpi_init(&info);
	acpi_list_processors();
	acpi_rsdp();
	return 0;
}
