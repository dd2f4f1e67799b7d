/* SPDX-License-Identifier: Apache-2.0 */
/* What vmwp.Configure says about the VM, checked (control/configure.c). Descriptors are owned by this struct; -1 = none. */
#ifndef VMWP_CONFIG_H
#define VMWP_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define VM_DISKS_MAX	12u		/* in Configure, whose message carries 16 descriptors */
#define VM_PARENTS_MAX	15u		/* of a differencing disk */
#define VM_BOOT_MAX	4u

enum vm_boot { VM_BOOT_NONE, VM_BOOT_DISK, VM_BOOT_CD };

struct vm_place {			/* number and location of the API: IDE 0-1 and 0-1, SCSI 0-3 and 0-63 */
	bool scsi;
	unsigned int controller, location;
};

struct vm_disk_parent { int fd; char format[8]; };

struct vm_disk {
	int fd;
	bool cd, read_only;
	struct vm_place place;
	char format[8];			/* "raw", "vhd", "vhdx", "iso" */
	struct vm_disk_parent parents[VM_PARENTS_MAX];	/* the nearest first */
	unsigned int parent_count;
	char serial[41];		/* IDE shows 20 characters of it */
};

struct vm_config {
	char id[37];			/* UUID */
	char name[256];
	unsigned int generation;	/* 1: BIOS, 2: UEFI */
	unsigned int processors;
	uint64_t memory_bytes;
	uint64_t memory_maximum_bytes;	/* what it may grow to while it runs; 0: memory_bytes and no more */
	enum vm_boot boot[VM_BOOT_MAX];
	struct vm_disk disks[VM_DISKS_MAX];
	unsigned int disk_count;
	int bios_fd, vga_bios_fd;	/* generation 1 */
	int code_fd, vars_fd;		/* generation 2: the firmware, and the VM's own variables, written by chipset/flash.c */
	int driver_fd;			/* generation 2: the option ROM of chipset/uefi_rom.c */
};

void vm_config_init(struct vm_config *c);	/* no descriptors */
void vm_disk_clear(struct vm_disk *d);		/* closes what it still owns */
void vm_config_clear(struct vm_config *c);	/* closes what it still owns */

#endif
