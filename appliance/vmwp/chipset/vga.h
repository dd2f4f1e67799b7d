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

/* The video memory that the guest sees at `gpa`: the adapter's memfd, which it keeps, and the offset. False: not all of it
 * is the VGA's frame buffer, as it is mapped now. */
bool vga_frame_buffer(struct machine *m, uint64_t gpa, uint64_t size, int *fd, uint64_t *offset);

#endif
