/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's side of starting a worker, a console or an import. After fork the steps of `steps` run in order; the first that fails is
 * reported over a pipe and the child ends. What the program then sees: /lib, /lib64, /usr/lib (read-only) and itself
 * under the name of its first argument; descriptors 0 to 2 and those it was given; a network namespace without interfaces; no capability, none to gain.
 */
#include "spawn.h"

#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct failure { int error; unsigned int step; };

static int fail_if(bool failed)
{
	return failed ? -errno : 0;
}

static int join_cgroup(const struct spawn *s)
{
	int fd, r;

	if (s->cgroup_dir < 0)
		return 0;
	fd = openat(s->cgroup_dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fail_if(write(fd, "0", 1) != 1);
	close(fd);
	return r;
}

/* Where vmpriv itself may not raise a limit (in a container), the child gets the most there is. */
static int set_limit(int resource, rlim_t value)
{
	struct rlimit have, want = { value, value };

	if (getrlimit(resource, &have) < 0)
		return -errno;
	if (setrlimit(resource, &want) == 0)
		return 0;
	if (errno != EPERM || value <= have.rlim_max)
		return -errno;
	want.rlim_cur = want.rlim_max = have.rlim_max;
	return fail_if(setrlimit(resource, &want) < 0);
}

static int set_limits(const struct spawn *s)
{
	const struct { int resource; rlim_t value; } limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NPROC, s->processes },
		{ RLIMIT_NOFILE, s->files },
		{ RLIMIT_MEMLOCK, s->memory_lock_bytes },
		{ RLIMIT_FSIZE, s->file_bytes ? s->file_bytes : RLIM_INFINITY },
		{ RLIMIT_AS, s->address_bytes ? s->address_bytes : RLIM_INFINITY },
		{ RLIMIT_CPU, s->cpu_seconds ? s->cpu_seconds : RLIM_INFINITY },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(limits) / sizeof(*limits); i++)
		r = set_limit(limits[i].resource, limits[i].value);
	return r;
}

/* When memory runs out a guest goes before the services that manage it. Raising one's own score needs no privilege. */
static int be_first_to_go(const struct spawn *s)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC), r;

	(void)s;
	if (fd < 0)
		return -errno;
	r = fail_if(write(fd, "200", 3) != 3);
	close(fd);
	return r;
}

/* The kernel's Documentation/admin-guide/hw-vuln/core-scheduling.rst. The cookie goes to all threads that come of it. */
int spawn_can_own_cores(void)
{
	uint64_t cookie;

	return fail_if(prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, PR_SCHED_CORE_SCOPE_THREAD, &cookie) < 0);
}

static int own_cores(const struct spawn *s)
{
	return s->own_cores ? fail_if(prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, PR_SCHED_CORE_SCOPE_THREAD, 0) < 0) : 0;
}

static int leave_namespaces(const struct spawn *s)
{
	(void)s;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return -errno;
	return fail_if(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) <
	               0); /* nothing below may reach the host's view */
}

/* Shows `source` read-only at `target` (relative to the current directory), without devices or set-user-id programs. */
static int bind_read_only(const char *source, const char *target)
{
	const unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV;

	if (mount(source, target, NULL, MS_BIND, NULL) < 0)
		return -errno;
	return fail_if(mount(NULL, target, NULL, flags, NULL) < 0);
}

static int show_libraries(void)
{
	if (mkdir("usr", 0755) < 0 || mkdir("usr/lib", 0755) < 0 || mkdir("usr/lib64", 0755) < 0 ||
	    symlink("usr/lib", "lib") < 0 || symlink("usr/lib64", "lib64") < 0)
		return -errno;
	if (bind_read_only("/usr/lib", "usr/lib") < 0)
		return -errno;
	return access("/usr/lib64", F_OK) == 0 ? bind_read_only("/usr/lib64", "usr/lib64") : 0;
}

