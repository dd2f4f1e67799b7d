/* SPDX-License-Identifier: Apache-2.0 */
/* AMD-Vi (AMD I/O Virtualization Technology Specification, 48882): one entry for every device in one device table. */
#include <arch/x86/mmio.h>
#include <hv/string.h>
#include <iommu/unit.h>

#define REG_DEVICE_TABLE	0x0000u
#define REG_COMMAND_BASE	0x0008u
#define REG_EVENT_BASE		0x0010u
#define REG_CONTROL		0x0018u
#define REG_EXCLUSION_BASE	0x0020u
#define REG_EXCLUSION_LIMIT	0x0028u
#define REG_FEATURES		0x0030u
#define REG_COMMAND_HEAD	0x2000u
#define REG_COMMAND_TAIL	0x2008u
#define REG_EVENT_HEAD		0x2010u
#define REG_EVENT_TAIL		0x2018u
#define REG_STATUS		0x2020u

#define FEATURE_COUNTERS	BIT(9)
#define CONTROL_ENABLE		BIT(0)
#define CONTROL_EVENT_LOG	BIT(2)
#define CONTROL_COHERENT	BIT(10)
#define CONTROL_COMMANDS	BIT(12)
#define STATUS_EVENT_OVERFLOW	BIT(0)
#define STATUS_EVENT_LOG_RUNS	BIT(3)
#define RING_256		(8ull << 56)
#define RING_BYTES		(IOMMU_RING * sizeof(struct iommu_entry))

#define DEVICES			65536u
#define DEVICE_BYTES		32u
#define DEVICE_VALID		3ull			/* the entry, and its page tables */
#define DEVICE_LEVELS_SHIFT	9
#define DEVICE_READ		BIT(61)
#define DEVICE_WRITE		BIT(62)
#define DEVICE_MESSAGES_PASS	BIT(40)			/* system management messages, as without an IOMMU */
#define DEVICE_INTERRUPTS_PASS	(BIT(56) | BIT(57) | BIT(58) | BIT(62) | BIT(63))	/* INIT, ExtINT, NMI, LINT0, LINT1 */

#define COMMAND_SIGNAL		(1ull << 60 | 1)
#define COMMAND_FLUSH_DOMAIN	(3ull << 60 | IOMMU_DOMAIN << 32)
#define COMMAND_FLUSH_DEVICE	(2ull << 60)
#define ALL_PAGES_AND_TABLES	0x7ffffffffffff003ull

/* IVHD: types 10h, 11h and 40h can describe the same unit one after the other. */
static bool amd_is_unit(const struct acpi_remapping *block)
{
	return block->type == 0x10 || block->type == 0x11 || block->type == 0x40;
}

static const char *amd_missing(struct iommu_unit *u)
{
	u->capabilities = mmio_read64(u->regs + REG_FEATURES);
	u->pages = u->capabilities & FEATURE_COUNTERS ? 128 : 4;
	u->levels = 4;
	u->largest_level = 3;
	return NULL;
}

static void amd_devices(void *table, uint64_t tables, unsigned int levels)
{
	const uint64_t entry[4] = {
		DEVICE_VALID | (uint64_t)levels << DEVICE_LEVELS_SHIFT | tables | DEVICE_READ | DEVICE_WRITE,
		IOMMU_DOMAIN | DEVICE_MESSAGES_PASS, DEVICE_INTERRUPTS_PASS, 0,
	};

	for (unsigned int i = 0; i < DEVICES; i++)
		memcpy((char *)table + i * DEVICE_BYTES, entry, DEVICE_BYTES);
}

/* The HyperTransport bits of the block's flags belong into the control register (IVHD flags; control bits 1, 8, 9 and 11). */
static uint64_t control_value(const struct iommu_unit *u)
{
	return CONTROL_ENABLE | CONTROL_EVENT_LOG | CONTROL_COHERENT | CONTROL_COMMANDS |
	       (u->flags & 1ull) << 1 | (u->flags >> 1 & 3ull) << 8 | (u->flags >> 3 & 1ull) << 11;
}

