/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfers through the data port: a buffer filled from (or emptied to) the disk in large steps and shown
 * to the guest in DRQ blocks (ATA/ATAPI-6, 9.5 to 9.8). Knows no command.
 */
#include "vmwp/chipset/ide_internal.h"

#include <string.h>

static uint32_t least(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

static void show_block(struct ide_drive *d, bool first)
{
	d->block_end = d->at + least(d->block, d->filled - d->at);
	d->protocol->present(d, first);
}

static void finish(struct ide_drive *d, int result)
{
	d->at = d->block_end = d->filled = 0;
	d->protocol->finish(d, result);		/* looks at the phase: ATA announces the end of a write only */
	d->phase = IDE_IDLE;
}

static void buffer_request(struct ide_drive *d, int op, void (*done)(struct ide_drive *, int))
{
	d->status = ATA_BSY;
	d->iov = (struct iovec) { d->buffer, d->step };
	ide_submit(d, op, d->offset, &d->iov, 1, done);
}

/* --- to the guest --- */

static void fetched(struct ide_drive *d, int result)
{
	if (result < 0)
		return finish(d, result);
	d->offset += d->step;
	d->left -= d->step;
	d->filled = d->step;
	d->at = 0;
	show_block(d, true);
}

static void fetch(struct ide_drive *d)
{
	d->step = least(d->left, IDE_BUFFER_BYTES);
	d->block_end = 0;
	buffer_request(d, DISK_READ, fetched);
}

static void block_taken(struct ide_drive *d)
{
	if (d->at < d->filled)
		show_block(d, false);
	else if (d->left)
		fetch(d);
	else
		finish(d, 0);
}

void ide_pio_answer(struct ide_drive *d, const struct ide_protocol *p, uint32_t bytes, uint32_t block)
{
	d->protocol = p;
	d->phase = IDE_DATA_IN;
	d->at = 0;
	d->filled = bytes;
	d->left = 0;
	d->block = block;
	show_block(d, true);
}

void ide_pio_read(struct ide_drive *d, const struct ide_protocol *p, uint64_t offset, uint64_t bytes, uint32_t block)
{
	d->protocol = p;
	d->phase = IDE_DATA_IN;
	d->offset = offset;
	d->left = bytes;
	d->block = block;
	d->at = 0;
	fetch(d);
}

uint32_t ide_data_out(struct ide_drive *d, void *to, uint32_t bytes)
{
	uint32_t n;

	if (d->phase != IDE_DATA_IN || !(d->status & ATA_DRQ))
		return 0;
	n = least(bytes, d->block_end - d->at);
	memcpy(to, d->buffer + d->at, n);
	d->at += n;
	if (d->at == d->block_end)
		block_taken(d);
	return n;
}

/* --- from the guest --- */

static void prepare_step(struct ide_drive *d, bool first)
{
	d->step = least(d->left, IDE_BUFFER_BYTES);
	d->filled = d->step;
	d->at = 0;
	show_block(d, first);
}

static void stored(struct ide_drive *d, int result)
{
	if (result < 0)
		return finish(d, result);
	d->offset += d->step;
	d->left -= d->step;
	if (d->left)
		prepare_step(d, false);
	else
		finish(d, 0);
}

static void block_given(struct ide_drive *d)
{
	if (d->phase == IDE_PACKET_OUT)
		atapi_execute(d);
	else if (d->at < d->filled)
		show_block(d, false);
	else
		buffer_request(d, DISK_WRITE, stored);
}

void ide_pio_write(struct ide_drive *d, const struct ide_protocol *p, uint64_t offset, uint64_t bytes, uint32_t block)
{
	d->protocol = p;
	d->phase = IDE_DATA_OUT;
	d->offset = offset;
	d->left = bytes;
	d->block = block;
	prepare_step(d, true);
}

void ide_pio_packet(struct ide_drive *d)
{
	d->phase = IDE_PACKET_OUT;
	d->at = 0;
	d->filled = d->block_end = 12;
}

uint32_t ide_data_in(struct ide_drive *d, const void *from, uint32_t bytes)
{
	uint32_t n;

	if ((d->phase != IDE_DATA_OUT && d->phase != IDE_PACKET_OUT) || !(d->status & ATA_DRQ))
		return 0;
	n = least(bytes, d->block_end - d->at);
	memcpy(d->buffer + d->at, from, n);
	d->at += n;
	if (d->at == d->block_end)
		block_given(d);
	return n;
}
