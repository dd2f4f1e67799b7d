/* SPDX-License-Identifier: Apache-2.0 */
/* Methods on virtual machines. Every check comes before the first change; a new VM's new disks are made before the VM is stored. */
#include "methods.h"

#include "guest.h"
#include "library.h"
#include "network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reply_vm(struct ipc_request *r, const struct vm *vm)
{
	ipc_reply(r, json_pack("{s:o}", "vm", vm_to_json(vm)));
}

static void list_vms(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	ipc_reply(r, json_pack("{s:o}", "vms", vms_to_json(v)));
}

static void get_vm(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);

	if (vm)
		reply_vm(r, vm);
}

/* --- new disks of drives, made one after the other --- */

struct build {
	struct vmms *vmms;
	struct later *later;
	char vm_id[GUID_TEXT_SIZE];
	struct vm_config config;
	struct vm *target; /* NULL: a VM is being created; else a drive is being attached */
	unsigned int next;			/* drive to look at */
};

static void build_continue(struct build *b);

/* Takes back the disks made so far for it. */
static void build_fail(struct build *b, const struct problem *p)
{
	struct ipc_request *r = later_end(b->later);

	for (unsigned int i = 0; i < b->next && i < b->config.drive_count; i++) {
		struct disk_item *d =
		    b->config.drives[i].make_new ? disk_find(b->vmms, b->config.drives[i].source) : NULL;

		if (d)
			disk_item_discard(b->vmms, d);
	}
	if (r)
		problem_reply(r, p);
	free(b);
}

static void on_disk_made(struct vmms *v, struct disk_item *d, const struct problem *p, void *data)
{
	struct build *b = data;

	(void)v;
	if (!d) {
		build_fail(b, p);
		return;
	}
	memcpy(b->config.drives[b->next].source, d->id, sizeof(d->id));
	b->next++;
	build_continue(b);
}

/* While disks were made the world went on: everything is judged again. */
static void build_finish(struct build *b)
{
	struct vmms *v = b->vmms;
	struct vm *vm = b->target ? vm_find(v, b->vm_id) : NULL;
	struct problem p = { 0 };
	struct ipc_request *r;
	int result = 0;

	if (b->target && (!vm || vm->state != VM_OFF))
		result = problem_set(&p, PROBLEM_VM_NOT_OFF, NULL,
		                     "The virtual machine was started or deleted meanwhile.");
	if (!b->target && v->vm_count >= VMS_MAX)
		result = problem_set(&p, PROBLEM_TOO_MANY, NULL, "There are %d virtual machines already.",
		                     VMS_MAX);
	if (result == 0)
		result = vm_check(v, vm, &b->config, &p);
	if (result == 0)
		result = vm ? vm_change(vm, &b->config, &p) : vm_add(v, &b->config, b->vm_id, &vm, &p);
	if (result < 0) {
		build_fail(b, &p);
		return;
	}
	r = later_end(b->later);
	if (r)
		reply_vm(r, vm);
	free(b);
}

static void build_continue(struct build *b)
{
	struct problem p = { 0 };

	while (b->next < b->config.drive_count &&
	       (!b->config.drives[b->next].make_new || b->config.drives[b->next].source[0]))
		b->next++;
	if (b->next == b->config.drive_count)
		build_finish(b);
	else if (disk_item_create(b->vmms, &b->config.drives[b->next].spec, b->vm_id, on_disk_made, b, &p) <
	         0)
		build_fail(b, &p);
}

static void build_start(struct vmms *v, struct ipc_request *r, const struct vm_config *c, struct vm *target,
                        struct problem *p)
{
	struct build *b = calloc(1, sizeof(*b));
	char id[GUID_TEXT_SIZE];

	if (!b || guid_new(id) < 0) {
		problem_from_errno(p, -ENOMEM, "The request");
		problem_reply(r, p);
		free(b);
		return;
	}
	*b = (struct build){ .vmms = v, .config = *c, .target = target };
	memcpy(b->vm_id, target ? target->id : id, sizeof(b->vm_id));
	b->later = later_new(r);
	if (b->later)
		build_continue(b);
	else
		free(b);
}

static void create_vm(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm_config *c = calloc(1, sizeof(*c));
	struct vm_limits limits;
	struct problem p = { 0 };
	int result = c ? 0 : problem_from_errno(&p, -ENOMEM, "The request");

	host_limits(&limits);
	if (result == 0)
		result = vm_config_parse(json_object_get(parameters, "vm"), &limits, c, &p);
	if (result == 0 && !json_object_get(json_object_get(parameters, "vm"), "networkAdapters"))
		result = network_default_adapter(v, c, &p);
	if (result == 0 && v->vm_count >= VMS_MAX)
		result = problem_set(&p, PROBLEM_TOO_MANY, NULL,
		                     "There are %d virtual machines already; no more are possible.", VMS_MAX);
	if (result == 0)
		result = vm_check(v, NULL, c, &p);
	if (result < 0)
		problem_reply(r, &p);
	else
		build_start(v, r, c, NULL, &p);
	free(c);
}

