/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI tables: DSDT (dsdt.asl, dsdt2.asl), FADT, FACS, MADT, SSDT with the processors, WAET, MCFG (generation 2), RSDT and
 * XSDT, handed to the firmware through the fw_cfg table loader, which places them and fills in addresses and checksums.
 */
#include "vmwp/chipset/board.h"
#include "vmwp/chipset/ioapic.h"
#include "vmwp/firmware/acpi_layout.h"
#include "vmwp/firmware/firmware.h"
#include "vmwp/firmware/table_loader.h"

#include "dsdt.hex"		/* dsdt_aml_code[], made by iasl */
#include "dsdt2.hex"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SPACE_IO		1
#define FADT_WBINVD		(1u << 0)
#define FADT_C1			(1u << 2)
#define FADT_NO_SLEEP_BUTTON	(1u << 5)
#define FADT_NO_RTC_WAKE	(1u << 6)
#define FADT_RESET_REGISTER	(1u << 10)
#define FADT_PLATFORM_CLOCK	(1u << 15)
#define BOOT_LEGACY_DEVICES	0x01
#define BOOT_8042		0x02
#define BOOT_NO_VGA		0x04
#define PROFILE_ENTERPRISE_SERVER 4
#define PORT_RESET		0xcf9
#define MADT_PCAT_COMPAT	1
#define LAPIC_ENABLED		1
#define LEVEL_ACTIVE_HIGH	0x000d
#define WAET_RTC_GOOD		1
#define WAET_PM_TIMER_GOOD	2
#define TABLES_MAX		6
#define MCFG_BASE		0xe0000000u		/* where OVMF puts the Q35's configuration space */
#define VMBUS_WINDOW		0x20000000u		/* of memory above all RAM; dsdt2.asl has its length too */
#define VMBUS_WINDOW_MARK	0x777700000000ull
#define VMBUS_WINDOW_ALIGN	0x20000000ull

struct acpi_tables { struct table_loader loader; uint32_t offsets[TABLES_MAX]; unsigned int count; };

static struct acpi_header header(const char *signature, uint8_t revision, size_t length)
{
	struct acpi_header h = {
		.length = (uint32_t)length, .revision = revision, .oem_id = "PARTIT", .oem_table_id = { 'P', 'A', 'R', 'T', 'I', 'T', 'A', '1' },
		.oem_revision = 1, .creator_id = { 'P', 'R', 'T', 'A' }, .creator_revision = 1,
	};

	memcpy(h.signature, signature, sizeof(h.signature));
	return h;
}

static uint32_t table_add(struct acpi_tables *t, const void *table, size_t size)
{
	uint32_t offset = loader_append(&t->loader, table, size, 16);

	loader_add_checksum(&t->loader, LOADER_TABLES, offset + (uint32_t)offsetof(struct acpi_header, checksum), offset, (uint32_t)size);
	return offset;
}

static void table_list(struct acpi_tables *t, uint32_t offset)	/* RSDT and XSDT will point to it */
{
	t->offsets[t->count++] = offset;
}

static struct acpi_address io_register(uint16_t port, unsigned int bytes)
{
	return (struct acpi_address){ .space = SPACE_IO, .bit_width = (uint8_t)(bytes * 8),
				      .access_size = bytes >= 4 ? 3 : (uint8_t)bytes, .address = port };
}

static void fadt_registers(struct acpi_fadt *f)
{
	f->pm1a_event = PM_BASE;
	f->pm1_event_length = 4;
	f->x_pm1a_event = io_register(PM_BASE, 4);
	f->pm1a_control = PM_BASE + 4;
	f->pm1_control_length = 2;
	f->x_pm1a_control = io_register(PM_BASE + 4, 2);
	f->pm_timer = PM_BASE + 8;
	f->pm_timer_length = 4;
	f->x_pm_timer = io_register(PM_BASE + 8, 4);
	f->gpe0 = PM_BASE + 0xc;
	f->gpe0_length = 4;
	f->x_gpe0 = io_register(PM_BASE + 0xc, 4);
	f->reset = io_register(PORT_RESET, 1);
	f->reset_value = 6;
}

