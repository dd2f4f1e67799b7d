/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic network adapters of a VM: a tap descriptor on one side, NVSP and RNDIS over VMBus on the other. Called by the
 * control socket's methods and by the machine; event loop's thread, machine lock held.
 */
#ifndef VMWP_VSP_NET_H
#define VMWP_VSP_NET_H

#include "vmwp/vmbus/vmbus.h"

#define NET_ADAPTERS_MAX	8u

struct net_config {
	char id[37];			/* UUID: the instance the guest sees */
	char name[64];			/* UTF-8, told to the guest as the interface's alias */
	uint8_t mac[6];
	bool link_up;			/* connected to a switch */
	bool mac_spoofing;		/* the guest may send from, and change to, other addresses */
};

/* Offers the adapter. Takes the tap (IFF_TAP, IFF_NO_PI, IFF_VNET_HDR) on success. -EEXIST, -ENOSPC, or what failed. */
int net_attach(struct machine *m, const struct net_config *config, int tap);
int net_update(struct machine *m, const struct net_config *config);	/* link and policy; -ENOENT, -EINVAL: another address */
int net_detach(struct machine *m, const char *id);			/* -ENOENT */
void net_detach_all(struct machine *m);					/* the machine goes away; VMBus still exists */

/* Frames and bytes so far, as the guest sees directions. */
struct net_counters { uint64_t sent, sent_bytes, received, received_bytes, send_errors, receive_drops; };
int net_counters_get(struct machine *m, const char *id, struct net_counters *out);	/* 0 or -ENOENT */
void net_counters_sum(struct machine *m, struct net_counters *out);	/* frames and bytes of all adapters that are there */

#endif
