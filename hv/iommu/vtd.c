/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VT-d (Intel Virtualization Technology for Directed I/O, 4.0): legacy mode, one context table for the devices of every bus,
 * second-level tables, which EPT's are as well (section 9.8). Commands by queue only: newer units have nothing else.
 */
#include <arch/x86/mmio.h>
#include <hv/string.h>
#include <iommu/unit.h>

#define REG_CAPABILITIES	0x08u
#define REG_EXTENDED		0x10u
#define REG_COMMAND		0x18u
#define REG_STATUS		0x1cu
#define REG_ROOT_TABLE		0x20u
#define REG_FAULT_STATUS	0x34u
#define REG_FAULT_CONTROL	0x38u
#define REG_PROTECTED		0x64u
#define REG_QUEUE_TAIL		0x88u
#define REG_QUEUE		0x90u

#define CAP_WRITE_BUFFER	BIT(4)
#define CAP_PROTECTED		(BIT(5) | BIT(6))
#define CAP_39_BITS		BIT(9)
#define CAP_48_BITS		BIT(10)
#define CAP_LARGE_2M		BIT(34)
#define CAP_LARGE_1G		BIT(35)
#define CAP_DRAIN_WRITE		BIT(54)
#define CAP_DRAIN_READ		BIT(55)
#define CAP_FAULTS_AT(cap)	((uint32_t)((cap) >> 24 & 0x3ff) * 16)
#define CAP_FAULTS(cap)		((uint32_t)((cap) >> 40 & 0xff) + 1)
#define EXT_COHERENT		BIT(0)
#define EXT_QUEUE		BIT(1)
#define EXT_FLUSH_AT(ext)	((uint32_t)((ext) >> 8 & 0x3ff) * 16)

#define COMMAND_TRANSLATE	BIT(31)
#define COMMAND_ROOT_TABLE	BIT(30)
#define COMMAND_QUEUE		BIT(26)
#define COMMAND_INTERRUPTS	BIT(25)
#define STATUS_STATES		0x96ffffffu	/* the rest are commands that happen once */
#define FAULT_PENDING		BIT(1)
#define FAULT_OVERFLOW		BIT(0)
#define FAULT_VALID		BIT(63)
#define FAULT_MASKED		BIT(31)
#define PROTECTED_STATUS	BIT(0)

#define QUEUE_FLUSH_CONTEXTS	0x11ull		/* type 1, all */
#define QUEUE_FLUSH		0x12ull		/* type 2, all */
#define QUEUE_DRAIN_WRITE	BIT(6)
#define QUEUE_DRAIN_READ	BIT(7)
#define QUEUE_SIGNAL		0x25ull		/* type 5, write */
#define ENTRY_PRESENT		BIT(0)
#define CONTEXT_DOMAIN_SHIFT	8
#define BUSES			256u
#define FUNCTIONS		256u

static bool vtd_is_unit(const struct acpi_remapping *block)
{
	return block->type == 0 && block->subtype == 0;		/* DRHD */
}

static const char *vtd_missing(struct iommu_unit *u)
{
	uint64_t cap = mmio_read64(u->regs + REG_CAPABILITIES), ext = mmio_read64(u->regs + REG_EXTENDED);
	uint64_t faults_end = CAP_FAULTS_AT(cap) + CAP_FAULTS(cap) * 16u, flush_end = EXT_FLUSH_AT(ext) + 16u;

	u->capabilities = cap;
	u->incoherent = !(ext & EXT_COHERENT);
	u->levels = cap & CAP_48_BITS ? 4 : 3;
	u->pages = ALIGN_UP(faults_end > flush_end ? faults_end : flush_end, PAGE_SIZE) >> PAGE_SHIFT;
	u->largest_level = cap & CAP_LARGE_1G ? 3 : 2;
	if (!(cap & (CAP_39_BITS | CAP_48_BITS)) || !(cap & CAP_LARGE_2M))
		return "it cannot walk the CPU's page tables";
	return !(ext & EXT_QUEUE) || (cap & CAP_WRITE_BUFFER) ? "it takes no commands from a queue" : NULL;
}

