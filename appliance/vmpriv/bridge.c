/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A switch is a bridge with VLAN filtering. Its name tells the firewall and systemd-networkd what kind it is (rootfs/overlay:
 * nftables.conf, systemd/network/): sw, a letter for the type, eight digits of its id. The whole id is its alias.
 */
#include "network.h"

#include "netlink.h"
#include "networkd.h"
#include "partita/guid.h"
#include "partita/log.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define MTU_GUESTS	9000u		/* between guests; towards the root and the world it is their own adapters' */
#define MTU_ROOT	1500u

const char *const switch_type_words[] = { "private", "internal", "nat", "external", NULL };
static const char letters[] = { [SWITCH_PRIVATE] = 'p', [SWITCH_INTERNAL] = 'i', [SWITCH_NAT] = 'n', [SWITCH_EXTERNAL] = 'e' };
#define TYPES	(sizeof(letters))

static void bridge_name(char name[IFNAMSIZ], const char *id, size_t type)
{
	snprintf(name, IFNAMSIZ, "sw%c-%.8s", letters[type], id);
}

static int bridge_find(const char *id, size_t type, struct link *out)
{
	char name[IFNAMSIZ];
	int r;

	bridge_name(name, id, type);
	r = netlink_find(name, out);
	if (r == 0 && (!out->is_bridge || strcmp(out->alias, id) != 0))
		r = -EEXIST;
	return r;
}

/* Stable, so that the root's own address and the guests' ARP entries survive a restart; locally administered. */
static void bridge_address(const char *id, uint8_t address[6])
{
	unsigned int b[4] = { 0 };

	sscanf(id, "%2x%2x%2x%2x", &b[0], &b[1], &b[2], &b[3]);
	address[0] = 0x02;
	address[1] = 0x50;		/* "P" */
	for (unsigned int i = 0; i < 4; i++)
		address[2 + i] = (uint8_t)b[i];
}

static int bridge_create(const char *id, size_t type, const uint8_t address[6])
{
	struct netlink_message m;
	struct rtattr *info, *data;
	char name[IFNAMSIZ];
	int r;

	bridge_name(name, id, type);
	netlink_link(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, AF_UNSPEC, 0);
	netlink_put_text(&m, IFLA_IFNAME, name);
	netlink_put(&m, IFLA_ADDRESS, address, 6);
	info = netlink_nest(&m, IFLA_LINKINFO);
	netlink_put_text(&m, IFLA_INFO_KIND, "bridge");
	data = netlink_nest(&m, IFLA_INFO_DATA);
	netlink_put_u8(&m, IFLA_BR_VLAN_FILTERING, 1);
	netlink_put_u32(&m, IFLA_BR_FORWARD_DELAY, 0);
	netlink_put_u32(&m, IFLA_BR_STP_STATE, 0);
	netlink_nest_end(&m, data);
	netlink_nest_end(&m, info);
	r = netlink_send(&m);
	if (r < 0)
		return r;
	netlink_link(&m, RTM_SETLINK, 0, AF_UNSPEC, 0);
	netlink_put_text(&m, IFLA_IFNAME, name);
	netlink_put_text(&m, IFLA_IFALIAS, id);
	return netlink_send(&m);
}

static int set_mtu(int index, uint32_t mtu)
{
	struct netlink_message m;

	netlink_link(&m, RTM_SETLINK, 0, AF_UNSPEC, index);
	netlink_put_u32(&m, IFLA_MTU, mtu);
	return netlink_send(&m);
}

/* Setting it makes it the root's own choice; otherwise it would follow the smallest port. */
static int keep_root_mtu(int index)
{
	int r = set_mtu(index, MTU_GUESTS);

	return r < 0 ? r : set_mtu(index, MTU_ROOT);
}

static int bring_up(int index)
{
	struct netlink_message m;
	struct ifinfomsg *info = netlink_link(&m, RTM_SETLINK, 0, AF_UNSPEC, index);

	info->ifi_flags = info->ifi_change = IFF_UP;
	return netlink_send(&m);
}

/* The bridge's own port leaves VLAN 1: the root neither hears nor is heard on a private switch. */
static int leave_guests_alone(int index)
{
	struct bridge_vlan_info vlan = { .vid = 1 };
	struct netlink_message m;
	struct rtattr *spec;

	netlink_link(&m, RTM_DELLINK, 0, AF_BRIDGE, index);
	spec = netlink_nest(&m, IFLA_AF_SPEC);
	netlink_put(&m, IFLA_BRIDGE_FLAGS, &(uint16_t){ BRIDGE_FLAGS_SELF }, sizeof(uint16_t));
	netlink_put(&m, IFLA_BRIDGE_VLAN_INFO, &vlan, sizeof(vlan));
	netlink_nest_end(&m, spec);
	return netlink_send(&m);
}

/* Tagged traffic of every VLAN passes the uplink; VLAN 1 is untagged there. */
static int allow_vlans(int index)
{
	struct bridge_vlan_info first = { .flags = BRIDGE_VLAN_INFO_RANGE_BEGIN, .vid = 2 };
	struct bridge_vlan_info last = { .flags = BRIDGE_VLAN_INFO_RANGE_END, .vid = VLAN_MAX };
	struct netlink_message m;
	struct rtattr *spec;

	netlink_link(&m, RTM_SETLINK, 0, AF_BRIDGE, index);
	spec = netlink_nest(&m, IFLA_AF_SPEC);
	netlink_put(&m, IFLA_BRIDGE_VLAN_INFO, &first, sizeof(first));
	netlink_put(&m, IFLA_BRIDGE_VLAN_INFO, &last, sizeof(last));
	netlink_nest_end(&m, spec);
	return netlink_send(&m);
}

