/* SPDX-License-Identifier: Apache-2.0 */
/* The vmwp.* methods: a table of what each one may be given and what it does to the machine. */
#include "vmwp/control/control.h"

#include "vmwp/control/guest.h"

#include "partita/log.h"
#include "partita/parameters.h"
#include "storage/disk.h"
#include "vmwp/chipset/display.h"
#include "vmwp/chipset/ide.h"
#include "vmwp/chipset/serial.h"
#include "vmwp/vsp/storage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WATCHERS_MAX	16

struct control {
	sd_event *loop;
	struct machine *machine;
	struct ipc_server *server;
	int (*sandbox)(void);
	bool configured;
	struct ipc_request *watchers[WATCHERS_MAX];
	struct merge *merges;
};

/* --- answers --- */

static void answer(struct ipc_request *r, int result, const char *what)
{
	struct problem p = { 0 };

	if (result == 0) {
		ipc_reply(r, NULL);
		return;
	}
	if (result == -EBUSY)
		problem_set(&p, PROBLEM_VM_WRONG_STATE, NULL, "The virtual machine is not in a state for that.");
	else
		problem_from_errno(&p, result, what);
	problem_reply(r, &p);
}

static bool accept_parameters(struct ipc_request *r, const json_t *parameters, const char *shape)
{
	struct problem p = { 0 };

	if (parameters_check(parameters, shape, &p) == 0)
		return true;
	problem_reply(r, &p);
	return false;
}

static bool need_configured(struct control *c, struct ipc_request *r)
{
	if (!c->configured)
		answer(r, -EBUSY, NULL);
	return c->configured;
}

/* --- state --- */

static json_t *state_json(const struct machine *m)
{
	return json_pack("{s:s, s:s}", "state", machine_state_name(m->state), "reason", m->reason);
}

static void on_state_changed(struct machine *m, void *context)
{
	struct control *c = context;

	log_info("%s%s%s", machine_state_name(m->state), m->reason[0] ? ": " : "", m->reason);
	for (unsigned int i = 0; i < WATCHERS_MAX; i++)
		if (c->watchers[i] && ipc_notify(c->watchers[i], state_json(m)) < 0)
			c->watchers[i] = NULL;		/* does not read: its connection is gone or going */
	if (m->state == MACHINE_OFF)
		sd_event_exit(c->loop, 0);
	else if (m->state == MACHINE_FAILED)
		sd_event_exit(c->loop, strcmp(m->reason, "triple-fault") == 0 ? 2 : 1);
}

static void on_watcher_gone(struct ipc_request *r, void *data)
{
	struct control *c = data;

	for (unsigned int i = 0; i < WATCHERS_MAX; i++)
		if (c->watchers[i] == r)
			c->watchers[i] = NULL;
}

static void do_watch(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (!accept_parameters(r, parameters, ""))
		return;
	if (!ipc_request_wants_more(r)) {
		ipc_reply(r, state_json(c->machine));
		return;
	}
	for (unsigned int i = 0; i < WATCHERS_MAX; i++) {
		if (c->watchers[i])
			continue;
		c->watchers[i] = r;
		ipc_request_on_gone(r, on_watcher_gone, c);
		if (ipc_notify(r, state_json(c->machine)) < 0)
			c->watchers[i] = NULL;
		return;
	}
	answer(r, -EMFILE, "Watching");
}

static void do_get_status(struct ipc_request *r, json_t *parameters, void *context)
{
	struct machine *m = ((struct control *)context)->machine;
	json_t *status;
	struct timespec now;

	if (!accept_parameters(r, parameters, "brief?:b"))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	status = state_json(m);
	json_object_set_new(status, "uptimeSeconds",
			    json_integer(m->started_ns ? (json_int_t)((uint64_t)now.tv_sec - m->started_ns / 1000000000ull) : 0));
	if (((struct control *)context)->configured)
		guest_status(m, json_is_true(json_object_get(parameters, "brief")), status);
	ipc_reply(r, status);
}

/* --- configure and power --- */

