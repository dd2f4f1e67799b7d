/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything vmpriv will ever do, and for whom: the table at the end is the review. Each row gives the exact parameters and
 * number of descriptors; a handler checks ranges and acts. The only peer is vmms, and it is not trusted either.
 */
#include "vmpriv.h"

#include "partita/log.h"
#include "partita/parameters.h"
#include "spawn.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_MIN_BYTES	(32ull << 20)
#define MEMORY_MAX_BYTES	(4ull << 40)
#define VPS_MAX			64
#define CPU_WEIGHT_MAX		10000
#define CPU_PERIOD_USEC		100000ull
#define CPU_QUOTA_MIN_USEC	1000		/* the kernel takes no less */
#define CPUS_LENGTH_MAX		2048

/* systemd(1), "Signals": what the manager does on these real-time signals. */
#define SYSTEMD_POWEROFF	(SIGRTMIN + 4)
#define SYSTEMD_REBOOT		(SIGRTMIN + 5)

static void reply_errno(struct ipc_request *r, int error)
{
	static const struct { int error, status; const char *code, *detail; } rows[] = {
		{ -EALREADY, 409, "worker_running", "This VM already has a worker." },
		{ -EBUSY, 409, "slot_in_use", "Another worker runs in this slot." },
		{ -ESRCH, 409, "worker_not_running", "This VM has no worker." },
		{ -EOPNOTSUPP, 503, "no_control_groups", "This host has no control groups for workers." },
		{ -ENODEV, 503, "hypervisor_unavailable", "The hypervisor's device cannot be opened." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].error == error) {
			ipc_fail(r, rows[i].status, rows[i].code, NULL, "%s", rows[i].detail);
			return;
		}
	ipc_fail(r, 500, "internal_error", NULL, "%s.", strerror(-error));
}

static bool in_range(const json_t *parameters, const char *name, uint64_t low, uint64_t high,
                     struct problem *p, uint64_t *out)
{
	json_int_t value = json_integer_value(json_object_get(parameters, name));

	*out = (uint64_t)value;
	if (value >= 0 && *out >= low && *out <= high)
		return true;
	problem_set(p, PROBLEM_BAD_PARAMETERS, name, "%s is outside of its range.", name);
	return false;
}

/* The id becomes a file name and a control group's name: nothing but a UUID will do. */
static const char *id_of(const json_t *parameters, struct problem *p)
{
	const char *id = json_string_value(json_object_get(parameters, "id"));

	if (guid_is_valid(id))
		return id;
	problem_set(p, PROBLEM_BAD_PARAMETERS, "id", "The id is no UUID.");
	return NULL;
}

static const char *cores_word(int can_own_cores)
{
	return can_own_cores == 0 ? "on" : can_own_cores == -ENODEV ? "not-needed" : "unavailable";
}

static void start_worker(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	struct problem p = { 0 };
	struct worker_request q = { .id = id_of(parameters, &p) };
	bool share = json_is_true(json_object_get(parameters, "shareCores"));
	int result, cores = share ? 0 : spawn_can_own_cores();
	uint64_t slot, vps;
	pid_t pid = 0;

	if (!q.id || !in_range(parameters, "slot", 0, WORKER_SLOTS - 1, &p, &slot) ||
	    !in_range(parameters, "memoryBytes", MEMORY_MIN_BYTES, MEMORY_MAX_BYTES, &p, &q.memory_bytes) ||
	    !in_range(parameters, "vps", 1, VPS_MAX, &p, &vps)) {
		problem_reply(r, &p);
		return;
	}
	q.slot = (unsigned int)slot;
	q.vps = (unsigned int)vps;
	q.own_cores = !share && cores == 0;
	result = worker_start(v, &q, &pid);
	if (result < 0)
		reply_errno(r, result);
	else
		ipc_reply(r, json_pack("{s:i, s:s}", "pid", (int)pid, "coreScheduling", share ? "off" : cores_word(cores)));
}

static void stop_worker(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	struct problem p = { 0 };
	const char *id = id_of(parameters, &p);
	int result;

	if (!id) {
		problem_reply(r, &p);
		return;
	}
	result = worker_stop(v, id);
	if (result < 0)
		reply_errno(r, result);
	else
		ipc_reply(r, NULL);
}

/* Goes into a file of the kernel, which judges the numbers. */
static bool cpus_are_a_list(const char *cpus, struct problem *p)
{
	if (!cpus || (strlen(cpus) <= CPUS_LENGTH_MAX && strspn(cpus, "0123456789,-") == strlen(cpus)))
		return true;
	problem_set(p, PROBLEM_BAD_PARAMETERS, "cpus", "cpus is no list of processors.");
	return false;
}

static void set_processor(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	struct problem p = { 0 };
	const char *id = id_of(parameters, &p);
	struct processor_request q = { .cpus = json_string_value(json_object_get(parameters, "cpus")) };
	uint64_t weight, quota;
	int result;

	if (!id || !cpus_are_a_list(q.cpus, &p) || !in_range(parameters, "weight", 1, CPU_WEIGHT_MAX, &p, &weight) ||
	    !in_range(parameters, "quotaUsec", 0, VPS_MAX * CPU_PERIOD_USEC, &p, &quota) ||
	    (quota > 0 && !in_range(parameters, "quotaUsec", CPU_QUOTA_MIN_USEC, UINT64_MAX, &p, &quota))) {
		problem_reply(r, &p);
		return;
	}
	q.weight = (unsigned int)weight;
	q.quota_usec = quota;
	result = worker_set_processor(v, id, &q);
	if (result < 0)
		reply_errno(r, result);
	else
		ipc_reply(r, NULL);
}

