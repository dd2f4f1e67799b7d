/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink(7) requests: a message is put together, sent, and the kernel's answer awaited (it comes at once). */
#ifndef VMPRIV_NETLINK_H
#define VMPRIV_NETLINK_H

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_MESSAGE_MAX	2048u

struct netlink_message {
	union { struct nlmsghdr header; uint8_t bytes[NETLINK_MESSAGE_MAX]; };
	bool full;			/* something did not fit: sending fails */
};

/* A message about links: type RTM_*, flags NLM_F_*, family AF_UNSPEC or AF_BRIDGE, index 0: not known yet. */
struct ifinfomsg *netlink_link(struct netlink_message *m, uint16_t type, uint16_t flags, uint8_t family, int index);
void netlink_put(struct netlink_message *m, uint16_t type, const void *data, size_t size);
void netlink_put_u8(struct netlink_message *m, uint16_t type, uint8_t value);
void netlink_put_u32(struct netlink_message *m, uint16_t type, uint32_t value);
void netlink_put_text(struct netlink_message *m, uint16_t type, const char *text);
struct rtattr *netlink_nest(struct netlink_message *m, uint16_t type);
void netlink_nest_end(struct netlink_message *m, struct rtattr *nest);

int netlink_send(struct netlink_message *m);	/* 0 or negative errno, the kernel's or ours */

struct link {
	int index, master;		/* master 0: none */
	char alias[64];			/* "" none */
	uint8_t address[6];
	uint32_t mtu;
	bool is_bridge;
};
int netlink_find(const char *name, struct link *out);		/* 0, -ENODEV, … */

#endif
