/* SPDX-License-Identifier: Apache-2.0 */
/* Methods on what host and VMs take, who holds the memory, and alarms. */
#include "methods.h"

#include "alarms.h"
#include "host_memory.h"
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>

static const char *range_of(const json_t *parameters)
{
	return json_string_value(json_object_get(parameters, "range"));
}

static void get_host_metrics(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	ipc_reply(r, json_pack("{s:o}", "metrics", metrics_of_host(v, range_of(parameters))));
}

static void get_vm_metrics(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	const struct vm *vm = vm_of(v, r, parameters);

	if (vm)
		ipc_reply(r, json_pack("{s:o}", "metrics", metrics_of_vm(vm, range_of(parameters))));
}

static void get_meters(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	json_t *host = meters_of_host(v), *vms = json_array(), *alarms = alarms_to_json(v);

	(void)parameters;
	json_object_set_new(host, "alarms", json_integer((json_int_t)json_array_size(alarms)));
	json_decref(alarms);
	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		json_array_append_new(vms, meters_of_vm(vm));
	ipc_reply(r, json_pack("{s:o, s:o}", "host", host, "vms", vms));
}

static void get_host_memory(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	ipc_reply(r, json_pack("{s:o}", "memory", host_memory_to_json(v)));
}

static void update_host_memory(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct problem p = { 0 };
	char etag[24];

	snprintf(etag, sizeof(etag), "%" PRIu64, v->memory_revision);
	if (!etag_matches(r, parameters, etag))
		return;
	if (host_memory_patch(v, json_object_get(parameters, "patch"), &p) < 0)
		problem_reply(r, &p);
	else
		get_host_memory(v, r, parameters);
}

static void list_alarms(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	ipc_reply(r, json_pack("{s:o}", "alarms", alarms_to_json(v)));
}

const struct method_row metrics_method_rows[] = {
	{ "vmms.GetHostMetrics",   "range?:s",	      get_host_metrics },
	{ "vmms.GetVmMetrics",	   "id:s range?:s",   get_vm_metrics },
	{ "vmms.GetMeters",	   "",		      get_meters },
	{ "vmms.GetHostMemory",	   "",		      get_host_memory },
	{ "vmms.UpdateHostMemory", "patch:v etag?:s", update_host_memory },
	{ "vmms.ListAlarms",	   "",		      list_alarms },
	{ NULL, NULL, NULL },
};
