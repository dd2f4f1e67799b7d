/* SPDX-License-Identifier: Apache-2.0 */
/* See network.h. Replies may come when the VM, its worker or the adapter is gone: each step looks them up again. */
#include "network.h"

#include "partita/log.h"
#include "switches.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct plugging {
	struct vmms *vmms;
	char vm_id[GUID_TEXT_SIZE];
	struct adapter adapter;
	unsigned int next;		/* of all of them */
	void (*done)(struct vm *vm);	/* NULL: just this one */
};

static void plug_next(struct plugging *p);

static struct vm *vm_of_plugging(const struct plugging *p)
{
	struct vm *vm = vm_find(p->vmms, p->vm_id);

	return vm && vm->worker.control ? vm : NULL;
}

static void tell_failure(struct plugging *p, const struct ipc_message *m, int result)
{
	const struct vm *vm = vm_find(p->vmms, p->vm_id);
	const char *detail = result == -EREMOTE ? json_string_value(json_object_get(json_object_get(m->body, "parameters"), "detail")) : NULL;

	if (vm)
		event_add(p->vmms, "vm.network-failed", SEVERITY_WARNING, object_ref("vm", vm->id, vm_name(vm)), NULL,
			  "%s of VM %s could not be connected: %s", p->adapter.name, vm_name(vm), detail ? detail : strerror(-result));
}

static void on_attached(struct ipc_message *m, int result, bool continues, void *data)
{
	(void)continues;
	if (result < 0)
		tell_failure(data, m, result);
	plug_next(data);
}

static json_t *worker_parameters(const struct adapter *a)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:b}", "id", a->id, "name", a->name, "macAddress", a->mac, "linkUp",
			 a->switch_id[0] != '\0', "macSpoofing", a->mac_spoofing);
}

static json_t *priv_parameters(const struct adapter *a)
{
	json_t *o = json_pack("{s:s, s:I}", "id", a->id, "vlan", (json_int_t)a->vlan);

	if (a->switch_id[0])
		json_object_set_new(o, "switchId", json_string(a->switch_id));
	return o;
}

static void on_tap(struct ipc_message *m, int result, bool continues, void *data)
{
	struct plugging *p = data;
	struct vm *vm = vm_of_plugging(p);
	json_t *parameters;
	int tap = result == 0 ? ipc_message_take_fd(m, 0) : -1, r;

	(void)continues;
	if (tap < 0 || !vm) {
		if (tap >= 0)
			close(tap);
		else
			tell_failure(p, m, result < 0 ? result : -EPROTO);
		plug_next(p);
		return;
	}
	parameters = worker_parameters(&p->adapter);
	json_object_set_new(parameters, "fd", json_integer(0));
	r = worker_call(vm, "vmwp.AttachNetworkAdapter", parameters, &tap, 1, on_attached, p);
	close(tap);
	if (r < 0) {
		tell_failure(p, NULL, r);
		plug_next(p);
	}
}

static void plug_one(struct plugging *p)
{
	int r = priv_call(p->vmms, "vmpriv.OpenTap", priv_parameters(&p->adapter), NULL, 0, on_tap, p);

	if (r < 0) {
		tell_failure(p, NULL, r);
		plug_next(p);
	}
}

static void plug_next(struct plugging *p)
{
	struct vm *vm = vm_of_plugging(p);

	if (vm && p->done && p->next < vm->config.adapters.count) {
		p->adapter = vm->config.adapters.items[p->next++];
		plug_one(p);
		return;
	}
	if (vm && p->done)
		p->done(vm);
	free(p);
}

static struct plugging *plugging_new(struct vm *vm)
{
	struct plugging *p = calloc(1, sizeof(*p));

	if (p) {
		p->vmms = vm->vmms;
		memcpy(p->vm_id, vm->id, sizeof(p->vm_id));
	}
	return p;
}

