/* SPDX-License-Identifier: Apache-2.0 */
/* See netlink.h. */
#include "netlink.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ifinfomsg *netlink_link(struct netlink_message *m, uint16_t type, uint16_t flags, uint8_t family, int index)
{
	struct ifinfomsg *info = NLMSG_DATA(&m->header);

	memset(m, 0, sizeof(*m));
	m->header.nlmsg_len = NLMSG_LENGTH(sizeof(*info));
	m->header.nlmsg_type = type;
	m->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	info->ifi_family = family;
	info->ifi_index = index;
	return info;
}

void netlink_put(struct netlink_message *m, uint16_t type, const void *data, size_t size)
{
	size_t at = NLMSG_ALIGN(m->header.nlmsg_len);
	struct rtattr *a = (void *)(m->bytes + at);

	if (at + RTA_SPACE(size) > sizeof(m->bytes)) {
		m->full = true;
		return;
	}
	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(size);
	if (size > 0)
		memcpy(RTA_DATA(a), data, size);
	m->header.nlmsg_len = (uint32_t)(at + RTA_SPACE(size));
}

void netlink_put_u8(struct netlink_message *m, uint16_t type, uint8_t value)
{
	netlink_put(m, type, &value, sizeof(value));
}

void netlink_put_u32(struct netlink_message *m, uint16_t type, uint32_t value)
{
	netlink_put(m, type, &value, sizeof(value));
}

void netlink_put_text(struct netlink_message *m, uint16_t type, const char *text)
{
	netlink_put(m, type, text, strlen(text) + 1);
}

struct rtattr *netlink_nest(struct netlink_message *m, uint16_t type)
{
	struct rtattr *nest = (void *)(m->bytes + NLMSG_ALIGN(m->header.nlmsg_len));

	netlink_put(m, type, NULL, 0);
	return nest;
}

void netlink_nest_end(struct netlink_message *m, struct rtattr *nest)
{
	if (!m->full)
		nest->rta_len = (unsigned short)(m->bytes + m->header.nlmsg_len - (uint8_t *)nest);
}

/* Sends and reads one answer into `reply`; its size or negative errno. */
static ssize_t exchange(const struct netlink_message *m, void *reply, size_t size)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	n = sendto(fd, m->bytes, m->header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	if (n >= 0)
		n = recv(fd, reply, size, 0);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

static int error_of(const struct nlmsghdr *h, ssize_t n)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);

	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*e)) || h->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return e->error;
}

int netlink_send(struct netlink_message *m)
{
	union { struct nlmsghdr header; uint8_t bytes[4096]; } reply;
	ssize_t n;

	if (m->full)
		return -EMSGSIZE;
	n = exchange(m, &reply, sizeof(reply));
	return n < 0 ? (int)n : error_of(&reply.header, n);
}

static void take_kind(const struct rtattr *info, struct link *out)
{
	int left = (int)RTA_PAYLOAD(info);

	for (const struct rtattr *a = RTA_DATA(info); RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == IFLA_INFO_KIND)
			out->is_bridge = RTA_PAYLOAD(a) >= 7 && memcmp(RTA_DATA(a), "bridge", 7) == 0;
}

static void take_attribute(const struct rtattr *a, struct link *out)
{
	size_t size = RTA_PAYLOAD(a);

	if (a->rta_type == IFLA_MASTER && size == sizeof(out->master))
		memcpy(&out->master, RTA_DATA(a), size);
	else if (a->rta_type == IFLA_MTU && size == sizeof(out->mtu))
		memcpy(&out->mtu, RTA_DATA(a), size);
	else if (a->rta_type == IFLA_ADDRESS && size == sizeof(out->address))
		memcpy(out->address, RTA_DATA(a), size);
	else if (a->rta_type == IFLA_IFALIAS && size > 0 && size < sizeof(out->alias))
		memcpy(out->alias, RTA_DATA(a), size);
	else if (a->rta_type == IFLA_LINKINFO)
		take_kind(a, out);
}

int netlink_find(const char *name, struct link *out)
{
	union { struct nlmsghdr header; uint8_t bytes[32768]; } reply;
	struct netlink_message m;
	const struct ifinfomsg *info = NLMSG_DATA(&reply.header);
	int left;
	ssize_t n;

	netlink_link(&m, RTM_GETLINK, 0, AF_UNSPEC, 0);
	m.header.nlmsg_flags = NLM_F_REQUEST;
	netlink_put_text(&m, IFLA_IFNAME, name);
	n = exchange(&m, &reply, sizeof(reply));
	if (n < 0)
		return (int)n;
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*info)) || reply.header.nlmsg_type != RTM_NEWLINK)
		return error_of(&reply.header, n);
	*out = (struct link){ .index = info->ifi_index };
	left = (int)(reply.header.nlmsg_len < (size_t)n ? reply.header.nlmsg_len : (size_t)n) - (int)NLMSG_LENGTH(sizeof(*info));
	for (const struct rtattr *a = (const void *)((const uint8_t *)info + NLMSG_ALIGN(sizeof(*info))); RTA_OK(a, left); a = RTA_NEXT(a, left))
		take_attribute(a, out);
	return 0;
}
