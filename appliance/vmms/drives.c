/* SPDX-License-Identifier: Apache-2.0 */
/* Drives of VMs on their way to the worker (drives.h): at configure, and while the VM runs. */
#include "drives.h"

#include "library.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDE_SERIAL_CHARS	18	/* ATA has 20 characters; the id's start is unique enough */

int parcel_add(struct parcel *a, int fd)
{
	a->fds[a->count] = fd;
	return (int)a->count++;
}

void parcel_close(struct parcel *a)
{
	while (a->count > 0)
		close(a->fds[--a->count]);
}

/* --- one drive --- */

json_t *drive_controller_json(const struct drive *d)
{
	return json_pack("{s:s, s:I, s:I}", "type", controller_words[d->controller], "number", (json_int_t)d->number, "location",
			 (json_int_t)d->location);
}

/* A SCSI disk's serial and name follow the disk, whatever VM and place it is attached to; IDE keeps the drive's. */
static json_t *serial_json(const struct drive *d)
{
	if (d->controller == CONTROLLER_SCSI)
		return json_string(d->source[0] ? d->source : d->id);
	return json_pack("s#", d->id, IDE_SERIAL_CHARS);
}

/* -E2BIG: the parcel has no room for the whole chain. */
static int chain_pack(const struct vm *vm, const struct drive *d, struct parcel *a, json_t *o, struct problem *p)
{
	struct disk_item_chain chain = { .count = 0 };
	json_t *parents;
	int r = disk_item_open_chain(vm->vmms, d->source, d->read_only, &chain, p);

	if (r < 0)
		return -EINVAL;
	if (a->count + chain.count > IPC_FDS_MAX) {
		disk_item_chain_close(&chain);
		return -E2BIG;
	}
	json_object_set_new(o, "fd", json_integer(parcel_add(a, chain.fds[0])));
	json_object_set_new(o, "format", json_string(chain.formats[0]));
	parents = json_array();
	for (size_t i = 1; i < chain.count; i++)
		json_array_append_new(parents, json_pack("{s:i, s:s}", "fd", parcel_add(a, chain.fds[i]), "format", chain.formats[i]));
	if (chain.count > 1)
		json_object_set(o, "parents", parents);
	json_decref(parents);
	return 0;
}

static int iso_pack(const struct vm *vm, const struct drive *d, struct parcel *a, json_t *o, struct problem *p)
{
	int fd;

	if (a->count == IPC_FDS_MAX)
		return -E2BIG;
	fd = iso_item_open(vm->vmms, d->source, p);
	if (fd < 0)
		return -EINVAL;
	json_object_set_new(o, "fd", json_integer(parcel_add(a, fd)));
	return 0;
}

static int drive_pack(const struct vm *vm, const struct drive *d, struct parcel *a, json_t **out, struct problem *p)
{
	json_t *o = json_pack("{s:o, s:s, s:b, s:o}", "controller", drive_controller_json(d), "medium", medium_words[d->medium], "readOnly",
			      d->read_only, "serial", serial_json(d));
	int r = 0;

	if (d->source[0])
		r = d->medium == MEDIUM_DISK ? chain_pack(vm, d, a, o, p) : iso_pack(vm, d, a, o, p);
	if (r < 0) {
		json_decref(o);
		return r;
	}
	*out = o;
	return 0;
}

/* --- at configure --- */

#define CONFIGURE_DRIVES	12u	/* as vmwp takes */

static int drives_pack_of(struct vm *vm, unsigned int controller, json_t *disks, struct parcel *a, struct problem *p)
{
	for (unsigned int i = 0; i < vm->config.drive_count && json_array_size(disks) < CONFIGURE_DRIVES; i++) {
		const struct drive *d = &vm->config.drives[i];
		json_t *packed;
		int r;

		if (d->controller != controller)
			continue;
		r = drive_pack(vm, d, a, &packed, p);
		if (r == -E2BIG && controller == CONTROLLER_SCSI)
			return 0;		/* it and what follows go on their own */
		if (r == -E2BIG)
			return problem_set(p, PROBLEM_TOO_MANY, NULL, "The IDE disks of %s have too many parents.", vm_name(vm));
		if (r < 0)
			return r;
		json_array_append_new(disks, packed);
		vm->worker.drives_given |= 1ull << i;
	}
	return 0;
}

