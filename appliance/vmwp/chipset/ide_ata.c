/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ATA commands (ATA/ATAPI-6, chapter 8) as a table: which drives know a command, and how it moves data.
 */
#include "vmwp/chipset/ide_internal.h"

#include <errno.h>
#include <string.h>

enum transfer_mode { MODE_NONE, MODE_PIO, MODE_MULTIPLE, MODE_DMA };

struct ata_command {
	void (*run)(struct ide_drive *d, const struct ata_command *row);
	uint8_t kinds;			/* IDE_DISK, IDE_CD or both */
	bool lba48, write;
	enum transfer_mode mode;
};

struct extent { uint64_t sector, count; };

/* --- how commands end --- */

static void command_done(struct ide_drive *d)
{
	d->error = 0;
	d->status = ATA_DRDY | ATA_DSC;
	ide_interrupt(d->channel);
}

void ata_abort(struct ide_drive *d, uint8_t error)
{
	d->phase = IDE_IDLE;
	d->error = error;
	d->status = ATA_DRDY | ATA_DSC | ATA_ERR;
	ide_interrupt(d->channel);
}

static void ata_present(struct ide_drive *d, bool first)
{
	d->error = 0;
	d->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
	if (d->phase == IDE_DATA_IN || !first)		/* a write's first block is asked for by status alone */
		ide_interrupt(d->channel);
}

static void ata_finish(struct ide_drive *d, int result)
{
	if (result < 0) {
		ata_abort(d, result == -EROFS ? ATA_ABRT : ATA_UNC);
	} else if (d->phase == IDE_DATA_IN) {		/* the last block was announced; its end is not */
		d->error = 0;
		d->status = ATA_DRDY | ATA_DSC;
	} else {
		command_done(d);
	}
}

const struct ide_protocol ata_protocol = { ata_present, ata_finish };

/* --- addresses --- */

static uint64_t sectors_of(const struct ide_drive *d)
{
	return d->disk->size_bytes / IDE_SECTOR;
}

static struct extent extent48(const struct ide_drive *d)
{
	const struct ide_task_file *n = &d->now, *b = &d->before;
	uint64_t count = (uint64_t)b->count << 8 | n->count;

	return (struct extent) {
		(uint64_t)b->lba_high << 40 | (uint64_t)b->lba_mid << 32 | (uint64_t)b->lba_low << 24
			| (uint64_t)n->lba_high << 16 | (uint64_t)n->lba_mid << 8 | n->lba_low,
		count ? count : 65536,
	};
}

static struct extent extent28(const struct ide_drive *d)
{
	const struct ide_task_file *n = &d->now;
	uint64_t count = n->count ? n->count : 256, cylinder = (uint64_t)n->lba_high << 8 | n->lba_mid;

	if (d->head & ATA_HEAD_LBA)
		return (struct extent) { (uint64_t)(d->head & 0x0f) << 24 | cylinder << 8 | n->lba_low, count };
	if (n->lba_low == 0)		/* CHS sectors count from 1 */
		return (struct extent) { UINT64_MAX, count };
	return (struct extent) {
		(cylinder * d->heads + (d->head & 0x0f)) * d->sectors_per_track + n->lba_low - 1, count,
	};
}

/* False: the command was ended with IDNF. */
static bool take_extent(struct ide_drive *d, bool lba48, struct extent *e)
{
	*e = lba48 ? extent48(d) : extent28(d);
	if (e->sector < sectors_of(d) && e->count <= sectors_of(d) - e->sector)
		return true;
	ata_abort(d, ATA_IDNF);
	return false;
}

static void show_lba(struct ide_drive *d, uint64_t sector, bool lba48)
{
	d->now.lba_low = (uint8_t)sector;
	d->now.lba_mid = (uint8_t)(sector >> 8);
	d->now.lba_high = (uint8_t)(sector >> 16);
	if (lba48) {
		d->before.lba_low = (uint8_t)(sector >> 24);
		d->before.lba_mid = (uint8_t)(sector >> 32);
		d->before.lba_high = (uint8_t)(sector >> 40);
	} else {
		d->head = (uint8_t)((d->head & 0xf0) | ((sector >> 24) & 0x0f));
	}
}

/* --- commands --- */

