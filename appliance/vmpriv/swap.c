/* SPDX-License-Identifier: Apache-2.0 */
/* See paging.h; swapon(2). By /proc/self/fd the file is opened where its owner has it mounted: our own view of it is read-only. */
#include "paging.h"

#include "cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <sys/swap.h>

static void path_of(int fd, char path[32])
{
	snprintf(path, 32, "/proc/self/fd/%d", fd);
}

int swap_use(int fd)
{
	char path[32];

	path_of(fd, path);
	return swapon(path, 0) < 0 ? -errno : 0;
}

int swap_leave(int fd)
{
	char path[32];

	path_of(fd, path);
	return swapoff(path) < 0 && errno != EINVAL ? -errno : 0;
}

/* A limit that slows down instead of one that kills: what is over it goes to the file, and nothing but the guest's memory can. */
int paging_limit(int parent, const char *group, uint64_t resident_bytes, uint64_t paged_bytes)
{
	int r = cgroup_set_bytes(parent, group, "memory.swap.max", paged_bytes);

	return r < 0 ? r : cgroup_set_bytes(parent, group, "memory.high", resident_bytes ? resident_bytes : CGROUP_NO_LIMIT);
}
