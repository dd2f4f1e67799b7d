/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus master half of PIIX3 IDE (PIIX3 datasheet, 2.7 and 3.4): its I/O registers and transfers between
 * the disk and the guest's memory as its descriptor table says. The table is read as it is used; guest
 * memory is handed to the disk queue in place.
 */
#include "vmwp/chipset/ide_internal.h"

#include <errno.h>
#include <string.h>

enum master_command { MASTER_START = 0x01, MASTER_TO_MEMORY = 0x08 };
enum master_status { MASTER_ACTIVE = 0x01, MASTER_ERROR = 0x02, MASTER_INTERRUPT = 0x04, MASTER_SIMPLEX_FREE = 0x60 };

#define DMA_STEP_BYTES	(512u << 10)
#define TABLE_BYTES	65536u		/* a table may not cross a 64 KiB boundary */

struct prd { uint32_t address; uint16_t count; uint16_t flags; };
#define PRD_LAST	0x8000u

static struct ide_drive *dma_drive(struct ide_channel *c)
{
	for (unsigned int i = 0; i < IDE_DRIVES; i++)
		if (c->drive[i].phase == IDE_DMA_IN || c->drive[i].phase == IDE_DMA_OUT)
			return &c->drive[i];
	return NULL;
}

static int read_entry(struct ide_channel *c, struct prd *e, uint32_t *bytes)
{
	struct ide_bus_master *m = &c->master;
	int r;

	if (m->table_end || m->entry - m->table >= TABLE_BYTES)
		return -EFAULT;
	r = guest_read(c->ide->device->machine, m->entry, e, sizeof(*e));
	*bytes = (e->count & 0xfffe) ? e->count & 0xfffe : 65536;
	return r;
}

/* Takes the next piece of the guest's memory, at most `limit` bytes; its length or negative errno. */
static int64_t next_piece(struct ide_channel *c, uint64_t limit, struct iovec *piece)
{
	struct ide_bus_master *m = &c->master;
	uint32_t bytes, n;
	struct prd e;
	int r = read_entry(c, &e, &bytes);

	if (r < 0 || m->entry_at >= bytes)
		return r < 0 ? r : -EFAULT;
	n = bytes - m->entry_at < limit ? bytes - m->entry_at : (uint32_t)limit;
	piece->iov_base = guest_memory(c->ide->device->machine, (uint64_t)(e.address & ~1u) + m->entry_at, n);
	piece->iov_len = n;
	if (!piece->iov_base)
		return -EFAULT;
	m->entry_at += n;
	if (m->entry_at == bytes) {
		m->entry += sizeof(e);
		m->entry_at = 0;
		m->table_end = e.flags & PRD_LAST;
	}
	return n;
}

static int gather(struct ide_channel *c, uint64_t bytes, struct iovec *iov, unsigned int *count)
{
	for (*count = 0; bytes; (*count)++) {
		int64_t n = *count < IDE_DMA_IOV ? next_piece(c, bytes, &iov[*count]) : -E2BIG;

		if (n < 0)
			return (int)n;
		bytes -= (uint64_t)n;
	}
	return 0;
}

static void finish(struct ide_drive *d, int result)
{
	struct ide_bus_master *m = &d->channel->master;

	d->phase = IDE_IDLE;
	if (result < 0)
		m->status |= MASTER_ERROR;
	if (result < 0 || m->table_end)		/* a table longer than the transfer leaves the engine active */
		m->status &= (uint8_t)~MASTER_ACTIVE;
	d->protocol->finish(d, result);
}

static void step(struct ide_drive *d);

static void step_done(struct ide_drive *d, int result)
{
	d->offset += d->step;
	d->left -= d->step;
	if (result < 0 || d->left == 0)
		finish(d, result);
	else
		step(d);
}

static void step(struct ide_drive *d)
{
	unsigned int count;
	int r;

	d->step = d->left < DMA_STEP_BYTES ? (uint32_t)d->left : DMA_STEP_BYTES;
	r = gather(d->channel, d->step, d->dma_iov, &count);
	if (r < 0) {
		finish(d, r);
		return;
	}
	d->status = ATA_BSY;
	ide_submit(d, d->phase == IDE_DMA_IN ? DISK_READ : DISK_WRITE, d->offset, d->dma_iov, count, step_done);
}

