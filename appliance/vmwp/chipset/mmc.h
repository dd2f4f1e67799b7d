/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CD/DVD-ROM drive's commands (MMC-5) without its bus: ATAPI (ide_mmc.c) and SCSI (../vsp/scsi_dvd.c) carry them. The
 * medium belongs to the bus; INQUIRY, REQUEST SENSE and unit attentions are the bus' business too.
 */
#ifndef VMWP_CHIPSET_MMC_H
#define VMWP_CHIPSET_MMC_H

#include "storage/disk.h"

#define MMC_BLOCK	2048u
#define MMC_ANSWER_MAX	96u

struct mmc_sense { uint8_t key, asc, ascq; };

enum mmc_interface { MMC_SCSI = 1, MMC_ATAPI = 2 };	/* as the core feature says it */

struct mmc_drive {
	enum mmc_interface interface;
	bool locked, tray_open;
	bool media_event, eject_event;		/* to be told by GET EVENT STATUS NOTIFICATION */
};

struct mmc_reply {
	enum { MMC_DONE, MMC_FAILED, MMC_ANSWER, MMC_READ } kind;
	struct mmc_sense sense;			/* MMC_FAILED */
	uint8_t data[MMC_ANSWER_MAX];		/* MMC_ANSWER: `bytes` of it, the guest takes allocation_length at most */
	uint32_t bytes, allocation_length;
	uint64_t offset, length;		/* MMC_READ: of the medium, in bytes; never empty, never beyond its end */
	bool eject;				/* MMC_DONE: the guest opened the tray, the bus lets the medium go */
};

bool mmc_knows(uint8_t operation);
void mmc_execute(struct mmc_drive *d, const struct disk *medium, const uint8_t *cdb, struct mmc_reply *reply);
/* The host changed the medium (NULL: took it out): the next GET EVENT tells. */
void mmc_medium_changed(struct mmc_drive *d, const struct disk *medium);
struct state;
void mmc_drive_state(struct mmc_drive *d, struct state *s);

#endif