/* Two pages: what the root table has for each bus is the same context table. */
static void vtd_devices(void *table, uint64_t tables, unsigned int levels)
{
	struct iommu_entry *root = table, *context = root + BUSES;

	for (unsigned int i = 0; i < BUSES; i++)
		root[i].low = virt_to_spa(context).addr | ENTRY_PRESENT;
	for (unsigned int i = 0; i < FUNCTIONS; i++)
		context[i] = (struct iommu_entry){
			tables | ENTRY_PRESENT, (levels - 2) | IOMMU_DOMAIN << CONTEXT_DOMAIN_SHIFT,
		};
}

static void command(struct iommu_unit *u, uint32_t bit, bool on)
{
	uint32_t states = mmio_read32(u->regs + REG_STATUS) & STATUS_STATES & ~bit;

	mmio_write32(u->regs + REG_COMMAND, states | (on ? bit : 0));
	iommu_wait32(u, REG_STATUS, bit, on ? bit : 0);
}

/* Firmware may have left anything on, translation and protected ranges of its own included. */
static void vtd_start(struct iommu_unit *u, uint64_t devices)
{
	mmio_write32(u->regs + REG_FAULT_CONTROL, (uint32_t)FAULT_MASKED);
	command(u, (uint32_t)COMMAND_TRANSLATE, false);
	command(u, COMMAND_INTERRUPTS, false);
	command(u, COMMAND_QUEUE, false);
	mmio_write64(u->regs + REG_QUEUE_TAIL, 0);
	mmio_write64(u->regs + REG_QUEUE, virt_to_spa(u->ring).addr);
	command(u, COMMAND_QUEUE, true);
	mmio_write64(u->regs + REG_ROOT_TABLE, devices);
	command(u, COMMAND_ROOT_TABLE, true);
	iommu_command(u, (struct iommu_entry){ QUEUE_FLUSH_CONTEXTS, 0 });
	iommu_commands_end(u);
	command(u, (uint32_t)COMMAND_TRANSLATE, true);
	if (!(u->capabilities & CAP_PROTECTED))
		return;
	mmio_write32(u->regs + REG_PROTECTED, 0);
	iommu_wait32(u, REG_PROTECTED, PROTECTED_STATUS, 0);
}

static struct iommu_entry vtd_flush(const struct iommu_unit *u)
{
	return (struct iommu_entry){
		QUEUE_FLUSH | (u->capabilities & CAP_DRAIN_WRITE ? QUEUE_DRAIN_WRITE : 0) |
		(u->capabilities & CAP_DRAIN_READ ? QUEUE_DRAIN_READ : 0), 0,
	};
}

static struct iommu_entry vtd_signal(uint64_t where, uint64_t number)
{
	return (struct iommu_entry){ QUEUE_SIGNAL | number << 32, where };
}

static bool vtd_event(struct iommu_unit *u, struct iommu_event *event)
{
	char *record = u->regs + CAP_FAULTS_AT(u->capabilities);
	uint32_t status = mmio_read32(u->regs + REG_FAULT_STATUS);
	uint64_t high;

	for (uint32_t i = 0; (status & FAULT_PENDING) && i < CAP_FAULTS(u->capabilities); i++, record += 16) {
		high = mmio_read64(record + 8);
		if (!(high & FAULT_VALID))
			continue;
		*event = (struct iommu_event){ (uint16_t)high, high >> 32 & 0xff, mmio_read64(record) & PAGE_MASK };
		mmio_write32(record + 12, (uint32_t)(FAULT_VALID >> 32));		/* written as one, it is cleared */
		return true;
	}
	if (status & FAULT_OVERFLOW)
		mmio_write32(u->regs + REG_FAULT_STATUS, FAULT_OVERFLOW);
	return false;
}

const struct iommu_vendor iommu_vtd = {
	.table = "DMAR", .name = "VT-d",
	.tail_register = REG_QUEUE_TAIL,
	.devices_bytes = (BUSES + FUNCTIONS) * sizeof(struct iommu_entry),
	.is_unit = vtd_is_unit, .missing = vtd_missing, .devices = vtd_devices, .start = vtd_start,
	.flush = vtd_flush, .signal = vtd_signal, .event = vtd_event,
};
