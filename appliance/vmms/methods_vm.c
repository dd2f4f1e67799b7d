/* SPDX-License-Identifier: Apache-2.0 */
/* Methods on virtual machines. Every check comes before the first change; a new VM's new disks are made before the VM is stored. */
#include "methods.h"

#include "guest.h"
#include "library.h"
#include "memory.h"
#include "network.h"
#include "saved_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reply_vm(struct ipc_request *r, const struct vm *vm)
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
static int build_vm(struct build *b, struct vm **vm, struct problem *p)
{
	struct vmms *v = b->vmms;

	if (v->vm_count >= VMS_MAX)
		return problem_set(p, PROBLEM_TOO_MANY, NULL, "There are %d virtual machines already.", VMS_MAX);
	if (vm_check(v, NULL, &b->config, p) < 0)
		return -EINVAL;
	return vm_add(v, &b->config, b->vm_id, vm, p);
}

static void build_finish(struct build *b)
{
	struct vm *vm = b->target ? vm_find(b->vmms, b->vm_id) : NULL;
	struct problem p = { 0 };
	struct ipc_request *r;
	int result = 0;

	if (b->target && !vm)
		result = problem_set(&p, PROBLEM_VM_NOT_FOUND, NULL, "The virtual machine was deleted meanwhile.");
	else if (!b->target)
		result = build_vm(b, &vm, &p);
	if (result < 0) {
		build_fail(b, &p);
		return;
	}
	if (b->target) {
		drive_join(vm, b->later, &b->config.drives[b->config.drive_count - 1]);
	} else {
		r = later_end(b->later);
		if (r)
			reply_vm(r, vm);
	}
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

void build_start(struct vmms *v, struct ipc_request *r, const struct vm_config *c, struct vm *target,
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
	if (result == 0)
		result = network_give_addresses(v, c, &p);
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
	bool cold = false, switched, resized;

	host_limits(&limits);
	if (vm_config_patch(&vm->config, patch, &limits, c, &cold, p) < 0)
		return -EINVAL;
	if (saved_state_guard(vm, c, p) < 0)
		return -EINVAL;
	if (cold && vm->state != VM_OFF && vm->state != VM_FAILED)
		return problem_set(
		    p, PROBLEM_VM_NOT_OFF, NULL,
		    "%s is %s; processors, memory and firmware can be changed while it is off.", vm_name(vm),
		    vm_state_words[vm->state]);
	if (vm_check(vm->vmms, vm, c, p) < 0 || memory_check_size(vm, &c->memory, p) < 0)
		return -EINVAL;
	resized = c->memory.startup != vm->config.memory.startup;
	switched = services_differ(&vm->config.services, &c->services);
	if (vm_change(vm, c, p) < 0)
		return -EINVAL;
	if (switched)
		guest_apply_services(vm);
	if (resized)
		memory_resize(vm);
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
	if ((vm->state != VM_OFF && vm->state != VM_FAILED && vm->state != VM_SAVED) || vm->worker.present)
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

const struct method_row vm_method_rows[] = {
	{ "vmms.ListVms",    "",			   list_vms },
	{ "vmms.GetVm",	     "id:s",			   get_vm },
	{ "vmms.CreateVm",   "vm:v",			   create_vm },
	{ "vmms.UpdateVm",   "id:s patch:v etag?:s",	   update_vm },
	{ "vmms.DeleteVm",   "id:s etag?:s",		   delete_vm },
	{ "vmms.VmAction",   "id:s action:s",		   vm_action },
	{ NULL, NULL, NULL },
};
