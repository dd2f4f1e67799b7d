/* SPDX-License-Identifier: Apache-2.0 */
/* Every device of a generation-1 machine, in power-on order: the bus and the interrupt controllers before who uses them. */
#include "vmwp/chipset/board.h"
#include "vmwp/chipset/display.h"
#include "vmwp/chipset/ide.h"
#include "vmwp/chipset/ioapic.h"
#include "vmwp/chipset/pic.h"
#include "vmwp/chipset/ps2.h"
#include "vmwp/chipset/serial.h"
#include "vmwp/chipset/vga.h"

const struct device_model *const board_devices[] = {
	&pic_model,
	&ioapic_model,
	&pci_host_model,
	&piix3_model,		/* 00:01.0 */
	&ide_model,		/* 00:01.1 */
	&pm_model,		/* 00:01.3 */
	&display_model,
	&vga_model,		/* 00:02.0 */
	&pit_model,
	&rtc_model,
	&dma_model,
	&ps2_model,
	&serial_model,
	&fw_cfg_model,
	&reset_control_model,
	&debug_port_model,
	NULL,
};
