/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a method's row, checks its parameters, runs it; and what handlers share. */
#include "methods.h"

#include "partita/parameters.h"

#include <stdlib.h>
#include <string.h>

static const struct method_row *const tables[] = {vm_method_rows, library_method_rows, other_method_rows,
                                                  console_method_rows, network_method_rows, drive_method_rows, metrics_method_rows, guest_method_rows, upload_method_rows, volume_method_rows};

static const struct method_row *row_find(const char *name)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
		for (const struct method_row *row = tables[t]; row->name; row++)
			if (strcmp(row->name, name) == 0)
				return row;
	return NULL;
}

static void run_row(struct ipc_request *r, json_t *parameters, void *context)
{
	const struct method_row *row = row_find(ipc_request_method(r));
	struct problem p = { 0 };

	if (!row)
		ipc_fail(r, 404, "method_not_found", NULL, "There is no method %s.", ipc_request_method(r));
	else if (parameters_check(parameters, row->parameters, &p) < 0)
		problem_reply(r, &p);
	else
		row->run(context, r, parameters);
}

const struct ipc_method vmms_methods[] = {
	{ "vmms.GetHost", run_row },	  { "vmms.ListVms", run_row },	   { "vmms.GetVm", run_row },	       { "vmms.CreateVm", run_row },
	{ "vmms.UpdateVm", run_row },	  { "vmms.DeleteVm", run_row },	   { "vmms.VmAction", run_row },       { "vmms.AttachDisk", run_row },
	{ "vmms.DetachDisk", run_row },	  { "vmms.ListDisks", run_row },   { "vmms.GetDisk", run_row },	       { "vmms.CreateDisk", run_row },
	{ "vmms.DeleteDisk", run_row },	  { "vmms.ListIsos", run_row },	   { "vmms.GetIso", run_row },	       { "vmms.DeleteIso", run_row },
	{ "vmms.BeginIsoUpload", run_row }, { "vmms.EndIsoUpload", run_row }, { "vmms.StopVms", run_row }, { "vmms.ListJobs", run_row },    { "vmms.GetJob", run_row },
	{ "vmms.CancelJob", run_row },	  { "vmms.ListEvents", run_row },  { "vmms.WatchEvents", run_row },    { "vmms.OpenConsole", run_row },
	{ "vmms.ListSwitches", run_row }, { "vmms.GetSwitch", run_row },   { "vmms.CreateSwitch", run_row },    { "vmms.UpdateSwitch", run_row },
	{ "vmms.DeleteSwitch", run_row }, { "vmms.ListUplinks", run_row }, { "vmms.AttachNetworkAdapter", run_row }, { "vmms.UpdateNetworkAdapter", run_row },
	{ "vmms.DetachNetworkAdapter", run_row },
	{ "vmms.BeginGuestCopy", run_row }, { "vmms.CopyToGuest", run_row }, { "vmms.SetGuestAddresses", run_row },
	{ "vmms.GetGuestItems", run_row }, { "vmms.UpdateGuestItems", run_row },
	{ "vmms.ListDiskUploads", run_row }, { "vmms.DeleteDiskUpload", run_row }, { "vmms.BeginDiskUpload", run_row },
	{ "vmms.EndDiskUpload", run_row }, { "vmms.OpenDiskFile", run_row }, { "vmms.ListVolumes", run_row }, { "vmms.GetVolume", run_row },
	{ "vmms.UpdateVolume", run_row },
	{ "vmms.GetHostPower", run_row }, { "vmms.PowerHost", run_row },
	{ "vmms.GetHostMetrics", run_row }, { "vmms.GetVmMetrics", run_row }, { "vmms.GetMeters", run_row }, { "vmms.GetHostMemory", run_row },
	{ "vmms.UpdateHostMemory", run_row }, { "vmms.ListAlarms", run_row },
	{ "vmms.DiskAction", run_row },	  { "vmms.OpenSerial", run_row },	  { "vmms.GetScreen", run_row },   { NULL, NULL },
};

/* --- requests that are answered later --- */

static void later_gone(struct ipc_request *r, void *data)
{
	struct later *l = data;

	(void)r;
	l->request = NULL;
}

struct later *later_new(struct ipc_request *r)
{
	struct later *l = calloc(1, sizeof(*l));

	if (!l) {
		ipc_fail(r, 500, "internal_error", NULL, "Out of memory.");
		return NULL;
	}
	l->request = r;
	ipc_request_on_gone(r, later_gone, l);
	return l;
}

struct ipc_request *later_end(struct later *l)
{
	struct ipc_request *r = l->request;

	if (r)
		ipc_request_on_gone(r, NULL, NULL);
	free(l);
	return r;
}

/* --- parameters --- */

const char *text_of(const json_t *parameters, const char *name)
{
	const char *text = json_string_value(json_object_get(parameters, name));

	return text ? text : "";
}

struct vm *vm_of(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_find(v, text_of(parameters, "id"));
	struct problem p = { 0 };

	if (vm)
		return vm;
	problem_set(&p, PROBLEM_VM_NOT_FOUND, NULL, "There is no virtual machine with this id.");
	problem_reply(r, &p);
	return NULL;
}

bool etag_matches(struct ipc_request *r, const json_t *parameters, const char *etag)
{
	const char *wanted = json_string_value(json_object_get(parameters, "etag"));
	struct problem p = { 0 };

	if (!wanted || strcmp(wanted, etag) == 0)
		return true;
	problem_set(&p, PROBLEM_STALE_ETAG, NULL,
	            "It has been changed by someone else since; read it again.");
	problem_reply(r, &p);
	return false;
}
