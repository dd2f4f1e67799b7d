/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State and calls shared by the IDE files: ide.c (registers), ide_pio.c (data port), ide_dma.c (bus
 * master), ide_ata.c (disk commands), ide_atapi.c (packets), ide_mmc.c (CD commands, with mmc.c), ide_identify.c. All
 * with the machine lock held.
 */
#ifndef VMWP_CHIPSET_IDE_INTERNAL_H
#define VMWP_CHIPSET_IDE_INTERNAL_H

#include "vmwp/chipset/ide.h"
#include "vmwp/chipset/mmc.h"

#define IDE_SECTOR		512u
#define IDE_CD_BLOCK		2048u
#define IDE_BUFFER_BYTES	65536u		/* of read-ahead for the data port */
#define IDE_MULTIPLE_MAX	16u
#define IDE_DMA_IOV		512u		/* pieces of one step of a DMA transfer */

enum ide_status { ATA_ERR = 0x01, ATA_DRQ = 0x08, ATA_DSC = 0x10, ATA_DF = 0x20, ATA_DRDY = 0x40, ATA_BSY = 0x80 };
enum ide_error { ATA_ABRT = 0x04, ATA_IDNF = 0x10, ATA_UNC = 0x40 };
enum ide_head { ATA_HEAD_SLAVE = 0x10, ATA_HEAD_LBA = 0x40, ATA_HEAD_FIXED = 0xa0 };
enum ide_control { ATA_NIEN = 0x02, ATA_SRST = 0x04, ATA_HOB = 0x80 };
enum ide_reason { ATAPI_COMMAND = 1, ATAPI_TO_HOST = 2 };	/* the count register during a packet command */

enum ide_kind { IDE_ABSENT = 0, IDE_DISK = 1, IDE_CD = 2 };
enum ide_phase { IDE_IDLE, IDE_DATA_IN, IDE_DATA_OUT, IDE_PACKET_OUT, IDE_DMA_IN, IDE_DMA_OUT };

struct ide_drive;
struct ide_protocol {		/* how ATA and ATAPI commands show progress to the guest */
	void (*present)(struct ide_drive *d, bool first);	/* buffer[at..block_end) is ready on the data port */
	void (*finish)(struct ide_drive *d, int result);	/* the command is over: 0 or negative errno */
};

struct ide_task_file { uint8_t count, lba_low, lba_mid, lba_high; };

struct ide_drive {
	struct ide_channel *channel;
	enum ide_kind kind;
	struct disk *disk;			/* the medium; NULL in an empty CD drive */
	uint8_t *buffer;			/* IDE_BUFFER_BYTES */
	char serial[21];
	bool accelerated;			/* has a second front end on VMBus */

	struct ide_task_file now, before;	/* before: what 48-bit commands take as the upper bytes */
	uint8_t feature, head, status, error;
	uint8_t multiple;			/* sectors per block; 0: READ MULTIPLE is refused */
	bool write_cache;
	uint8_t dma_mode;			/* as SET FEATURES 03h gave it */
	uint16_t heads, sectors_per_track;	/* of CHS addressing */

	enum ide_phase phase;
	const struct ide_protocol *protocol;
	uint32_t at, block_end, filled;		/* in buffer[] */
	uint32_t block;				/* most bytes of one DRQ block */
	uint64_t offset, left;			/* on the disk, beyond what buffer[] or the DMA step holds */

	struct disk_request request;		/* one at a time */
	struct iovec iov;			/* of the data port's buffer */
	struct iovec dma_iov[IDE_DMA_IOV];	/* of the DMA step: kept, because a request may be submitted again */
	bool busy, cancelled;
	bool kept;				/* the volume is full: `request` is submitted again when the machine is resumed */
	void (*done)(struct ide_drive *d, int result);
	uint32_t step;				/* bytes of the request on its way */

	struct mmc_sense sense;			/* ATAPI only from here */
	struct mmc_drive mmc;
	bool unit_attention, packet_dma;
};

struct ide_bus_master {		/* PIIX3 datasheet, "PCI Bus Master IDE" */
	uint8_t command, status;
	uint32_t table;				/* as written */
	uint32_t entry, entry_at;		/* where the running transfer is in the table */
	bool table_end;
};

struct ide_channel {
	struct ide *ide;
	struct ide_drive drive[IDE_DRIVES];
	struct ide_bus_master master;
	uint8_t selected, control;
	bool interrupt;
};

struct ide {
	struct device *device;
	struct disk_queue *queue;
	struct ide_channel channel[IDE_CHANNELS];
	uint8_t timing[12];			/* config bytes 0x40..0x4b: stored for the guest, without effect */
};

static inline struct ide_drive *ide_selected(struct ide_channel *c)
{
	return &c->drive[c->selected];
}

/* ide.c */
void ide_interrupt(struct ide_channel *c);
void ide_set_signature(struct ide_drive *d);
void ide_reset_drive(struct ide_drive *d);
void ide_wait_idle(struct ide_drive *d);	/* forgets the request on its way, after it let go of its buffers */
/* Starts a request; `done` comes later, never from within. */
void ide_submit(struct ide_drive *d, int op, uint64_t offset, struct iovec *iov, unsigned int count,
		void (*done)(struct ide_drive *, int));

/* ide_state.c */
void ide_settle(struct device *dev);
void ide_state(struct device *dev, struct state *s);

/* ide_pio.c */
void ide_pio_answer(struct ide_drive *d, const struct ide_protocol *p, uint32_t bytes, uint32_t block);	/* from buffer[] */
void ide_pio_read(struct ide_drive *d, const struct ide_protocol *p, uint64_t offset, uint64_t bytes, uint32_t block);
void ide_pio_write(struct ide_drive *d, const struct ide_protocol *p, uint64_t offset, uint64_t bytes, uint32_t block);
void ide_pio_packet(struct ide_drive *d);	/* waits for 12 bytes, then atapi_execute() */
uint32_t ide_data_out(struct ide_drive *d, void *to, uint32_t bytes);	/* to the guest; bytes moved */
uint32_t ide_data_in(struct ide_drive *d, const void *from, uint32_t bytes);

/* ide_dma.c */
void ide_dma_transfer(struct ide_drive *d, const struct ide_protocol *p, bool to_disk, uint64_t offset, uint64_t bytes);
void ide_dma_answer(struct ide_drive *d, const struct ide_protocol *p, uint32_t bytes);		/* from buffer[] */
uint32_t ide_master_read(struct device *dev, uint16_t port, unsigned int size);
void ide_master_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value);

/* ide_ata.c */
extern const struct ide_protocol ata_protocol;
void ata_command(struct ide_drive *d, uint8_t code);
void ata_abort(struct ide_drive *d, uint8_t error);

/* ide_identify.c */
void ata_identify_disk(const struct ide_drive *d, uint8_t *sector);
void ata_identify_cd(const struct ide_drive *d, uint8_t *sector);

/* ide_atapi.c */
extern const struct ide_protocol atapi_protocol;
void atapi_packet(struct ide_drive *d);			/* command A0h */
void atapi_execute(struct ide_drive *d);		/* the packet is in buffer[0..11] */
void atapi_fail(struct ide_drive *d, struct mmc_sense sense);
void atapi_done(struct ide_drive *d);
void atapi_answer(struct ide_drive *d, uint32_t bytes, uint32_t allocation_length);	/* buffer[0..bytes) */
void atapi_read(struct ide_drive *d, uint64_t offset, uint64_t bytes);

/* ide_mmc.c */
void mmc_command(struct ide_drive *d, const uint8_t *cdb);

#endif
