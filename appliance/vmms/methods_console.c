/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that hand a client a way to a running VM: its screen as RFB, its serial ports, a picture. */
#include "methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct vm *running_vm_of(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = vm_of(v, r, parameters);
	struct problem p = { 0 };

	if (!vm || vm->state == VM_RUNNING || vm->state == VM_PAUSED || vm->state == VM_STOPPING)
		return vm;
	problem_set(&p, PROBLEM_VM_NOT_RUNNING, NULL, "%s is %s.", vm_name(vm), vm_state_words[vm->state]);
	problem_reply(r, &p);
	return NULL;
}

/* What another process answered goes to the client as it is; its silence becomes 503. */
static void fail_from(struct ipc_request *r, const struct ipc_message *m, int result, const char *who)
{
	if (result == -EREMOTE)
		ipc_fail_with(r, text_of(m->body, "error"),
		              json_incref(json_object_get(m->body, "parameters")));
	else
		ipc_fail(r, 503, "service_unavailable", NULL, "%s did not answer: %s.", who,
		         strerror(-result));
}

/* --- console: the worker's display and the client's socket meet in a console process --- */

struct opening {
	struct later *later;
	struct vmms *vmms;
	bool view_only;
	int client;			/* our end of the pair, for the client */
};

static void opening_end(struct opening *o, const struct ipc_message *m, int result, const char *who)
{
	struct ipc_request *r = later_end(o->later);

	if (r && result == 0)
		ipc_reply_fds(r, NULL, &o->client, 1);
	else if (r)
		fail_from(r, m, result, who);
	if (o->client >= 0)
		close(o->client);
	free(o);
}

static void on_console_started(struct ipc_message *m, int result, bool continues, void *data)
{
	(void)continues;
	opening_end(data, m, result, "The privileged service");
}

static int start_console(struct opening *o, int display)
{
	int ends[2], fds[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	o->client = ends[0];
	fds[0] = ends[1];
	fds[1] = display;
	r = priv_call(o->vmms, "vmpriv.StartConsole", json_pack("{s:b}", "viewOnly", o->view_only), fds, 2,
	              on_console_started, o);
	close(ends[1]);
	return r;
}

static void on_display_opened(struct ipc_message *m, int result, bool continues, void *data)
{
	struct opening *o = data;
	int display = result == 0 ? ipc_message_take_fd(m, 0) : -1;

	(void)continues;
	if (result == 0 && display < 0)
		result = -EBADMSG;
	if (result == 0)
		result = start_console(o, display);
	if (display >= 0)
		close(display);
	if (result < 0)
		opening_end(o, m, result, "The worker");
}

static void open_console(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = running_vm_of(v, r, parameters);
	struct opening *o = vm ? calloc(1, sizeof(*o)) : NULL;
	int result;

	if (!o || !(o->later = later_new(r))) {
		free(o);
		return;
	}
	o->vmms = v;
	o->client = -1;
	o->view_only = json_is_true(json_object_get(parameters, "viewOnly"));
	result = worker_call(vm, "vmwp.OpenDisplay", NULL, NULL, 0, on_display_opened, o);
	if (result < 0)
		opening_end(o, NULL, result, "The worker");
}

/* --- serial --- */

static void on_serial_opened(struct ipc_message *m, int result, bool continues, void *data)
{
	struct ipc_request *r = later_end(data);
	int fd = result == 0 ? ipc_message_take_fd(m, 0) : -1;

	(void)continues;
	if (result == 0 && fd < 0)
		result = -EBADMSG;
	if (r && result == 0)
		ipc_reply_fds(r, NULL, &fd, 1);
	else if (r)
		fail_from(r, m, result, "The worker");
	if (fd >= 0)
		close(fd);
}

static void open_serial(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	json_int_t port = json_integer_value(json_object_get(parameters, "port"));
	struct vm *vm = running_vm_of(v, r, parameters);
	struct problem p = { 0 };
	struct later *l;
	int result;

	if (!vm)
		return;
	if (port < 1 || port > 2) {
		problem_set(&p, PROBLEM_PORT_NOT_FOUND, NULL, "The COM ports are 1 and 2.");
		problem_reply(r, &p);
		return;
	}
	l = later_new(r);
	if (!l)
		return;
	result = worker_call(vm, "vmwp.OpenSerial", json_pack("{s:I}", "port", port), NULL, 0,
	                     on_serial_opened, l);
	if (result < 0) {
		later_end(l);
		fail_from(r, NULL, result, "The worker");
	}
}

/* --- picture --- */

static void on_screen_taken(int result, int width, int height, int stride, int memfd, void *data)
{
	struct ipc_request *r = later_end(data);

	if (!r)
		return;
	if (result < 0)
		ipc_fail(r, 503, "service_unavailable", NULL, "The screen could not be read: %s.",
		         strerror(-result));
	else
		ipc_reply_fds(
		    r, json_pack("{s:i, s:i, s:i}", "width", width, "height", height, "stride", stride),
		    &memfd, 1);
}

static void get_screen(struct vmms *v, struct ipc_request *r, const json_t *parameters)
{
	struct vm *vm = running_vm_of(v, r, parameters);
	struct later *l = vm ? later_new(r) : NULL;
	int result;

	if (!l)
		return;
	result = screen_take(vm, on_screen_taken, l);
	if (result < 0)
		on_screen_taken(result, 0, 0, 0, -1, l);
}

const struct method_row console_method_rows[] = {
	{ "vmms.OpenConsole", "id:s viewOnly?:b", open_console },
	{ "vmms.OpenSerial",  "id:s port:i",	  open_serial },
	{ "vmms.GetScreen",   "id:s",		  get_screen },
	{ NULL, NULL, NULL },
};
