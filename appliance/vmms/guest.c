/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest behind a VM. Its worker is asked every few seconds; a change of what clients see becomes an event, a guest that
 * keeps changing does not become more than one a round. What the guest says is text of a stranger: bounded and checked by
 * the worker, shown, never acted upon.
 */
#include "guest.h"

#include "partita/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUND_USEC	5000000u

/* --- what it says --- */

/* "guest" of vmwp.GetStatus, and "services" beside it, as clients see them. */
static json_t *guest_of_status(const json_t *status)
{
	const json_t *guest = json_object_get(status, "guest"), *services = json_object_get(status, "services");
	static const char *const texts[] = { "heartbeat", "osName", "osVersion", "hostName" };
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const json_t *text = json_object_get(guest, texts[i]);

		json_object_set_new(o, texts[i], json_is_string(text) ? json_deep_copy(text) : json_string(""));
	}
	json_object_set_new(o, "ipAddresses", json_is_array(json_object_get(guest, "ipAddresses")) ?
			    json_deep_copy(json_object_get(guest, "ipAddresses")) : json_array());
	json_object_set_new(o, "services", json_is_object(services) ? json_deep_copy(services) : json_object());
	return o;
}

static bool has_changed(const json_t *a, const json_t *b)
{
	static const char *const shown[] = { "heartbeat", "osName", "hostName", "ipAddresses" };

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (!json_equal(json_object_get(a, shown[i]), json_object_get(b, shown[i])))
			return true;
	return false;
}

static bool is_silent(const json_t *guest)
{
	return strcmp(json_string_value(json_object_get(guest, "heartbeat")), "unknown") == 0 &&
	       !json_string_value(json_object_get(guest, "hostName"))[0] && !json_string_value(json_object_get(guest, "osName"))[0];
}

static void tell_change(struct vm *vm)
{
	const char *heartbeat = json_string_value(json_object_get(vm->guest, "heartbeat"));
	const char *name = json_string_value(json_object_get(vm->guest, "hostName"));
	bool lost = guest_is_lost(vm);

	event_add(vm->vmms, "vm.guest-changed", lost ? SEVERITY_WARNING : SEVERITY_INFO, object_ref("vm", vm->id, vm_name(vm)),
	          json_deep_copy(vm->guest), lost ? "The guest of VM %s no longer answers the heartbeat." : "The guest of VM %s is %s, heartbeat %s.",
	          vm_name(vm), name && name[0] ? name : "not named", heartbeat ? heartbeat : "unknown");
}

static void on_status(struct ipc_message *m, int result, bool continues, void *data)
{
	struct vm *vm = data;
	json_t *now;

	(void)continues;
	vm->guest_asked = false;
	if (result < 0 || !json_object_get(m->body, "guest"))
		return;
	now = guest_of_status(m->body);
	if (!vm->guest || has_changed(vm->guest, now)) {
		bool silent = !vm->guest && is_silent(now);

		json_decref(vm->guest);
		vm->guest = now;
		if (!silent)			/* as everybody believes of a guest that has just begun */
			tell_change(vm);
	} else {
		json_decref(vm->guest);
		vm->guest = now;
	}
}

static int on_round(sd_event_source *source, uint64_t usec, void *data)
{
	struct vmms *v = data;

	(void)usec;
	for (struct vm *vm = v->vms; vm; vm = vm->next)
		if (vm->state == VM_RUNNING && !vm->guest_asked)
			vm->guest_asked = worker_call(vm, "vmwp.GetStatus", NULL, NULL, 0, on_status, vm) == 0;
	sd_event_source_set_time_relative(source, ROUND_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int guests_open(struct vmms *v)
{
	char path[128];
	int r;

	snprintf(path, sizeof(path), "%s/vsock", v->options.runtime_dir);
	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		log_warning("%s: %s; guests' sockets cannot be reached", path, strerror(errno));
	r = sd_event_add_time_relative(v->loop, &v->guest_timer, CLOCK_MONOTONIC, ROUND_USEC, 0, on_round, v);

	return r < 0 ? r : 0;
}

void guests_close(struct vmms *v)
{
	v->guest_timer = sd_event_source_disable_unref(v->guest_timer);
}

bool guest_is_lost(const struct vm *vm)
{
	const char *heartbeat = json_string_value(json_object_get(vm->guest, "heartbeat"));

	return heartbeat && strcmp(heartbeat, "lost") == 0;
}

json_t *guest_to_json(const struct vm *vm)
{
	if (vm->guest)
		return json_deep_copy(vm->guest);
	return json_pack("{s:s, s:s, s:s, s:s, s:[], s:{}}", "heartbeat", "unknown", "osName", "", "osVersion", "", "hostName", "",
	                 "ipAddresses", "services");
}

/* --- what it is offered --- */

static void on_done(struct ipc_message *m, int result, bool continues, void *data)
{
	const struct vm *vm = data;

	(void)m;
	(void)continues;
	if (result < 0)
		log_warning("VM %s: its worker refuses services or sockets: %s", vm_name(vm), strerror(-result));
}

void guest_apply_services(struct vm *vm)
{
	(void)worker_call(vm, "vmwp.SetServices", json_pack("{s:o}", "services", services_to_json(&vm->config.services)), NULL, 0,
	                  on_done, vm);
}

static void socket_path(const struct vm *vm, char *path, size_t size)
{
	snprintf(path, size, "%s/vsock/%s", vm->vmms->options.runtime_dir, vm->id);
}

void guest_listen(struct vm *vm)
{
	char path[160];
	int fd;

	socket_path(vm, path, sizeof(path));
	fd = ipc_listen(path, 0600);
	if (fd < 0) {
		log_warning("%s: %s", path, strerror(-fd));
		return;
	}
	(void)worker_call(vm, "vmwp.ListenSockets", NULL, &fd, 1, on_done, vm);
	close(fd);
}

void guest_forget(struct vm *vm)
{
	char path[160];

	json_decref(vm->guest);
	vm->guest = NULL;
	vm->guest_asked = false;
	socket_path(vm, path, sizeof(path));
	(void)unlink(path);
}
