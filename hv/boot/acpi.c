/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few ACPI tables hv reads, once at boot: MADT for the processors, FADT for the power registers. DMAR and IVRS are
 * hidden from the root, so that it takes its interrupts' addresses from hv (hv-abi.md section 5.3). ACPI 6.5, chapter 5.2.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <boot/boot.h>
#include <boot/power.h>
#include <hv/console.h>
#include <hv/iommu.h>
#include <hv/lp.h>
#include <hv/panic.h>
#include <hv/pool.h>
#include <hv/root.h>
#include <hv/string.h>

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum, oem[6], revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __packed;

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum, oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __packed;

struct acpi_madt_entry {
	uint8_t type, length;
	union {
		struct { uint8_t acpi_id, apic_id; uint32_t flags; } __packed lapic;		/* type 0 */
		struct { uint16_t reserved; uint32_t apic_id, flags, uid; } __packed x2apic;	/* type 9 */
	};
} __packed;
#define TABLE_MAX		(1u << 20)	/* far more than any of those that hv looks at */
#define MADT_ENTRIES		44u
#define MADT_ENABLED		1u

static struct acpi_rsdp rsdp;
static uint64_t rsdp_address;

static bool sums_to_zero(const void *bytes, size_t n)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
	return sum == 0;
}

static uint64_t scan_for_rsdp(uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at += 16)
		if (!memcmp(BOOT_DIRECT(at), "RSD PTR ", 8) && sums_to_zero(BOOT_DIRECT(at), 20))
			return at;
	return 0;
}

static uint64_t find_rsdp(void)
{
	uint64_t ebda = (uint64_t)*(const uint16_t *)BOOT_DIRECT(0x40e) << 4;
	uint64_t at = ebda >= 0x80000 && ebda < 0xa0000 ? scan_for_rsdp(ebda, ebda + 1024) : 0;

	return at ? at : scan_for_rsdp(0xe0000, 0x100000);
}

/* hv sees the low 4 GiB only at this point; no firmware is known to put tables higher. NULL: it is not there. */
static struct acpi_header *header_at(uint64_t address)
{
	return address && address <= BIT(32) - sizeof(struct acpi_header) ? BOOT_DIRECT(address) : NULL;
}

static uint64_t bytes_to_4g(const struct acpi_header *t)
{
	return BIT(32) - ((uintptr_t)t - DIRECT_MAP);
}

static bool is_sound(const struct acpi_header *t)
{
	return t && t->length >= sizeof(*t) && t->length <= TABLE_MAX && t->length <= bytes_to_4g(t);
}

/* The first of that name, however long it says it is, or NULL. */
static struct acpi_header *table_find(const char *signature)
{
	const struct acpi_header *root = header_at(rsdp.revision >= 2 && rsdp.xsdt ? rsdp.xsdt : rsdp.rsdt);
	unsigned int entry_size, count;

	if (!is_sound(root))
		return NULL;
	entry_size = memcmp(root->signature, "XSDT", 4) ? 4 : 8;
	count = (root->length - (unsigned int)sizeof(*root)) / entry_size;
	for (unsigned int n = 0; n < count; n++) {
		uint64_t address = 0;
		struct acpi_header *t;

		memcpy(&address, (const char *)(root + 1) + n * entry_size, entry_size);
		t = header_at(address);
		if (t && !memcmp(t->signature, signature, 4))
			return t;
	}
	return NULL;
}

static void table_read_iommu(const char *signature)
{
	const struct acpi_header *t = table_find(signature);

	if (is_sound(t) && sums_to_zero(t, t->length))
		iommu_read_acpi(t, bytes_to_4g(t));
}

/* A table nobody knows the name of is a table nobody reads; its checksum stays right. */
static void table_hide(const char *signature)
{
	struct acpi_header *t = table_find(signature);

	if (!t)
		return;
	t->checksum = (uint8_t)(t->checksum + t->signature[0] - 'X');
	t->signature[0] = 'X';
	hv_log(LOG_INFO, "ACPI table %s is hidden from the root\n", signature);
}

static void madt_add(const struct acpi_madt_entry *e)
{
	if (e->type == 0 && e->length >= 8 && (e->lapic.flags & MADT_ENABLED))
		lp_table_add(e->lapic.apic_id);
	if (e->type == 9 && e->length >= 16 && (e->x2apic.flags & MADT_ENABLED))
		lp_table_add(e->x2apic.apic_id);
}

void acpi_list_processors(void)
{
	const struct acpi_header *madt = table_find("APIC");

	for (uint32_t at = MADT_ENTRIES; is_sound(madt) && at + 2 <= madt->length; ) {
		const struct acpi_madt_entry *e = (const void *)((const char *)madt + at);

		if (e->length < 2 || e->length > madt->length - at)
			break;
		madt_add(e);
		at += e->length;
	}
}

void acpi_init(struct boot_info *info)
{
	const struct acpi_header *fadt;

	if (!memcmp(info->rsdp_copy, "RSD PTR ", 8)) {
		memcpy(&rsdp, info->rsdp_copy, sizeof(rsdp));
	} else {
		rsdp_address = find_rsdp();
		if (!rsdp_address)
			hv_refuse("its firmware offers no ACPI tables.");
		memcpy(&rsdp, BOOT_DIRECT(rsdp_address), sizeof(rsdp));
	}
	fadt = table_find("FACP");
	if (is_sound(fadt))
		power_read_fadt(fadt, fadt->length);
	table_read_iommu("IVRS");
	table_read_iommu("DMAR");
	table_hide("DMAR");
	table_hide("IVRS");
}

/* Where the root finds the RSDP: the firmware's own, or a page of hv's with the copy that the loader made. */
uint64_t acpi_rsdp(void)
{
	spa_t page = root_page_spa(ROOT_PAGE_RSDP, 0);

	if (rsdp_address)
		return rsdp_address;
	memcpy(spa_to_virt(page), &rsdp, sizeof(rsdp));
	return page.addr;
}
