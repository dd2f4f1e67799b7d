/* SPDX-License-Identifier: Apache-2.0 */
/* Methods on switches, and on the network adapters of VMs. */
#include "methods.h"

#include "network.h"
#include "saved_state.h"
#include "switches.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct switch_item *switch_of(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct switch_item *s = switch_find(v, text_of(parameters, "id"));
	struct problem p = { 0 };

	if (s)
		return s;
	problem_set(&p, PROBLEM_SWITCH_NOT_FOUND, NULL, "There is no switch with this id.");
	problem_reply(r, &p);
	return NULL;
}

static bool is_current(struct ipc_request *r, const json_t *parameters, const struct switch_item *s)
{
	char etag[24];

	snprintf(etag, sizeof(etag), "%" PRIu64, s->revision);
	return etag_matches(r, parameters, etag);
}

static void list_switches(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	ipc_reply(r, json_pack("{s:o}", "switches", switches_to_json(v)));
}

static void list_uplinks(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	ipc_reply(r, json_pack("{s:o}", "networkAdapters", uplinks_to_json(v)));
}

static void get_switch(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	const struct switch_item *s = switch_of(v, r, parameters);

	if (s)
		ipc_reply(r, json_pack("{s:o}", "switch", switch_to_json(v, s)));
}

/* Made, or told why not: `state` says which. */
static void on_applied(struct vmms *v, const char *id, void *data)
{
	struct ipc_request *r = later_end(data);
	const struct switch_item *s = switch_find(v, id);

	if (r && s)
		ipc_reply(r, json_pack("{s:o}", "switch", switch_to_json(v, s)));
	else if (r)
		ipc_fail(r, 404, "switch_not_found", NULL, "The switch was deleted meanwhile.");
}

static void create_switch(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct later *l = later_new(r);
	struct problem p = { 0 };

	if (l && switch_create(v, json_object_get(parameters, "switch"), on_applied, l, &p) < 0) {
		later_end(l);
		problem_reply(r, &p);
	}
}

static void update_switch(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct switch_item *s = switch_of(v, r, parameters);
	struct problem p = { 0 };
	struct later *l;

	if (!s || !is_current(r, parameters, s))
		return;
	l = later_new(r);
	if (l && switch_update(v, s, json_object_get(parameters, "patch"), on_applied, l, &p) < 0) {
		later_end(l);
		problem_reply(r, &p);
	}
}

static void delete_switch(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct switch_item *s = switch_of(v, r, parameters);
	struct problem p = { 0 };

	if (!s || !is_current(r, parameters, s))
		return;
	if (switch_delete(v, s, &p) < 0)
		problem_reply(r, &p);
	else
		ipc_reply(r, NULL);
}

/* --- adapters --- */

static struct vm_config *copy_config(struct ipc_request *r, const struct vm *vm)
{
	struct vm_config *c = malloc(sizeof(*c));

	if (c)
		*c = vm->config;
	else
		ipc_fail(r, 500, "internal_error", NULL, "Out of memory.");
	return c;
}

/* Judges and stores the changed configuration. */
static int commit(struct vm *vm, const struct vm_config *c, struct problem *p)
{
	int r = saved_state_guard(vm, c, p) < 0 ? -EINVAL : network_check(vm->vmms, vm, c, p);

	return r < 0 ? r : vm_change(vm, c, p);
}

static int add_adapter(struct vm *vm, struct vm_config *c, const json_t *body, struct problem *p)
{
	struct adapters *list = &c->adapters;

	if (list->count == VM_ADAPTERS_MAX)
		return problem_set(p, PROBLEM_TOO_MANY, NULL, "%s has %u network adapters; no more are possible.", vm_name(vm), VM_ADAPTERS_MAX);
	if (adapter_parse(body, "", false, &list->items[list->count], p) < 0)
		return -1;
	list->count++;
	if (network_give_addresses(vm->vmms, c, p) < 0)
		return -1;
	return commit(vm, c, p);
}

static void attach_adapter(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct vm_config *c = vm ? copy_config(r, vm) : NULL;
	struct problem p = { 0 };

	if (!c)
		return;
	if (add_adapter(vm, c, json_object_get(parameters, "adapter"), &p) < 0) {
		problem_reply(r, &p);
	} else {
		network_plug(vm, &c->adapters.items[c->adapters.count - 1]);
		reply_vm(r, vm);
	}
	free(c);
}

static struct adapter *adapter_of(struct ipc_request *r, struct vm_config *c, const json_t *parameters)
{
	struct adapter *a = adapters_find(&c->adapters, text_of(parameters, "adapterId"));
	struct problem p = { 0 };

	if (a)
		return a;
	problem_set(&p, PROBLEM_ADAPTER_NOT_FOUND, NULL, "The VM has no network adapter with this id.");
	problem_reply(r, &p);
	return NULL;
}

static int change_adapter(struct vm *vm, struct vm_config *c, struct adapter *a, const json_t *patch, struct problem *p)
{
	struct adapter changed;

	if (adapter_patch(a, patch, &changed, p) < 0)
		return -1;
	if (vm->state != VM_OFF && vm->state != VM_FAILED && strcmp(a->mac, changed.mac) != 0)
		return problem_set(p, PROBLEM_VM_NOT_OFF, "macAddress", "%s is %s; an address can be changed while it is off.", vm_name(vm),
				   vm_state_words[vm->state]);
	*a = changed;
	return commit(vm, c, p);
}

static void update_adapter(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct vm_config *c = vm ? copy_config(r, vm) : NULL;
	struct adapter *a = c ? adapter_of(r, c, parameters) : NULL;
	struct problem p = { 0 };

	if (a && change_adapter(vm, c, a, json_object_get(parameters, "patch"), &p) < 0) {
		problem_reply(r, &p);
	} else if (a) {
		network_change(vm, a);
		reply_vm(r, vm);
	}
	free(c);
}

static void detach_adapter(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct vm_config *c = vm ? copy_config(r, vm) : NULL;
	struct adapter *a = c ? adapter_of(r, c, parameters) : NULL;
	struct problem p = { 0 };

	if (a) {
		adapters_remove(&c->adapters, a);
		if (commit(vm, c, &p) < 0) {
			problem_reply(r, &p);
		} else {
			network_unplug(vm, text_of(parameters, "adapterId"));
			reply_vm(r, vm);
		}
	}
	free(c);
}

const struct method_row network_method_rows[] = {
	{ "vmms.ListSwitches",		"",				list_switches },
	{ "vmms.GetSwitch",		"id:s",				get_switch },
	{ "vmms.CreateSwitch",		"switch:v",			create_switch },
	{ "vmms.UpdateSwitch",		"id:s patch:v etag?:s",		update_switch },
	{ "vmms.DeleteSwitch",		"id:s etag?:s",			delete_switch },
	{ "vmms.ListUplinks",		"",				list_uplinks },
	{ "vmms.AttachNetworkAdapter",	"id:s adapter:v",		attach_adapter },
	{ "vmms.UpdateNetworkAdapter",	"id:s adapterId:s patch:v",	update_adapter },
	{ "vmms.DetachNetworkAdapter",	"id:s adapterId:s",		detach_adapter },
	{ NULL, NULL, NULL },
};
