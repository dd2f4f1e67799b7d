/* SPDX-License-Identifier: Apache-2.0 */
/* See metrics.h. Counters come from the workers (status.c), of the host from procfs; the difference of two is a sample. */
#include "metrics.h"

#include "host_meters.h"
#include "memory.h"
#include "metrics_files.h"
#include "rings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define SAMPLE_SECONDS	2u		/* the shortest step of the series: each gets one sample */
#define STALE_USEC	(5ull * 1000 * 1000)

static const char *const meter_names[METERS] = {
	[METER_CPU_USEC] = "cpuUsec", [METER_DISK_READ_BYTES] = "diskReadBytes", [METER_DISK_WRITTEN_BYTES] = "diskWrittenBytes",
	[METER_DISK_READS] = "diskReads", [METER_DISK_WRITES] = "diskWrites", [METER_NET_RECEIVED_BYTES] = "networkReceivedBytes",
	[METER_NET_SENT_BYTES] = "networkSentBytes", [METER_NET_RECEIVED_FRAMES] = "networkReceivedFrames",
	[METER_NET_SENT_FRAMES] = "networkSentFrames",
};

/* Which counter's growth per second is which metric. */
static const struct { enum metric metric; enum meter meter; } rates[] = {
	{ METRIC_DISK_READ_BYTES, METER_DISK_READ_BYTES }, { METRIC_DISK_WRITE_BYTES, METER_DISK_WRITTEN_BYTES },
	{ METRIC_DISK_READS, METER_DISK_READS }, { METRIC_DISK_WRITES, METER_DISK_WRITES },
	{ METRIC_NET_RECEIVE_BYTES, METER_NET_RECEIVED_BYTES }, { METRIC_NET_SEND_BYTES, METER_NET_SENT_BYTES },
	{ METRIC_NET_RECEIVE_FRAMES, METER_NET_RECEIVED_FRAMES }, { METRIC_NET_SEND_FRAMES, METER_NET_SENT_FRAMES },
};

struct reading { uint64_t usec; uint64_t meters[METERS]; };	/* usec: CLOCK_MONOTONIC; 0: none */

struct metrics {
	char name[GUID_TEXT_SIZE];		/* of its file: the VM's id, or "host" */
	struct reading now, sampled;
	struct rings *rings;			/* NULL until there is a sample */
	uint64_t step;				/* the host's: of the last sample */
};

static uint64_t now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- readings --- */

static struct metrics *metrics_have(struct metrics **m, const char *name)
{
	if (!*m)
		*m = calloc(1, sizeof(**m));
	if (*m)
		snprintf((*m)->name, sizeof((*m)->name), "%s", name);
	return *m;
}

/* What an earlier service has left. */
static void find(const struct vmms *v, struct metrics **m, const char *name)
{
	struct rings *rings = metrics_file_read(v, name);

	if (rings && metrics_have(m, name))
		(*m)->rings = rings;
	else
		rings_free(rings);
}

int metrics_open(struct vmms *v)
{
	metrics_files_open(v);
	find(v, &v->metrics, "host");
	for (struct vm *vm = v->vms; vm; vm = vm->next)
		find(v, &vm->metrics, vm->id);
	return 0;
}

void metrics_note(struct vm *vm, const json_t *meters)
{
	struct metrics *m = json_is_object(meters) ? metrics_have(&vm->metrics, vm->id) : NULL;

	if (!m)
		return;
	m->now.usec = now_usec();
	for (unsigned int i = 0; i < METERS; i++)
		m->now.meters[i] = (uint64_t)json_integer_value(json_object_get(meters, meter_names[i]));
}

static void keep(const struct vmms *v, const struct metrics *m)
{
	if (m && m->rings)
		metrics_file_write(v, m->name, m->rings);
}

static void metrics_free(struct metrics **m)
{
	if (*m)
		rings_free((*m)->rings);
	free(*m);
	*m = NULL;
}

void metrics_forget(struct vm *vm)
{
	metrics_free(&vm->metrics);
	metrics_file_remove(vm->vmms, vm->id);
}

void metrics_close(struct vmms *v)
{
	for (struct vm *vm = v->vms; vm; vm = vm->next) {
		keep(v, vm->metrics);
		metrics_free(&vm->metrics);
	}
	keep(v, v->metrics);
	metrics_free(&v->metrics);
	metrics_files_close(v);
}

/* One in each round, so that a crash costs each at most as many seconds as there are VMs. */
static void keep_next(struct vmms *v)
{
	const struct vm *vm = v->vms;
	unsigned int turn = v->status_rounds % (v->vm_count + 1);

	for (; vm && turn > 1; turn--)
		vm = vm->next;
	keep(v, turn == 0 || !vm ? v->metrics : vm->metrics);
}

/* A counter that fell began anew with another worker or adapter. */
static float rate(const struct metrics *m, enum meter meter)
{
	uint64_t from = m->sampled.meters[meter], to = m->now.meters[meter];

	if (!m->sampled.usec || m->now.usec <= m->sampled.usec || to < from)
		return NAN;
	return (float)((double)(to - from) * 1e6 / (double)(m->now.usec - m->sampled.usec));
}

static void keep_sample(struct metrics *m, uint64_t processors, float values[METRICS])
{
	float cpu = rate(m, METER_CPU_USEC) / 1e4f / (float)processors;	/* µs per second of one processor: 1 % is 10⁴ */

	values[METRIC_CPU] = cpu > 100 ? 100 : cpu;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		values[rates[i].metric] = rate(m, rates[i].meter);
	m->sampled = m->now;
	if (!m->rings)
		m->rings = rings_new();
	if (m->rings)
		rings_add(m->rings, now_usec() / 1000000, values);
}

