/* SPDX-License-Identifier: Apache-2.0 */
/* The board: its devices in power-on order, and what firmware/ and the machine say to single ones of them. Lock held. */
#ifndef VMWP_CHIPSET_BOARD_H
#define VMWP_CHIPSET_BOARD_H

#include "vmwp/device.h"

const struct device_model *const *board_devices(unsigned int generation);	/* ends with NULL */

extern const struct device_model pci_host_model, i440fx_model, piix3_model, piix4_model, q35_host_model, q35_lpc_model, ramfb_model,
	flash_model, uefi_rom_model, pm_model, pit_model, rtc_model, fw_cfg_model, dma_model,
	reset_control_model, debug_port_model;

void rtc_set_cmos(struct device *rtc, uint8_t reg, uint8_t value);	/* firmware's registers, at power-on */

/* pci.c */
#define PCI_PIRQS	4u
void pci_route_pirqs(struct machine *m, const uint8_t route[PCI_PIRQS]);	/* PIIX registers 0x60-0x63 */
uint8_t *pci_config(struct pci_function *f);		/* 256 bytes, for a function's own registers */
uint32_t pci_config_read(struct machine *m, uint32_t address, unsigned int size);	/* address: offset in the memory-mapped space */
void pci_config_write(struct machine *m, uint32_t address, unsigned int size, uint32_t value);

/* pm.c */
#define PM_BASE		0x600u
#define PM_SCI_IRQ	9u
void pm_press_power_button(struct device *pm);
void pm_place(struct device *pm, uint16_t base);	/* 0: nowhere */
static inline uint16_t pm_base(const uint8_t reg[2]) { return (uint16_t)((reg[0] | reg[1] << 8) & 0xffc0); }

/* fw_cfg.c */
#define FW_CFG_NB_CPUS	0x05
#define FW_CFG_MAX_CPUS	0x0f
void fw_cfg_set_u16(struct machine *m, uint16_t key, uint16_t value);
/* The file from now on; as fw_cfg_add_file() when there was none. While no firmware reads it: at reset. */
int fw_cfg_replace_file(struct machine *m, const char *name, const void *data, size_t size);
/* A file the guest may write, by DMA, whole or in parts; `written` comes after each write with all of it. */
int fw_cfg_add_writable(struct device *dev, const char *name, size_t size, void (*written)(struct device *dev, const void *data));

/* debug_port.c */
void debug_port_enable(bool enable);

#endif
