/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PIIX3 IDE: the PCI function, the command and control block registers of both channels, interrupts and
 * resets (ATA/ATAPI-6 chapters 5 to 9). Commands are in ide_ata.c and ide_atapi.c.
 */
#include "vmwp/chipset/ide_internal.h"

#include "vmwp/meters.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum ide_register { REG_DATA, REG_ERROR, REG_COUNT, REG_LBA_LOW, REG_LBA_MID, REG_LBA_HIGH, REG_HEAD, REG_STATUS };
#define MASTER_INTERRUPT	0x04	/* bus master status */
#define TIMING_FIRST		0x40u	/* config space: IDETIM, SIDETIM, UDMA registers */

static struct ide_channel *channel_of(struct device *dev, uint16_t port)
{
	struct ide *ide = device_state(dev);

	return &ide->channel[(port & 0x80) ? 0 : 1];	/* 1f0, 3f6 against 170, 376 */
}

static void interrupt_update(struct ide_channel *c)
{
	unsigned int number = (unsigned int)(c - c->ide->channel);

	irq_set(c->ide->device->machine, 14 + number, c->interrupt && !(c->control & ATA_NIEN));
}

static void interrupt_clear(struct ide_channel *c)
{
	c->interrupt = false;
	interrupt_update(c);
}

void ide_interrupt(struct ide_channel *c)
{
	c->interrupt = true;
	c->master.status |= MASTER_INTERRUPT;
	interrupt_update(c);
}

/* --- requests --- */

/* The guest sees a drive that is busy, until there is room: nothing has failed yet. */
static void request_keep(struct ide_drive *d)
{
	const struct ide *ide = d->channel->ide;

	d->kept = true;
	machine_request_pause(ide->device->machine, "no-space: the volume of the disk at IDE channel %u, drive %u is full",
			      (unsigned int)(d->channel - ide->channel), (unsigned int)(d - d->channel->drive));
}

static void request_done(struct disk_request *r, int result)
{
	struct ide_drive *d = (struct ide_drive *)((char *)r - offsetof(struct ide_drive, request));

	if ((result == -ENOSPC || result == -EDQUOT) && !d->cancelled) {
		request_keep(d);
		return;
	}
	d->busy = false;
	if (!d->cancelled)
		d->done(d, result);
}

static void request_submit(struct ide_drive *d)
{
	int r;

	meters_count_disk(&d->request);
	r = disk_submit(d->channel->ide->queue, d->disk, &d->request);
	if (r < 0)
		request_done(&d->request, r);
}

static void ide_resumed(struct device *dev)
{
	struct ide *ide = device_state(dev);

	for (unsigned int i = 0; i < IDE_CHANNELS * IDE_DRIVES; i++) {
		struct ide_drive *d = &ide->channel[i / 2].drive[i % 2];

		if (!d->kept)
			continue;
		d->kept = false;
		request_submit(d);
	}
}

void ide_submit(struct ide_drive *d, int op, uint64_t offset, struct iovec *iov, unsigned int count,
		void (*done)(struct ide_drive *, int))
{
	d->request.op = op;
	d->request.offset = offset;
	d->request.iov = iov;
	d->request.iov_count = count;
	d->request.done = request_done;
	d->done = done;
	d->cancelled = false;
	d->busy = true;
	request_submit(d);
}

/* Blocks for one disk request: only resets and media changes in mid-transfer come here. */
void ide_wait_idle(struct ide_drive *d)
{
	struct disk_queue *q = d->channel->ide->queue;
	struct pollfd p = { .fd = disk_queue_fd(q), .events = POLLIN };

	d->cancelled = true;
	if (d->kept)
		d->kept = d->busy = false;
	while (d->busy) {
		poll(&p, 1, -1);
		disk_queue_reap(q);
	}
}

static void queue_ready(struct device *dev, int fd, uint32_t events)
{
	struct ide *ide = device_state(dev);

	(void)fd;
	(void)events;
	disk_queue_reap(ide->queue);
}

/* --- resets --- */

void ide_set_signature(struct ide_drive *d)
{
	bool cd = d->kind == IDE_CD;

	d->now = (struct ide_task_file) { .count = 1, .lba_low = 1, .lba_mid = cd ? 0x14 : 0, .lba_high = cd ? 0xeb : 0 };
	d->before = (struct ide_task_file) { 0 };
	d->head = 0;
}

