/* SPDX-License-Identifier: Apache-2.0 */
/* /host/metrics, /vms/{id}/metrics, /host/memory and /alarms as vmms has them, and /metrics in the text format of Prometheus. */
#include "http/route.h"
#include "upstream/vmms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_TYPE	"text/plain; version=0.0.4; charset=utf-8"

static bool range_of(struct request *req, struct reply *rep, char **range)
{
	*range = request_query(req, "range");
	if (!*range || strcmp(*range, "minutes") == 0 || strcmp(*range, "hour") == 0 || strcmp(*range, "day") == 0)
		return true;
	reply_error(rep, 422, "out_of_range", "range", "range is minutes, hour or day.");
	free(*range);
	return false;
}

static void host_metrics_get(struct request *req, struct reply *rep)
{
	char *range;

	if (!range_of(req, rep, &range))
		return;
	vmms_reply_item(req->api->vmms, "vmms.GetHostMetrics", json_pack("{s:s*}", "range", range), "metrics", 200, rep);
	free(range);
}

static void vm_metrics_get(struct request *req, struct reply *rep)
{
	char *range;

	if (!range_of(req, rep, &range))
		return;
	vmms_reply_item(req->api->vmms, "vmms.GetVmMetrics", json_pack("{s:s, s:s*}", "id", req->param[0], "range", range), "metrics", 200,
			rep);
	free(range);
}

static void host_memory_get(struct request *req, struct reply *rep)
{
	vmms_reply_item(req->api->vmms, "vmms.GetHostMemory", json_object(), "memory", 200, rep);
}

static void host_memory_patch(struct request *req, struct reply *rep)
{
	char *etag = request_if_match(req);

	vmms_reply_item(req->api->vmms, "vmms.UpdateHostMemory", json_pack("{s:O, s:s*}", "patch", req->body, "etag", etag), "memory", 200,
			rep);
	free(etag);
}

static void alarms_get(struct request *req, struct reply *rep)
{
	struct ipc_message answer;

	if (vmms_call(req->api->vmms, "vmms.ListAlarms", json_object(), rep, &answer) < 0)
		return;
	reply_json(rep, 200, json_pack("{s:O}", "items", json_object_get(answer.body, "alarms")));
	ipc_message_clear(&answer);
}

/* --- Prometheus --- */

struct family {			/* one metric: its name, what it is, and the member of the meters that has it */
	const char *name, *type, *help, *key;
	double scale;
};

static const struct family host_families[] = {
	{ "partita_host_cpu_seconds_total", "counter", "Processor time used, all logical processors", "cpuUsec", 1e-6 },
	{ "partita_host_logical_processors", "gauge", "Logical processors", "logicalProcessors", 1 },
	{ "partita_host_memory_total_bytes", "gauge", "Memory of the host", "memoryTotalBytes", 1 },
	{ "partita_host_memory_assigned_bytes", "gauge", "Memory held by virtual machines", "memoryAssignedBytes", 1 },
	{ "partita_host_memory_demand_bytes", "gauge", "Memory that virtual machines need", "memoryDemandBytes", 1 },
	{ "partita_host_memory_available_bytes", "gauge", "Memory that can be given to virtual machines", "memoryAvailableBytes", 1 },
	{ "partita_host_disk_read_bytes_total", "counter", "Read from block devices", "diskReadBytes", 1 },
	{ "partita_host_disk_written_bytes_total", "counter", "Written to block devices", "diskWrittenBytes", 1 },
	{ "partita_host_network_receive_bytes_total", "counter", "Received by physical adapters", "networkReceivedBytes", 1 },
	{ "partita_host_network_transmit_bytes_total", "counter", "Sent by physical adapters", "networkSentBytes", 1 },
	{ "partita_host_volume_size_bytes", "gauge", "Size of the data volume", "volumeTotalBytes", 1 },
	{ "partita_host_volume_free_bytes", "gauge", "Free on the data volume", "volumeFreeBytes", 1 },
	{ "partita_host_alarms", "gauge", "Alarms that are raised", "alarms", 1 },
	{ "partita_host_virtual_machines", "gauge", "Configured virtual machines", "vms", 1 },
};