/* One by one: old units know no other way, and QEMU's (11.1) looks at an entry only when it is told so. */
static void flush_devices(struct iommu_unit *u)
{
	for (uint64_t device = 0; device < DEVICES; device++) {
		iommu_command(u, (struct iommu_entry){ COMMAND_FLUSH_DEVICE | device, 0 });
		if (device % (IOMMU_RING / 2) == IOMMU_RING / 2 - 1)
			iommu_commands_end(u);
	}
}

static void amd_start(struct iommu_unit *u, uint64_t devices)
{
	static const uint32_t cleared[] = {
		REG_COMMAND_HEAD, REG_COMMAND_TAIL, REG_EVENT_HEAD, REG_EVENT_TAIL, REG_EXCLUSION_BASE, REG_EXCLUSION_LIMIT,
	};

	mmio_write64(u->regs + REG_CONTROL, 0);
	mmio_write64(u->regs + REG_DEVICE_TABLE, devices | (DEVICES * DEVICE_BYTES / PAGE_SIZE - 1));
	mmio_write64(u->regs + REG_COMMAND_BASE, virt_to_spa(u->ring).addr | RING_256);
	mmio_write64(u->regs + REG_EVENT_BASE, virt_to_spa(u->log).addr | RING_256);
	for (size_t i = 0; i < ARRAY_SIZE(cleared); i++)
		mmio_write64(u->regs + cleared[i], 0);
	mmio_write64(u->regs + REG_CONTROL, control_value(u));
	flush_devices(u);
}

static struct iommu_entry amd_flush(const struct iommu_unit *u)
{
	(void)u;
	return (struct iommu_entry){ COMMAND_FLUSH_DOMAIN, ALL_PAGES_AND_TABLES };
}

static struct iommu_entry amd_signal(uint64_t where, uint64_t number)
{
	return (struct iommu_entry){ COMMAND_SIGNAL | where, number };
}

/* After an overflow nothing is logged until the log has been switched off and on (48882, 2.5.1). */
static void log_restart(struct iommu_unit *u)
{
	mmio_write64(u->regs + REG_CONTROL, control_value(u) & ~CONTROL_EVENT_LOG);
	iommu_wait32(u, REG_STATUS, STATUS_EVENT_LOG_RUNS, 0);
	mmio_write64(u->regs + REG_STATUS, STATUS_EVENT_OVERFLOW);
	mmio_write64(u->regs + REG_CONTROL, control_value(u));
}

static bool amd_event(struct iommu_unit *u, struct iommu_event *event)
{
	const struct iommu_entry *e = &u->log[u->log_head];

	if (mmio_read64(u->regs + REG_EVENT_TAIL) % RING_BYTES / sizeof(*e) == u->log_head) {
		if (mmio_read64(u->regs + REG_STATUS) & STATUS_EVENT_OVERFLOW)
			log_restart(u);
		return false;
	}
	*event = (struct iommu_event){ (uint16_t)e->low, (unsigned int)(e->low >> 60), e->high };
	u->log_head = (u->log_head + 1) % IOMMU_RING;
	mmio_write64(u->regs + REG_EVENT_HEAD, u->log_head * sizeof(*e));
	return true;
}

const struct iommu_vendor iommu_amd = {
	.table = "IVRS", .name = "AMD-Vi",
	.format = { .read = DEVICE_READ, .write = DEVICE_WRITE, .level = BIT(DEVICE_LEVELS_SHIFT) },
	.tail_register = REG_COMMAND_TAIL,
	.devices_bytes = DEVICES * DEVICE_BYTES,
	.is_unit = amd_is_unit, .missing = amd_missing, .devices = amd_devices, .start = amd_start,
	.flush = amd_flush, .signal = amd_signal, .event = amd_event,
};
