/* SPDX-License-Identifier: Apache-2.0 */
/* vmwp.AttachDisk and vmwp.DetachDisk: SCSI disks and DVD drives, before Start or while the guest runs. */
#include "vmwp/control/control.h"

#include "storage/disk.h"
#include "vmwp/vsp/storage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refuse(struct problem *p, const char *field)
{
	return problem_set(p, PROBLEM_BAD_PARAMETERS, field, "%s is missing or not what it may be.", field);
}

static int disk_of(struct vm_disk *d, struct disk **out, struct problem *p)
{
	int r = vm_disk_open(d, out);

	if (r == 0)
		return 0;
	return problem_set(p, PROBLEM_BAD_PARAMETERS, "fd", "The disk cannot be opened: %s%s%s.", strerror(-r),
			   disk_error_text()[0] ? ": " : "", disk_error_text());
}

static int place_attach(struct machine *m, const struct vm_disk *d, struct disk *disk, struct problem *p)
{
	struct storage_place place = { d->place.controller, d->place.location };
	int r;

	machine_lock(m);
	r = storage_attach(machine_device(m, &storage_model), place, d->cd, disk, d->serial);
	machine_unlock(m);
	if (r == 0)
		return 0;
	disk_close(disk);
	if (r == -EBUSY)
		return problem_set(p, PROBLEM_POSITION_IN_USE, "controller", "SCSI controller %u, position %u is already taken.",
				   place.controller, place.location);
	return problem_from_errno(p, r, "Attaching the drive");
}

int drive_attach(struct machine *m, const json_t *parameters, struct ipc_message *message, struct problem *p)
{
	struct vm_disk d = { .fd = -1 };
	struct disk *disk = NULL;
	int r = disk_parse(parameters, message, &d, p);

	if (r == 0 && !d.place.scsi)
		r = problem_set(p, PROBLEM_BAD_PARAMETERS, "controller.type", "Only SCSI drives can be attached after Configure.");
	if (r == 0 && d.fd >= 0)
		r = disk_of(&d, &disk, p);
	if (r == 0)
		r = place_attach(m, &d, disk, p);
	vm_disk_clear(&d);
	return r;
}

/* --- detaching: answered when the guest's last request has ended --- */

struct detach { struct ipc_request *request; };

static void on_client_gone(struct ipc_request *r, void *data)
{
	(void)r;
	((struct detach *)data)->request = NULL;
}

static void on_detached(void *context)
{
	struct detach *d = context;

	if (d->request) {
		ipc_request_on_gone(d->request, NULL, NULL);
		ipc_reply(d->request, NULL);
	}
	free(d);
}

void drive_detach(struct ipc_request *r, const json_t *parameters, struct machine *m)
{
	struct detach *d = malloc(sizeof(*d));
	struct problem p = { 0 };
	struct vm_place place;
	int result = controller_parse(json_object_get(parameters, "controller"), &place, &p);

	if (result == 0 && !place.scsi)
		result = refuse(&p, "controller.type");
	if (result == 0 && !d)
		result = problem_from_errno(&p, -ENOMEM, "Detaching the drive");
	if (result == 0) {
		*d = (struct detach){ r };
		ipc_request_on_gone(r, on_client_gone, d);
		machine_lock(m);
		result = storage_detach(machine_device(m, &storage_model), (struct storage_place){ place.controller, place.location },
					on_detached, d);
		machine_unlock(m);
		if (result == 0)
			return;			/* on_detached() has d now */
		ipc_request_on_gone(r, NULL, NULL);
		problem_set(&p, PROBLEM_DISK_SLOT_NOT_FOUND, "controller", "No drive is there.");
	}
	free(d);
	problem_reply(r, &p);
}
