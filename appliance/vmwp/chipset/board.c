/* SPDX-License-Identifier: Apache-2.0 */
/* Every device of a machine, per generation, in power-on order: the bus and the interrupt controllers before who uses them. */
#include "vmwp/chipset/board.h"
#include "vmwp/chipset/display.h"
#include "vmwp/chipset/ide.h"
#include "vmwp/chipset/ioapic.h"
#include "vmwp/chipset/pic.h"
#include "vmwp/chipset/ps2.h"
#include "vmwp/chipset/serial.h"
#include "vmwp/chipset/vga.h"

/* BIOS on a 440FX with PIIX3 and PIIX4. */
static const struct device_model *const generation1[] = {
	&pic_model,
	&ioapic_model,
	&pci_host_model,
	&i440fx_model,		/* 00:00.0 */
	&piix3_model,		/* 00:01.0 */
	&ide_model,		/* 00:01.1 */
	&pm_model,
	&piix4_model,		/* 00:01.3 */
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

/* UEFI on what is needed of a Q35: no PIC, PIT, DMA, IDE, PS/2 or VGA. */
static const struct device_model *const generation2[] = {
	&ioapic_model,
	&pci_host_model,
	&q35_host_model,	/* 00:00.0 */
	&uefi_rom_model,	/* 00:01.0 */
	&pm_model,
	&q35_lpc_model,		/* 00:1f.0 */
	&fw_cfg_model,
	&display_model,
	&ramfb_model,
	&flash_model,
	&rtc_model,
	&serial_model,
	&reset_control_model,
	&debug_port_model,
	NULL,
};

const struct device_model *const *board_devices(unsigned int generation)
{
	return generation == 2 ? generation2 : generation1;
}
