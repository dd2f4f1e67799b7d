/* SPDX-License-Identifier: Apache-2.0 */
/* /vms/{id}/screenshot, console and serial: what a person sees of a running virtual machine. */
#include "http/range.h"
#include "http/route.h"
#include "screen.h"
#include "upstream/vmms.h"
#include "ws/ws.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDTH_MIN	16
#define WIDTH_MAX	4096

static void reply_screen(struct reply *rep, struct ipc_message *answer, uint32_t width)
{
	struct screen screen = { .fd = ipc_message_take_fd(answer, 0) };
	size_t size = 0;
	char *png = NULL;
	int r;

	screen.width = (uint32_t)json_integer_value(json_object_get(answer->body, "width"));
	screen.height = (uint32_t)json_integer_value(json_object_get(answer->body, "height"));
	screen.stride = (uint32_t)json_integer_value(json_object_get(answer->body, "stride"));
	r = screen.fd < 0 ? screen.fd : screen_to_png(&screen, width, &png, &size);
	if (screen.fd >= 0)
		close(screen.fd);
	if (r == 0)
		reply_bytes(rep, 200, "image/png", png, size);
	else
		reply_error(rep, 503, "service_unavailable", NULL, "The screen could not be read: %s.",
		            strerror(-r));
}

static void screenshot_get(struct request *req, struct reply *rep)
{
	struct ipc_message answer;
	uint64_t width = 0;

	if (request_query_u64(req, "width", WIDTH_MIN, WIDTH_MAX, &width) < 0) {
		reply_error(rep, 422, "out_of_range", "width", "width must be a number from %d to %d.",
		            WIDTH_MIN, WIDTH_MAX);
		return;
	}
	if (vmms_call(req->api->vmms, "vmms.GetScreen", json_pack("{s:s}", "id", req->param[0]), rep,
	              &answer) < 0)
		return;
	reply_screen(rep, &answer, (uint32_t)width);
	ipc_message_clear(&answer);
}

static void open_bytes(struct request *req, struct reply *rep, struct ws_target *target, const char *method,
                       json_t *parameters)
{
	struct ipc_message answer;

	if (vmms_call(req->api->vmms, method, parameters, rep, &answer) < 0)
		return;
	target->fd = ipc_message_take_fd(&answer, 0);
	if (target->fd < 0)
		reply_error(rep, 500, "internal_error", NULL, "The management service sent no connection.");
	ipc_message_clear(&answer);
}

static void console_open(struct request *req, struct reply *rep, struct ws_target *target)
{
	char *text = request_query(req, "viewOnly");
	bool view_only = req->who.role < ROLE_OPERATOR || (text && strcmp(text, "true") == 0);
	bool valid = !text || strcmp(text, "true") == 0 || strcmp(text, "false") == 0;

	free(text);
	if (valid)
		open_bytes(req, rep, target, "vmms.OpenConsole",
		           json_pack("{s:s, s:b}", "id", req->param[0], "viewOnly", view_only));
	else
		reply_error(rep, 422, "wrong_type", "viewOnly", "viewOnly must be true or false.");
}

static void serial_open(struct request *req, struct reply *rep, struct ws_target *target)
{
	uint64_t port;

	if (decimal_parse(req->param[1], &port) < 0 || port < 1 || port > 2)
		reply_error(rep, 404, "not_found", NULL, "A virtual machine has the serial ports 1 and 2.");
	else
		open_bytes(req, rep, target, "vmms.OpenSerial",
			   json_pack("{s:s, s:I}", "id", req->param[0], "port", (json_int_t)port));
}

const struct route vm_screen_routes[] = {
	{ "GET", "/vms/{id}/screenshot", ROLE_VIEWER, BODY_NONE, "width", screenshot_get, 0, NULL, NULL },
	{ "GET", "/vms/{id}/console", ROLE_VIEWER, BODY_NONE, "viewOnly", NULL, 0, NULL, console_open },
	{ "GET", "/vms/{id}/serial/{port}", ROLE_OPERATOR, BODY_NONE, NULL, NULL, 0, NULL, serial_open },
	{ 0 }
};