static void list_workers(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	ipc_reply(r, json_pack("{s:o}", "workers", workers_to_json(v)));
}

static void get_usage(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	ipc_reply(r, json_pack("{s:o}", "workers", workers_usage_to_json(v)));
}

static void watch_workers(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	(void)parameters;
	if (!ipc_request_wants_more(r))
		ipc_fail(r, 400, "bad_parameters", NULL, "This method is a stream.");
	else
		workers_watch(v, r);
}

static bool is_socket(int fd, int type)
{
	int have;
	socklen_t len = sizeof(have);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &have, &len) == 0 && have == type;
}

static void start_console(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	struct ipc_message *m = ipc_request_message(r);
	bool view_only = json_is_true(json_object_get(parameters, "viewOnly"));
	pid_t pid = 0;
	int result;

	if (!is_socket(m->fds[0], SOCK_STREAM) || !is_socket(m->fds[1], SOCK_SEQPACKET)) {
		ipc_fail(r, 400, "bad_parameters", NULL,
		         "A client's stream socket and a display socket are needed.");
		return;
	}
	result = console_start(v, m->fds[0], m->fds[1], view_only, &pid);
	if (result < 0)
		reply_errno(r, result);
	else
		ipc_reply(r, json_pack("{s:i}", "pid", (int)pid));
}

static void power_host(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	const char *action = json_string_value(json_object_get(parameters, "action"));
	bool restart = strcmp(action, "restart") == 0;

	(void)v;
	if (!restart && strcmp(action, "shutdown") != 0) {
		ipc_fail(r, 400, "bad_parameters", "action", "The action is restart or shutdown.");
		return;
	}
	log_info("host: %s asked for by vmms", action);
	if (kill(1, restart ? SYSTEMD_REBOOT : SYSTEMD_POWEROFF) < 0)
		reply_errno(r, -errno);
	else
		ipc_reply(r, NULL);
}

static const struct priv_row {
	const char *method, *parameters;	/* partita/parameters.h */
	unsigned int fds;
	void (*run)(struct vmpriv *v, struct ipc_request *r, const json_t *parameters);
} priv_rows[] = {
	{ "vmpriv.StartWorker",	 "id:s slot:i memoryBytes:i vps:i shareCores?:b", 0, start_worker },
	{ "vmpriv.StopWorker",	 "id:s",			    0, stop_worker },
	{ "vmpriv.SetProcessor", "id:s weight:i quotaUsec:i cpus?:s", 0, set_processor },
	{ "vmpriv.GetUsage",	 "",				    0, get_usage },
	{ "vmpriv.BeginPaging",	 "id:s residentBytes:i pagedBytes:i", 1, request_begin_paging },
	{ "vmpriv.SetPaging",	 "id:s residentBytes:i pagedBytes:i", 0, request_set_paging },
	{ "vmpriv.LeavePaging",	 "",				    1, request_leave_paging },
	{ "vmpriv.ListWorkers",	 "",				    0, list_workers },
	{ "vmpriv.WatchWorkers", "",				    0, watch_workers },
	{ "vmpriv.StartConsole", "viewOnly?:b",			    2, start_console },
	{ "vmpriv.StartImport",	 "format:s limitBytes:i",	    3, request_start_import },
	{ "vmpriv.StopImport",	 "pid:i",			    0, request_stop_import },
	{ "vmpriv.PowerHost",	 "action:s",			    0, power_host },
	{ "vmpriv.SetSwitch",	 "id:s type:s uplink?:s",	    0, request_set_switch },
	{ "vmpriv.RemoveSwitch", "id:s",			    0, request_remove_switch },
	{ "vmpriv.OpenTap",	 "id:s switchId?:s vlan?:i",	    0, request_open_tap },
	{ "vmpriv.ConnectTap",	 "id:s switchId?:s vlan?:i",	    0, request_connect_tap },
};

static void run_row(struct ipc_request *r, json_t *parameters, void *context)
{
	const struct priv_row *row = priv_rows;
	struct problem p = { 0 };

	while (strcmp(row->method, ipc_request_method(r)) != 0)
		row++;				/* ends: vmpriv_methods has the same names */
	if (parameters_check(parameters, row->parameters, &p) < 0)
		problem_reply(r, &p);
	else if (ipc_request_message(r)->fd_count != row->fds)
		ipc_fail(r, 400, "bad_parameters", NULL, "%s needs %u descriptors.", row->method, row->fds);
	else
		row->run(context, r, parameters);
}

const struct ipc_method vmpriv_methods[] = {
	{ "vmpriv.StartWorker", run_row },  { "vmpriv.StopWorker", run_row },	{ "vmpriv.ListWorkers", run_row },
	{ "vmpriv.SetProcessor", run_row }, { "vmpriv.GetUsage", run_row },
	{ "vmpriv.BeginPaging", run_row },  { "vmpriv.SetPaging", run_row },	{ "vmpriv.LeavePaging", run_row },
	{ "vmpriv.SetSwitch", run_row },    { "vmpriv.RemoveSwitch", run_row }, { "vmpriv.OpenTap", run_row },
	{ "vmpriv.ConnectTap", run_row },
	{ "vmpriv.WatchWorkers", run_row }, { "vmpriv.StartConsole", run_row }, { "vmpriv.PowerHost", run_row },
	{ "vmpriv.StartImport", run_row },  { "vmpriv.StopImport", run_row },
	{ NULL, NULL },
};