/* The window follows the memory, whose size the compiled DSDT cannot know: its first and last address are put in here. */
static void vmbus_window_place(struct machine *m, uint8_t *aml, size_t size)
{
	uint64_t from = VMBUS_WINDOW_MARK, last = from + VMBUS_WINDOW - 1;
	uint64_t top = RAM_HIGH_BASE + guest_ram_space(m) - guest_ram_low(m), base = (top + VMBUS_WINDOW_ALIGN - 1) & ~(VMBUS_WINDOW_ALIGN - 1);
	uint64_t end = base + VMBUS_WINDOW - 1;

	for (size_t i = 0; i + 16 <= size; i++) {
		if (memcmp(aml + i, &from, 8) != 0 || memcmp(aml + i + 8, &last, 8) != 0)
			continue;
		memcpy(aml + i, &base, 8);
		memcpy(aml + i + 8, &end, 8);
	}
}

static uint32_t add_dsdt(struct acpi_tables *t, struct machine *m)
{
	const uint8_t *aml = m->config.generation == 2 ? dsdt2_aml_code : dsdt_aml_code;
	size_t size = m->config.generation == 2 ? sizeof(dsdt2_aml_code) : sizeof(dsdt_aml_code);
	uint32_t at = table_add(t, aml, size);

	if (!t->loader.failed) {
		vmbus_window_place(m, t->loader.tables + at, size);
		t->loader.tables[at + offsetof(struct acpi_header, checksum)] = 0;	/* the loader makes it */
	}
	return at;
}

static void add_fadt(struct acpi_tables *t, struct machine *m)
{
	struct acpi_facs facs = { .signature = { 'F', 'A', 'C', 'S' }, .length = sizeof(facs), .version = 2 };
	struct acpi_fadt f = {
		.header = header("FACP", 6, sizeof(f)), .profile = PROFILE_ENTERPRISE_SERVER, .sci_interrupt = PM_SCI_IRQ,
		.c2_latency = 0xfff, .c3_latency = 0xfff, .century = 0x32, .minor_version = 3,
		.boot_architecture = m->config.generation == 2 ? BOOT_NO_VGA : BOOT_LEGACY_DEVICES | BOOT_8042,
		.flags = FADT_WBINVD | FADT_C1 | FADT_NO_SLEEP_BUTTON | FADT_NO_RTC_WAKE | FADT_RESET_REGISTER | FADT_PLATFORM_CLOCK,
	};
	uint32_t at;

	fadt_registers(&f);
	f.facs = loader_append(&t->loader, &facs, sizeof(facs), 64);
	f.dsdt = add_dsdt(t, m);
	f.x_dsdt = f.dsdt;
	at = loader_append(&t->loader, &f, sizeof(f), 16);
	loader_add_pointer(&t->loader, LOADER_TABLES, at + (uint32_t)offsetof(struct acpi_fadt, facs), 4);
	loader_add_pointer(&t->loader, LOADER_TABLES, at + (uint32_t)offsetof(struct acpi_fadt, dsdt), 4);
	loader_add_pointer(&t->loader, LOADER_TABLES, at + (uint32_t)offsetof(struct acpi_fadt, x_dsdt), 8);
	loader_add_checksum(&t->loader, LOADER_TABLES, at + (uint32_t)offsetof(struct acpi_header, checksum), at, sizeof(f));
	table_list(t, at);
}

static const struct madt_override overrides[] = {
	{ 2, sizeof(struct madt_override), 0, PM_SCI_IRQ, PM_SCI_IRQ, LEVEL_ACTIVE_HIGH },	/* all that generation 2 has */
	{ 2, sizeof(struct madt_override), 0, 0, 2, 0 },		/* the PIT's line is pin 2 */
	{ 2, sizeof(struct madt_override), 0, 10, 10, LEVEL_ACTIVE_HIGH },	/* PIRQ A, B */
	{ 2, sizeof(struct madt_override), 0, 11, 11, LEVEL_ACTIVE_HIGH },	/* PIRQ C, D */
};

struct madt {
	struct madt_head head;
	struct madt_ioapic ioapic;
	struct madt_lapic_nmi nmi;
	struct madt_lapic lapics[MACHINE_VPS_MAX];	/* as many as there are VPs; then overrides */
	struct madt_override overrides[sizeof(overrides) / sizeof(overrides[0])];
} ACPI_PACKED;

