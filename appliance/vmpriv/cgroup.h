/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control group per child, below the one systemd delegated to vmpriv (Delegate=yes, DelegateSubgroup=main). Where it is
 * not delegated (parent < 0) every call does nothing and says so by -1.
 */
#ifndef VMPRIV_CGROUP_H
#define VMPRIV_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

int cgroup_open_parent(void);				/* descriptor of the delegated directory, or -1 */
int cgroup_create(int parent, const char *name);	/* descriptor, or -1 */
void cgroup_remove(int parent, const char *name);	/* must be empty by then */
/* cpu.weight, and cpu.max per 100 ms; no quota is no limit. 0 or negative errno. */
int cgroup_set_cpu(int parent, const char *name, unsigned int weight, uint64_t quota_usec);
int cgroup_set_cpus(int parent, const char *name, const char *cpus);	/* a list as in cpuset(7); "" all. 0 or negative errno */
#define CGROUP_NO_LIMIT	UINT64_MAX
int cgroup_set_bytes(int parent, const char *name, const char *file, uint64_t bytes);	/* 0 or negative errno */
#define CGROUP_NODES	8u			/* of NUMA; more are not told apart */
struct cgroup_memory {
	uint64_t shared_bytes, large_page_bytes, private_bytes, kernel_bytes;	/* large pages: of the shared */
	uint64_t node_bytes[CGROUP_NODES];		/* the shared, by node */
	unsigned int nodes;
};
int cgroup_read_memory(int parent, const char *name, struct cgroup_memory *out);	/* 0 or negative errno */
bool cgroup_ran_out_of_memory(int parent, const char *name);

#endif
