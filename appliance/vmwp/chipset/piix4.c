/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PIIX4 power management function at 00:01.3 (Intel 290562, chapter 7): says where the ACPI registers (pm.c) are. With ACPI
 * tables from fw_cfg SeaBIOS takes 0x600, and the FADT says so too.
 */
#include "vmwp/chipset/board.h"
#include "vmwp/machine.h"
#include "vmwp/state.h"

#include <errno.h>
#include <string.h>

#define CFG_PMBASE	0x40
#define CFG_DEVACTB	0x58
#define CFG_PMREGMISC	0x80
#define PMREGMISC_ENABLE 1
#define DEVACTB_APMC_SMI 0x02			/* bit 25: SeaBIOS takes it for "SMM is set up" and leaves SMM alone */

struct piix4 { struct pci_function *function; };

static void piix4_place_pm(struct device *dev)
{
	const uint8_t *config = pci_config(((struct piix4 *)device_state(dev))->function);

	pm_place(dev->machine->pm, config[CFG_PMREGMISC] & PMREGMISC_ENABLE ? pm_base(config + CFG_PMBASE) : 0);
}

static bool piix4_config_write(struct device *dev, unsigned int offset, unsigned int size, uint32_t value)
{
	struct piix4 *piix4 = device_state(dev);
	uint8_t *config = pci_config(piix4->function);

	if (offset < 0x40)
		return false;
	memcpy(config + offset, &value, size);
	config[CFG_PMBASE] |= 1;		/* says "I/O space" */
	piix4_place_pm(dev);
	return true;
}

static const struct pci_function_model pm_function = {
	.slot = 1, .function = 3, .vendor = 0x8086, .device = 0x7113, .revision = 3, .class = 6, .subclass = 0x80,
	.interrupt_pin = 1, .config_write = piix4_config_write,
};

static int piix4_init(struct device *dev)
{
	struct piix4 *piix4 = device_state(dev);

	piix4->function = pci_register(dev, &pm_function);
	return piix4->function ? 0 : -ENOSPC;
}

static void piix4_reset(struct device *dev)
{
	struct piix4 *piix4 = device_state(dev);

	pci_config(piix4->function)[CFG_PMBASE] = 1;
	pci_config(piix4->function)[CFG_DEVACTB + 3] = DEVACTB_APMC_SMI;
}

static void piix4_state(struct device *dev, struct state *s)	/* its registers came with pci.c's record */
{
	if (state_loading(s))
		piix4_place_pm(dev);
}

const struct device_model piix4_model = {
	.name = "piix4", .state_size = sizeof(struct piix4), .state_version = 1,
	.init = piix4_init, .reset = piix4_reset, .state = piix4_state,
};