static void ata_transfer(struct ide_drive *d, const struct ata_command *row)
{
	uint32_t block = row->mode == MODE_MULTIPLE ? d->multiple * IDE_SECTOR : IDE_SECTOR;
	struct extent e;

	if (block == 0 || (row->write && d->disk->read_only)) {
		ata_abort(d, ATA_ABRT);
		return;
	}
	if (!take_extent(d, row->lba48, &e))
		return;
	if (row->mode == MODE_DMA)
		ide_dma_transfer(d, &ata_protocol, row->write, e.sector * IDE_SECTOR, e.count * IDE_SECTOR);
	else if (row->write)
		ide_pio_write(d, &ata_protocol, e.sector * IDE_SECTOR, e.count * IDE_SECTOR, block);
	else
		ide_pio_read(d, &ata_protocol, e.sector * IDE_SECTOR, e.count * IDE_SECTOR, block);
}

static void ata_verify(struct ide_drive *d, const struct ata_command *row)
{
	struct extent e;

	if (take_extent(d, row->lba48, &e))
		command_done(d);
}

static void flushed(struct ide_drive *d, int result)
{
	ata_finish(d, result);
}

static void ata_flush(struct ide_drive *d, const struct ata_command *row)
{
	(void)row;
	d->status = ATA_BSY;
	d->phase = IDE_IDLE;
	ide_submit(d, DISK_FLUSH, 0, NULL, 0, flushed);
}

static void ata_identify(struct ide_drive *d, const struct ata_command *row)
{
	(void)row;
	if (d->kind == IDE_CD) {		/* how a host that only knows disks learns better */
		ide_set_signature(d);
		ata_abort(d, ATA_ABRT);
		return;
	}
	ata_identify_disk(d, d->buffer);
	ide_pio_answer(d, &ata_protocol, IDE_SECTOR, IDE_SECTOR);
}

static void ata_identify_packet(struct ide_drive *d, const struct ata_command *row)
{
	(void)row;
	ata_identify_cd(d, d->buffer);
	ide_pio_answer(d, &ata_protocol, IDE_SECTOR, IDE_SECTOR);
}

static void ata_nothing(struct ide_drive *d, const struct ata_command *row)
{
	(void)row;
	command_done(d);
}

static void ata_check_power(struct ide_drive *d, const struct ata_command *row)
{
	(void)row;
	d->now.count = 0xff;		/* active */
	command_done(d);
}

static void ata_diagnostic(struct ide_drive *d, const struct ata_command *row)
{
	struct ide_channel *c = d->channel;

	(void)row;
	for (unsigned int i = 0; i < IDE_DRIVES; i++)
		ide_reset_drive(&c->drive[i]);
	c->selected = 0;
	ide_interrupt(c);
}

static void ata_device_reset(struct ide_drive *d, const struct ata_command *row)
{
	(void)row;
	ide_reset_drive(d);		/* no interrupt: ATA/ATAPI-6, 8.7 */
}

static void ata_init_parameters(struct ide_drive *d, const struct ata_command *row)
{
	(void)row;
	if (d->now.count == 0) {
		ata_abort(d, ATA_ABRT);
		return;
	}
	d->heads = (d->head & 0x0f) + 1;
	d->sectors_per_track = d->now.count;
	command_done(d);
}

static void ata_set_multiple(struct ide_drive *d, const struct ata_command *row)
{
	uint8_t n = d->now.count;

	(void)row;
	if (n > IDE_MULTIPLE_MAX || (n & (n - 1))) {
		ata_abort(d, ATA_ABRT);
		return;
	}
	d->multiple = n;
	command_done(d);
}

static void ata_native_max(struct ide_drive *d, const struct ata_command *row)
{
	uint64_t last = sectors_of(d) - 1;

	show_lba(d, !row->lba48 && last > 0x0fffffff ? 0x0fffffff : last, row->lba48);
	command_done(d);
}

static void ata_set_features(struct ide_drive *d, const struct ata_command *row)
{
	(void)row;
	switch (d->feature) {
	case 0x02: d->write_cache = true; break;
	case 0x82: d->write_cache = false; break;
	case 0x03: d->dma_mode = d->now.count; break;
	case 0x55: case 0xaa:				/* read look-ahead */
	case 0x66: case 0xcc: break;			/* keep or forget settings at a reset: we keep none that matter */
	default: ata_abort(d, ATA_ABRT); return;
	}
	command_done(d);
}

static void ata_packet(struct ide_drive *d, const struct ata_command *row)
{
	(void)row;
	atapi_packet(d);
}

