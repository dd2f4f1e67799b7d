/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest behind a VM. Its worker is asked every few seconds (status.c); a change of what clients see becomes an event, a guest that
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

void guest_note(struct vm *vm, const json_t *status)
{
	json_t *now = guest_of_status(status);

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

int guests_open(struct vmms *v)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/vsock", v->options.runtime_dir);
	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		log_warning("%s: %s; guests' sockets cannot be reached", path, strerror(errno));
	return 0;
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
	socket_path(vm, path, sizeof(path));
	(void)unlink(path);
}
