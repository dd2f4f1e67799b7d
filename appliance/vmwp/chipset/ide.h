/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PIIX3 IDE (8086:7010 at 00:01.1): two channels with two drives each, ATA disks and ATAPI CD drives.
 * The machine attaches drives after power-on, before the first VP runs; a CD's medium may change at any time.
 */
#ifndef VMWP_CHIPSET_IDE_H
#define VMWP_CHIPSET_IDE_H

#include "storage/disk.h"
#include "vmwp/device.h"

#define IDE_CHANNELS	2u
#define IDE_DRIVES	2u		/* per channel: 0 master, 1 slave */

extern const struct device_model ide_model;

/*
 * Both take the disk on success; 0, -EINVAL (no such place), -EBUSY (taken), -ENOMEM. `location` is channel
 * * 2 + drive, the `number`/`location` of the API folded into one. serial may be NULL; at most 20
 * characters are shown to the guest.
 */
int ide_attach_disk(struct device *ide, unsigned int location, struct disk *disk, const char *serial);
int ide_attach_cd(struct device *ide, unsigned int location, struct disk *medium);	/* medium NULL: an empty tray */

/* The guest is offered this disk by VMBus too: it must know it for the one that drivers leave to that. */
void ide_mark_accelerated(struct device *ide, unsigned int location);
struct disk *ide_disk(struct device *ide, unsigned int location);	/* NULL: no hard disk is there */
/* Machine lock held. Takes the disk on success; NULL ejects. -ENODEV when no CD drive is there. */
int ide_set_media(struct device *ide, unsigned int location, struct disk *medium);

#endif