static int set_master(int index, int master)
{
	struct netlink_message m;
	struct ifinfomsg *info = netlink_link(&m, RTM_SETLINK, 0, AF_UNSPEC, index);

	info->ifi_flags = info->ifi_change = IFF_UP;
	netlink_put_u32(&m, IFLA_MASTER, (uint32_t)master);
	return netlink_send(&m);
}

/* --- the root's own address --- */

/* A /24 of 172.16.0.0/12 by the switch's id, as Hyper-V's Default Switch has one; the root is .1 and gives out the others.
 * Leases are not kept: the server would wait for a storage service that the image does not have. */
static int give_addresses(const char *id, size_t type)
{
	static const char no_router[] = "\n[DHCPServer]\nEmitRouter=no\nEmitDNS=no\nEmitNTP=no\nEmitTimezone=no\nPersistLeases=no\n";
	static const char router[] = "IPv4Forwarding=yes\nIPMasquerade=ipv4\n\n[DHCPServer]\nEmitNTP=no\nEmitTimezone=no\nPersistLeases=no\n";
	char name[IFNAMSIZ], file[48], text[512];
	unsigned int b[2] = { 0 };

	bridge_name(name, id, type);
	sscanf(id, "%2x%2x", &b[0], &b[1]);
	snprintf(file, sizeof(file), "50-%s.network", name);
	snprintf(text, sizeof(text), "# %s switch %s (vmpriv).\n[Match]\nName=%s\n\n[Network]\nAddress=172.%u.%u.1/24\nDHCPServer=yes\n"
		 "IPv6AcceptRA=no\nConfigureWithoutCarrier=yes\nIgnoreCarrierLoss=yes\n%s",
		 switch_type_words[type], id, name, 16 + b[0] % 16, b[1], type == SWITCH_NAT ? router : no_router);
	return networkd_write(file, text);
}

static void forget_addresses(const char *id, size_t type)
{
	char name[IFNAMSIZ], file[48];

	bridge_name(name, id, type);
	snprintf(file, sizeof(file), "50-%s.network", name);
	networkd_remove(file);
}

/* --- switches --- */

static int switch_create(const char *id, enum switch_type type, const struct link *uplink)
{
	uint8_t address[6];
	struct link bridge;
	int r;

	if (type == SWITCH_INTERNAL || type == SWITCH_NAT) {
		r = give_addresses(id, type);
		if (r < 0)
			log_warning("switch %s: no address for the root: %s", id, strerror(-r));
		networkd_reload();
	}
	bridge_address(id, address);	/* with an uplink it is the uplink's, so that the root keeps its lease */
	r = bridge_create(id, type, uplink ? uplink->address : address);
	if (r == 0)
		r = bridge_find(id, type, &bridge);
	if (r == 0)
		r = keep_root_mtu(bridge.index);
	if (r == 0 && type == SWITCH_PRIVATE)
		r = leave_guests_alone(bridge.index);
	if (r == 0)
		r = bring_up(bridge.index);
	return r;
}

static int switch_join_uplink(const char *id, const char *name, const struct link *uplink)
{
	struct link bridge;
	int r = bridge_find(id, SWITCH_EXTERNAL, &bridge);

	if (r < 0 || uplink->master == bridge.index)
		return r;
	if (uplink->master != 0)
		return -EBUSY;
	r = uplink_lend(name);
	if (r == 0)
		r = set_master(uplink->index, bridge.index);
	return r == 0 ? allow_vlans(uplink->index) : r;
}

int switch_set(const char *id, enum switch_type type, const char *uplink)
{
	struct link bridge, nic;
	int r = uplink ? uplink_check(uplink) : 0;

	if (r == 0 && uplink)
		r = netlink_find(uplink, &nic);
	if (r < 0)
		return r;
	r = bridge_find(id, type, &bridge);
	if (r == -ENODEV) {
		(void)switch_remove(id);	/* it had another type */
		r = switch_create(id, type, uplink ? &nic : NULL);
		log_info("switch %s: %s", id, r < 0 ? strerror(-r) : switch_type_words[type]);
	}
	return r == 0 && uplink ? switch_join_uplink(id, uplink, &nic) : r;
}

int switch_remove(const char *id)
{
	struct netlink_message m;
	int r = -ENODEV;

	for (size_t type = 0; type < TYPES; type++) {
		struct link bridge;

		if (bridge_find(id, type, &bridge) < 0)
			continue;
		netlink_link(&m, RTM_DELLINK, 0, AF_UNSPEC, bridge.index);
		r = netlink_send(&m);
		if (r == 0 && type == SWITCH_EXTERNAL)
			uplink_take_back();
		forget_addresses(id, type);
	}
	return r;
}

int switch_find(const char *id)
{
	struct link bridge;

	for (size_t type = 0; type < TYPES; type++)
		if (bridge_find(id, type, &bridge) == 0)
			return bridge.index;
	return -ENODEV;
}
