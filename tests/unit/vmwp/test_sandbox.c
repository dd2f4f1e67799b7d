/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker that was taken over: each attempt runs in a process of its own behind the worker's own system call filter, with a disk
 * queue as the worker has, and tries to reach what belongs to others. Killed, or refused; what the worker needs goes on.
 */
#include "storage/disk.h"
#include "vmwp/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define QUEUE_ENTRIES	128u		/* of storage/queue.c */
#define KILLED		-1

static struct {
	char disk[64], socket[64];	/* of another VM */
	pid_t pid;			/* its worker */
} neighbour;
static struct disk *disk;		/* ours */
static struct disk_queue *queue;	/* ours, and what a ring of its kind looks like */
static struct io_uring_params params;

/* --- attempts: 0 when it worked, or errno --- */

static int result(long r) { return r < 0 ? errno : 0; }
static int open_disk(void) { return result(open(neighbour.disk, O_RDWR)); }
static int open_disk_newly(void) { return result(syscall(SYS_openat2, AT_FDCWD, neighbour.disk, NULL, 0)); }
static int make_ring(void) { return result(syscall(SYS_io_uring_setup, 8, &(struct io_uring_params){ 0 })); }
static int trace(void) { return result(ptrace(PTRACE_ATTACH, neighbour.pid, NULL, NULL)); }
static int take_descriptor(void) { return result(syscall(SYS_pidfd_open, neighbour.pid, 0)); }
static int end_it(void) { return result(kill(neighbour.pid, SIGKILL)); }
static int end_its_thread(void) { return result(syscall(SYS_tgkill, neighbour.pid, neighbour.pid, SIGKILL)); }
static int start_program(void) { return result(execl("/bin/true", "true", NULL)); }
static int mount_something(void) { return result(mount("none", "/tmp", "tmpfs", 0, NULL)); }

static int open_disk_by_ring(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	int r = io_uring_queue_mmap(disk_queue_fd(queue), &params, &ring);

	if (r < 0)
		return -r;
	ring.ring_fd = ring.enter_ring_fd = disk_queue_fd(queue);
	ring.sq.sqe_head = ring.sq.sqe_tail = *ring.sq.ktail;
	io_uring_prep_openat(io_uring_get_sqe(&ring), AT_FDCWD, neighbour.disk, O_RDWR, 0);
	r = io_uring_submit(&ring);
	if (r == 1)
		r = io_uring_wait_cqe(&ring, &cqe);
	return r < 0 ? -r : cqe->res < 0 ? -cqe->res : 0;
}

