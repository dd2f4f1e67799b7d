/* SPDX-License-Identifier: Apache-2.0 */
/* PIIX3 function 0 at 00:01.0 (Intel 290550): the PCI-ISA bridge. Of its registers the PIRQ routes 0x60-0x63 have effect. */
#include "vmwp/chipset/board.h"

#include <errno.h>
#include <string.h>

#define CFG_PIRQ_ROUTE	0x60

struct piix3 { struct pci_function *function; };

static bool piix3_config_write(struct device *dev, unsigned int offset, unsigned int size, uint32_t value)
{
	struct piix3 *piix3 = device_state(dev);
	uint8_t *config = pci_config(piix3->function);

	if (offset < CFG_PIRQ_ROUTE || offset + size > CFG_PIRQ_ROUTE + PCI_PIRQS)
		return false;
	memcpy(config + offset, &value, size);
	pci_route_pirqs(dev->machine, config + CFG_PIRQ_ROUTE);
	return true;
}

static const struct pci_function_model isa_bridge = {
	.slot = 1, .function = 0, .vendor = 0x8086, .device = 0x7000, .class = 6, .subclass = 1,
	.config_write = piix3_config_write,
};

static int piix3_init(struct device *dev)
{
	struct piix3 *piix3 = device_state(dev);

	piix3->function = pci_register(dev, &isa_bridge);
	return piix3->function ? 0 : -ENOSPC;
}

static void piix3_reset(struct device *dev)
{
	struct piix3 *piix3 = device_state(dev);

	memset(pci_config(piix3->function) + CFG_PIRQ_ROUTE, 0x80, PCI_PIRQS);
}

const struct device_model piix3_model = {
	.name = "piix3", .state_size = sizeof(struct piix3), .state_version = 1,
	.init = piix3_init, .reset = piix3_reset,
};
