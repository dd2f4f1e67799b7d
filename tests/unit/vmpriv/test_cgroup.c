/* SPDX-License-Identifier: Apache-2.0 */
/* What is written to and read from a VM's control group, with plain files in the place of the kernel's. */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int parent = -1;
static char folder[] = "/tmp/cgroup-XXXXXX";

static void put(const char *file, const char *text)
{
	int fd = openat(parent, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void expect(const char *file, const char *text)
{
	char have[256] = { 0 };
	int fd = openat(parent, file, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && read(fd, have, sizeof(have) - 1) >= 0);
	close(fd);
	assert_string_equal(have, text);
}

static int make_group(void **state)
{
	static const char *const files[] = { "vm-1/cpu.weight", "vm-1/cpu.max", "vm-1/cpuset.cpus" };

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(parent, "vm-1", 0700);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		put(files[i], "");
	return 0;
}

static int drop_group(void **state)
{
	char command[64];

	(void)state;
	close(parent);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void weight_quota_and_processors_reach_the_group(void **state)
{
	(void)state;
	assert_int_equal(cgroup_set_cpu(parent, "vm-1", 5000, 20000), 0);
	expect("vm-1/cpu.weight", "5000");
	expect("vm-1/cpu.max", "20000 100000");
	assert_int_equal(cgroup_set_cpus(parent, "vm-1", "0-3,8"), 0);
	expect("vm-1/cpuset.cpus", "0-3,8");
	assert_int_equal(cgroup_set_cpus(parent, "vm-2", "0"), -ENOENT);
	assert_int_equal(cgroup_set_cpus(-1, "vm-1", "0"), -EOPNOTSUPP);
}

static void memory_is_read_by_whole_keys(void **state)
{
	struct cgroup_memory m;

	(void)state;
	put("vm-1/memory.stat", "anon 4096\nfile 8192\nkernel 12288\nkernel_stack 1\nshmem 8388608\nshmem_thp 4194304\nanon_thp 7\n");
	assert_int_equal(cgroup_read_memory(parent, "vm-1", &m), 0);
	assert_int_equal(m.private_bytes, 4096);
	assert_int_equal(m.kernel_bytes, 12288);
	assert_int_equal(m.shared_bytes, 8388608);
	assert_int_equal(m.large_page_bytes, 4194304);
	put("vm-1/memory.stat", "shmem_thp 5\n");
	assert_int_equal(cgroup_read_memory(parent, "vm-1", &m), 0);
	assert_int_equal(m.shared_bytes, 0);
	assert_int_equal(cgroup_read_memory(parent, "vm-2", &m), -ENOENT);
}

static void memory_is_told_by_node(void **state)
{
	struct cgroup_memory m;

	(void)state;
	assert_int_equal(cgroup_read_memory(parent, "vm-1", &m), 0);
	assert_int_equal(m.nodes, 0);
	put("vm-1/memory.numa_stat", "anon N0=4096 N1=7\nshmem N0=2097152 N1=0 N3=8192\nshmem_thp N0=1\n");
	assert_int_equal(cgroup_read_memory(parent, "vm-1", &m), 0);
	assert_int_equal(m.nodes, 4);
	assert_int_equal(m.node_bytes[0], 2097152);
	assert_int_equal(m.node_bytes[1], 0);
	assert_int_equal(m.node_bytes[3], 8192);
	put("vm-1/memory.numa_stat", "shmem N0=5 N900=1\n");
	assert_int_equal(cgroup_read_memory(parent, "vm-1", &m), 0);
	assert_int_equal(m.nodes, 1);
}

static void limits_are_bytes_or_none(void **state)
{
	(void)state;
	put("vm-1/memory.high", "");
	assert_int_equal(cgroup_set_bytes(parent, "vm-1", "memory.high", 1ull << 40), 0);
	expect("vm-1/memory.high", "1099511627776");
	put("vm-1/memory.high", "");
	assert_int_equal(cgroup_set_bytes(parent, "vm-1", "memory.high", CGROUP_NO_LIMIT), 0);
	expect("vm-1/memory.high", "max");
	assert_int_equal(cgroup_set_bytes(-1, "vm-1", "memory.high", 1), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weight_quota_and_processors_reach_the_group),
		cmocka_unit_test(memory_is_read_by_whole_keys),
		cmocka_unit_test(memory_is_told_by_node),
		cmocka_unit_test(limits_are_bytes_or_none),
	};

	return cmocka_run_group_tests_name("control groups", tests, make_group, drop_group);
}
