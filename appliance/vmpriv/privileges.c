/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities vmpriv keeps, each with its reason, and no way to gain another. */
#include "vmpriv.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct { int capability; const char *why; } kept[] = {
	{ CAP_SETUID, "children run as users of their own" },
	{ CAP_SETGID, "and groups" },
	{ CAP_SETPCAP, "and with an empty bounding set" },
	{ CAP_SYS_ADMIN, "namespaces and mounts of the children's empty root; swap files" },
	{ CAP_SYS_RESOURCE, "the children's limits" },
	{ CAP_KILL, "ending a worker" },
	{ CAP_CHOWN, "a worker's socket belongs to vmms" },
	{ CAP_NET_ADMIN, "bridges and taps" },
};

int privileges_narrow(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	uint64_t mask = 0;

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		mask |= 1ull << kept[i].capability;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(mask >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	for (int i = 0; i < 2; i++) {
		data[i].inheritable = 0;
		data[i].effective = data[i].permitted &=
		    (uint32_t)(mask >> (32 * i)); /* what a container took stays away */
	}
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}