/* --- changing one --- */

static int patch_vm(struct vm *vm, const json_t *patch, struct vm_config *c, struct problem *p)
{
	struct vm_limits limits;
	bool cold = false, switched;

	host_limits(&limits);
	if (vm_config_patch(&vm->config, patch, &limits, c, &cold, p) < 0)
		return -EINVAL;
	if (cold && vm->state != VM_OFF && vm->state != VM_FAILED)
		return problem_set(
		    p, PROBLEM_VM_NOT_OFF, NULL,
		    "%s is %s; processors, memory and firmware can be changed while it is off.", vm_name(vm),
		    vm_state_words[vm->state]);
	if (vm_check(vm->vmms, vm, c, p) < 0)
		return -EINVAL;
	switched = services_differ(&vm->config.services, &c->services);
	if (vm_change(vm, c, p) < 0)
		return -EINVAL;
	if (switched)
		guest_apply_services(vm);
	return 0;
}

static void update_vm(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct vm_config *c = NULL;
	struct problem p = { 0 };
	char etag[24];
	int result;

	if (!vm)
		return;
	vm_etag(vm, etag);
	if (!etag_matches(r, parameters, etag))
		return;
	c = calloc(1, sizeof(*c));
	result = c ? patch_vm(vm, json_object_get(parameters, "patch"), c, &p)
	           : problem_from_errno(&p, -ENOMEM, "The request");
	free(c);
	if (result < 0)
		problem_reply(r, &p);
	else
		reply_vm(r, vm);
}

static void delete_vm(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct problem p = { 0 };
	char etag[24];
	int result = 0;

	if (!vm)
		return;
	vm_etag(vm, etag);
	if (!etag_matches(r, parameters, etag))
		return;
	if ((vm->state != VM_OFF && vm->state != VM_FAILED) || vm->worker.present)
		result = problem_set(&p, PROBLEM_VM_NOT_OFF, NULL, "%s is %s; turn it off first.",
		                     vm_name(vm), vm_state_words[vm->state]);
	if (result == 0)
		result = vm_remove(vm, &p);
	if (result < 0)
		problem_reply(r, &p);
	else
		ipc_reply(r, NULL);
}

static void vm_action(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct problem p = { 0 };
	struct job *job;

	if (!vm)
		return;
	if (power_action(vm, text_of(parameters, "action"), &job, &p) < 0)
		problem_reply(r, &p);
	else
		ipc_reply(r, json_pack("{s:o}", "job", job_to_json(job)));
}

/* --- drives --- */

struct media_change {
	struct later *later;
	struct vmms *vmms;
	char vm_id[GUID_TEXT_SIZE];
	struct vm_config config;
};

static void store_and_reply(struct vm *vm, const struct vm_config *c, struct ipc_request *r)
{
	struct problem p = { 0 };

	if (vm_change(vm, c, &p) == 0) {
		if (r)
			reply_vm(r, vm);
	} else if (r) {
		problem_reply(r, &p);
	}
}

/* The guest's drive has the new medium; the configuration follows, whether or not the client still waits. */
static void on_media_set(struct ipc_message *m, int result, bool continues, void *data)
{
	struct media_change *change = data;
	struct ipc_request *r = later_end(change->later);
	struct vm *vm = vm_find(change->vmms, change->vm_id);

	(void)continues;
	if (result == 0 && vm)
		store_and_reply(vm, &change->config, r);
	else if (r && result == -EREMOTE)
		ipc_fail_with(r, text_of(m->body, "error"),
		              json_incref(json_object_get(m->body, "parameters")));
	else if (r)
		ipc_fail(r, 503, "service_unavailable", NULL, "The worker did not answer: %s.",
		         strerror(-result));
	free(change);
}

static int set_media(struct vm *vm, const struct drive *d, struct media_change *change, struct problem *p)
{
	json_t *controller = json_pack("{s:s, s:I, s:I}", "type", "ide", "number", (json_int_t)d->number,
	                               "location", (json_int_t)d->location);
	int fd = d->source[0] ? iso_item_open(vm->vmms, d->source, p) : -1, r;

	if (d->source[0] && fd < 0) {
		json_decref(controller);
		return fd;
	}
	r = worker_call(vm, "vmwp.SetMedia", json_pack("{s:o, s:b}", "controller", controller, "readOnly", 1),
	                &fd, fd >= 0, on_media_set, change);
	if (fd >= 0)
		close(fd);
	return r < 0 ? problem_set(p, PROBLEM_UNAVAILABLE, NULL, "The worker of %s cannot be reached.",
	                           vm_name(vm))
	             : 0;
}

