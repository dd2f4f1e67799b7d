/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owner of the VM's storage controllers, their units, and the queue their disk requests go through. Controller 0 is always
 * there, so that the first disk of a running guest appears as a unit and not as a bus; the others come with their first unit.
 */
#include "vmwp/vsp/storage.h"

#include "vmwp/machine.h"
#include "vmwp/vsp/storvsp.h"
#include "vmwp/vsp/vsp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define IDE_PLACES	4u
#define CONTROLLERS	(STORAGE_CONTROLLERS + IDE_PLACES)

struct storage {
	struct device *device;
	struct disk_queue *queue;
	struct storvsp *controllers[CONTROLLERS];	/* SCSI, then IDE by channel * 2 + drive; NULL: not there */
};

/* --- controllers --- */

/* The VM's id with the controller's number in the last byte: stable, and different for each. */
static struct vmbus_guid scsi_instance(const struct machine *m, unsigned int number)
{
	struct vmbus_guid guid = { { 0 } };
	const char *text = m->config.id;
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (unsigned int i = 0; i < 16 && text[0] && text[1]; i++, text += 2) {
		unsigned int byte = 0;

		text += *text == '-';
		if (sscanf(text, "%2x", &byte) == 1)
			guid.bytes[order[i]] = (uint8_t)byte;
	}
	guid.bytes[15] = (uint8_t)(guid.bytes[15] + number);
	return guid;
}

/* 0000cccc-dddd-8899-0000-000000000000: channel and drive, as guests expect. */
static struct vmbus_guid ide_instance(unsigned int channel, unsigned int drive)
{
	return (struct vmbus_guid) VMBUS_GUID(channel, drive, 0x8899, 0, 0, 0, 0, 0, 0, 0, 0);
}

static struct storvsp *controller_new(struct storage *st, bool ide)
{
	struct storvsp *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->owner = st;
	s->ide = ide;
	s->sub_channels_max = ide ? 0 : st->device->machine->config.processors - 1;
	return s;
}

static int controller_offer(struct storage *st, unsigned int index, struct storvsp *s, struct vmbus_offer *offer)
{
	int r;

	offer->context = s;
	r = storvsp_offer(s, vsp_bus(st->device->machine), offer);
	if (r < 0)
		free(s);
	else
		st->controllers[index] = s;
	return r;
}

static int scsi_controller_need(struct storage *st, unsigned int number)
{
	struct vmbus_offer offer = { .instance = scsi_instance(st->device->machine, number) };
	struct storvsp *s;

	if (st->controllers[number])
		return 0;
	s = controller_new(st, false);
	return s ? controller_offer(st, number, s, &offer) : -ENOMEM;
}

/* --- units --- */

static int unit_create(struct storage *st, bool dvd, struct disk *disk, bool borrowed, const char *serial, struct scsi_unit **out)
{
	struct scsi_medium *medium = NULL;
	int r = disk ? scsi_medium_new(disk, borrowed, &medium) : 0;

	if (r == 0)
		r = dvd ? scsi_dvd_create(st->queue, medium, serial, out) : scsi_disk_create(st->queue, medium, serial, out);
	if (r < 0)
		free(medium);			/* the disk stays the caller's */
	else
		(*out)->no_space = storvsp_no_space;
	return r;
}

static struct scsi_unit **place_find(struct storage *st, struct storage_place place)
{
	struct storvsp *s = place.controller < STORAGE_CONTROLLERS ? st->controllers[place.controller] : NULL;

	return s && place.location < STORAGE_LOCATIONS ? &s->units[place.location] : NULL;
}

int storage_attach(struct device *dev, struct storage_place place, bool dvd, struct disk *disk, const char *serial)
{
	struct storage *st = device_state(dev);
	struct scsi_unit **slot;
	int r;

	if (place.controller >= STORAGE_CONTROLLERS || place.location >= STORAGE_LOCATIONS)
		return -EINVAL;
	r = scsi_controller_need(st, place.controller);
	if (r < 0)
		return r;
	slot = place_find(st, place);
	if (*slot)
		return -EBUSY;
	r = unit_create(st, dvd, disk, false, serial, slot);
	if (r == 0)
		storvsp_units_changed(st->controllers[place.controller]);
	return r;
}

