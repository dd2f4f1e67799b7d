/* SPDX-License-Identifier: Apache-2.0 */
/* 440FX host bridge at 00:00.0, which is what SeaBIOS looks for. Its PAM registers are only stored: 0xc0000-0xfffff is RAM. */
#include "vmwp/chipset/board.h"

#include <errno.h>

static const struct pci_function_model host_bridge = {
	.vendor = 0x8086, .device = 0x1237, .revision = 2, .class = 6, .subclass = 0,
	.subsystem_vendor = 0x1af4, .subsystem = 0x1100,
};

static int i440fx_init(struct device *dev)
{
	return pci_register(dev, &host_bridge) ? 0 : -ENOSPC;
}

const struct device_model i440fx_model = { .name = "440fx", .state_version = 1, .init = i440fx_init };