/* A DVD drive of a running VM gets another medium. */
static void change_media_hot(struct vm *vm, struct ipc_request *r, const struct vm_config *c,
                             const struct drive *d)
{
	struct media_change *change = calloc(1, sizeof(*change));
	struct problem p = { 0 };

	if (!change || !(change->later = later_new(r))) {
		free(change);
		return;
	}
	change->vmms = vm->vmms;
	change->config = *c;
	memcpy(change->vm_id, vm->id, sizeof(change->vm_id));
	if (set_media(vm, d, change, &p) < 0) {
		later_end(change->later);
		problem_reply(r, &p);
		free(change);
	}
}

static bool is_off(const struct vm *vm)
{
	return vm->state == VM_OFF || vm->state == VM_FAILED;
}

/* The drive in `d` joins `c`, or replaces the medium of the DVD drive at its position. *slot is where it is then. */
static int put_drive(const struct vm *vm, struct vm_config *c, struct drive *d, struct drive **slot,
                     struct problem *p)
{
	struct drive *old = d->has_position ? vm_config_drive_at(c, d->number, d->location) : NULL;

	if (old && old->medium == MEDIUM_DVD && d->medium == MEDIUM_DVD) {
		memcpy(old->source, d->source, sizeof(old->source));
		*slot = old;
		return 0;
	}
	if (!is_off(vm))
		return problem_set(p, PROBLEM_VM_NOT_OFF, NULL,
		                   "%s is %s; IDE drives can be attached while it is off.", vm_name(vm),
		                   vm_state_words[vm->state]);
	if (drive_place(c, d, "disk", p) < 0)
		return -EINVAL;
	c->drives[c->drive_count] = *d;
	*slot = &c->drives[c->drive_count++];
	return 0;
}

static void attach_to(struct vm *vm, struct ipc_request *r, const json_t *body, struct vm_config *c)
{
	struct drive *d = calloc(1, sizeof(*d)), *slot = NULL;
	struct problem p = { 0 };
	int result = d ? drive_parse(body, "", false, d, &p) : problem_from_errno(&p, -ENOMEM, "The request");

	*c = vm->config;
	if (result == 0)
		result = put_drive(vm, c, d, &slot, &p);
	if (result == 0)
		result = vm_check(vm->vmms, vm, c, &p);
	if (result < 0)
		problem_reply(r, &p);
	else if (d->make_new)
		build_start(vm->vmms, r, c, vm, &p);
	else if (is_off(vm))
		store_and_reply(vm, c, r);
	else
		change_media_hot(vm, r, c, slot);
	free(d);
}

static void attach_disk(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct vm_config *c;

	if (!vm)
		return;
	c = calloc(1, sizeof(*c));
	if (c)
		attach_to(vm, r, json_object_get(parameters, "disk"), c);
	else
		ipc_fail(r, 500, "internal_error", NULL, "Out of memory.");
	free(c);
}

static int remove_drive(struct vm *vm, const char *slot_id, struct vm_config *c, struct problem *p)
{
	unsigned int i = 0;

	*c = vm->config;
	while (i < c->drive_count && strcmp(c->drives[i].id, slot_id) != 0)
		i++;
	if (i == c->drive_count)
		return problem_set(p, PROBLEM_DISK_SLOT_NOT_FOUND, NULL, "%s has no drive with this id.",
		                   vm_name(vm));
	if (!is_off(vm))
		return problem_set(p, PROBLEM_VM_NOT_OFF, NULL,
		                   "%s is %s; IDE drives can be detached while it is off.", vm_name(vm),
		                   vm_state_words[vm->state]);
	memmove(&c->drives[i], &c->drives[i + 1], (c->drive_count - i - 1) * sizeof(c->drives[0]));
	c->drive_count--;
	return 0;
}

static void detach_disk(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct vm_config *c;
	struct problem p = { 0 };

	if (!vm)
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		problem_from_errno(&p, -ENOMEM, "The request");
	else if (remove_drive(vm, text_of(parameters, "diskSlotId"), c, &p) == 0)
		vm_change(vm, c, &p);
	free(c);
	if (p.code != PROBLEM_NONE)
		problem_reply(r, &p);
	else
		reply_vm(r, vm);
}

const struct method_row vm_method_rows[] = {
	{ "vmms.ListVms",    "",			   list_vms },
	{ "vmms.GetVm",	     "id:s",			   get_vm },
	{ "vmms.CreateVm",   "vm:v",			   create_vm },
	{ "vmms.UpdateVm",   "id:s patch:v etag?:s",	   update_vm },
	{ "vmms.DeleteVm",   "id:s etag?:s",		   delete_vm },
	{ "vmms.VmAction",   "id:s action:s",		   vm_action },
	{ "vmms.AttachDisk", "id:s disk:v",		   attach_disk },
	{ "vmms.DetachDisk", "id:s diskSlotId:s",	   detach_disk },
	{ NULL, NULL, NULL },
};
