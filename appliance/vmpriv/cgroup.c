/* SPDX-License-Identifier: Apache-2.0 */
/* See cgroup.h; the interface is the kernel's Documentation/admin-guide/cgroup-v2.rst. */
#include "cgroup.h"

#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN_LEAF	"/main"
#define WEIGHT_MAX	"10000"

/* The directory above our own leaf: "0::/system.slice/vmpriv.service/main" without the leaf. */
static int find_parent(char *path, size_t size)
{
	char *text = NULL, *line, *end;
	size_t length;
	int fd, r = -ENOENT;

	/* procfs files have no size, so file_read() is no use here */
	fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	text = calloc(1, 4096);
	if (fd < 0 || !text || read(fd, text, 4095) < 0)
		goto out;
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line)
		goto out;
	line = strchr(line, '/');
	end = line ? strchr(line, '\n') : NULL;
	if (!end)
		goto out;
	*end = 0;
	length = strlen(line);
	if (length < sizeof(OWN_LEAF) || strcmp(line + length - strlen(OWN_LEAF), OWN_LEAF) != 0)
		goto out;
	line[length - strlen(OWN_LEAF)] = 0;
	r = snprintf(path, size, "/sys/fs/cgroup%s", line) < (int)size ? 0 : -ENAMETOOLONG;
out:
	free(text);
	if (fd >= 0)
		close(fd);
	return r;
}

static void write_value(int dir, const char *file, const char *value)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		log_warning("cgroup: %s to %s: %s", value, file, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* The weights of all VMs together are at most WEIGHT_MAX (vmms, processors.c): with the usual 100 busy VMs would starve us. */
static void keep_ourselves_alive(int parent)
{
	int leaf = openat(parent, &OWN_LEAF[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (leaf < 0)
		return;
	write_value(leaf, "cpu.weight", WEIGHT_MAX);
	write_value(leaf, "memory.swap.max", "0");
	close(leaf);
}

int cgroup_open_parent(void)
{
	char path[512];
	int fd;

	if (find_parent(path, sizeof(path)) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	write_value(fd, "cgroup.subtree_control", "+cpu +memory +pids");
	write_value(fd, "cgroup.subtree_control", "+cpuset");	/* by itself: the others do not need it */
	keep_ourselves_alive(fd);
	return fd;
}

int cgroup_create(int parent, const char *name)
{
	int fd;

	if (parent < 0)
		return -1;
	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST) {
		log_warning("cgroup %s: %s", name, strerror(errno));
		return -1;
	}
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		write_value(fd, "memory.oom.group", "1");
		write_value(fd, "memory.swap.max", "0");	/* paging.c lets a VM that boots */
		write_value(fd, "cpu.weight", WEIGHT_MAX);	/* until vmms says which: a start is short */
	}
	return fd;
}

void cgroup_remove(int parent, const char *name)
{
	if (parent >= 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		log_warning("cgroup %s stays: %s", name, strerror(errno));
}

static int set_value(int parent, const char *name, const char *file, const char *value)
{
	char path[128];
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s", name, file);
	fd = openat(parent, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int cgroup_set_cpu(int parent, const char *name, unsigned int weight, uint64_t quota_usec)
{
	char text[32];
	int r;

	if (parent < 0)
		return -EOPNOTSUPP;
	snprintf(text, sizeof(text), "%u", weight);
	r = set_value(parent, name, "cpu.weight", text);
	if (r < 0)
		return r;
	if (quota_usec > 0)
		snprintf(text, sizeof(text), "%" PRIu64 " 100000", quota_usec);
	else
		snprintf(text, sizeof(text), "max 100000");
	return set_value(parent, name, "cpu.max", text);
}

int cgroup_set_cpus(int parent, const char *name, const char *cpus)
{
	return parent < 0 ? -EOPNOTSUPP : set_value(parent, name, "cpuset.cpus", cpus);
}

int cgroup_set_bytes(int parent, const char *name, const char *file, uint64_t bytes)
{
	char text[32];

	if (parent < 0)
		return -EOPNOTSUPP;
	snprintf(text, sizeof(text), bytes == CGROUP_NO_LIMIT ? "max" : "%" PRIu64, bytes);
	return set_value(parent, name, file, text);
}

/* A line "key number" of a flat keyed file; 0 when there is none. */
static uint64_t keyed(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return strtoull(line + length, NULL, 10);
	return 0;
}

static int read_text(int parent, const char *name, const char *file, char *text, size_t size)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", name, file);
	fd = openat(parent, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	text[n > 0 ? n : 0] = 0;
	close(fd);
	return n < 0 ? -EIO : 0;
}

/* The line "shmem N0=bytes N1=bytes …" of memory.numa_stat. */
static void read_nodes(const char *text, struct cgroup_memory *out)
{
	const char *at = strncmp(text, "shmem ", 6) == 0 ? text : strstr(text, "\nshmem ");
	unsigned int node;
	int used;

	for (at = at ? strchr(at, ' ') : NULL; at && sscanf(at, " N%u=%n", &node, &used) == 1 && node < CGROUP_NODES; at = strpbrk(at + 1, " \n")) {
		out->node_bytes[node] = strtoull(at + used, NULL, 10);
		out->nodes = node + 1 > out->nodes ? node + 1 : out->nodes;
	}
}

int cgroup_read_memory(int parent, const char *name, struct cgroup_memory *out)
{
	char text[8192];
	int r;

	*out = (struct cgroup_memory){ 0 };
	if (parent < 0)
		return -EOPNOTSUPP;
	r = read_text(parent, name, "memory.stat", text, sizeof(text));
	if (r < 0)
		return r;
	out->shared_bytes = keyed(text, "shmem");
	out->large_page_bytes = keyed(text, "shmem_thp");
	out->private_bytes = keyed(text, "anon");
	out->kernel_bytes = keyed(text, "kernel");
	if (read_text(parent, name, "memory.numa_stat", text, sizeof(text)) == 0)
		read_nodes(text, out);		/* there is none on a kernel without NUMA */
	return 0;
}

bool cgroup_ran_out_of_memory(int parent, const char *name)
{
	char path[128], text[512] = { 0 }, *at;
	bool killed = false;
	int fd;

	if (parent < 0)
		return false;
	snprintf(path, sizeof(path), "%s/memory.events", name);
	fd = openat(parent, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) > 0) {
		at = strstr(text, "oom_kill ");
		killed = at && strtoull(at + strlen("oom_kill "), NULL, 10) > 0;
	}
	close(fd);
	return killed;
}