static int enter_empty_root(const struct spawn *s)
{
	int program;

	if (mount("tmpfs", s->root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64k,nr_inodes=16") < 0 ||
	    chdir(s->root) < 0)
		return -errno;
	program = open(s->arguments[0], O_CREAT | O_WRONLY | O_CLOEXEC, 0555);
	if (program < 0)
		return -errno;
	close(program);
	return 0;
}

/* proc(5): with subset=pid there is nothing of the kernel in it, with hidepid=2 no process of another user. */
static int show_itself(void)
{
	if (mkdir("proc", 0555) < 0)
		return -errno;
	return fail_if(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2,subset=pid") < 0);
}

static int build_root(const struct spawn *s)
{
	int r = enter_empty_root(s);

	if (r == 0)
		r = show_libraries();
	if (r == 0)
		r = bind_read_only(s->program, s->arguments[0]);
	if (r == 0 && s->sees_itself)
		r = show_itself();
	return r;
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends up over the new one and is detached from there. */
static int change_root(const struct spawn *s)
{
	(void)s;
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return fail_if(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) <
	               0);
}

/* First above everything that is in use, then down to 3, so that no source is overwritten before it was copied. */
static int place_descriptors(const struct spawn *s)
{
	int high[SPAWN_FDS_MAX], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return -errno;
	if (s->output && (dup2(s->output, STDOUT_FILENO) < 0 || dup2(s->output, STDERR_FILENO) < 0))
		return -errno;
	for (unsigned int i = 0; i < s->fd_count; i++) {
		high[i] = fcntl(s->fds[i], F_DUPFD_CLOEXEC, 100);
		if (high[i] < 0)
			return -errno;
	}
	for (unsigned int i = 0; i < s->fd_count; i++)
		if (dup2(high[i], 3 + (int)i) < 0)
			return -errno;
	return 0;
}

static int become_user(const struct spawn *s)
{
	if (setgroups(0, NULL) < 0 || setresgid(s->uid, s->uid, s->uid) < 0)
		return -errno;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	return fail_if(setresuid(s->uid, s->uid, s->uid) < 0);
}

static int give_up_privileges(const struct spawn *s)
{
	(void)s;
	return fail_if(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0);
}

static int clear_signals(const struct spawn *s)
{
	sigset_t none;

	(void)s;
	sigemptyset(&none);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);			/* fails for the two that have no other */
	return fail_if(sigprocmask(SIG_SETMASK, &none, NULL) < 0);
}

static const struct { const char *name; int (*run)(const struct spawn *s); } steps[] = {
	{ "join control group", join_cgroup },
	{ "place descriptors", place_descriptors },
	{ "set limits", set_limits },
	{ "set memory score", be_first_to_go },
	{ "own cores", own_cores },
	{ "leave namespaces", leave_namespaces },
	{ "build root", build_root },
	{ "change root", change_root },
	{ "become user", become_user },
	{ "give up privileges", give_up_privileges },
	{ "clear signals", clear_signals },
	{ "execute", NULL },
};
#define STEPS (sizeof(steps) / sizeof(*steps))

static _Noreturn void child(const struct spawn *s, int report)
{
	static char *const environment[] = { "PATH=/", "LC_ALL=C.UTF-8", NULL };
	struct failure f = { 0 };
	int out = fcntl(report, F_DUPFD_CLOEXEC, 64);	/* out of the way of descriptors 3 and 4 */
	char path[32];

	for (f.step = 0; out >= 0 && f.error == 0 && f.step < STEPS - 1; f.step++)
		f.error = steps[f.step].run(s);
	if (out >= 0 && f.error == 0) {
		close_range(3 + s->fd_count, ~0u, CLOSE_RANGE_CLOEXEC);
		snprintf(path, sizeof(path), "/%s", s->arguments[0]);
		execve(path, (char *const *)s->arguments, environment);
		f.error = -errno;
	} else {
		f.step--;
	}
	if (write(out, &f, sizeof(f)) < 0)
		_exit(126);
	_exit(127);
}

int spawn_child(const struct spawn *s, pid_t *pid)
{
	struct failure f = { 0 };
	int report[2];
	ssize_t n;
	pid_t p;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	p = fork();
	if (p == 0)
		child(s, report[1]);
	close(report[1]);
	if (p < 0) {
		close(report[0]);
		return -errno;
	}
	do
		n = read(report[0], &f, sizeof(f));
	while (n < 0 && errno == EINTR);
	close(report[0]);
	if (n == 0) {				/* closed by exec */
		*pid = p;
		return 0;
	}
	waitpid(p, NULL, 0);
	log_error("starting %s failed at step \"%s\": %s", s->program,
	          f.step < STEPS ? steps[f.step].name : "?", strerror(-f.error));
	return f.error < 0 ? f.error : -EIO;
}