void network_plug_all(struct vm *vm, void (*done)(struct vm *vm))
{
	struct plugging *p = plugging_new(vm);

	if (!p) {
		log_error("VM %s: no memory for its network", vm_name(vm));
		done(vm);
		return;
	}
	p->done = done;
	plug_next(p);
}

void network_plug(struct vm *vm, const struct adapter *a)
{
	struct plugging *p = vm->worker.control ? plugging_new(vm) : NULL;

	if (!p)
		return;
	p->adapter = *a;
	plug_one(p);
}

void network_change(struct vm *vm, const struct adapter *a)
{
	if (!vm->worker.control)
		return;
	priv_call(vm->vmms, "vmpriv.ConnectTap", priv_parameters(a), NULL, 0, NULL, NULL);
	worker_call(vm, "vmwp.UpdateNetworkAdapter", worker_parameters(a), NULL, 0, NULL, NULL);
}

void network_unplug(struct vm *vm, const char *adapter_id)
{
	if (vm->worker.control)
		worker_call(vm, "vmwp.DetachNetworkAdapter", json_pack("{s:s}", "id", adapter_id), NULL, 0, NULL, NULL);
}

/* --- rules --- */

static bool has_address(const struct adapters *list, const char *mac, const struct adapter *but)
{
	for (unsigned int i = 0; i < list->count; i++)
		if (&list->items[i] != but && strcmp(list->items[i].mac, mac) == 0)
			return true;
	return false;
}

struct everyone {
	const struct vmms *vmms;
	const struct adapters *also;
};

static bool is_taken(const char *mac, void *data)
{
	const struct everyone *e = data;

	for (const struct vm *vm = e->vmms->vms; vm; vm = vm->next)
		if (has_address(&vm->config.adapters, mac, NULL))
			return true;
	return has_address(e->also, mac, NULL);
}

int network_give_addresses(const struct vmms *v, struct vm_config *c, struct problem *p)
{
	struct everyone e = { v, &c->adapters };
	char mac[MAC_TEXT_SIZE];

	for (unsigned int i = 0; i < c->adapters.count; i++) {
		if (c->adapters.items[i].mac[0])
			continue;
		if (mac_choose(mac, is_taken, &e) < 0)
			return problem_set(p, PROBLEM_INTERNAL, NULL, "No random numbers.");
		memcpy(c->adapters.items[i].mac, mac, sizeof(mac));
	}
	return 0;
}

static int check_one(const struct vmms *v, const struct vm *self, const struct vm_config *c, unsigned int index, struct problem *p)
{
	const struct adapter *a = &c->adapters.items[index];
	char field[48];

	snprintf(field, sizeof(field), "networkAdapters[%u].switchId", index);
	if (a->switch_id[0] && !switch_find(v, a->switch_id))
		return problem_set(p, PROBLEM_OUT_OF_RANGE, field, "There is no switch with the id %s.", a->switch_id);
	snprintf(field, sizeof(field), "networkAdapters[%u].macAddress", index);
	if (has_address(&c->adapters, a->mac, a))
		return problem_set(p, PROBLEM_MAC_IN_USE, field, "Two adapters of the VM have the address %s.", a->mac);
	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		if (vm != self && has_address(&vm->config.adapters, a->mac, NULL))
			return problem_set(p, PROBLEM_MAC_IN_USE, field, "An adapter of the VM %s has the address %s.", vm_name(vm), a->mac);
	return 0;
}

int network_check(const struct vmms *v, const struct vm *self, const struct vm_config *c, struct problem *p)
{
	for (unsigned int i = 0; i < c->adapters.count; i++)
		if (check_one(v, self, c, i, p) < 0)
			return -EINVAL;
	return 0;
}

int network_default_adapter(const struct vmms *v, struct vm_config *c, struct problem *p)
{
	const struct switch_item *s = switch_default(v);
	json_t *body = json_pack("{s:o}", "switchId", s ? json_string(s->id) : json_null());
	int r = adapter_parse(body, "networkAdapters[0]", false, &c->adapters.items[0], p);

	json_decref(body);
	c->adapters.count = r == 0;
	return r;
}
