/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Switches as bridges and adapters as taps of the root partition's kernel. Everything is named after its UUID, so that a new
 * vmpriv or vmms finds what the one before made; asking twice for the same changes nothing.
 */
#ifndef VMPRIV_NETWORK_H
#define VMPRIV_NETWORK_H

#include <stdint.h>

#define VLAN_MAX	4094u

enum switch_type { SWITCH_PRIVATE, SWITCH_INTERNAL, SWITCH_NAT, SWITCH_EXTERNAL };
extern const char *const switch_type_words[];	/* ends with NULL */

/* bridge.c: 0 or negative errno. -EEXIST: the name is another's; -ENODEV: no such uplink; -EBUSY: the uplink is in use. */
int switch_set(const char *id, enum switch_type type, const char *uplink);	/* uplink: of SWITCH_EXTERNAL, else NULL */
int switch_remove(const char *id);						/* -ENODEV: there is none */
int switch_find(const char *id);						/* index of its bridge or negative errno */

/* uplink.c: whether the root's network configuration leaves the adapter to a switch; tells systemd-networkd. */
int uplink_check(const char *name);		/* 0, -EINVAL (no name), -ENODEV (no network adapter of this machine) */
int uplink_lend(const char *name);
void uplink_take_back(void);	/* every adapter that is in no bridge any more */

/* tap.c. vlan 0: none. switch_id NULL: connected to nothing. */
struct tap_request { const char *adapter_id, *switch_id; unsigned int vlan; };
int tap_open(const struct tap_request *q);	/* a descriptor; -EBUSY: a worker has it */
int tap_connect(const struct tap_request *q);	/* of a worker that has it; -ENODEV: nobody has */

#endif