static int connect_to_control(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(to.sun_path, neighbour.socket, sizeof(neighbour.socket));
	return result(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int read_memory(void)
{
	char byte;
	struct iovec to = { &byte, 1 }, from = { &neighbour, 1 };

	return result(process_vm_readv(neighbour.pid, &to, 1, &from, 1, 0));
}

static int open_memory(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", neighbour.pid);
	return result(open(path, O_RDWR));
}

static void on_read(struct disk_request *r, int done)
{
	r->offset = done == 0;		/* tells that it came */
}

static bool reads_its_disk(void)
{
	static char sector[512];
	struct iovec iov = { sector, sizeof(sector) };
	struct disk_request r = { .op = DISK_READ, .iov = &iov, .iov_count = 1, .done = on_read };
	struct pollfd p = { .fd = disk_queue_fd(queue), .events = POLLIN };

	if (disk_submit(queue, disk, &r) < 0)
		return false;
	while (!r.offset && poll(&p, 1, 5000) > 0)
		disk_queue_reap(queue);
	return r.offset && sector[0] == 0x5a;
}

static int own_work(void)
{
	int pair[2];

	if (queue && !reads_its_disk())
		return EIO;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || write(pair[0], "x", 1) != 1 || memfd_create("own", 0) < 0)
		return errno;
	return result(syscall(SYS_tgkill, getpid(), gettid(), 0));
}

static const struct { const char *what; int (*attempt)(void); int want; } attempts[] = {
	{ "opens another VM's disk", open_disk, EACCES },	 { "does so by openat2", open_disk_newly, KILLED },
	{ "does so through its disk queue", open_disk_by_ring, EACCES }, { "makes a ring without limits", make_ring, KILLED },
	{ "connects to a control socket", connect_to_control, KILLED },
	{ "traces a neighbour", trace, KILLED },		 { "reads a neighbour's memory", read_memory, KILLED },
	{ "opens a neighbour's memory", open_memory, EACCES },	 { "takes a neighbour's descriptors", take_descriptor, KILLED },
	{ "ends a neighbour", end_it, KILLED },			 { "ends a neighbour's thread", end_its_thread, KILLED },
	{ "starts a program", start_program, KILLED },		 { "mounts", mount_something, KILLED },
	{ "goes on with its own work", own_work, 0 },
};

/* --- around them --- */

static int disk_make(void)
{
	int fd = memfd_create("disk", 0);
	char sector[512];

	memset(sector, 0x5a, sizeof(sector));
	return fd < 0 || pwrite(fd, sector, sizeof(sector), 0) < 0 ? -1 : disk_open("raw", fd, false, &disk);
}

static void run_in_sandbox(int (*attempt)(void))
{
	if (sandbox_close_process() < 0 || disk_make() < 0 || disk_queue_create(&queue) < 0 || sandbox_enter() < 0)
		_exit(255);
	_exit(attempt());
}

static int outcome_of(int (*attempt)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		run_in_sandbox(attempt);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return KILLED;
	}
	return WEXITSTATUS(status);
}

static void a_worker_that_was_taken_over_reaches_nothing_of_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int outcome = outcome_of(attempts[i].attempt);

		if (outcome != attempts[i].want)
			fail_msg("%s: %d (%s)", attempts[i].what, outcome, outcome == KILLED ? "killed" : strerror(outcome));
	}
	print_message("%u system calls are left to a worker\n", sandbox_calls());
}

/* Without the filter most of them would work: the test is of the filter, not of the machine it runs on. */
static void the_same_attempts_work_outside(void **state)
{
	static int (*const possible[])(void) = { open_disk, connect_to_control, make_ring, own_work };

	(void)state;
	for (size_t i = 0; i < sizeof(possible) / sizeof(possible[0]); i++)
		assert_int_equal(possible[i](), 0);
}

static int setup(void **state)
{
	struct sockaddr_un here = { .sun_family = AF_UNIX };
	struct io_uring ring;
	int fd;

	(void)state;
	snprintf(neighbour.disk, sizeof(neighbour.disk), "/tmp/partita-sandbox-%d.disk", getpid());
	snprintf(neighbour.socket, sizeof(neighbour.socket), "/tmp/partita-sandbox-%d.sock", getpid());
	fd = open(neighbour.disk, O_RDWR | O_CREAT | O_EXCL, 0666);
	assert_true(fd >= 0);
	close(fd);
	memcpy(here.sun_path, neighbour.socket, sizeof(neighbour.socket));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(listen(fd, 4), 0);
	params.flags = IORING_SETUP_COOP_TASKRUN;
	assert_int_equal(io_uring_queue_init_params(QUEUE_ENTRIES, &ring, &params), 0);
	io_uring_queue_exit(&ring);
	neighbour.pid = fork();
	if (neighbour.pid == 0) {
		pause();
		_exit(0);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kill(neighbour.pid, SIGKILL);
	waitpid(neighbour.pid, NULL, 0);
	unlink(neighbour.disk);
	unlink(neighbour.socket);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_attempts_work_outside),
		cmocka_unit_test(a_worker_that_was_taken_over_reaches_nothing_of_others),
	};

	return cmocka_run_group_tests_name("sandbox", tests, setup, teardown);
}