void ide_reset_drive(struct ide_drive *d)
{
	if (d->kind == IDE_ABSENT)
		return;
	ide_wait_idle(d);
	ide_set_signature(d);
	d->phase = IDE_IDLE;
	d->at = d->block_end = d->filled = 0;
	d->error = 1;				/* diagnostics passed */
	d->status = d->kind == IDE_DISK ? ATA_DRDY | ATA_DSC : 0;
	d->multiple = IDE_MULTIPLE_MAX;
	d->heads = 16;
	d->sectors_per_track = 63;
	d->sense = (struct mmc_sense) { 0 };
}

static void channel_reset(struct ide_channel *c)
{
	for (unsigned int i = 0; i < IDE_DRIVES; i++)
		ide_reset_drive(&c->drive[i]);
	c->selected = 0;
	c->interrupt = false;
	interrupt_update(c);
}

static void control_write(struct ide_channel *c, uint8_t value)
{
	uint8_t old = c->control;

	c->control = value;
	if ((value & ATA_SRST) && !(old & ATA_SRST)) {
		channel_reset(c);
		for (unsigned int i = 0; i < IDE_DRIVES; i++)
			c->drive[i].status = ATA_BSY;
	} else if (!(value & ATA_SRST) && (old & ATA_SRST)) {
		channel_reset(c);
	}
	interrupt_update(c);
}

/* --- registers --- */

static uint8_t status_of(struct ide_channel *c)
{
	const struct ide_drive *d = ide_selected(c);

	return d->kind == IDE_ABSENT ? 0 : d->status;
}

static uint8_t register_read(struct ide_channel *c, enum ide_register reg)
{
	const struct ide_drive *d = ide_selected(c);
	const struct ide_task_file *t = (c->control & ATA_HOB) ? &d->before : &d->now;

	if (d->kind == IDE_ABSENT)
		return 0;
	switch (reg) {
	case REG_ERROR:		return d->error;
	case REG_COUNT:		return t->count;
	case REG_LBA_LOW:	return t->lba_low;
	case REG_LBA_MID:	return t->lba_mid;
	case REG_LBA_HIGH:	return t->lba_high;
	case REG_HEAD:		return d->head | ATA_HEAD_FIXED | (c->selected ? ATA_HEAD_SLAVE : 0);
	default:		return 0;
	}
}

/* Both drives see every write of the command block; only the selected one answers. */
static void register_write(struct ide_channel *c, enum ide_register reg, uint8_t value)
{
	for (unsigned int i = 0; i < IDE_DRIVES; i++) {
		struct ide_drive *d = &c->drive[i];

		switch (reg) {
		case REG_ERROR:	   d->feature = value; break;
		case REG_COUNT:	   d->before.count = d->now.count;       d->now.count = value; break;
		case REG_LBA_LOW:  d->before.lba_low = d->now.lba_low;   d->now.lba_low = value; break;
		case REG_LBA_MID:  d->before.lba_mid = d->now.lba_mid;   d->now.lba_mid = value; break;
		case REG_LBA_HIGH: d->before.lba_high = d->now.lba_high; d->now.lba_high = value; break;
		case REG_HEAD:	   d->head = value & (0x0f | ATA_HEAD_LBA); break;
		default:	   break;
		}
	}
	if (reg == REG_HEAD)
		c->selected = (value & ATA_HEAD_SLAVE) ? 1 : 0;
}

static void command_write(struct ide_channel *c, uint8_t code)
{
	struct ide_drive *d = ide_selected(c);

	if (d->kind == IDE_ABSENT)
		return;
	interrupt_clear(c);
	if ((d->status & ATA_BSY) && code != 0x08)	/* DEVICE RESET gets through */
		return;
	ata_command(d, code);
}

static uint32_t command_block_read(struct device *dev, uint16_t port, unsigned int size)
{
	struct ide_channel *c = channel_of(dev, port);
	uint32_t value = 0;
	uint8_t status;

	if ((port & 7) == REG_DATA) {
		ide_data_out(ide_selected(c), &value, size);
		disk_queue_reap(c->ide->queue);
		return value;
	}
	if (size != 1)
		return port_float(size);
	if ((port & 7) != REG_STATUS)
		return register_read(c, port & 7);
	status = status_of(c);
	interrupt_clear(c);
	return status;
}