/* An answer of a few bytes: from the drive's buffer, without the disk. */
static void copy_answer(struct ide_drive *d)
{
	uint32_t at = 0;

	while (at < d->filled) {
		struct iovec piece;
		int64_t n = next_piece(d->channel, d->filled - at, &piece);

		if (n < 0)
			return finish(d, (int)n);
		memcpy(piece.iov_base, d->buffer + at, (size_t)n);
		at += (uint32_t)n;
	}
	finish(d, 0);
}

/* Both the drive's command and the engine's start bit must have come, in either order. */
static void run_when_ready(struct ide_channel *c)
{
	struct ide_drive *d = dma_drive(c);

	if (!d || d->busy || !(c->master.command & MASTER_START))
		return;
	if (d->filled)
		copy_answer(d);
	else
		step(d);
}

void ide_dma_transfer(struct ide_drive *d, const struct ide_protocol *p, bool to_disk, uint64_t offset, uint64_t bytes)
{
	d->protocol = p;
	d->phase = to_disk ? IDE_DMA_OUT : IDE_DMA_IN;
	d->offset = offset;
	d->left = bytes;
	d->filled = 0;
	d->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
	run_when_ready(d->channel);
}

void ide_dma_answer(struct ide_drive *d, const struct ide_protocol *p, uint32_t bytes)
{
	d->protocol = p;
	d->phase = IDE_DMA_IN;
	d->filled = bytes;
	d->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
	run_when_ready(d->channel);
}

/* --- registers --- */

static void command_write(struct ide_channel *c, uint8_t value)
{
	struct ide_bus_master *m = &c->master;
	bool start = (value & MASTER_START) && !(m->command & MASTER_START);

	m->command = value & (MASTER_START | MASTER_TO_MEMORY);
	if (!(value & MASTER_START))
		m->status &= (uint8_t)~MASTER_ACTIVE;
	if (!start)
		return;
	m->status |= MASTER_ACTIVE;
	m->entry = m->table;
	m->entry_at = 0;
	m->table_end = false;
	run_when_ready(c);
}

static void status_write(struct ide_channel *c, uint8_t value)
{
	uint8_t kept = c->master.status & (MASTER_ACTIVE | MASTER_ERROR | MASTER_INTERRUPT);

	kept &= (uint8_t)~(value & (MASTER_ERROR | MASTER_INTERRUPT));
	c->master.status = kept | (value & MASTER_SIMPLEX_FREE);
}

static struct ide_channel *master_channel(struct device *dev, uint16_t port)
{
	struct ide *ide = device_state(dev);

	return &ide->channel[(port >> 3) & 1];
}

uint32_t ide_master_read(struct device *dev, uint16_t port, unsigned int size)
{
	const struct ide_channel *c = master_channel(dev, port);
	const struct ide_bus_master *m = &c->master;
	const uint8_t bytes[8] = { m->command, 0, m->status, 0,
		(uint8_t)m->table, (uint8_t)(m->table >> 8), (uint8_t)(m->table >> 16), (uint8_t)(m->table >> 24) };
	uint32_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value |= (uint32_t)bytes[(port + i) & 7] << (8 * i);
	return value;
}

static void master_write_byte(struct ide_channel *c, unsigned int reg, uint8_t value)
{
	unsigned int shift = 8 * (reg & 3);

	if (reg == 0)
		command_write(c, value);
	else if (reg == 2)
		status_write(c, value);
	else if (reg >= 4)
		c->master.table = ((c->master.table & ~(0xffu << shift)) | (uint32_t)value << shift) & ~3u;
}

void ide_master_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct ide_channel *c = master_channel(dev, port);

	for (unsigned int i = 0; i < size; i++)
		master_write_byte(c, (port + i) & 7, (uint8_t)(value >> (8 * i)));
	disk_queue_reap(c->ide->queue);
}
