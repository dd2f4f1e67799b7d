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

/* Another adapter's memory comes over the frame buffer, which keeps what is in it (text and fonts among it) and is back with
 * vga_uncover(). False: not all of [gpa, gpa + size) is the frame buffer, as it is mapped now. */
bool vga_cover(struct machine *m, uint64_t gpa, uint64_t size);
void vga_uncover(struct machine *m);		/* does nothing when it is not covered */

#endif
