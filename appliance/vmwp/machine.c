/* SPDX-License-Identifier: Apache-2.0 */
/* Builds a machine from its configuration: memory, devices, drives, firmware. Nothing here runs a VP (lifecycle.c does). */
#include "vmwp/machine.h"

#include "partita/log.h"
#include "vmwp/chipset/board.h"
#include "vmwp/chipset/ide.h"
#include "vmwp/firmware/firmware.h"
#include "vmwp/vmbus/server.h"
#include "vmwp/vsp/net.h"
#include "vmwp/vsp/storage.h"
#include "vmwp/vsp/vsp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

void machine_lock(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
}

void machine_unlock(struct machine *m)
{
	pthread_mutex_unlock(&m->lock);
}

const char *machine_state_name(enum machine_state state)
{
	static const char *const names[] = {
		[MACHINE_CREATED] = "created", [MACHINE_RUNNING] = "running", [MACHINE_PAUSED] = "paused",
		[MACHINE_OFF] = "off", [MACHINE_FAILED] = "failed",
	};

	return names[state];
}

struct device *machine_device(struct machine *m, const struct device_model *model)
{
	for (unsigned int i = 0; i < m->device_count; i++)
		if (m->devices[i].model == model)
			return &m->devices[i];
	return NULL;
}

static int device_create(struct machine *m, const struct device_model *model)
{
	struct device *dev = &m->devices[m->device_count];
	int r;

	if (m->device_count == MACHINE_DEVICES_MAX)
		return -ENOSPC;
	dev->state = calloc(1, model->state_size ? model->state_size : 1);
	if (!dev->state)
		return -ENOMEM;
	dev->model = model;
	dev->machine = m;
	m->device_count++;
	r = model->init ? model->init(dev) : 0;
	return r < 0 ? r : io_map_add_device(m, dev);
}

static int devices_create(struct machine *m)
{
	const struct device_model *const *board = board_devices(m->config.generation);
	int r = 0;

	for (unsigned int i = 0; r == 0 && board[i]; i++)
		r = device_create(m, board[i]);
	for (unsigned int i = 0; r == 0 && vsp_devices[i]; i++)
		r = device_create(m, vsp_devices[i]);
	return r;
}

static void devices_destroy(struct machine *m)
{
	while (m->device_count) {
		struct device *dev = &m->devices[--m->device_count];

		if (dev->model->fini)
			dev->model->fini(dev);
		free(dev->state);
		dev->state = NULL;
	}
}

int vm_disk_open(struct vm_disk *d, struct disk **out)
{
	struct disk_source chain[1 + VM_PARENTS_MAX] = { { d->format, d->fd } };
	int r;

	for (unsigned int i = 0; i < d->parent_count; i++)
		chain[1 + i] = (struct disk_source){ d->parents[i].format, d->parents[i].fd };
	r = disk_open_chain(chain, 1 + d->parent_count, d->read_only, out);
	if (r == 0) {			/* the disk's now */
		d->fd = -1;
		d->parent_count = 0;
	}
	return r;
}

/* One disk, two front ends: the guest's VMBus driver takes it over from the IDE driver, which SMBIOS tells to let it. */
static int ide_disk_place(struct machine *m, struct device *ide, const struct vm_disk *d, struct disk *disk)
{
	unsigned int location = d->place.controller * 2 + d->place.location;
	int r = ide_attach_disk(ide, location, disk, d->serial);

	if (r < 0)
		return r;
	r = storage_accelerate_ide(machine_device(m, &storage_model), d->place.controller, d->place.location, disk, d->serial);
	if (r == 0)
		ide_mark_accelerated(ide, location);
	else					/* the IDE drive has the disk and works without */
		log_warning("IDE disk %u is not accelerated: errno %d", location, -r);
	return 0;
}

static int disk_place(struct machine *m, const struct vm_disk *d, struct disk *disk)
{
	struct device *ide = machine_device(m, &ide_model);
	unsigned int location = d->place.controller * 2 + d->place.location;

	if (d->place.scsi)
		return storage_attach(machine_device(m, &storage_model), (struct storage_place){ d->place.controller, d->place.location },
				      d->cd, disk, d->serial);
	if (!ide)
		return -ENODEV;
	return d->cd ? ide_attach_cd(ide, location, disk) : disk ? ide_disk_place(m, ide, d, disk) : -EBADF;
}

static int disk_attach(struct machine *m, struct vm_disk *d)
{
	struct disk *disk = NULL;
	int r = 0;

	if (d->fd >= 0) {
		r = vm_disk_open(d, &disk);
		if (r < 0)
			return r;
	}
	r = disk_place(m, d, disk);
	if (r < 0)
		disk_close(disk);
	return r;
}

static int disks_attach(struct machine *m)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < m->config.disk_count; i++)
		r = disk_attach(m, &m->config.disks[i]);
	return r;
}

int machine_configure(struct machine *m, struct vm_config *config)
{
	int r;

	machine_lock(m);
	m->config = *config;
	r = guest_memory_create(m, m->config.memory_bytes);
	if (r == 0)
		r = vmbus_create(m, &m->vmbus);
	if (r == 0)
		r = devices_create(m);
	if (r == 0)
		r = disks_attach(m);
	if (r == 0)
		r = firmware_load(m);
	machine_unlock(m);
	vm_config_init(config);
	return r;
}

int machine_create(sd_event *loop, int mshv_fd, struct machine **out)
{
	struct machine *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->loop = loop;
	m->mshv_fd = mshv_fd;
	m->state = MACHINE_CREATED;
	vm_config_init(&m->config);
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->gate_lock, NULL);
	pthread_cond_init(&m->gate_opened, NULL);
	pthread_cond_init(&m->vp_parked, NULL);
	m->request_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = m->request_fd < 0 ? -errno : io_map_create(&m->io);
	if (r == 0)
		r = clockwork_create(m);
	if (r == 0)
		r = fd_watches_create(m);
	if (r == 0)
		r = machine_watch_requests(m);
	if (r < 0) {
		machine_destroy(m);
		return r;
	}
	*out = m;
	return 0;
}

void machine_destroy(struct machine *m)
{
	if (!m)
		return;
	net_detach_all(m);
	vmbus_destroy(m->vmbus);	/* closes every channel while the devices behind them are there */
	m->vmbus = NULL;
	devices_destroy(m);
	guest_memory_destroy(m);
	fd_watches_destroy(m);
	clockwork_destroy(m);
	io_map_destroy(m->io);
	vm_config_clear(&m->config);
	if (m->request_fd >= 0)
		close(m->request_fd);
	free(m);
}
