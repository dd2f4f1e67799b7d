/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of a Q35 as OVMF looks for: the host bridge with PCIEXBAR (Intel 316966, 5.1.13), which makes configuration
 * space memory-mapped, and the LPC bridge at 00:1f.0 (ICH9, Intel 316972, 13.1) that places the ACPI registers. The root
 * complex base and what else firmware writes is stored and has no effect: nothing lies behind it.
 */
#include "vmwp/chipset/board.h"
#include "vmwp/machine.h"
#include "vmwp/state.h"

#include <errno.h>
#include <string.h>

#define CFG_PCIEXBAR		0x60	/* 8 bytes */
#define PCIEXBAR_ENABLE		1u
#define PCIEXBAR_LENGTH(v)	((v) >> 1 & 3)	/* 256, 128, 64 MiB */
#define CFG_PMBASE		0x40
#define CFG_ACPI_CNTL		0x44
#define ACPI_CNTL_ENABLE	0x80

struct q35_host {
	struct pci_function *function;
	uint64_t base;			/* of the memory-mapped configuration space; 0: off */
};

/* --- the host bridge --- */

static uint64_t ecam_read(struct device *dev, uint64_t offset, unsigned int size)
{
	return size > 4 ? ~0ull : pci_config_read(dev->machine, (uint32_t)offset, size);
}

static void ecam_write(struct device *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	if (size <= 4)
		pci_config_write(dev->machine, (uint32_t)offset, size, (uint32_t)value);
}

static void ecam_place(struct device *dev)
{
	struct q35_host *q = device_state(dev);
	struct mmio_range range = { .read = ecam_read, .write = ecam_write };
	uint64_t value, base;

	memcpy(&value, pci_config(q->function) + CFG_PCIEXBAR, sizeof(value));
	range.size = 0x10000000ull >> PCIEXBAR_LENGTH(value);
	range.base = base = value & ~(range.size - 1) & 0xfffffffffull;
	if (!(value & PCIEXBAR_ENABLE) || PCIEXBAR_LENGTH(value) == 3)
		base = 0;
	if (base == q->base)
		return;
	if (q->base)
		mmio_unclaim(dev, q->base);
	q->base = base && mmio_claim(dev, &range) == 0 ? base : 0;
}

static bool host_config_write(struct device *dev, unsigned int offset, unsigned int size, uint32_t value)
{
	struct q35_host *q = device_state(dev);
	uint8_t *config = pci_config(q->function);

	if (offset < CFG_PCIEXBAR || offset + size > CFG_PCIEXBAR + 8)
		return false;
	memcpy(config + offset, &value, size);
	ecam_place(dev);
	return true;
}

static void host_state(struct device *dev, struct state *s)	/* its registers came with pci.c's record, as the LPC bridge's */
{
	if (state_loading(s))
		ecam_place(dev);
}

static const struct pci_function_model host_bridge = {
	.vendor = 0x8086, .device = 0x29c0, .revision = 2, .class = 6, .subclass = 0,
	.subsystem_vendor = 0x1af4, .subsystem = 0x1100, .config_write = host_config_write,
};

static int host_init(struct device *dev)
{
	struct q35_host *q = device_state(dev);

	q->function = pci_register(dev, &host_bridge);
	return q->function ? 0 : -ENOSPC;
}

static void host_reset(struct device *dev)	/* after pci_reset(): it is off */
{
	ecam_place(dev);
}

const struct device_model q35_host_model = {
	.name = "q35-host", .state_size = sizeof(struct q35_host), .state_version = 1,
	.init = host_init, .reset = host_reset, .state = host_state,
};

/* --- the LPC bridge --- */

struct q35_lpc { struct pci_function *function; };

static void lpc_place_pm(struct device *dev)
{
	const uint8_t *config = pci_config(((struct q35_lpc *)device_state(dev))->function);

	pm_place(dev->machine->pm, config[CFG_ACPI_CNTL] & ACPI_CNTL_ENABLE ? pm_base(config + CFG_PMBASE) : 0);
}

static bool lpc_config_write(struct device *dev, unsigned int offset, unsigned int size, uint32_t value)
{
	struct q35_lpc *lpc = device_state(dev);
	uint8_t *config = pci_config(lpc->function);

	if (offset < CFG_PMBASE || offset + size > CFG_ACPI_CNTL + 4)
		return false;
	memcpy(config + offset, &value, size);
	config[CFG_PMBASE] |= 1;		/* says "I/O space" */
	lpc_place_pm(dev);
	return true;
}

static const struct pci_function_model lpc_bridge = {
	.slot = 0x1f, .vendor = 0x8086, .device = 0x2918, .revision = 2, .class = 6, .subclass = 1,
	.config_write = lpc_config_write,
};

static int lpc_init(struct device *dev)
{
	struct q35_lpc *lpc = device_state(dev);

	lpc->function = pci_register(dev, &lpc_bridge);
	return lpc->function ? 0 : -ENOSPC;
}

static void lpc_reset(struct device *dev)
{
	struct q35_lpc *lpc = device_state(dev);

	pci_config(lpc->function)[CFG_PMBASE] = 1;
}

static void lpc_state(struct device *dev, struct state *s)
{
	if (state_loading(s))
		lpc_place_pm(dev);
}

const struct device_model q35_lpc_model = {
	.name = "q35-lpc", .state_size = sizeof(struct q35_lpc), .state_version = 1,
	.init = lpc_init, .reset = lpc_reset, .state = lpc_state,
};