static void command_block_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	struct ide_channel *c = channel_of(dev, port);

	if ((port & 7) == REG_DATA)
		ide_data_in(ide_selected(c), &value, size);
	else if (size != 1 || (c->control & ATA_SRST))
		return;
	else if ((port & 7) == REG_STATUS)
		command_write(c, (uint8_t)value);
	else if (!(ide_selected(c)->status & ATA_BSY) || (port & 7) == REG_HEAD)
		register_write(c, port & 7, (uint8_t)value);
	disk_queue_reap(c->ide->queue);		/* what the page cache had is ready by now: saves the guest its polling */
}

static uint32_t data_read_block(struct device *dev, uint16_t port, unsigned int size, void *to, uint32_t count)
{
	struct ide_channel *c = channel_of(dev, port);
	uint32_t done;

	if ((port & 7) != REG_DATA)
		return 0;
	done = ide_data_out(ide_selected(c), to, count * size);
	disk_queue_reap(c->ide->queue);
	return (done + size - 1) / size;	/* an odd end fills its last word partly */
}

static uint32_t data_write_block(struct device *dev, uint16_t port, unsigned int size, const void *from, uint32_t count)
{
	struct ide_channel *c = channel_of(dev, port);
	uint32_t done;

	if ((port & 7) != REG_DATA)
		return 0;
	done = ide_data_in(ide_selected(c), from, count * size);
	disk_queue_reap(c->ide->queue);
	return (done + size - 1) / size;	/* an odd end fills its last word partly */
}

static uint32_t control_block_read(struct device *dev, uint16_t port, unsigned int size)
{
	return size == 1 ? status_of(channel_of(dev, port)) : port_float(size);
}

static void control_block_write(struct device *dev, uint16_t port, unsigned int size, uint32_t value)
{
	if (size == 1)
		control_write(channel_of(dev, port), (uint8_t)value);
}

/* --- the PCI function --- */

static bool ide_config_read(struct device *dev, unsigned int offset, unsigned int size, uint32_t *value)
{
	struct ide *ide = device_state(dev);

	if (offset < TIMING_FIRST || offset + size > TIMING_FIRST + sizeof(ide->timing))
		return false;
	*value = 0;
	memcpy(value, &ide->timing[offset - TIMING_FIRST], size);
	return true;
}

static bool ide_config_write(struct device *dev, unsigned int offset, unsigned int size, uint32_t value)
{
	struct ide *ide = device_state(dev);

	if (offset < TIMING_FIRST || offset + size > TIMING_FIRST + sizeof(ide->timing))
		return false;
	memcpy(&ide->timing[offset - TIMING_FIRST], &value, size);
	return true;
}

static void ide_bar_moved(struct device *dev, unsigned int bar, uint64_t address, bool enabled)
{
	struct port_range range = { (uint16_t)address, 16, ide_master_read, ide_master_write, NULL, NULL };

	if (bar != 4 || address > 0xfff0)
		return;
	if (enabled)
		port_claim(dev, &range);
	else
		port_unclaim(dev, range.base);
}

static const struct pci_function_model ide_function = {
	.slot = 1, .function = 1, .vendor = 0x8086, .device = 0x7010, .class = 0x01, .subclass = 0x01, .prog_if = 0x80,
	.bars[4] = { .size = 16, .io = true, .moved = ide_bar_moved },
	.config_read = ide_config_read, .config_write = ide_config_write,
};

static void ide_fini(struct device *dev)
{
	struct ide *ide = device_state(dev);

	if (!ide->queue)
		return;
	for (unsigned int i = 0; i < IDE_CHANNELS * IDE_DRIVES; i++) {
		struct ide_drive *d = &ide->channel[i / 2].drive[i % 2];

		ide_wait_idle(d);
		disk_close(d->disk);
		free(d->buffer);
	}
	device_unwatch_fd(dev, disk_queue_fd(ide->queue));
	disk_queue_destroy(ide->queue);
	ide->queue = NULL;
}

