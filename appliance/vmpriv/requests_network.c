/* SPDX-License-Identifier: Apache-2.0 */
/* The requests about switches and taps: checked here, done in bridge.c and tap.c. */
#include "vmpriv.h"

#include "network.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void reply_errno(struct ipc_request *r, int error)
{
	static const struct { int error, status; const char *code, *detail; } rows[] = {
		{ -EEXIST, 409, "switch_exists", "An interface with the switch's name is there already." },
		{ -EBUSY, 409, "interface_in_use", "The network interface is in use." },
		{ -ENODEV, 409, "interface_not_found", "There is no such network interface or switch." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].error == error) {
			ipc_fail(r, rows[i].status, rows[i].code, NULL, "%s", rows[i].detail);
			return;
		}
	ipc_fail(r, 500, "internal_error", NULL, "%s.", strerror(-error));
}

static void bad_parameter(struct ipc_request *r, const char *name)
{
	ipc_fail(r, 400, "bad_parameters", name, "%s is not what it may be.", name);
}

/* NULL and answered: no UUID. */
static const char *id_of(struct ipc_request *r, const json_t *parameters)
{
	const char *id = json_string_value(json_object_get(parameters, "id"));

	if (guid_is_valid(id))
		return id;
	bad_parameter(r, "id");
	return NULL;
}

void request_set_switch(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	const char *id = id_of(r, parameters), *uplink = json_string_value(json_object_get(parameters, "uplink"));
	const char *word = json_string_value(json_object_get(parameters, "type"));
	unsigned int type = 0;
	int result;

	(void)v;
	if (!id)
		return;
	while (switch_type_words[type] && strcmp(switch_type_words[type], word) != 0)
		type++;
	if (!switch_type_words[type]) {
		bad_parameter(r, "type");
		return;
	}
	if ((type == SWITCH_EXTERNAL) != (uplink != NULL)) {
		bad_parameter(r, "uplink");
		return;
	}
	result = switch_set(id, type, uplink);
	if (result == -EINVAL)
		bad_parameter(r, "uplink");
	else if (result < 0)
		reply_errno(r, result);
	else
		ipc_reply(r, NULL);
}

void request_remove_switch(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	const char *id = id_of(r, parameters);
	int result;

	(void)v;
	if (!id)
		return;
	result = switch_remove(id);
	if (result < 0 && result != -ENODEV)
		reply_errno(r, result);
	else
		ipc_reply(r, NULL);
}

static bool tap_request_of(struct ipc_request *r, const json_t *parameters, struct tap_request *q)
{
	json_int_t vlan = json_integer_value(json_object_get(parameters, "vlan"));

	*q = (struct tap_request){ .adapter_id = id_of(r, parameters),
				   .switch_id = json_string_value(json_object_get(parameters, "switchId")),
				   .vlan = (unsigned int)vlan };
	if (!q->adapter_id)
		return false;
	if (vlan >= 0 && vlan <= VLAN_MAX && (!q->switch_id || guid_is_valid(q->switch_id)))
		return true;
	bad_parameter(r, vlan < 0 || vlan > VLAN_MAX ? "vlan" : "switchId");
	return false;
}

void request_open_tap(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	struct tap_request q;
	int fd;

	(void)v;
	if (!tap_request_of(r, parameters, &q))
		return;
	fd = tap_open(&q);
	if (fd < 0) {
		reply_errno(r, fd);
		return;
	}
	ipc_reply_fds(r, NULL, &fd, 1);
	close(fd);
}

void request_connect_tap(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	struct tap_request q;
	int result;

	(void)v;
	if (!tap_request_of(r, parameters, &q))
		return;
	result = tap_connect(&q);
	if (result < 0)
		reply_errno(r, result);
	else
		ipc_reply(r, NULL);
}
