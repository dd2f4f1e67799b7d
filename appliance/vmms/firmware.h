/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware files of VMs (firmware.c). */
#ifndef VMMS_FIRMWARE_H
#define VMMS_FIRMWARE_H

#include "vm.h"

#define FIRMWARE_VARIABLES_FILE	"uefi-variables.fd"	/* in the folder of a generation-2 VM */
#define FIRMWARE_PARTS		3u

struct firmware_part { const char *key; int fd; };	/* key of vmwp.Configure's "firmware"; NULL: no more */

int firmware_variables_create(const struct vmms *v, int vm_folder);	/* 0 or negative errno */
/* Opens what the VM's generation needs: 0, or -EINVAL and *p with nothing left open. */
int firmware_open(const struct vm *vm, struct firmware_part parts[FIRMWARE_PARTS], struct problem *p);
void firmware_close(struct firmware_part parts[FIRMWARE_PARTS]);

#endif