#define BOTH (IDE_DISK | IDE_CD)
/* SMART (B0h) is refused by its absence. */
static const struct ata_command commands[256] = {	/* handler, drives, LBA48, write, mode */
	[0x08] = { ata_device_reset,	IDE_CD,   false, false, MODE_NONE },
	[0x10] = { ata_nothing,		IDE_DISK, false, false, MODE_NONE },	/* RECALIBRATE */
	[0x20] = { ata_transfer,	IDE_DISK, false, false, MODE_PIO },
	[0x21] = { ata_transfer,	IDE_DISK, false, false, MODE_PIO },
	[0x24] = { ata_transfer,	IDE_DISK, true,  false, MODE_PIO },
	[0x25] = { ata_transfer,	IDE_DISK, true,  false, MODE_DMA },
	[0x27] = { ata_native_max,	IDE_DISK, true,  false, MODE_NONE },
	[0x29] = { ata_transfer,	IDE_DISK, true,  false, MODE_MULTIPLE },
	[0x30] = { ata_transfer,	IDE_DISK, false, true,  MODE_PIO },
	[0x31] = { ata_transfer,	IDE_DISK, false, true,  MODE_PIO },
	[0x34] = { ata_transfer,	IDE_DISK, true,  true,  MODE_PIO },
	[0x35] = { ata_transfer,	IDE_DISK, true,  true,  MODE_DMA },
	[0x39] = { ata_transfer,	IDE_DISK, true,  true,  MODE_MULTIPLE },
	[0x40] = { ata_verify,		IDE_DISK, false, false, MODE_NONE },
	[0x41] = { ata_verify,		IDE_DISK, false, false, MODE_NONE },
	[0x42] = { ata_verify,		IDE_DISK, true,  false, MODE_NONE },
	[0x70] = { ata_nothing,		IDE_DISK, false, false, MODE_NONE },	/* SEEK */
	[0x90] = { ata_diagnostic,	BOTH,     false, false, MODE_NONE },
	[0x91] = { ata_init_parameters,	IDE_DISK, false, false, MODE_NONE },
	[0xa0] = { ata_packet,		IDE_CD,   false, false, MODE_NONE },
	[0xa1] = { ata_identify_packet,	IDE_CD,   false, false, MODE_NONE },
	[0xc4] = { ata_transfer,	IDE_DISK, false, false, MODE_MULTIPLE },
	[0xc5] = { ata_transfer,	IDE_DISK, false, true,  MODE_MULTIPLE },
	[0xc6] = { ata_set_multiple,	IDE_DISK, false, false, MODE_NONE },
	[0xc8] = { ata_transfer,	IDE_DISK, false, false, MODE_DMA },
	[0xc9] = { ata_transfer,	IDE_DISK, false, false, MODE_DMA },
	[0xca] = { ata_transfer,	IDE_DISK, false, true,  MODE_DMA },
	[0xcb] = { ata_transfer,	IDE_DISK, false, true,  MODE_DMA },
	[0xe0] = { ata_nothing,		BOTH,     false, false, MODE_NONE },	/* STANDBY and IDLE, each two ways */
	[0xe1] = { ata_nothing,		BOTH,     false, false, MODE_NONE },
	[0xe2] = { ata_nothing,		BOTH,     false, false, MODE_NONE },
	[0xe3] = { ata_nothing,		BOTH,     false, false, MODE_NONE },
	[0xe5] = { ata_check_power,	BOTH,     false, false, MODE_NONE },
	[0xe6] = { ata_nothing,		BOTH,     false, false, MODE_NONE },	/* SLEEP */
	[0xe7] = { ata_flush,		IDE_DISK, false, false, MODE_NONE },
	[0xea] = { ata_flush,		IDE_DISK, true,  false, MODE_NONE },
	[0xec] = { ata_identify,	BOTH,     false, false, MODE_NONE },
	[0xef] = { ata_set_features,	BOTH,     false, false, MODE_NONE },
	[0xf8] = { ata_native_max,	IDE_DISK, false, false, MODE_NONE },
};

void ata_command(struct ide_drive *d, uint8_t code)
{
	const struct ata_command *row = &commands[code];

	if (d->busy)			/* only DEVICE RESET comes here then, and it waits by itself */
		ide_wait_idle(d);
	d->phase = IDE_IDLE;
	d->at = d->block_end = d->filled = 0;
	d->left = 0;
	if (!row->run || !(row->kinds & d->kind))
		ata_abort(d, ATA_ABRT);
	else
		row->run(d, row);
}
