/* SPDX-License-Identifier: Apache-2.0 */
/* vmwp.AttachNetworkAdapter, UpdateNetworkAdapter, DetachNetworkAdapter: before Start or while the guest runs. */
#include "vmwp/control/control.h"

#include "vmwp/vsp/net.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool take_mac(const char *text, uint8_t mac[6])
{
	unsigned int b[6];
	int end = 0;

	if (!text || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) != 6 || text[end])
		return false;
	for (unsigned int i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return !(mac[0] & 1);
}

static int config_parse(const json_t *parameters, struct net_config *c, struct problem *p)
{
	const char *id = json_string_value(json_object_get(parameters, "id"));
	const char *name = json_string_value(json_object_get(parameters, "name"));

	*c = (struct net_config){ .link_up = json_is_true(json_object_get(parameters, "linkUp")),
				  .mac_spoofing = json_is_true(json_object_get(parameters, "macSpoofing")) };
	if (strlen(id) >= sizeof(c->id))
		return problem_set(p, PROBLEM_BAD_PARAMETERS, "id", "id is no UUID.");
	strcpy(c->id, id);
	snprintf(c->name, sizeof(c->name), "%s", name ? name : "");
	if (!take_mac(json_string_value(json_object_get(parameters, "macAddress")), c->mac))
		return problem_set(p, PROBLEM_BAD_PARAMETERS, "macAddress", "macAddress is no address of one adapter.");
	return 0;
}

int network_adapter_attach(struct machine *m, const json_t *parameters, struct ipc_message *message, struct problem *p)
{
	struct net_config config;
	int tap, r = config_parse(parameters, &config, p);

	if (r < 0)
		return r;
	tap = ipc_message_take_fd(message, 0);
	if (tap < 0)
		return problem_set(p, PROBLEM_BAD_PARAMETERS, "fd", "A tap is needed.");
	machine_lock(m);
	r = net_attach(m, &config, tap);
	machine_unlock(m);
	if (r < 0)
		close(tap);
	return r < 0 ? problem_from_errno(p, r, "Attaching the network adapter") : 0;
}

int network_adapter_update(struct machine *m, const json_t *parameters, struct problem *p)
{
	struct net_config config;
	int r = config_parse(parameters, &config, p);

	if (r < 0)
		return r;
	machine_lock(m);
	r = net_update(m, &config);
	machine_unlock(m);
	return r < 0 ? problem_from_errno(p, r, "Changing the network adapter") : 0;
}

int network_adapter_detach(struct machine *m, const json_t *parameters, struct problem *p)
{
	int r;

	machine_lock(m);
	r = net_detach(m, json_string_value(json_object_get(parameters, "id")));
	machine_unlock(m);
	return r < 0 ? problem_from_errno(p, r, "Detaching the network adapter") : 0;
}