int drives_pack(struct vm *vm, json_t *disks, struct parcel *a, struct problem *p)
{
	int r;

	vm->worker.drives_given = 0;
	r = drives_pack_of(vm, CONTROLLER_IDE, disks, a, p);
	return r == 0 ? drives_pack_of(vm, CONTROLLER_SCSI, disks, a, p) : r;
}

struct plugging {
	struct vmms *vmms;
	char vm_id[GUID_TEXT_SIZE];
	void (*done)(struct vm *vm);
	void (*failed)(struct vm *vm, struct ipc_message *m, int result);
};

static void plug_next(struct plugging *g, struct vm *vm);

static void on_plugged(struct ipc_message *m, int result, bool continues, void *data)
{
	struct plugging *g = data;
	struct vm *vm = vm_find(g->vmms, g->vm_id);

	(void)continues;
	if (vm && result == 0) {
		plug_next(g, vm);
		return;
	}
	if (vm)
		g->failed(vm, m, result);
	free(g);
}

static void plug_next(struct plugging *g, struct vm *vm)
{
	struct problem p = { 0 };
	unsigned int i = 0;

	while (i < vm->config.drive_count && vm->worker.drives_given & 1ull << i)
		i++;
	if (i == vm->config.drive_count) {
		g->done(vm);
		free(g);
		return;
	}
	vm->worker.drives_given |= 1ull << i;
	if (drive_plug(vm, &vm->config.drives[i], on_plugged, g, &p) < 0) {
		g->failed(vm, NULL, -EIO);
		free(g);
	}
}

void drives_plug_rest(struct vm *vm, void (*done)(struct vm *vm), void (*failed)(struct vm *vm, struct ipc_message *m, int result))
{
	struct plugging *g = malloc(sizeof(*g));

	if (!g) {
		failed(vm, NULL, -ENOMEM);
		return;
	}
	*g = (struct plugging){ .vmms = vm->vmms, .done = done, .failed = failed };
	memcpy(g->vm_id, vm->id, sizeof(g->vm_id));
	plug_next(g, vm);
}

/* --- while it runs --- */

static int call(struct vm *vm, const char *method, json_t *parameters, struct parcel *a, ipc_async_reply *done, void *data,
		struct problem *p)
{
	int r = worker_call(vm, method, parameters, a->fds, a->count, done, data);

	parcel_close(a);
	return r < 0 ? problem_set(p, PROBLEM_UNAVAILABLE, NULL, "The worker of %s cannot be reached.", vm_name(vm)) : 0;
}

int drive_plug(struct vm *vm, const struct drive *d, ipc_async_reply *done, void *data, struct problem *p)
{
	struct parcel a = { .count = 0 };
	json_t *parameters;
	int r = drive_pack(vm, d, &a, &parameters, p);

	if (r == -E2BIG)
		return problem_set(p, PROBLEM_TOO_MANY, NULL, "The disk has too many parents.");
	return r < 0 ? r : call(vm, "vmwp.AttachDisk", parameters, &a, done, data, p);
}

int drive_unplug(struct vm *vm, const struct drive *d, ipc_async_reply *done, void *data, struct problem *p)
{
	struct parcel a = { .count = 0 };

	return call(vm, "vmwp.DetachDisk", json_pack("{s:o}", "controller", drive_controller_json(d)), &a, done, data, p);
}

int drive_set_medium(struct vm *vm, const struct drive *d, ipc_async_reply *done, void *data, struct problem *p)
{
	struct parcel a = { .count = 0 };
	int fd = d->source[0] ? iso_item_open(vm->vmms, d->source, p) : -1;

	if (d->source[0] && fd < 0)
		return fd;
	if (fd >= 0)
		parcel_add(&a, fd);
	return call(vm, "vmwp.SetMedia", json_pack("{s:o, s:b}", "controller", drive_controller_json(d), "readOnly", 1), &a, done, data, p);
}
