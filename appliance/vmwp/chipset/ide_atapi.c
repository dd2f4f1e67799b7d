/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet protocol (ATA/ATAPI-6, 9.8 and 9.9): how a CD drive takes 12-byte commands and gives data, by
 * the data port or by DMA. What the commands mean is in ide_mmc.c.
 */
#include "vmwp/chipset/ide_internal.h"

#include <errno.h>

#define FEATURE_DMA	0x01u
static const struct mmc_sense sense_read_error = { 0x03, 0x11, 0x00 };		/* MEDIUM ERROR, unrecovered read error */

static uint32_t byte_count_limit(const struct ide_drive *d)
{
	uint32_t limit = (uint32_t)d->now.lba_high << 8 | d->now.lba_mid;

	if (limit == 0xffff || limit == 0)	/* 0 is allowed for DMA only; hosts that send it for PIO expect the most */
		return 0xfffe;
	return limit > 1 ? limit & ~1u : 2;
}

static void set_byte_count(struct ide_drive *d, uint32_t bytes)
{
	d->now.lba_mid = (uint8_t)bytes;
	d->now.lba_high = (uint8_t)(bytes >> 8);
}

static void atapi_present(struct ide_drive *d, bool first)
{
	(void)first;
	d->error = 0;
	d->now.count = ATAPI_TO_HOST;
	set_byte_count(d, d->block_end - d->at);
	d->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
	ide_interrupt(d->channel);
}

static void atapi_end(struct ide_drive *d, uint8_t status, uint8_t error)
{
	d->phase = IDE_IDLE;
	d->error = error;
	d->now.count = ATAPI_TO_HOST | ATAPI_COMMAND;
	d->status = ATA_DRDY | ATA_DSC | status;
	ide_interrupt(d->channel);
}

void atapi_done(struct ide_drive *d)
{
	atapi_end(d, 0, 0);
}

void atapi_fail(struct ide_drive *d, struct mmc_sense sense)
{
	d->sense = sense;
	atapi_end(d, ATA_ERR, (uint8_t)(sense.key << 4 | ATA_ABRT));
}

static void atapi_finish(struct ide_drive *d, int result)
{
	if (result < 0)
		atapi_fail(d, sense_read_error);
	else
		atapi_done(d);
}

const struct ide_protocol atapi_protocol = { atapi_present, atapi_finish };

void atapi_answer(struct ide_drive *d, uint32_t bytes, uint32_t allocation_length)
{
	uint32_t n = bytes < allocation_length ? bytes : allocation_length;

	if (n == 0)
		atapi_done(d);
	else if (d->packet_dma)
		ide_dma_answer(d, &atapi_protocol, n);
	else
		ide_pio_answer(d, &atapi_protocol, n, byte_count_limit(d));
}

void atapi_read(struct ide_drive *d, uint64_t offset, uint64_t bytes)
{
	if (d->packet_dma)
		ide_dma_transfer(d, &atapi_protocol, false, offset, bytes);
	else
		ide_pio_read(d, &atapi_protocol, offset, bytes, byte_count_limit(d));
}

void atapi_packet(struct ide_drive *d)
{
	d->packet_dma = d->feature & FEATURE_DMA;
	d->error = 0;
	d->now.count = ATAPI_COMMAND;
	d->status = ATA_DRDY | ATA_DRQ;		/* no interrupt: word 0 of IDENTIFY promises DRQ within 50 us */
	ide_pio_packet(d);
}

void atapi_execute(struct ide_drive *d)
{
	uint8_t cdb[12];

	for (unsigned int i = 0; i < sizeof(cdb); i++)	/* the answer is built where the packet was */
		cdb[i] = d->buffer[i];
	d->phase = IDE_IDLE;
	d->at = d->block_end = d->filled = 0;
	mmc_command(d, cdb);
}
