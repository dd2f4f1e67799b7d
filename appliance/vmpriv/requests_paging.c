/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the table in requests.c for Smart Paging (paging.h). Leaving a file takes as long as reading all of it, so a child does
 * it, and vmms asks again until it is left.
 */
#include "vmpriv.h"

#include "paging.h"
#include "partita/log.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES_MAX	(4ull << 40)

struct leaving {
	struct leaving *next;
	dev_t device;			/* which file */
	ino_t inode;
	int pidfd;			/* -1: it has ended, with this result */
	int result;
	sd_event_source *source;
};

static void fail(struct ipc_request *r, int error, const char *what)
{
	ipc_fail(r, error == -ESRCH ? 409 : error == -EOPNOTSUPP ? 503 : 500, error == -ESRCH ? "worker_not_running" : "paging_failed", NULL,
		 "%s: %s.", what, strerror(-error));
}

static bool bytes_of(const json_t *parameters, const char *name, uint64_t *out)
{
	json_int_t value = json_integer_value(json_object_get(parameters, name));

	*out = (uint64_t)value;
	return value >= 0 && *out <= BYTES_MAX;
}

/* The limits first: with the file in use and none, the kernel would leave the memory where it is. */
static int begin(struct vmpriv *v, const char *id, int fd, uint64_t resident, uint64_t paged)
{
	int r = worker_limit_memory(v, id, resident, paged);

	if (r == 0)
		r = paging_prepare(fd, v->options.vmms_uid, paged);
	if (r == 0)
		r = swap_use(fd);
	if (r < 0)
		(void)worker_limit_memory(v, id, 0, 0);
	return r;
}

void request_begin_paging(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	const char *id = json_string_value(json_object_get(parameters, "id"));
	uint64_t resident, paged;
	int result;

	if (!guid_is_valid(id) || !bytes_of(parameters, "residentBytes", &resident) || !bytes_of(parameters, "pagedBytes", &paged) ||
	    resident == 0 || paged == 0) {
		ipc_fail(r, 400, "bad_parameters", NULL, "The id is no UUID, or an amount is out of range.");
		return;
	}
	result = begin(v, id, ipc_request_message(r)->fds[0], resident, paged);
	if (result < 0)
		fail(r, result, "Smart Paging did not begin");
	else
		ipc_reply(r, NULL);
}

void request_set_paging(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	const char *id = json_string_value(json_object_get(parameters, "id"));
	uint64_t resident, paged;
	int result;

	if (!guid_is_valid(id) || !bytes_of(parameters, "residentBytes", &resident) || !bytes_of(parameters, "pagedBytes", &paged)) {
		ipc_fail(r, 400, "bad_parameters", NULL, "The id is no UUID, or an amount is out of range.");
		return;
	}
	result = worker_limit_memory(v, id, resident, paged);
	if (result < 0)
		fail(r, result, "The limits were not set");
	else
		ipc_reply(r, NULL);
}

/* --- leaving the file --- */

static int on_left(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct leaving *l = data;
	siginfo_t info = { 0 };

	(void)source;
	(void)events;
	l->result = waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0 ? -errno : info.si_code == CLD_EXITED ? -info.si_status : -EINTR;
	if (l->result < 0)
		log_warning("a paging file is not left: %s", strerror(-l->result));
	l->source = sd_event_source_disable_unref(l->source);
	close(l->pidfd);
	l->pidfd = -1;
	return 0;
}

/* In a child, which ends with the error as its code. What we have open must not stay open as long as that takes. */
static pid_t leave_in_child(int fd)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid < 0 ? -errno : pid;
	if (dup2(fd, STDERR_FILENO + 1) < 0)
		_exit(errno);
	(void)close_range(STDERR_FILENO + 2, UINT_MAX, 0);
	_exit(-swap_leave(STDERR_FILENO + 1));
}

static int leave(struct vmpriv *v, const struct stat *st, int fd)
{
	struct leaving *l = calloc(1, sizeof(*l));
	pid_t pid = l ? leave_in_child(fd) : -ENOMEM;
	int r = pid;

	if (pid > 0) {
		*l = (struct leaving){ .next = v->leaving, .device = st->st_dev, .inode = st->st_ino };
		l->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		r = l->pidfd < 0 ? -errno : sd_event_add_io(v->loop, &l->source, l->pidfd, EPOLLIN, on_left, l);
	}
	if (r < 0) {
		free(l);
		return r;
	}
	v->leaving = l;
	return 0;
}

static struct leaving **leaving_find(struct vmpriv *v, const struct stat *st)
{
	struct leaving **at = &v->leaving;

	while (*at && ((*at)->device != st->st_dev || (*at)->inode != st->st_ino))
		at = &(*at)->next;
	return at;
}

static int take_result(struct leaving **at)
{
	struct leaving *done = *at;
	int result = done->result;

	*at = done->next;
	free(done);
	return result;
}

void request_leave_paging(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	int fd = ipc_request_message(r)->fds[0], result;
	struct leaving **at;
	struct stat st;

	(void)parameters;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		ipc_fail(r, 400, "bad_parameters", NULL, "A paging file is needed.");
		return;
	}
	at = leaving_find(v, &st);
	if (!*at)
		result = leave(v, &st, fd);
	else if ((*at)->pidfd >= 0)
		result = 0;
	else
		result = take_result(at) < 0 ? -EBUSY : 1;
	if (result < 0)
		fail(r, result, "The paging file is still in use");
	else
		ipc_reply(r, json_pack("{s:b}", "left", result));
}
