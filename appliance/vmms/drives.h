/* SPDX-License-Identifier: Apache-2.0 */
/* Drives of VMs on their way to the worker: disks with their parents, ISOs, as descriptors in a message. */
#ifndef VMMS_DRIVES_H
#define VMMS_DRIVES_H

#include "vm.h"

struct parcel {				/* the descriptors of a message being put together */
	int fds[IPC_FDS_MAX];
	size_t count;
};
int parcel_add(struct parcel *a, int fd);	/* its index; takes fd */
void parcel_close(struct parcel *a);

/* What vmwp.Configure gets: every IDE drive, and SCSI drives as long as descriptors fit. 0, or -EINVAL and *p. */
int drives_pack(struct vm *vm, json_t *disks, struct parcel *a, struct problem *p);
/* A configured worker gets the others, one after the other, then `done`; or `failed`, with the answer as in ipc_async_reply. */
void drives_plug_rest(struct vm *vm, void (*done)(struct vm *vm), void (*failed)(struct vm *vm, struct ipc_message *m, int result));

json_t *drive_controller_json(const struct drive *d);	/* its place, as the worker's methods take it */

/* While it runs: SCSI only. 0 and `done` comes, or -EINVAL and *p. */
int drive_plug(struct vm *vm, const struct drive *d, ipc_async_reply *done, void *data, struct problem *p);
int drive_unplug(struct vm *vm, const struct drive *d, ipc_async_reply *done, void *data, struct problem *p);
int drive_set_medium(struct vm *vm, const struct drive *d, ipc_async_reply *done, void *data, struct problem *p);

#endif