static int configure(struct control *c, struct vm_config *config)
{
	int r = machine_configure(c->machine, config);

	if (r < 0)
		return r;
	guest_introduce(c->machine);
	return c->sandbox();
}

static void do_configure(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	struct vm_config config;
	struct problem p = { 0 };

	if (!accept_parameters(r, parameters, "vm:o"))
		return;
	if (c->configured) {
		answer(r, -EBUSY, NULL);
		return;
	}
	vm_config_init(&config);
	if (configure_parse(json_object_get(parameters, "vm"), ipc_request_message(r), &config, &p) < 0) {
		vm_config_clear(&config);
		problem_reply(r, &p);
		return;
	}
	c->configured = true;		/* once, also when it fails: a half-built machine is not built again */
	answer(r, configure(c, &config), "Configuring the virtual machine");
}

static int reset_by_request(struct machine *m)
{
	return machine_reset(m, "reset");
}

static int turn_off_by_request(struct machine *m)
{
	return machine_turn_off(m, "turned-off");
}

static const struct { const char *method; int (*run)(struct machine *m); } actions[] = {
	{ "vmwp.Start", machine_start },	{ "vmwp.Pause", machine_pause },
	{ "vmwp.Resume", machine_resume },	{ "vmwp.Reset", reset_by_request },
	{ "vmwp.TurnOff", turn_off_by_request }, { "vmwp.Shutdown", guest_shutdown },
};

static void do_action(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	const char *method = ipc_request_method(r);

	if (!accept_parameters(r, parameters, "") || !need_configured(c, r))
		return;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].method, method) == 0) {
			answer(r, actions[i].run(c->machine), method);
			return;
		}
}

/* --- saving: one descriptor of a file, written from its first byte on --- */

static void answer_with_file(struct control *c, struct ipc_request *r, int (*run)(struct machine *m, int fd), const char *what)
{
	int fd = ipc_message_take_fd(ipc_request_message(r), 0);

	answer(r, fd < 0 ? -EBADF : run(c->machine, fd), what);
	if (fd >= 0)
		close(fd);
}

static void do_save_state(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (!accept_parameters(r, parameters, "") || !need_configured(c, r))
		return;
	if (c->merges)			/* it changes which files the disks are */
		answer(r, -EBUSY, NULL);
	else
		answer_with_file(c, r, machine_save, "Saving the virtual machine");
}

static void do_restore_state(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (accept_parameters(r, parameters, "") && need_configured(c, r))
		answer_with_file(c, r, machine_restore, "Restoring the virtual machine");
}

/* --- devices --- */

static int place_set_media(struct machine *m, const struct vm_place *place, struct disk *medium)
{
	struct device *ide = machine_device(m, &ide_model);

	if (place->scsi)
		return storage_set_media(machine_device(m, &storage_model),
					 (struct storage_place){ place->controller, place->location }, medium);
	return ide ? ide_set_media(ide, place->controller * 2 + place->location, medium) : -ENODEV;
}

static int set_media(struct machine *m, const struct vm_place *place, int fd)
{
	struct disk *medium = NULL;
	int r = 0;

	if (fd >= 0) {
		r = disk_open(place->scsi ? "iso" : "raw", fd, true, &medium);
		if (r < 0)
			close(fd);
	}
	if (r < 0)
		return r;
	machine_lock(m);
	r = place_set_media(m, place, medium);
	machine_unlock(m);
	if (r < 0)
		disk_close(medium);
	return r;
}

static void do_set_media(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	struct problem p = { 0 };
	struct vm_place place;

	if (!accept_parameters(r, parameters, "controller:o readOnly?:b") || !need_configured(c, r))
		return;
	if (controller_parse(json_object_get(parameters, "controller"), &place, &p) < 0) {
		problem_reply(r, &p);
		return;
	}
	answer(r, set_media(c->machine, &place, ipc_message_take_fd(ipc_request_message(r), 0)), "Changing the medium");
}

