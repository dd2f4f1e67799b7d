/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection to vmpriv: one for calls, one for the stream of ended workers. When vmpriv restarts, both are made again and
 * the list of workers is compared with what we believe.
 */
#include "vm.h"

#include "partita/log.h"
#include "smart_paging.h"
#include "switches.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALL_TIMEOUT_MS	20000
#define RETRY_USEC	500000

struct priv {
	struct vmms *vmms;
	struct ipc_async *calls, *watch;
	sd_event_source *retry;
};

static void priv_reconnect(struct priv *p);

static void priv_lost(struct ipc_async *a, int reason, void *data)
{
	struct priv *p = data;

	(void)a;
	log_warning("vmpriv: connection lost (%s)", strerror(-reason));
	priv_reconnect(p);
}

static int json_int(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	return json_is_integer(value) ? (int)json_integer_value(value) : -1;
}

static void report_end(struct vmms *v, const json_t *row, const char *reason_key)
{
	const char *id = json_string_value(json_object_get(row, "id")),
	           *reason = json_string_value(json_object_get(row, reason_key));
	struct vm *vm = id ? vm_find(v, id) : NULL;

	if (vm)
		power_worker_ended(vm, json_int(row, "exitCode"), json_int(row, "signal"),
		                   reason ? reason : "ended");
}

static void on_worker_end(struct ipc_message *m, int result, bool continues, void *data)
{
	struct priv *p = data;

	(void)continues;
	if (result == 0)
		report_end(p->vmms, m->body, "reason");
}

static void stop_stray(struct vmms *v, const char *id)
{
	log_warning("worker %s belongs to no VM; stopping it", id);
	priv_call(v, "vmpriv.StopWorker", json_pack("{s:s}", "id", id), NULL, 0, NULL, NULL);
}

static void compare_running(struct vmms *v, const json_t *row)
{
	const char *id = json_string_value(json_object_get(row, "id"));
	struct vm *vm = id ? vm_find(v, id) : NULL;

	if (!vm && id)
		stop_stray(v, id);
	else if (vm && !vm->worker.present)
		worker_adopt(vm, (unsigned int)json_int(row, "slot"));
}

static const json_t *find_row(const json_t *workers, const char *id)
{
	const json_t *row;
	size_t index;

	json_array_foreach((json_t *)workers, index, row) {
		const char *have = json_string_value(json_object_get(row, "id"));

		if (have && strcmp(have, id) == 0)
			return row;
	}
	return NULL;
}

/* VMs that we believe to run, without a worker that does. */
static void compare_believed(struct vmms *v, const json_t *workers)
{
	for (struct vm *vm = v->vms, *next; vm; vm = next) {
		const json_t *row = find_row(workers, vm->id);
		bool believed = vm->state != VM_OFF && vm->state != VM_FAILED && (vm->state != VM_SAVED || vm->worker.present) &&
		                (vm->worker.started || !vm->worker.present);

		next = vm->next;
		if (!believed || (row && json_is_true(json_object_get(row, "running"))))
			continue;
		if (row)
			report_end(v, row, "exitReason");
		else
			power_worker_ended(vm, -1, -1, "is gone");
	}
}

/* "always", and "if-was-running" after a restart of the host. A VM that runs, or failed, is left alone. */
static void start_automatically(struct vmms *v)
{
	for (struct vm *vm = v->vms; vm; vm = vm->next) {
		unsigned int how = vm->config.automatic_start;
		struct problem p = { 0 };
		struct job *job;

		if ((vm->state != VM_OFF && vm->state != VM_SAVED) || how == START_NEVER ||
		    (how == START_IF_WAS_RUNNING && !vm->was_running))
			continue;
		if (power_action(vm, "start", &job, &p) < 0)
			event_add(v, "vm.state-changed", SEVERITY_ERROR,
			          object_ref("vm", vm->id, vm_name(vm)), NULL,
			          "VM %s could not be started automatically: %s", vm_name(vm), p.detail);
	}
}

static void on_list(struct ipc_message *m, int result, bool continues, void *data)
{
	struct priv *p = data;
	const json_t *workers, *row;
	size_t index;

	(void)continues;
	if (result < 0)
		return;
	workers = json_object_get(m->body, "workers");
	json_array_foreach((json_t *)workers, index, row)
		if (json_is_true(json_object_get(row, "running")))
			compare_running(p->vmms, row);
	compare_believed(p->vmms, workers);
	smart_paging_recover(p->vmms);
	switches_apply(p->vmms);
	if (p->vmms->host_restarted) {
		p->vmms->host_restarted = false;
		start_automatically(p->vmms);
		host_boot_remember(p->vmms);
	}
}

static int connect_one(struct priv *p, struct ipc_async **out)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/priv.sock", p->vmms->options.runtime_dir);
	fd = ipc_connect_fd(path);
	return fd < 0 ? fd : ipc_async_from_fd(p->vmms->loop, fd, priv_lost, p, out);
}

/* The stream first, so that no end is missed between it and the list. */
static int priv_connect(struct priv *p)
{
	int r = connect_one(p, &p->watch);

	if (r == 0)
		r = connect_one(p, &p->calls);
	if (r == 0)
		r = ipc_async_call(p->watch, "vmpriv.WatchWorkers", NULL, NULL, 0, -1, on_worker_end, p);
	if (r == 0)
		r = ipc_async_call(p->calls, "vmpriv.ListWorkers", NULL, NULL, 0, CALL_TIMEOUT_MS, on_list,
		                   p);
	return r;
}

static void priv_disconnect(struct priv *p)
{
	ipc_async_close(p->calls);
	ipc_async_close(p->watch);
	p->calls = p->watch = NULL;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *data)
{
	struct priv *p = data;

	(void)source;
	(void)usec;
	if (priv_connect(p) < 0)
		priv_reconnect(p);
	else
		log_info("vmpriv: connected");
	return 0;
}

static void priv_reconnect(struct priv *p)
{
	priv_disconnect(p);
	if (p->retry) {
		sd_event_source_set_time_relative(p->retry, RETRY_USEC);
		sd_event_source_set_enabled(p->retry, SD_EVENT_ONESHOT);
	} else if (sd_event_add_time_relative(p->vmms->loop, &p->retry, CLOCK_MONOTONIC, RETRY_USEC, 0,
	                                      on_retry, p) < 0) {
		log_error("vmpriv: no timer to connect again");
	}
}

int priv_open(struct vmms *v)
{
	struct priv *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->vmms = v;
	v->priv = p;
	if (priv_connect(p) < 0) {
		log_warning("vmpriv does not answer yet");
		priv_reconnect(p);
	}
	return 0;
}

void priv_close(struct vmms *v)
{
	if (!v->priv)
		return;
	priv_disconnect(v->priv);
	sd_event_source_disable_unref(v->priv->retry);
	free(v->priv);
	v->priv = NULL;
}

static void ignore_reply(struct ipc_message *m, int result, bool continues, void *data)
{
	(void)continues;
	(void)data;
	if (result < 0)
		log_warning("vmpriv: %s", result == -EREMOTE
		                              ? json_string_value(json_object_get(m->body, "error"))
		                              : strerror(-result));
}

int priv_call(struct vmms *v, const char *method, json_t *parameters, const int *fds, size_t fd_count,
              ipc_async_reply *done, void *data)
{
	if (!v->priv->calls) {
		json_decref(parameters);
		return -ENOTCONN;
	}
	return ipc_async_call(v->priv->calls, method, parameters, fds, fd_count, CALL_TIMEOUT_MS,
	                      done ? done : ignore_reply, data);
}
