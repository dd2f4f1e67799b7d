/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform's IOMMUs, found in IVRS or DMAR: all of them are used or none, because a device behind one that is not is free
 * anyway. What hv cannot use leaves one line in the log and the machine as it was.
 */
#include <arch/x86/mmio.h>
#include <boot/boot.h>
#include <hv/console.h>
#include <hv/deadline.h>
#include <hv/lock.h>
#include <hv/panic.h>
#include <hv/partition.h>
#include <hv/pool.h>
#include <hv/string.h>
#include <iommu/unit.h>

#define UNITS_MAX	64u
#define REMAPPING_HEADER 48u		/* of both tables; the blocks follow (48882, 5.2.1; VT-d, 8.1) */
#define TABLE_MAX	65536u
#define REPORT_LINES	4u
#define REPORTS_PER_SECOND 10
#define ANSWER_SECONDS	2

struct acpi_remapping_table { char signature[4]; uint32_t length; uint8_t rest[REMAPPING_HEADER - 8]; } __packed;

static const struct iommu_vendor *const vendors[] = { &iommu_amd, &iommu_vtd };
static const struct iommu_vendor *vendor;	/* whose table was read */
static struct iommu_unit units[UNITS_MAX];
static unsigned int unit_count;
static const char *unusable = "the firmware describes no IOMMU";	/* NULL: all units are used */
static struct iommu_format format;
static void *devices[5];			/* the table of all devices, for units that walk so many levels */
static void *all_ones;				/* a page */
static struct spinlock lock;			/* rings and logs */
static bool started;
static uint64_t next_report;

/* One unit per place: a second block for the same one is another edition of the first. Registers are never in RAM. */
static const char *unit_add(const struct acpi_remapping *block)
{
	for (unsigned int i = 0; i < unit_count; i++)
		if (units[i].base == block->base)
			return NULL;
	if (unit_count == UNITS_MAX)
		return "there are too many";
	if (block->base % PAGE_SIZE || !memory_is_device(block->base, PAGE_SIZE))
		return "the registers are said to be where none can be";
	units[unit_count++] = (struct iommu_unit){
		.base = block->base, .flags = block->subtype, .regs = spa_to_virt((spa_t){ block->base }), .pages = 1,
	};
	return NULL;
}

static const char *units_list(const uint8_t *table, uint32_t length)
{
	struct acpi_remapping block;
	const char *problem = NULL;

	for (uint32_t at = REMAPPING_HEADER; !problem && at < length; at += block.length) {
		if (length - at < 4)
			return "its ACPI table ends in the middle";
		memset(&block, 0, sizeof(block));
		memcpy(&block, table + at, length - at < sizeof(block) ? length - at : sizeof(block));
		if (block.length < 4 || block.length > length - at)
			return "its ACPI table ends in the middle";
		if (vendor->is_unit(&block))
			problem = block.length < sizeof(block) ? "its ACPI table ends in the middle" : unit_add(&block);
	}
	return problem || unit_count ? problem : "its ACPI table names none";
}

/* Called once per table, with the bytes that can be looked at from there on. */
void iommu_read_acpi(const void *table, uint64_t size_at_most)
{
	struct acpi_remapping_table header;

	memcpy(&header, table, sizeof(header));
	for (size_t i = 0; i < ARRAY_SIZE(vendors); i++) {
		if (memcmp(header.signature, vendors[i]->table, 4) || vendor)
			continue;
		vendor = vendors[i];
		unusable = header.length < REMAPPING_HEADER || header.length > TABLE_MAX || header.length > size_at_most ?
			   "its ACPI table has no sound length" : units_list(table, header.length);
	}
}

/* With the size of every unit's registers known: none may be hv's, memory, or another's. */
static bool units_are_apart(void)
{
	for (unsigned int i = 0; i < unit_count; i++) {
		if (!memory_is_device(units[i].base, units[i].pages * PAGE_SIZE))
			return false;
		for (unsigned int j = 0; j < i; j++)
			if (units[i].base < units[j].base + units[j].pages * PAGE_SIZE &&
			    units[j].base < units[i].base + units[i].pages * PAGE_SIZE)
				return false;
	}
	return true;
}

static void unit_prepare(struct iommu_unit *u)
{
	u->ring = boot_alloc_aligned(PAGE_SIZE, PAGE_SIZE);
	u->log = boot_alloc_aligned(PAGE_SIZE, PAGE_SIZE);
	u->done = boot_alloc_aligned(PAGE_SIZE, PAGE_SIZE);
	if (!devices[u->levels])
		devices[u->levels] = boot_alloc_aligned(vendor->devices_bytes, PAGE_SIZE);
	if (u->largest_level < format.largest_level)
		format.largest_level = u->largest_level;
}