static const struct family vm_families[] = {
	{ "partita_vm_running", "gauge", "1 while it runs or is paused", "running", 1 },
	{ "partita_vm_uptime_seconds", "gauge", "Since its start", "uptimeSeconds", 1 },
	{ "partita_vm_virtual_processors", "gauge", "Virtual processors", "virtualProcessors", 1 },
	{ "partita_vm_cpu_seconds_total", "counter", "Processor time of its virtual processors and its worker", "cpuUsec", 1e-6 },
	{ "partita_vm_memory_assigned_bytes", "gauge", "Memory it holds", "memoryAssignedBytes", 1 },
	{ "partita_vm_memory_demand_bytes", "gauge", "Memory its guest needs", "memoryDemandBytes", 1 },
	{ "partita_vm_memory_available_bytes", "gauge", "Memory free in its guest", "memoryAvailableBytes", 1 },
	{ "partita_vm_memory_large_page_bytes", "gauge", "Of its memory, mapped by large pages", "largePageBytes", 1 },
	{ "partita_vm_disk_read_bytes_total", "counter", "Read from its disks", "diskReadBytes", 1 },
	{ "partita_vm_disk_written_bytes_total", "counter", "Written to its disks", "diskWrittenBytes", 1 },
	{ "partita_vm_disk_reads_total", "counter", "Read requests to its disks", "diskReads", 1 },
	{ "partita_vm_disk_writes_total", "counter", "Write requests to its disks", "diskWrites", 1 },
	{ "partita_vm_network_receive_bytes_total", "counter", "Received by its adapters", "networkReceivedBytes", 1 },
	{ "partita_vm_network_transmit_bytes_total", "counter", "Sent by its adapters", "networkSentBytes", 1 },
	{ "partita_vm_network_receive_frames_total", "counter", "Frames received by its adapters", "networkReceivedFrames", 1 },
	{ "partita_vm_network_transmit_frames_total", "counter", "Frames sent by its adapters", "networkSentFrames", 1 },
};

static void print_head(FILE *out, const struct family *f)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, f->type);
}

static void print_value(FILE *out, const struct family *f, const json_t *value)
{
	if (f->scale == 1)
		fprintf(out, "%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
	else
		fprintf(out, "%.6f\n", (double)json_integer_value(value) * f->scale);
}

/* Of a label's value: names hold no control characters, so two characters need care. */
static void print_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; value && *value; value++)
		fprintf(out, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
	fputc('"', out);
}

static void print_vms(FILE *out, const struct family *f, const json_t *vms)
{
	const json_t *vm;
	size_t index;

	print_head(out, f);
	json_array_foreach((json_t *)(uintptr_t)vms, index, vm) {
		const json_t *value = json_object_get(vm, f->key);

		if (!json_is_integer(value))
			continue;
		fprintf(out, "%s{", f->name);
		print_label(out, "id", json_string_value(json_object_get(vm, "id")));
		fputc(',', out);
		print_label(out, "name", json_string_value(json_object_get(vm, "name")));
		fputs("} ", out);
		print_value(out, f, value);
	}
}

static void print_host(FILE *out, const struct family *f, const json_t *host)
{
	const json_t *value = json_object_get(host, f->key);

	if (!json_is_integer(value))
		return;
	print_head(out, f);
	fprintf(out, "%s ", f->name);
	print_value(out, f, value);
}

static void prometheus_get(struct request *req, struct reply *rep)
{
	struct ipc_message answer;
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (vmms_call(req->api->vmms, "vmms.GetMeters", json_object(), rep, &answer) < 0)
		return;
	out = open_memstream(&text, &size);
	if (out) {
		for (size_t i = 0; i < sizeof(host_families) / sizeof(host_families[0]); i++)
			print_host(out, &host_families[i], json_object_get(answer.body, "host"));
		for (size_t i = 0; i < sizeof(vm_families) / sizeof(vm_families[0]); i++)
			print_vms(out, &vm_families[i], json_object_get(answer.body, "vms"));
	}
	ipc_message_clear(&answer);
	if (!out || fclose(out) != 0) {
		free(text);
		reply_error(rep, 500, "internal_error", NULL, "Out of memory.");
	} else {
		reply_bytes(rep, 200, TEXT_TYPE, text, size);
	}
}

const struct route metrics_routes[] = {
	{ "GET", "/host/metrics", ROLE_VIEWER, BODY_NONE, "range", host_metrics_get, 0, NULL, NULL },
	{ "GET", "/host/memory", ROLE_VIEWER, BODY_NONE, NULL, host_memory_get, 0, NULL, NULL },
	{ "PATCH", "/host/memory", ROLE_ADMINISTRATOR, BODY_MERGE_PATCH, NULL, host_memory_patch, 0, NULL, NULL },
	{ "GET", "/vms/{id}/metrics", ROLE_VIEWER, BODY_NONE, "range", vm_metrics_get, 0, NULL, NULL },
	{ "GET", "/alarms", ROLE_VIEWER, BODY_NONE, NULL, alarms_get, 0, NULL, NULL },
	{ "GET", "/metrics", ROLE_VIEWER, BODY_NONE, NULL, prometheus_get, 0, NULL, NULL },
	{ 0 }
};