static void add_madt(struct acpi_tables *t, const struct vm_config *config)
{
	size_t override_bytes = config->generation == 2 ? sizeof(overrides[0]) : sizeof(overrides);
	size_t lapic_bytes = config->processors * sizeof(struct madt_lapic);
	size_t size = offsetof(struct madt, lapics) + lapic_bytes + override_bytes;
	struct madt m = {
		.head = { header("APIC", 5, size), 0xfee00000, config->generation == 2 ? 0 : MADT_PCAT_COMPAT },
		.ioapic = { .type = 1, .length = sizeof(m.ioapic), .address = (uint32_t)IOAPIC_BASE },
		.nmi = { .type = 4, .length = sizeof(m.nmi), .uid = 0xff, .lint = 1 },
	};

	for (unsigned int i = 0; i < config->processors; i++)
		m.lapics[i] = (struct madt_lapic){ 0, sizeof(m.lapics[i]), (uint8_t)(i + 1), (uint8_t)i, LAPIC_ENABLED };
	memcpy((uint8_t *)m.lapics + lapic_bytes, overrides, override_bytes);
	table_list(t, table_add(t, &m, size));
}

static void add_ssdt(struct acpi_tables *t, unsigned int processors)
{
	struct { struct acpi_header h; uint8_t aml[32 * MACHINE_VPS_MAX + 16]; } ACPI_PACKED table = { .aml = { 0 } };
	size_t size = sizeof(table.h) + acpi_processors_aml(processors, table.aml, sizeof(table.aml));

	table.h = header("SSDT", 2, size);
	table_list(t, table_add(t, &table, size));
}

static void add_mcfg(struct acpi_tables *t)
{
	struct acpi_mcfg m = { .header = header("MCFG", 1, sizeof(m)), .base = MCFG_BASE, .last_bus = 0xff };

	table_list(t, table_add(t, &m, sizeof(m)));
}

static void add_waet(struct acpi_tables *t)
{
	struct acpi_waet w = { header("WAET", 1, sizeof(w)), WAET_RTC_GOOD | WAET_PM_TIMER_GOOD };

	table_list(t, table_add(t, &w, sizeof(w)));
}

/* RSDT (entries of 4 bytes) or XSDT (8 bytes). */
static uint32_t add_root_table(struct acpi_tables *t, const char *signature, unsigned int entry)
{
	struct { struct acpi_header h; uint8_t entries[8 * TABLES_MAX]; } ACPI_PACKED table = { .entries = { 0 } };
	size_t size = sizeof(table.h) + t->count * entry;
	uint32_t at;

	table.h = header(signature, 1, size);
	for (unsigned int i = 0; i < t->count; i++)
		memcpy(table.entries + i * entry, &t->offsets[i], sizeof(t->offsets[i]));
	at = loader_append(&t->loader, &table, size, 16);
	for (unsigned int i = 0; i < t->count; i++)
		loader_add_pointer(&t->loader, LOADER_TABLES, at + (uint32_t)sizeof(table.h) + i * entry, entry);
	loader_add_checksum(&t->loader, LOADER_TABLES, at + (uint32_t)offsetof(struct acpi_header, checksum), at, (uint32_t)size);
	return at;
}

static int add_rsdp(struct acpi_tables *t, struct machine *m)
{
	struct acpi_rsdp rsdp = {
		.signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' }, .oem_id = "PARTIT", .revision = 2, .length = sizeof(rsdp),
		.rsdt = add_root_table(t, "RSDT", 4), .xsdt = add_root_table(t, "XSDT", 8),
	};

	loader_allocate(&t->loader, LOADER_RSDP, 16, LOADER_FSEG);
	loader_add_pointer(&t->loader, LOADER_RSDP, offsetof(struct acpi_rsdp, rsdt), 4);
	loader_add_pointer(&t->loader, LOADER_RSDP, offsetof(struct acpi_rsdp, xsdt), 8);
	loader_add_checksum(&t->loader, LOADER_RSDP, offsetof(struct acpi_rsdp, checksum), 0, 20);
	loader_add_checksum(&t->loader, LOADER_RSDP, offsetof(struct acpi_rsdp, extended_checksum), 0, sizeof(rsdp));
	return fw_cfg_add_file(m, LOADER_RSDP, &rsdp, sizeof(rsdp));
}

int acpi_publish(struct machine *m)
{
	struct acpi_tables t = { .count = 0 };
	int r;

	loader_allocate(&t.loader, LOADER_TABLES, 64, LOADER_HIGH);
	add_fadt(&t, m);
	add_madt(&t, &m->config);
	add_ssdt(&t, m->config.processors);
	add_waet(&t);
	if (m->config.generation == 2)
		add_mcfg(&t);
	r = add_rsdp(&t, m);
	if (r == 0)
		r = loader_publish(&t.loader, m);
	loader_free(&t.loader);
	return r;
}
