/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way down: vmpriv tells the host's init, which first stops the unit that stops every VM as it says (host_stop.c). So this
 * has nothing to stop itself; it refuses new starts meanwhile and tells everybody.
 */
#include "host_power.h"

#include "methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const actions[] = { [HOST_STAYS] = NULL, [HOST_RESTARTS] = "restart", [HOST_SHUTS_DOWN] = "shutdown" };

static json_t *running_vms(const struct vmms *v)
{
	json_t *list = json_array();

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		if (vm->worker.present)
			json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "vmId", vm->id, "vmName", vm_name(vm), "automaticStop",
							      vm->config.automatic_stop == STOP_SHUTDOWN ? "shutdown" : "turn-off"));
	return list;
}

json_t *host_power_to_json(const struct vmms *v)
{
	return json_pack("{s:s?, s:o}", "action", actions[v->host_going], "runningVms", running_vms(v));
}

struct power_call { struct vmms *vmms; struct later *later; enum host_going going; };

static void tell(struct vmms *v)
{
	event_add(v, "host.power", SEVERITY_WARNING, object_ref("host", NULL, "host"), json_pack("{s:s}", "action", actions[v->host_going]),
		  v->host_going == HOST_RESTARTS ? "The host restarts; its virtual machines stop first." :
						   "The host shuts down; its virtual machines stop first.");
}

static void on_done(struct ipc_message *m, int result, bool continues, void *data)
{
	struct power_call *c = data;
	struct ipc_request *r = later_end(c->later);

	(void)m;
	(void)continues;
	if (result == 0) {
		c->vmms->host_going = c->going;
		tell(c->vmms);
	}
	if (r && result == 0)
		ipc_reply(r, json_pack("{s:o}", "power", host_power_to_json(c->vmms)));
	else if (r)
		ipc_fail(r, 503, "service_unavailable", NULL, "The host's service manager could not be told; nothing has happened.");
	free(c);
}

static enum host_going going_of(const char *action)
{
	for (size_t i = HOST_RESTARTS; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i], action) == 0)
			return (enum host_going)i;
	return HOST_STAYS;
}

static void ask_vmpriv(struct vmms *v, struct ipc_request *r, enum host_going going)
{
	struct power_call *c = calloc(1, sizeof(*c));

	if (!c) {
		ipc_fail(r, 500, "internal_error", NULL, "Out of memory.");
		return;
	}
	*c = (struct power_call){ v, later_new(r), going };
	if (!c->later) {
		free(c);
		return;
	}
	if (priv_call(v, "vmpriv.PowerHost", json_pack("{s:s}", "action", actions[going]), NULL, 0, on_done, c) < 0)
		on_done(NULL, -ENOTCONN, false, c);
}

void host_power(struct vmms *v, struct ipc_request *r, const char *action)
{
	enum host_going going = going_of(action);
	struct problem p = { 0 };

	if (going == HOST_STAYS)
		problem_set(&p, PROBLEM_OUT_OF_RANGE, "action", "action is restart or shutdown.");
	else if (v->host_going != HOST_STAYS)
		problem_set(&p, PROBLEM_HOST_GOES_DOWN, NULL, "The host goes down already (%s).", actions[v->host_going]);
	if (p.code != PROBLEM_NONE)
		problem_reply(r, &p);
	else
		ask_vmpriv(v, r, going);
}
