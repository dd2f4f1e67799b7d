/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic storage of a VM: up to four SCSI controllers with 64 places each, for disks and DVD drives that come and go
 * while the guest runs, and an accelerator for each IDE disk. A device of the machine (vsp.c lists it). Called by the
 * control methods; event loop's thread, machine lock held.
 */
#ifndef VMWP_VSP_STORAGE_H
#define VMWP_VSP_STORAGE_H

#include "storage/disk.h"
#include "vmwp/device.h"

#define STORAGE_CONTROLLERS	4u
#define STORAGE_LOCATIONS	64u

extern const struct device_model storage_model;

struct storage_place { unsigned int controller, location; };

/* Takes the disk on success; a DVD drive may be empty (NULL). The guest is told when it runs. -EINVAL (no such place),
 * -EBUSY (taken), -ENOMEM, or why the controller cannot be offered. `serial` is stable per disk. */
int storage_attach(struct device *storage, struct storage_place place, bool dvd, struct disk *disk, const char *serial);
/* The guest loses it at once; `gone` (after which the disk is closed) comes when no request uses it any more, perhaps
 * before this returns. -ENOENT: nothing is there. */
int storage_detach(struct device *storage, struct storage_place place, void (*gone)(void *context), void *context);
/* Takes the medium on success; NULL ejects. -ENODEV: no DVD drive is there. */
int storage_set_media(struct device *storage, struct storage_place place, struct disk *medium);
bool storage_has_unit(struct device *storage, struct storage_place place, bool dvd);	/* of that kind, there */
struct disk *storage_disk(struct device *storage, struct storage_place place);	/* the SCSI disk there; NULL: none */
/* A second way to an IDE disk, for guests that know it is the same one (SMBIOS says so): the disk stays the IDE drive's. */
bool storage_accelerates_ide(struct device *storage);		/* at least one */
int storage_accelerate_ide(struct device *storage, unsigned int channel, unsigned int drive, struct disk *disk, const char *serial);

#endif