static void answer_fd(struct ipc_request *r, int result, int fd, const char *what)
{
	if (result < 0) {
		answer(r, result, what);
		return;
	}
	ipc_reply_fds(r, NULL, &fd, 1);
	close(fd);
}

static void do_open_display(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	int fd = -1, result;

	if (!accept_parameters(r, parameters, "") || !need_configured(c, r))
		return;
	machine_lock(c->machine);
	result = display_open(c->machine, &fd);
	machine_unlock(c->machine);
	answer_fd(r, result, fd, "Opening the display");
}

static void do_open_serial(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	json_int_t port;
	int fd = -1, result;

	if (!accept_parameters(r, parameters, "port:i") || !need_configured(c, r))
		return;
	port = json_integer_value(json_object_get(parameters, "port"));
	machine_lock(c->machine);
	result = port < 1 || port > 2 ? -EINVAL : serial_open(machine_device(c->machine, &serial_model), (unsigned int)port, &fd);
	machine_unlock(c->machine);
	answer_fd(r, result, fd, "Opening the serial port");
}

static void answer_problem(struct ipc_request *r, int result, const struct problem *p)
{
	if (result < 0)
		problem_reply(r, p);
	else
		ipc_reply(r, NULL);
}

static void do_attach_disk(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	struct problem p = { 0 };

	if (accept_parameters(r, parameters, "controller:o medium:s format?:s readOnly?:b serial?:s fd?:i parents?:v") &&
	    need_configured(c, r))
		answer_problem(r, drive_attach(c->machine, parameters, ipc_request_message(r), &p), &p);
}

static void do_detach_disk(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (accept_parameters(r, parameters, "controller:o") && need_configured(c, r))
		drive_detach(r, parameters, c->machine);
}

static void do_merge_disk(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (accept_parameters(r, parameters, "controller:o fd:i") && need_configured(c, r))
		merge_start(r, parameters, c->machine, &c->merges);
}

static void do_cancel_merge(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (accept_parameters(r, parameters, "controller:o") && need_configured(c, r))
		merge_cancel(r, parameters, c->merges);
}

static void do_attach_network_adapter(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	struct problem p = { 0 };

	if (accept_parameters(r, parameters, "id:s name?:s macAddress:s linkUp:b macSpoofing?:b fd:i") && need_configured(c, r))
		answer_problem(r, network_adapter_attach(c->machine, parameters, ipc_request_message(r), &p), &p);
}

static void do_update_network_adapter(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	struct problem p = { 0 };

	if (accept_parameters(r, parameters, "id:s name?:s macAddress:s linkUp:b macSpoofing?:b") && need_configured(c, r))
		answer_problem(r, network_adapter_update(c->machine, parameters, &p), &p);
}

static void do_detach_network_adapter(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	struct problem p = { 0 };

	if (accept_parameters(r, parameters, "id:s") && need_configured(c, r))
		answer_problem(r, network_adapter_detach(c->machine, parameters, &p), &p);
}

/* --- what needs the guest's help --- */

static void do_set_services(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	struct problem p = { 0 };

	if (accept_parameters(r, parameters, "services:o") && need_configured(c, r))
		answer_problem(r, guest_set_services(c->machine, json_object_get(parameters, "services"), &p), &p);
}

static void do_set_memory(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	struct problem p = { 0 };

	if (accept_parameters(r, parameters, "targetBytes:i") && need_configured(c, r))
		answer_problem(r, guest_set_memory(c->machine, (uint64_t)json_integer_value(json_object_get(parameters, "targetBytes")), &p), &p);
}

static void do_set_guest_item(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;
	struct problem p = { 0 };

	if (accept_parameters(r, parameters, "key:s value?:v") && need_configured(c, r))
		answer_problem(r, guest_set_item(c->machine, json_string_value(json_object_get(parameters, "key")),
						 json_object_get(parameters, "value"), &p), &p);
}

static void do_listen_sockets(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (accept_parameters(r, parameters, "") && need_configured(c, r))
		answer(r, guest_listen_sockets(c->machine, ipc_message_take_fd(ipc_request_message(r), 0)), "Listening for the guest's sockets");
}