static void sample_vm(struct vm *vm)
{
	const struct worker_memory *w = &vm->worker.memory;
	struct metrics *m = vm->metrics;
	float values[METRICS];

	if (!m)
		return;
	if (!vm->worker.present || now_usec() - m->now.usec > STALE_USEC) {
		m->sampled.usec = 0;		/* what comes next is another worker's, or of long ago */
		return;
	}
	values[METRIC_ASSIGNED] = (float)memory_held(vm);
	values[METRIC_DEMAND] = w->driver ? (float)w->demand : NAN;
	values[METRIC_AVAILABLE] = w->driver ? (float)w->available : NAN;
	keep_sample(m, vm->config.processor.count, values);
}

static void sample_host(struct vmms *v, struct metrics *m)
{
	struct vm_limits limits;
	float values[METRICS];

	host_limits(&limits);
	m->now.usec = now_usec();
	host_meters_read(m->now.meters);
	values[METRIC_ASSIGNED] = (float)vms_assigned_bytes(v);
	values[METRIC_DEMAND] = (float)memory_demand(v);
	values[METRIC_AVAILABLE] = (float)host_memory_available(v);
	keep_sample(m, limits.vps, values);
}

void metrics_round(struct vmms *v)
{
	struct metrics *m = metrics_have(&v->metrics, "host");
	uint64_t step = now_usec() / 1000000 / SAMPLE_SECONDS;

	keep_next(v);
	if (!m || m->step == step)
		return;
	m->step = step;
	sample_host(v, m);
	for (struct vm *vm = v->vms; vm; vm = vm->next)
		sample_vm(vm);
}

/* --- as clients see them --- */

static enum rings_range range_of(const char *name)
{
	for (unsigned int i = 0; name && i < RANGES; i++)
		if (strcmp(range_names[i], name) == 0)
			return i;
	return RANGE_MINUTES;
}

static json_t *series_to_json(const struct metrics *m, const char *name)
{
	enum rings_range range = range_of(name);
	uint64_t now = now_usec() / 1000000, end;
	json_t *o = rings_to_json(m ? m->rings : NULL, range, now, &end);

	json_object_set_new(o, "range", json_string(range_names[range]));
	json_object_set_new(o, "endTime", json_time(time(NULL) - (time_t)(now - end)));
	return o;
}

json_t *metrics_of_vm(const struct vm *vm, const char *range)
{
	return series_to_json(vm->metrics, range);
}

static json_t *latest_of_vm(const struct vm *vm)
{
	static const enum metric shown[] = {
		METRIC_CPU, METRIC_ASSIGNED, METRIC_DEMAND, METRIC_DISK_READ_BYTES, METRIC_DISK_WRITE_BYTES, METRIC_NET_RECEIVE_BYTES,
		METRIC_NET_SEND_BYTES,
	};
	json_t *o = json_pack("{s:s, s:s}", "id", vm->id, "name", vm_name(vm));

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		json_object_set_new(o, metric_names[shown[i]],
				    metric_to_json(rings_last(vm->metrics ? vm->metrics->rings : NULL, now_usec() / 1000000, shown[i])));
	return o;
}

json_t *metrics_of_host(const struct vmms *v, const char *range)
{
	json_t *o = series_to_json(v->metrics, range), *vms = json_array();

	for (const struct vm *vm = v->vms; vm; vm = vm->next)
		if (vm->worker.present)
			json_array_append_new(vms, latest_of_vm(vm));
	json_object_set_new(o, "vms", vms);
	return o;
}

static json_t *meters_to_json(const struct metrics *m)
{
	json_t *o = json_object();

	for (unsigned int i = 0; m && m->now.usec && i < METERS; i++)
		json_object_set_new(o, meter_names[i], json_integer((json_int_t)m->now.meters[i]));
	return o;
}

json_t *meters_of_vm(const struct vm *vm)
{
	const struct worker_memory *w = &vm->worker.memory;
	bool runs = vm->worker.present;
	json_t *o = meters_to_json(runs ? vm->metrics : NULL);

	json_object_update_new(o, json_pack("{s:s, s:s, s:i, s:I, s:I, s:I}", "id", vm->id, "name", vm_name(vm), "running", runs,
					    "uptimeSeconds", vm_uptime_seconds(vm), "virtualProcessors",
					    (json_int_t)vm->config.processor.count, "memoryAssignedBytes", (json_int_t)memory_held(vm)));
	if (runs && vm->worker.usage.guest_bytes)
		json_object_set_new(o, "largePageBytes", json_integer((json_int_t)vm->worker.usage.large_page_bytes));
	if (runs && w->driver)
		json_object_update_new(o, json_pack("{s:I, s:I}", "memoryDemandBytes", (json_int_t)w->demand, "memoryAvailableBytes",
						    (json_int_t)w->available));
	return o;
}

json_t *meters_of_host(const struct vmms *v)
{
	json_t *o = meters_to_json(v->metrics);
	struct statvfs fs = { 0 };
	struct vm_limits limits;

	host_limits(&limits);
	fstatvfs(v->state_dir, &fs);
	json_object_update_new(o, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "logicalProcessors", (json_int_t)limits.vps,
					    "memoryTotalBytes", (json_int_t)limits.memory_bytes, "memoryAssignedBytes",
					    (json_int_t)vms_assigned_bytes(v), "memoryDemandBytes", (json_int_t)memory_demand(v),
					    "memoryAvailableBytes", (json_int_t)host_memory_available(v), "volumeTotalBytes",
					    (json_int_t)(fs.f_blocks * fs.f_frsize), "volumeFreeBytes", (json_int_t)(fs.f_bavail * fs.f_frsize),
					    "vms", (json_int_t)v->vm_count));
	return o;
}
