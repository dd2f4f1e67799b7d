/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tap is the cable of a VM's network adapter: it exists while a worker holds its descriptor. Which switch it leads to can
 * change meanwhile. An access VLAN is the bridge's business; the guest never sees a tag.
 */
#include "network.h"

#include "netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MTU		9000u		/* the largest a guest may choose */
#define DEFAULT_VLAN	1u		/* of a port nobody said anything about */
#define ADDRESSES_NONE	1u		/* IN6_ADDR_GEN_MODE_NONE */

static void tap_name(char name[IFNAMSIZ], const char *id)
{
	snprintf(name, IFNAMSIZ, "tap%.8s%.2s", id, id + 9);
}

static int tap_create(const char *name)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), r;
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	if (fd < 0)
		return -errno;
	memcpy(request.ifr_name, name, strlen(name) + 1);
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* The root itself has no address on it, not even a link-local one. */
static int tap_set_up(int index)
{
	struct netlink_message m;
	struct rtattr *families, *inet6;
	int r;

	netlink_link(&m, RTM_SETLINK, 0, AF_UNSPEC, index);
	families = netlink_nest(&m, IFLA_AF_SPEC);
	inet6 = netlink_nest(&m, AF_INET6);
	netlink_put_u8(&m, IFLA_INET6_ADDR_GEN_MODE, ADDRESSES_NONE);
	netlink_nest_end(&m, inet6);
	netlink_nest_end(&m, families);
	r = netlink_send(&m);
	if (r < 0 && r != -EAFNOSUPPORT && r != -EOPNOTSUPP)
		return r;
	netlink_link(&m, RTM_SETLINK, 0, AF_UNSPEC, index);
	netlink_put_u32(&m, IFLA_MTU, MTU);
	return netlink_send(&m);
}

/* Leaving and joining in one message each; a port that joins anew starts in the default VLAN. */
static int tap_set_master(int index, int bridge)
{
	struct netlink_message m;
	struct ifinfomsg *info = netlink_link(&m, RTM_SETLINK, 0, AF_UNSPEC, index);

	info->ifi_change = IFF_UP;
	info->ifi_flags = bridge ? IFF_UP : 0;
	netlink_put_u32(&m, IFLA_MASTER, (uint32_t)bridge);
	return netlink_send(&m);
}

static int vlan_change(int index, uint16_t request, uint16_t vid, uint16_t flags)
{
	struct bridge_vlan_info vlan = { .flags = flags, .vid = vid };
	struct netlink_message m;
	struct rtattr *spec;

	netlink_link(&m, request, 0, AF_BRIDGE, index);
	spec = netlink_nest(&m, IFLA_AF_SPEC);
	netlink_put(&m, IFLA_BRIDGE_VLAN_INFO, &vlan, sizeof(vlan));
	netlink_nest_end(&m, spec);
	return netlink_send(&m);
}

static int set_access_vlan(int index, unsigned int vlan)
{
	int r = vlan_change(index, RTM_DELLINK, DEFAULT_VLAN, 0);

	return r < 0 ? r : vlan_change(index, RTM_SETLINK, (uint16_t)vlan, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
}

static int connect_link(int index, const struct tap_request *q)
{
	int bridge = q->switch_id ? switch_find(q->switch_id) : 0;
	int r = bridge < 0 ? bridge : tap_set_master(index, 0);

	if (r < 0 || bridge == 0)
		return r;
	r = tap_set_master(index, bridge);
	return r == 0 && q->vlan && q->vlan != DEFAULT_VLAN ? set_access_vlan(index, q->vlan) : r;
}

int tap_connect(const struct tap_request *q)
{
	char name[IFNAMSIZ];
	struct link tap;
	int r;

	tap_name(name, q->adapter_id);
	r = netlink_find(name, &tap);
	return r < 0 ? r : connect_link(tap.index, q);
}

int tap_open(const struct tap_request *q)
{
	char name[IFNAMSIZ];
	struct link tap;
	int fd, r;

	tap_name(name, q->adapter_id);
	fd = tap_create(name);
	if (fd < 0)
		return fd;
	r = netlink_find(name, &tap);
	if (r == 0)
		r = tap_set_up(tap.index);
	if (r == 0)
		r = connect_link(tap.index, q);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
