/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state record of IDE. Before it is taken every request has ended (ide_settle), so that what remains of a transfer is in
 * the drive's buffer and in the guest's memory. A drive whose request waits for space on its volume cannot be saved.
 */
#include "vmwp/chipset/ide_internal.h"
#include "vmwp/state.h"

#include <poll.h>

static const struct ide_protocol *const protocols[] = { NULL, &ata_protocol, &atapi_protocol };

void ide_settle(struct device *dev)
{
	struct ide *ide = device_state(dev);
	struct pollfd p = { .fd = disk_queue_fd(ide->queue), .events = POLLIN };

	for (unsigned int i = 0; i < IDE_CHANNELS * IDE_DRIVES; i++) {
		const struct ide_drive *d = &ide->channel[i / 2].drive[i % 2];

		while (d->busy && !d->kept && poll(&p, 1, -1) >= 0)	/* its end may begin the next step */
			disk_queue_reap(ide->queue);
	}
}

static void task_file_state(struct ide_task_file *t, struct state *s)
{
	state_u8(s, &t->count);
	state_u8(s, &t->lba_low);
	state_u8(s, &t->lba_mid);
	state_u8(s, &t->lba_high);
}

static void registers_state(struct ide_drive *d, struct state *s)
{
	task_file_state(&d->now, s);
	task_file_state(&d->before, s);
	state_u8(s, &d->feature);
	state_u8(s, &d->head);
	state_u8(s, &d->status);
	state_u8(s, &d->error);
	state_u8(s, &d->multiple);
	state_bool(s, &d->write_cache);
	state_u8(s, &d->dma_mode);
	state_u16(s, &d->heads);
	state_u16(s, &d->sectors_per_track);
	if (d->multiple > IDE_MULTIPLE_MAX || d->heads == 0 || d->sectors_per_track == 0)
		state_refuse(s);
}

static bool transfer_is_sound(const struct ide_drive *d)
{
	if (d->at > d->block_end || d->block_end > d->filled || d->filled > IDE_BUFFER_BYTES || d->step > IDE_BUFFER_BYTES)
		return false;
	return d->protocol || d->phase == IDE_IDLE || d->phase == IDE_PACKET_OUT;
}

/* Only a write through the data port looks at `step` again. */
static void transfer_state(struct ide_drive *d, struct state *s)
{
	uint8_t phase = (uint8_t)d->phase, protocol = 0;

	for (uint8_t i = 1; i < 3; i++)
		if (d->protocol == protocols[i])
			protocol = i;
	if (d->phase != IDE_DATA_OUT)
		d->step = 0;
	state_u8(s, &phase);
	state_u8(s, &protocol);
	state_u32(s, &d->at);
	state_u32(s, &d->block_end);
	state_u32(s, &d->filled);
	state_u32(s, &d->block);
	state_u64(s, &d->offset);
	state_u64(s, &d->left);
	state_u32(s, &d->step);
	if (state_loading(s)) {
		d->phase = phase <= IDE_DMA_OUT ? phase : IDE_IDLE;
		d->protocol = protocol < 3 ? protocols[protocol] : NULL;
	}
	if (phase > IDE_DMA_OUT || !transfer_is_sound(d)) {
		d->phase = IDE_IDLE;
		d->at = d->block_end = d->filled = d->step = 0;
		state_refuse(s);
	}
	state_bytes(s, d->buffer, d->filled);
}

static void packets_state(struct ide_drive *d, struct state *s)
{
	state_u8(s, &d->sense.key);
	state_u8(s, &d->sense.asc);
	state_u8(s, &d->sense.ascq);
	mmc_drive_state(&d->mmc, s);
	state_bool(s, &d->unit_attention);
	state_bool(s, &d->packet_dma);
}

static void drive_state(struct ide_drive *d, struct state *s)
{
	uint8_t kind = (uint8_t)d->kind;

	state_u8(s, &kind);
	if (kind != d->kind || d->busy)
		state_refuse(s);
	if (d->kind == IDE_ABSENT || state_error(s))
		return;
	registers_state(d, s);
	transfer_state(d, s);
	packets_state(d, s);
}

static void channel_state(struct ide_channel *c, struct state *s)
{
	struct ide_bus_master *m = &c->master;

	state_u8(s, &c->selected);
	state_u8(s, &c->control);
	state_bool(s, &c->interrupt);
	state_u8(s, &m->command);
	state_u8(s, &m->status);
	state_u32(s, &m->table);
	state_u32(s, &m->entry);
	state_u32(s, &m->entry_at);
	state_bool(s, &m->table_end);
	if (c->selected >= IDE_DRIVES)
		state_refuse(s);
	c->selected %= IDE_DRIVES;
	for (unsigned int i = 0; i < IDE_DRIVES; i++)
		drive_state(&c->drive[i], s);
}

void ide_state(struct device *dev, struct state *s)
{
	struct ide *ide = device_state(dev);

	for (unsigned int i = 0; i < IDE_CHANNELS; i++)
		channel_state(&ide->channel[i], s);
	state_bytes(s, ide->timing, sizeof(ide->timing));
}