static int ide_init(struct device *dev)
{
	struct ide *ide = device_state(dev);
	int r;

	ide->device = dev;
	for (unsigned int c = 0; c < IDE_CHANNELS; c++) {
		ide->channel[c].ide = ide;
		for (unsigned int i = 0; i < IDE_DRIVES; i++)
			ide->channel[c].drive[i].channel = &ide->channel[c];
	}
	r = disk_queue_create(&ide->queue);
	if (r < 0)
		return r;
	r = device_watch_fd(dev, disk_queue_fd(ide->queue), EPOLLIN, queue_ready);
	if (r == 0 && !pci_register(dev, &ide_function))
		r = -ENOMEM;
	return r;
}

static void ide_reset(struct device *dev)
{
	struct ide *ide = device_state(dev);

	for (unsigned int i = 0; i < IDE_CHANNELS; i++) {
		ide->channel[i].control = 0;
		ide->channel[i].master = (struct ide_bus_master) { 0 };
		channel_reset(&ide->channel[i]);
	}
	memset(ide->timing, 0, sizeof(ide->timing));
}

/* --- what the machine attaches --- */

static int ide_attach(struct device *dev, unsigned int location, enum ide_kind kind, struct disk *disk)
{
	struct ide *ide = device_state(dev);
	struct ide_drive *d;

	if (location >= IDE_CHANNELS * IDE_DRIVES)
		return -EINVAL;
	d = &ide->channel[location / 2].drive[location % 2];
	if (d->kind != IDE_ABSENT)
		return -EBUSY;
	d->buffer = calloc(1, IDE_BUFFER_BYTES);
	if (!d->buffer)
		return -ENOMEM;
	d->kind = kind;
	d->disk = disk;
	d->write_cache = true;
	d->mmc.interface = MMC_ATAPI;
	ide_reset_drive(d);
	return 0;
}

int ide_attach_disk(struct device *dev, unsigned int location, struct disk *disk, const char *serial)
{
	struct ide *ide = device_state(dev);
	int r = disk && disk->logical_sector == IDE_SECTOR ? ide_attach(dev, location, IDE_DISK, disk) : -EINVAL;

	if (r == 0 && serial)
		strncpy(ide->channel[location / 2].drive[location % 2].serial, serial, 20);
	return r;
}

void ide_mark_accelerated(struct device *dev, unsigned int location)
{
	struct ide *ide = device_state(dev);

	ide->channel[location / 2].drive[location % 2].accelerated = true;
}

int ide_attach_cd(struct device *dev, unsigned int location, struct disk *medium)
{
	return ide_attach(dev, location, IDE_CD, medium);
}

struct disk *ide_disk(struct device *dev, unsigned int location)
{
	struct ide *ide = device_state(dev);
	struct ide_drive *d = location < IDE_CHANNELS * IDE_DRIVES ? &ide->channel[location / 2].drive[location % 2] : NULL;

	return d && d->kind == IDE_DISK ? d->disk : NULL;
}

int ide_set_media(struct device *dev, unsigned int location, struct disk *medium)
{
	struct ide *ide = device_state(dev);
	struct ide_drive *d;

	if (location >= IDE_CHANNELS * IDE_DRIVES)
		return -ENODEV;
	d = &ide->channel[location / 2].drive[location % 2];
	if (d->kind != IDE_CD)
		return -ENODEV;
	ide_wait_idle(d);
	if (d->phase != IDE_IDLE && d->phase != IDE_PACKET_OUT)		/* the rest of a transfer is gone with its medium */
		atapi_protocol.finish(d, -EIO);
	disk_close(d->disk);
	d->disk = medium;
	d->unit_attention = medium != NULL;
	mmc_medium_changed(&d->mmc, medium);
	return 0;
}

const struct device_model ide_model = {
	.name = "ide", .state_size = sizeof(struct ide), .state_version = 1,
	.ports = {
		{ 0x1f0, 8, command_block_read, command_block_write, data_read_block, data_write_block },
		{ 0x170, 8, command_block_read, command_block_write, data_read_block, data_write_block },
		{ 0x3f6, 1, control_block_read, control_block_write, NULL, NULL },
		{ 0x376, 1, control_block_read, control_block_write, NULL, NULL },
	},
	.init = ide_init, .reset = ide_reset, .resumed = ide_resumed, .fini = ide_fini,
	.settle = ide_settle, .state = ide_state,
};
