/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives of a VM: attached and detached in its configuration while it is off; while it runs, the guest's machine comes first
 * and the configuration follows, whether or not the client still waits.
 */
#include "methods.h"

#include "drives.h"
#include "library.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_off(const struct vm *vm)
{
	return vm->state == VM_OFF || vm->state == VM_FAILED;
}

/* The drive in `d` joins `c`, or replaces the medium of the DVD drive at its position. */
static int drive_put(const struct vm *vm, struct vm_config *c, struct drive *d, bool *medium_only, struct problem *p)
{
	struct drive *old = d->has_position ? vm_config_drive_at(c, d->controller, d->number, d->location) : NULL;

	*medium_only = old && old->medium == MEDIUM_DVD && d->medium == MEDIUM_DVD;
	if (*medium_only) {
		memcpy(old->source, d->source, sizeof(old->source));
		return 0;
	}
	if (!is_off(vm) && d->has_position && d->controller == CONTROLLER_IDE)
		return problem_set(p, PROBLEM_VM_NOT_OFF, NULL, "%s is %s; IDE drives can be attached while it is off.", vm_name(vm),
				   vm_state_words[vm->state]);
	if (c->drive_count == VM_DRIVES_MAX)
		return problem_set(p, PROBLEM_TOO_MANY, NULL, "%s has %d drives already.", vm_name(vm), VM_DRIVES_MAX);
	if (drive_place(c, d, !is_off(vm), "disk", p) < 0)
		return -EINVAL;
	c->drives[c->drive_count++] = *d;
	return 0;
}

static int drive_index(const struct vm_config *c, const char *slot_id)
{
	for (unsigned int i = 0; i < c->drive_count; i++)
		if (strcmp(c->drives[i].id, slot_id) == 0)
			return (int)i;
	return -1;
}

static void drive_take_out(struct vm_config *c, unsigned int i)
{
	memmove(&c->drives[i], &c->drives[i + 1], (c->drive_count - i - 1) * sizeof(c->drives[0]));
	c->drive_count--;
}

static void answer(struct ipc_request *r, const struct vm *vm, int result, const struct problem *p)
{
	if (r && result < 0)
		problem_reply(r, p);
	else if (r)
		reply_vm(r, vm);
}

/* --- into the configuration, as it is now: other things may have changed while a worker was asked --- */

enum change { CHANGE_PUT, CHANGE_REMOVE };

static int config_change(struct vm *vm, struct drive *d, enum change change, struct problem *p)
{
	struct vm_config *c = malloc(sizeof(*c));
	int r = c ? 0 : problem_from_errno(p, -ENOMEM, "The request"), i;
	bool medium_only;

	if (r == 0)
		*c = vm->config;
	i = r == 0 ? drive_index(c, d->id) : -1;
	if (r == 0 && change == CHANGE_PUT)
		r = drive_put(vm, c, d, &medium_only, p);
	else if (i >= 0)
		drive_take_out(c, (unsigned int)i);
	if (r == 0)
		r = vm_change(vm, c, p);
	free(c);
	return r;
}

/* A disk that was made for a drive which did not come about goes again. Where the worker may have it, it stays. */
static void take_back(struct vmms *v, const struct drive *d, enum change change)
{
	struct disk_item *item = change == CHANGE_PUT && d->make_new && d->source[0] ? disk_find(v, d->source) : NULL;

	if (item && !vm_using(v, d->source))
		disk_item_discard(v, item);
}

/* --- of a running VM --- */

struct hot_change {
	struct later *later;
	struct vmms *vmms;
	char vm_id[GUID_TEXT_SIZE];
	struct drive drive;
	enum change change;
};

static void on_hot_change(struct ipc_message *m, int result, bool continues, void *data)
{
	struct hot_change *h = data;
	struct ipc_request *r = later_end(h->later);
	struct vm *vm = vm_find(h->vmms, h->vm_id);
	struct problem p = { 0 };

	(void)continues;
	if (result == -EREMOTE)
		take_back(h->vmms, &h->drive, h->change);
	if (result == 0 && vm)
		answer(r, vm, config_change(vm, &h->drive, h->change, &p), &p);
	else if (r && result == -EREMOTE)
		ipc_fail_with(r, text_of(m->body, "error"), json_incref(json_object_get(m->body, "parameters")));
	else if (r)
		ipc_fail(r, 503, "service_unavailable", NULL, "The worker did not answer: %s.", strerror(-result));
	free(h);
}

typedef int worker_change(struct vm *vm, const struct drive *d, ipc_async_reply *done, void *data, struct problem *p);