static void do_add_socket_service(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (accept_parameters(r, parameters, "port:i") && need_configured(c, r))
		answer(r, guest_add_socket_service(c->machine, json_integer_value(json_object_get(parameters, "port")),
						   ipc_message_take_fd(ipc_request_message(r), 0)), "Adding the socket service");
}

static void do_freeze(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (accept_parameters(r, parameters, "") && need_configured(c, r))
		guest_on_freeze(r, c->machine);
}

static void do_thaw(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (accept_parameters(r, parameters, "") && need_configured(c, r))
		guest_on_thaw(r, c->machine);
}

static void do_copy_to_guest(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (accept_parameters(r, parameters, "folder:s name:s overwrite?:b createFolder?:b") && need_configured(c, r))
		guest_on_copy(r, parameters, c->machine);
}

static void do_cancel_copy(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (accept_parameters(r, parameters, "") && need_configured(c, r))
		answer(r, guest_cancel_copy(c->machine), "Cancelling the copy");
}

static void do_set_guest_addresses(struct ipc_request *r, json_t *parameters, void *context)
{
	struct control *c = context;

	if (accept_parameters(r, parameters, "adapter:s dhcp?:b addresses?:s masks?:s gateways?:s dns?:s") && need_configured(c, r))
		guest_on_set_addresses(r, parameters, c->machine);
}

static const struct ipc_method methods[] = {
	{ "vmwp.Configure", do_configure },
	{ "vmwp.Start", do_action }, { "vmwp.Pause", do_action }, { "vmwp.Resume", do_action },
	{ "vmwp.Reset", do_action }, { "vmwp.TurnOff", do_action }, { "vmwp.Shutdown", do_action },
	{ "vmwp.SaveState", do_save_state }, { "vmwp.RestoreState", do_restore_state },
	{ "vmwp.GetStatus", do_get_status },
	{ "vmwp.Watch", do_watch },
	{ "vmwp.SetMedia", do_set_media },
	{ "vmwp.AttachDisk", do_attach_disk },
	{ "vmwp.DetachDisk", do_detach_disk },
	{ "vmwp.MergeDisk", do_merge_disk }, { "vmwp.CancelMerge", do_cancel_merge },
	{ "vmwp.AttachNetworkAdapter", do_attach_network_adapter },
	{ "vmwp.UpdateNetworkAdapter", do_update_network_adapter },
	{ "vmwp.DetachNetworkAdapter", do_detach_network_adapter },
	{ "vmwp.SetServices", do_set_services },
	{ "vmwp.SetMemory", do_set_memory },
	{ "vmwp.SetGuestItem", do_set_guest_item },
	{ "vmwp.SetGuestAddresses", do_set_guest_addresses },
	{ "vmwp.CopyToGuest", do_copy_to_guest }, { "vmwp.CancelCopyToGuest", do_cancel_copy },
	{ "vmwp.ListenSockets", do_listen_sockets }, { "vmwp.AddSocketService", do_add_socket_service },
	{ "vmwp.FreezeGuest", do_freeze }, { "vmwp.ThawGuest", do_thaw },
	{ "vmwp.OpenDisplay", do_open_display },
	{ "vmwp.OpenSerial", do_open_serial },
	{ NULL, NULL },
};

/* Who may connect is decided by the socket's owner and mode, which vmpriv set before it started this process. */
int control_create(sd_event *loop, int listen_fd, struct machine *m, int (*sandbox)(void), struct control **out)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->machine = m;
	c->sandbox = sandbox;
	m->state_changed = on_state_changed;
	m->state_context = c;
	r = ipc_serve(loop, listen_fd, methods, NULL, c, &c->server);
	if (r < 0) {
		control_destroy(c);
		return r;
	}
	*out = c;
	return 0;
}

void control_destroy(struct control *c)
{
	if (!c)
		return;
	merges_end(&c->merges);
	ipc_server_stop(c->server);
	free(c);
}
