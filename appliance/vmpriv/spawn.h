/* SPDX-License-Identifier: Apache-2.0 */
/* Starting one sandboxed child: fork and exec, own user, an empty root with read-only libraries, no network. */
#ifndef VMPRIV_SPAWN_H
#define VMPRIV_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SPAWN_FDS_MAX	2

struct spawn {
	const char *program;
	const char *arguments[12];		/* NULL-terminated; the first, a plain name, is also the program's in the new root */
	int fds[SPAWN_FDS_MAX];			/* become 3, 4; still the caller's */
	unsigned int fd_count;
	uid_t uid;				/* also its gid */
	const char *root;			/* path of an empty directory, absolute */
	int cgroup_dir;				/* -1: none */
	uint64_t memory_lock_bytes;
	unsigned int processes, files;		/* RLIMIT_NPROC, RLIMIT_NOFILE */
	int output;				/* becomes 1 and 2; 0: they stay vmpriv's */
	bool sees_itself;			/* has /proc, with itself in it and no other process */
	uint64_t file_bytes, address_bytes, cpu_seconds;	/* RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_CPU; 0: none */
	bool own_cores;				/* its threads share no core with those of others; only where spawn_can_own_cores() says 0 */
};

/* 0; -ENODEV: no core has two threads, so there is nothing to share; other negative errno: the kernel cannot. */
int spawn_can_own_cores(void);

/* 0 and *pid once the program runs; else negative errno, logged with the step that failed, and no child is left. */
int spawn_child(const struct spawn *s, pid_t *pid);

#endif