static void hot_start(struct vm *vm, struct later *later, const struct drive *d, worker_change *call, enum change change)
{
	struct hot_change *h = calloc(1, sizeof(*h));
	struct problem p = { 0 };
	int result = h ? 0 : problem_from_errno(&p, -ENOMEM, "The request");

	if (result == 0 && vm->state != VM_RUNNING && vm->state != VM_PAUSED)
		result = problem_set(&p, PROBLEM_VM_WRONG_STATE, NULL, "%s is %s; drives can be changed while it runs or is off.",
				     vm_name(vm), vm_state_words[vm->state]);
	if (result == 0) {
		*h = (struct hot_change){ .later = later, .vmms = vm->vmms, .drive = *d, .change = change };
		memcpy(h->vm_id, vm->id, sizeof(h->vm_id));
		result = call(vm, d, on_hot_change, h, &p);
	}
	if (result == 0)
		return;
	free(h);
	take_back(vm->vmms, d, change);
	answer(later_end(later), vm, result, &p);
}

/* --- attaching --- */

/* Everything is judged on a copy first; the same is done again when it takes effect. */
static int join_check(const struct vm *vm, struct drive *d, struct vm_config *c, bool *medium_only, struct problem *p)
{
	*c = vm->config;
	if (drive_put(vm, c, d, medium_only, p) < 0)
		return -EINVAL;
	return vm_check(vm->vmms, vm, c, p);
}

static void join(struct vm *vm, struct later *later, struct drive *d, bool medium_only)
{
	struct problem p = { 0 };
	int r;

	if (!is_off(vm)) {
		hot_start(vm, later, d, medium_only ? drive_set_medium : drive_plug, CHANGE_PUT);
		return;
	}
	r = config_change(vm, d, CHANGE_PUT, &p);
	if (r < 0)
		take_back(vm->vmms, d, CHANGE_PUT);
	answer(later_end(later), vm, r, &p);
}

void drive_join(struct vm *vm, struct later *later, struct drive *d)
{
	struct vm_config *c = malloc(sizeof(*c));
	struct problem p = { 0 };
	bool medium_only = false;
	int r = c ? join_check(vm, d, c, &medium_only, &p) : problem_from_errno(&p, -ENOMEM, "The request");

	free(c);
	if (r == 0) {
		join(vm, later, d, medium_only);
		return;
	}
	take_back(vm->vmms, d, CHANGE_PUT);
	answer(later_end(later), vm, r, &p);
}

static void attach_to(struct vm *vm, struct ipc_request *r, const json_t *body, struct drive *d, struct vm_config *c)
{
	struct problem p = { 0 };
	bool medium_only;
	struct later *later;

	if (drive_parse(body, "", false, d, &p) < 0 || join_check(vm, d, c, &medium_only, &p) < 0) {
		problem_reply(r, &p);
		return;
	}
	if (d->make_new) {
		build_start(vm->vmms, r, c, vm, &p);
		return;
	}
	later = later_new(r);
	if (later)
		join(vm, later, d, medium_only);
}

static void attach_disk(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct vm_config *c;
	struct drive *d;

	if (!vm)
		return;
	c = calloc(1, sizeof(*c));
	d = calloc(1, sizeof(*d));
	if (c && d)
		attach_to(vm, r, json_object_get(parameters, "disk"), d, c);
	else
		ipc_fail(r, 500, "internal_error", NULL, "Out of memory.");
	free(c);
	free(d);
}

/* --- detaching --- */

static void detach_from(struct vm *vm, struct ipc_request *r, const struct drive *d)
{
	const struct disk_item *item = disk_find(vm->vmms, d->source);
	struct drive copy = *d;
	struct problem p = { 0 };
	struct later *later;

	if (item && item->busy && !is_off(vm)) {
		problem_set(&p, PROBLEM_LOCKED_BY_JOB, NULL, "A job works on the disk %s; cancel it first.", item->name);
		problem_reply(r, &p);
		return;
	}
	if (is_off(vm)) {
		answer(r, vm, config_change(vm, &copy, CHANGE_REMOVE, &p), &p);
		return;
	}
	if (d->controller == CONTROLLER_IDE) {
		problem_set(&p, PROBLEM_VM_NOT_OFF, NULL, "%s is %s; IDE drives can be detached while it is off.", vm_name(vm),
			    vm_state_words[vm->state]);
		problem_reply(r, &p);
		return;
	}
	later = later_new(r);
	if (later)
		hot_start(vm, later, d, drive_unplug, CHANGE_REMOVE);
}

static void detach_disk(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct problem p = { 0 };
	int i;

	if (!vm)
		return;
	i = drive_index(&vm->config, text_of(parameters, "diskSlotId"));
	if (i >= 0) {
		detach_from(vm, r, &vm->config.drives[i]);
		return;
	}
	problem_set(&p, PROBLEM_DISK_SLOT_NOT_FOUND, NULL, "%s has no drive with this id.", vm_name(vm));
	problem_reply(r, &p);
}

const struct method_row drive_method_rows[] = {
	{ "vmms.AttachDisk", "id:s disk:v",		   attach_disk },
	{ "vmms.DetachDisk", "id:s diskSlotId:s",	   detach_disk },
	{ NULL, NULL, NULL },
};
