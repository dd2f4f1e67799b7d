/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays vmms and vmpriv for the network of one worker, in tests, with vmpriv's own code for bridges and taps:
 *	net-attach switch ID private|internal|nat
 *	net-attach attach SOCKET ADAPTER-ID MAC SWITCH-ID [VLAN]	waits until the worker is configured; before or after Start
 *	net-attach link SOCKET ADAPTER-ID MAC up|down
 *	net-attach detach SOCKET ADAPTER-ID
 */
#include "partita/ipc.h"
#include "vmpriv/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALL_MS	60000
#define TRIES	600		/* of 100 ms */

static int call(const char *socket, const char *method, json_t *parameters, int fd)
{
	struct ipc_client *client = NULL;
	struct ipc_message reply = { 0 };
	int r = ipc_connect(socket, &client);

	if (r == 0)
		r = ipc_call(client, method, parameters, &fd, fd >= 0, CALL_MS, &reply);
	else
		json_decref(parameters);
	if (r == -EREMOTE && reply.body)
		json_dumpf(reply.body, stdout, JSON_COMPACT);
	ipc_message_clear(&reply);
	ipc_disconnect(client);
	return r;
}

static int attach(char **arg, const char *vlan)
{
	struct tap_request q = { .adapter_id = arg[1], .switch_id = arg[3], .vlan = vlan ? (unsigned int)atoi(vlan) : 0 };
	int fd = tap_open(&q), r = fd;

	for (unsigned int i = 0; fd >= 0 && i < TRIES; i++) {
		r = call(arg[0], "vmwp.AttachNetworkAdapter",
			 json_pack("{s:s, s:s, s:s, s:b, s:i}", "id", arg[1], "name", "Network Adapter", "macAddress", arg[2], "linkUp", 1, "fd", 0), fd);
		if (r == 0)
			break;
		usleep(100000);
	}
	return r;
}

static int set_switch(const char *id, const char *word)
{
	for (unsigned int type = 0; switch_type_words[type]; type++)
		if (strcmp(switch_type_words[type], word) == 0)
			return switch_set(id, type, NULL);
	return -EINVAL;
}

static int run(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "switch") == 0 && argc == 4)
		return set_switch(argv[2], argv[3]);
	if (strcmp(what, "attach") == 0 && (argc == 6 || argc == 7))
		return attach(argv + 2, argv[6]);
	if (strcmp(what, "link") == 0 && argc == 6)
		return call(argv[2], "vmwp.UpdateNetworkAdapter",
			    json_pack("{s:s, s:s, s:b}", "id", argv[3], "macAddress", argv[4], "linkUp", strcmp(argv[5], "up") == 0), -1);
	if (strcmp(what, "detach") == 0 && argc == 4)
		return call(argv[2], "vmwp.DetachNetworkAdapter", json_pack("{s:s}", "id", argv[3]), -1);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	int r = run(argc, argv);

	printf("net-attach: %s: %s\n", argc > 1 ? argv[1] : "", r < 0 ? strerror(-r) : "done");
	return r < 0;
}
