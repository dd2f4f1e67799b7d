/* SPDX-License-Identifier: Apache-2.0 */
/* The network adapters of a VM as clients choose them. Pure: no other VMs, no switches; network.c plugs them in. */
#ifndef VMMS_ADAPTERS_H
#define VMMS_ADAPTERS_H

#include "partita/guid.h"
#include "partita/problem.h"

#define VM_ADAPTERS_MAX		8u
#define ADAPTER_NAME_CHARS	64
#define MAC_TEXT_SIZE		18
#define VLAN_ID_MAX		4094

struct adapter {
	char id[GUID_TEXT_SIZE];	/* also the VMBus instance: a guest's settings stick to it */
	char name[4 * ADAPTER_NAME_CHARS + 1];
	char switch_id[GUID_TEXT_SIZE];	/* "" connected to nothing */
	char mac[MAC_TEXT_SIZE];	/* lower case, colons; "" until network_give_addresses() chose one */
	uint64_t vlan;			/* 0 none */
	bool mac_spoofing;
};

struct adapters {
	struct adapter items[VM_ADAPTERS_MAX];
	unsigned int count;
};

/* A random address of 00:15:5d (the prefix that Hyper-V guests have) that `taken` does not know. 0 or -EIO. */
int mac_choose(char mac[MAC_TEXT_SIZE], bool (*taken)(const char *mac, void *data), void *data);
/* `own_file`: has its id and its address already. 0, or -EINVAL and *p. */
int adapter_parse(const json_t *body, const char *path, bool own_file, struct adapter *a, struct problem *p);
int adapters_parse(const json_t *list, bool own_file, struct adapters *out, struct problem *p);	/* NULL: none */
json_t *adapter_to_json(const struct adapter *a);
json_t *adapters_to_json(const struct adapters *a);
/* RFC 7396 on one of them: everything but its id. */
int adapter_patch(const struct adapter *old, const json_t *patch, struct adapter *out, struct problem *p);
struct adapter *adapters_find(struct adapters *a, const char *id);
void adapters_remove(struct adapters *a, struct adapter *which);

#endif