const struct iommu_format *iommu_prepare(void)
{
	for (unsigned int i = 0; !unusable && i < unit_count; i++)
		unusable = vendor->missing(&units[i]);
	if (!unusable && !units_are_apart())
		unusable = "the registers are said to be where none can be";
	if (unusable) {
		hv_log(LOG_INFO, "no IOMMU keeps devices from hv's memory: %s\n", unusable);
		return NULL;
	}
	format = vendor->format;
	format.largest_level = 3;
	all_ones = memset(boot_alloc_aligned(PAGE_SIZE, PAGE_SIZE), 0xff, PAGE_SIZE);
	for (unsigned int i = 0; i < unit_count; i++)
		unit_prepare(&units[i]);
	return &format;
}

/* The root's tables, or what its first entry leads to: the lowest 512 GiB. */
static uint64_t tables_of(unsigned int levels)
{
	const uint64_t *top = spa_to_virt(root_partition.gpa.root);

	return levels == 4 ? root_partition.gpa.root.addr : top[0] & 0x000ffffffffff000ull;
}

/* What the root and devices find there reads as all ones, as where there is nothing; writing to it is a fault. */
static void registers_hide(const struct iommu_unit *u)
{
	hv_status_t status = 0;

	for (uint64_t at = u->base; at < u->base + u->pages * PAGE_SIZE && status == 0; at += PAGE_SIZE)
		status = gpa_space_map(&root_partition.gpa, (gpa_t){ at }, virt_to_spa(all_ones), 1, GPA_READ, false);
	hv_assert(status == 0);
}

void iommu_start(void)
{
	if (unusable)
		return;
	for (unsigned int i = 0; i < unit_count; i++)
		registers_hide(&units[i]);
	for (unsigned int levels = 0; levels < ARRAY_SIZE(devices); levels++)
		if (devices[levels])
			vendor->devices(devices[levels], tables_of(levels), levels);
	caches_write_back();			/* a unit may not look into them */
	for (unsigned int i = 0; i < unit_count; i++)
		vendor->start(&units[i], virt_to_spa(devices[units[i].levels]).addr);
	started = true;
	iommu_flush();
	hv_log(LOG_INFO, "%u IOMMU (%s) let devices reach what the root does; their interrupts are not remapped\n", unit_count,
	       vendor->name);
}

void iommu_wait32(const struct iommu_unit *u, uint32_t reg, uint32_t mask, uint32_t value)
{
	uint64_t give_up = tsc_now() + ANSWER_SECONDS * tsc_hz;

	while ((mmio_read32(u->regs + reg) & mask) != value)
		hv_assert(tsc_now() < give_up);
}

void iommu_command(struct iommu_unit *u, struct iommu_entry command)
{
	u->ring[u->tail] = command;
	u->tail = (u->tail + 1) % IOMMU_RING;
}

/* Never more than a few at a time, so the ring cannot run full. */
void iommu_commands_end(struct iommu_unit *u)
{
	uint64_t give_up = tsc_now() + ANSWER_SECONDS * tsc_hz;

	u->flushes = (u->flushes + 1) & 0xffffffff;
	iommu_command(u, vendor->signal(virt_to_spa((const void *)u->done).addr, u->flushes));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_write64(u->regs + vendor->tail_register, u->tail * sizeof(*u->ring));
	while ((uint32_t)*u->done != u->flushes)
		hv_assert(tsc_now() < give_up);
}

void iommu_flush(void)
{
	if (!started)
		return;
	spin_lock(&lock);
	for (unsigned int i = 0; i < unit_count; i++) {
		if (units[i].incoherent)
			caches_write_back();
		iommu_command(&units[i], vendor->flush(&units[i]));
		iommu_commands_end(&units[i]);
	}
	spin_unlock(&lock);
}

/* At most a page of events a time, most of them only counted: a device at its worst must not hold hv up. */
static void unit_report(struct iommu_unit *u)
{
	struct iommu_event e;
	unsigned int n = 0;

	while (n < IOMMU_RING && vendor->event(u, &e))
		if (n++ < REPORT_LINES)
			hv_log(LOG_ERROR, "device %02x:%02x.%u was kept from %llx (%s reason %u)\n", e.device >> 8, e.device >> 3 & 31u,
			       e.device & 7u, (unsigned long long)e.address, vendor->name, e.reason);
	if (n > REPORT_LINES)
		hv_log(LOG_ERROR, "... and devices were %u times more\n", n - REPORT_LINES);
}

void iommu_report(void)
{
	if (!started || tsc_now() < next_report)
		return;
	spin_lock(&lock);
	if (tsc_now() >= next_report) {		/* otherwise another LP just did it */
		for (unsigned int i = 0; i < unit_count; i++)
			unit_report(&units[i]);
		next_report = tsc_now() + tsc_hz / REPORTS_PER_SECOND;
	}
	spin_unlock(&lock);
}