struct detach { void (*gone)(void *context); void *context; };

static void unit_is_idle(struct scsi_unit *u, void *context)
{
	struct detach *d = context;

	scsi_unit_destroy(u);
	if (d->gone)
		d->gone(d->context);
	free(d);
}

int storage_detach(struct device *dev, struct storage_place place, void (*gone)(void *context), void *context)
{
	struct storage *st = device_state(dev);
	struct scsi_unit **slot = place_find(st, place), *u;
	struct detach *d;

	if (!slot || !*slot)
		return -ENOENT;
	d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct detach) { gone, context };
	u = *slot;
	*slot = NULL;
	storvsp_units_changed(st->controllers[place.controller]);
	storvsp_kept_give_up(st->controllers[place.controller], NULL, u);
	scsi_unit_drain(u, unit_is_idle, d);
	return 0;
}

int storage_set_media(struct device *dev, struct storage_place place, struct disk *disk)
{
	struct scsi_unit **slot = place_find(device_state(dev), place);
	struct scsi_medium *medium = NULL;
	int r = 0;

	if (!slot || !*slot || !scsi_unit_is_dvd(*slot))
		return -ENODEV;
	if (disk)
		r = scsi_medium_new(disk, false, &medium);
	if (r == 0)
		scsi_dvd_set_medium(*slot, medium);
	return r;
}

bool storage_has_unit(struct device *dev, struct storage_place place, bool dvd)
{
	struct scsi_unit **slot = place_find(device_state(dev), place);

	return slot && *slot && scsi_unit_is_dvd(*slot) == dvd;
}

struct disk *storage_disk(struct device *dev, struct storage_place place)
{
	struct scsi_unit **slot = place_find(device_state(dev), place);

	return slot && *slot && !scsi_unit_is_dvd(*slot) ? (*slot)->medium->disk : NULL;
}

int storage_accelerate_ide(struct device *dev, unsigned int channel, unsigned int drive, struct disk *disk, const char *serial)
{
	struct storage *st = device_state(dev);
	struct vmbus_offer offer = { .instance = ide_instance(channel, drive) };
	unsigned int index = STORAGE_CONTROLLERS + channel * 2 + drive;
	struct storvsp *s;
	int r;

	if (channel > 1 || drive > 1)
		return -EINVAL;
	if (st->controllers[index])
		return -EBUSY;
	s = controller_new(st, true);
	if (!s)
		return -ENOMEM;
	r = unit_create(st, false, disk, true, serial, &s->units[0]);
	if (r < 0) {
		free(s);
		return r;
	}
	offer.user[2] = (uint8_t)channel;	/* u16 reserved, path, target, u32, u32 flags */
	offer.user[3] = (uint8_t)drive;
	offer.user[8] = 2;			/* an IDE device */
	return controller_offer(st, index, s, &offer);
}

bool storage_accelerates_ide(struct device *dev)
{
	const struct storage *st = device_state(dev);

	for (unsigned int i = STORAGE_CONTROLLERS; i < CONTROLLERS; i++)
		if (st->controllers[i])
			return true;
	return false;
}

/* --- the queue --- */

static void requests_batch(struct storage *st, bool begin)
{
	for (unsigned int i = 0; i < CONTROLLERS; i++)
		if (st->controllers[i])
			storvsp_batch(st->controllers[i], begin);
}

static void requests_reap(struct storage *st)
{
	requests_batch(st, true);
	disk_queue_hold(st->queue);		/* what commands of several steps submit now goes together */
	disk_queue_reap(st->queue);
	disk_queue_release(st->queue);
	requests_batch(st, false);
}

/* Reads that the kernel's cache can answer have ended when they are submitted: no need to wait to be told so. */
void storage_turn(struct storage *st, bool begin)
{
	if (begin) {
		disk_queue_hold(st->queue);
		return;
	}
	disk_queue_release(st->queue);
	requests_reap(st);
}

/* Also channels whose turn came while the machine was paused have it now. */
static void storage_resumed(struct device *dev)
{
	struct storage *st = device_state(dev);

	requests_batch(st, true);
	disk_queue_hold(st->queue);
	for (unsigned int i = 0; i < CONTROLLERS; i++)
		if (st->controllers[i])
			storvsp_kept_again(st->controllers[i]);
	disk_queue_release(st->queue);
	requests_batch(st, false);
}

