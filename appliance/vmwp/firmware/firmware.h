/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware: SeaBIOS (generation 1) or UEFI (generation 2), and what it is told through CMOS and fw_cfg. Lock held. */
#ifndef VMWP_FIRMWARE_FIRMWARE_H
#define VMWP_FIRMWARE_FIRMWARE_H

#include "vmwp/machine.h"

int firmware_load(struct machine *m);		/* once, after the devices are there */
void firmware_reset(struct machine *m);		/* what of it lies in RAM is as after power-on */

/* The whole file, at most `max` bytes: free() it. */
int firmware_read(int fd, size_t max, uint8_t **out, size_t *size);

int seabios_map(struct machine *m);		/* seabios.c */
void seabios_reset(struct machine *m);		/* its copy below 1 MiB */
int seabios_vga_rom_publish(struct machine *m);

int acpi_publish(struct machine *m);		/* acpi.c: etc/acpi/..., etc/table-loader */
size_t acpi_processors_aml(unsigned int processors, uint8_t *aml, size_t room);	/* acpi_processors.c: an SSDT's body */
int smbios_publish(struct machine *m);		/* smbios.c: etc/smbios/... */

#endif
