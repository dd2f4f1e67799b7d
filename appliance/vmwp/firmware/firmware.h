/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware of a generation-1 machine: SeaBIOS, and what it is told through CMOS and fw_cfg. Lock held. */
#ifndef VMWP_FIRMWARE_FIRMWARE_H
#define VMWP_FIRMWARE_FIRMWARE_H

#include "vmwp/machine.h"

int firmware_load(struct machine *m);		/* once, after the devices are there */
void firmware_reset(struct machine *m);		/* the copy of the BIOS below 1 MiB, as after power-on */

int acpi_publish(struct machine *m);		/* acpi.c: etc/acpi/..., etc/table-loader */
int smbios_publish(struct machine *m);		/* smbios.c: etc/smbios/... */

#endif