void storage_no_space(struct storage *st, const struct storvsp *s, const struct scsi_unit *u)
{
	unsigned int index = 0, location = 0;

	while (index < CONTROLLERS - 1 && st->controllers[index] != s)
		index++;
	while (location < STORVSP_UNITS_MAX - 1 && s->units[location] != u)
		location++;
	if (s->ide)
		machine_request_pause(st->device->machine, "no-space: the volume of the disk at IDE channel %u, drive %u is full",
				      (index - STORAGE_CONTROLLERS) / 2, (index - STORAGE_CONTROLLERS) % 2);
	else
		machine_request_pause(st->device->machine, "no-space: the volume of the disk at SCSI controller %u, location %u is full",
				      index, location);
}

static void queue_ready(struct device *dev, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	requests_reap(device_state(dev));
}

static bool requests_in_flight(const struct storage *st)
{
	for (unsigned int i = 0; i < CONTROLLERS; i++)
		if (st->controllers[i] && st->controllers[i]->in_flight > storvsp_unsent(st->controllers[i]))
			return true;
	return false;
}

static void controllers_quiet(struct storage *st, bool quiet)
{
	for (unsigned int i = 0; i < CONTROLLERS; i++)
		if (st->controllers[i])
			st->controllers[i]->quiet = quiet;
}

/* Blocks for what is on its way to the disks; nothing new is taken meanwhile. Only reset, saving and the end come here. */
static void requests_wait(struct storage *st)
{
	struct pollfd p = { .fd = disk_queue_fd(st->queue), .events = POLLIN };

	while (requests_in_flight(st) && poll(&p, 1, -1) >= 0)
		disk_queue_reap(st->queue);
}

static void kept_give_up(struct storage *st)
{
	for (unsigned int i = 0; i < CONTROLLERS; i++)
		if (st->controllers[i])
			storvsp_kept_give_up(st->controllers[i], NULL, NULL);
}

void storage_settle(struct storage *st)
{
	controllers_quiet(st, true);
	kept_give_up(st);
	requests_wait(st);
	controllers_quiet(st, false);
}

/* --- the device --- */

static void units_power_on(struct storvsp *s)
{
	for (unsigned int i = 0; i < STORVSP_UNITS_MAX; i++)
		if (s->units[i])
			scsi_unit_power_on(s->units[i]);
}

static void storage_reset(struct device *dev)
{
	struct storage *st = device_state(dev);

	storage_settle(st);			/* a read that ended later would write into the next guest's memory */
	for (unsigned int i = 0; i < CONTROLLERS; i++)
		if (st->controllers[i])
			units_power_on(st->controllers[i]);
}

static void controller_free(struct storvsp *s)
{
	for (unsigned int i = 0; i < STORVSP_UNITS_MAX; i++)
		scsi_unit_destroy(s->units[i]);
	storvsp_fini(s);
	free(s);
}

static void storage_fini(struct device *dev)
{
	struct storage *st = device_state(dev);

	if (!st->queue)
		return;
	controllers_quiet(st, true);
	for (unsigned int i = 0; i < CONTROLLERS; i++)
		if (st->controllers[i])
			st->controllers[i]->ended = !vsp_bus(dev->machine);
	kept_give_up(st);
	requests_wait(st);
	for (unsigned int i = 0; i < CONTROLLERS; i++)
		if (st->controllers[i])
			controller_free(st->controllers[i]);
	device_unwatch_fd(dev, disk_queue_fd(st->queue));
	disk_queue_destroy(st->queue);
	st->queue = NULL;
}

static int storage_init(struct device *dev)
{
	struct storage *st = device_state(dev);
	int r;

	st->device = dev;
	r = disk_queue_create(&st->queue);
	if (r == 0)
		r = device_watch_fd(dev, disk_queue_fd(st->queue), EPOLLIN, queue_ready);
	return r == 0 ? scsi_controller_need(st, 0) : r;
}

const struct device_model storage_model = {
	.name = "storage", .state_size = sizeof(struct storage), .state_version = 1,
	.init = storage_init, .reset = storage_reset, .resumed = storage_resumed, .fini = storage_fini,
};
