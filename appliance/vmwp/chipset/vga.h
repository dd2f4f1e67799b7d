/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VGA with the Bochs VBE extension, PCI 1414:5353 at 00:02.0, 16 MiB of video memory in BAR0. The firmware
 * needs Debian's vgabios-stdvga.bin as the fw_cfg file VGA_ROM_FILE (the machine adds it: it is handed the
 * descriptor).
 */
#ifndef VMWP_CHIPSET_VGA_H
#define VMWP_CHIPSET_VGA_H

#include "vmwp/device.h"

#define VGA_ROM_FILE	"pci1414,5353.rom"

extern const struct device_model vga_model;

#endif
