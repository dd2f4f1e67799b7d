/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workers vmpriv started: who runs, how the others ended, and who wants to be told. The list of running ones is also a
 * file in the runtime directory, so that a new vmpriv finds the workers of the one before.
 */
#include "vmpriv.h"

#include "cgroup.h"
#include "paging.h"
#include "partita/file.h"
#include "partita/log.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_FILE		"workers.json"
#define WORKERS_FILE_MAX	(1u << 20)
#define WORKER_EXTRA_THREADS	32u	/* besides one per VP: event loop, io_uring helpers */

struct worker {
	struct worker *next;
	struct vmpriv *vmpriv;
	char id[GUID_TEXT_SIZE];
	unsigned int slot;
	pid_t pid;
	uint64_t start_time;		/* of the process: tells it from a later one with its number */
	int pidfd;			/* -1 once it has ended */
	sd_event_source *source;
	int exit_code, signal;		/* -1: not that */
	char reason[128];		/* how it ended; "" while it runs */
};

struct watcher {
	struct watcher *next;
	struct ipc_request *request;
};

struct console {
	struct vmpriv *vmpriv;
	pid_t pid;
	int pidfd;
	sd_event_source *source;
};

static bool worker_is_running(const struct worker *w)
{
	return w->pidfd >= 0;
}

static struct worker *worker_find(const struct vmpriv *v, const char *id)
{
	for (struct worker *w = v->workers; w; w = w->next)
		if (strcmp(w->id, id) == 0)
			return w;
	return NULL;
}

static void socket_name(const char *id, char *name, size_t size)
{
	snprintf(name, size, "vm/%s.sock", id);
}

static void cgroup_name(const char *id, char *name, size_t size)
{
	snprintf(name, size, "vm-%s", id);
}

/* Field 22 of /proc/PID/stat (proc_pid_stat(5)); 0 when there is no such process. */
static uint64_t process_start_time(pid_t pid)
{
	char path[64], text[1024] = { 0 }, *at;
	uint64_t value = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) > 0 && (at = strrchr(text, ')'))) {
		for (int field = 2; at && field < 22; field++)
			at = strchr(at + 1, ' ');
		value = at ? strtoull(at, NULL, 10) : 0;
	}
	close(fd);
	return value;
}

static void workers_save(const struct vmpriv *v)
{
	json_t *list = json_array(), *file = json_pack("{s:o}", "workers", list);
	int r;

	for (const struct worker *w = v->workers; w; w = w->next)
		if (worker_is_running(w))
			json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:I}", "id", w->id, "slot",
			                                      (int)w->slot, "pid", (int)w->pid, "startTime",
			                                      (json_int_t)w->start_time));
	r = file_write_json(v->runtime_dir, WORKERS_FILE, file, 0600);
	if (r < 0)
		log_error("%s: %s", WORKERS_FILE, strerror(-r));
	json_decref(file);
}

/* --- telling --- */

static json_t *worker_end_to_json(const struct worker *w)
{
	json_t *o = json_pack("{s:s, s:i, s:s}", "id", w->id, "pid", (int)w->pid, "reason", w->reason);

	if (w->exit_code >= 0)
		json_object_set_new(o, "exitCode", json_integer(w->exit_code));
	if (w->signal >= 0)
		json_object_set_new(o, "signal", json_integer(w->signal));
	return o;
}

static void watcher_remove(struct vmpriv *v, struct ipc_request *r)
{
	for (struct watcher **at = &v->watchers; *at; at = &(*at)->next)
		if ((*at)->request == r) {
			struct watcher *gone = *at;

			*at = gone->next;
			free(gone);
			return;
		}
}

static void watcher_gone(struct ipc_request *r, void *data)
{
	watcher_remove(data, r);
}

void workers_watch(struct vmpriv *v, struct ipc_request *r)
{
	struct watcher *watcher = calloc(1, sizeof(*watcher));

	if (!watcher) {
		ipc_fail(r, 500, "internal_error", NULL, "Out of memory.");
		return;
	}
	watcher->request = r;
	watcher->next = v->watchers;
	v->watchers = watcher;
	ipc_request_on_gone(r, watcher_gone, v);
}

static void worker_tell_end(const struct worker *w)
{
	struct vmpriv *v = w->vmpriv;

	for (struct watcher *at = v->watchers, *next; at; at = next) {
		next = at->next;
		if (ipc_notify(at->request, worker_end_to_json(w)) < 0) {
			struct ipc_request *slow = at->request;

			watcher_remove(v, slow);
			ipc_fail(slow, 503, "too_slow", NULL, "The stream was not read.");
		}
	}
}

json_t *workers_to_json(const struct vmpriv *v)
{
	json_t *list = json_array();

	for (const struct worker *w = v->workers; w; w = w->next) {
		json_t *o = worker_end_to_json(w);

		json_object_del(o, "reason");
		json_object_set_new(o, "slot", json_integer(w->slot));
		json_object_set_new(o, "running", json_boolean(worker_is_running(w)));
		json_object_set_new(o, "exitReason", json_string(w->reason));
		json_array_append_new(list, o);
	}
	return list;
}

/* --- ending --- */

/* `status` as in wait(2), or negative: not known. */
static void worker_describe_end(struct worker *w, int status)
{
	char group[64];

	cgroup_name(w->id, group, sizeof(group));
	w->exit_code = w->signal = -1;
	if (status < 0) {
		snprintf(w->reason, sizeof(w->reason), "ended; how is unknown");
	} else if (WIFEXITED(status)) {
		w->exit_code = WEXITSTATUS(status);
		snprintf(w->reason, sizeof(w->reason), "exited with code %d", w->exit_code);
	} else {
		w->signal = WTERMSIG(status);
		snprintf(w->reason, sizeof(w->reason), "killed by signal %d (%s)%s", w->signal,
		         strsignal(w->signal),
		         cgroup_ran_out_of_memory(w->vmpriv->cgroup_parent, group) ? ", out of memory" : "");
	}
}

static void worker_ended(struct worker *w, int status)
{
	char name[64];

	worker_describe_end(w, status);
	sd_event_source_disable_unref(w->source);
	w->source = NULL;
	close(w->pidfd);
	w->pidfd = -1;
	socket_name(w->id, name, sizeof(name));
	unlinkat(w->vmpriv->runtime_dir, name, 0);
	cgroup_name(w->id, name, sizeof(name));
	cgroup_remove(w->vmpriv->cgroup_parent, name);
	log_info("worker %s (pid %d) %s", w->id, w->pid, w->reason);
	workers_save(w->vmpriv);
	worker_tell_end(w);
}

/* A worker of an earlier vmpriv is init's child now: its status can be read once init has collected it (then: EPOLLHUP). */
static int worker_on_end(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct worker *w = data;
	int status = -1;

	if (waitpid(w->pid, &status, WNOHANG) != w->pid) {
		if (!(events & EPOLLHUP))
			return sd_event_source_set_io_events(source, 0);
		status = pidfd_exit_status(fd);
	}
	worker_ended(w, status);
	return 0;
}

static int worker_supervise(struct worker *w)
{
	int r;

	w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
	if (w->pidfd < 0)
		return -errno;
	r = sd_event_add_io(w->vmpriv->loop, &w->source, w->pidfd, EPOLLIN, worker_on_end, w);
	return r < 0 ? r : 0;
}

int worker_set_processor(struct vmpriv *v, const char *id, const struct processor_request *q)
{
	struct worker *w = worker_find(v, id);
	char name[64];
	int r;

	if (!w || !worker_is_running(w))
		return -ESRCH;
	cgroup_name(id, name, sizeof(name));
	r = cgroup_set_cpu(v->cgroup_parent, name, q->weight, q->quota_usec);
	return r == 0 && q->cpus ? cgroup_set_cpus(v->cgroup_parent, name, q->cpus) : r;
}

int worker_limit_memory(struct vmpriv *v, const char *id, uint64_t resident_bytes, uint64_t paged_bytes)
{
	struct worker *w = worker_find(v, id);
	char name[64];

	if (!w || !worker_is_running(w))
		return -ESRCH;
	cgroup_name(id, name, sizeof(name));
	return paging_limit(v->cgroup_parent, name, resident_bytes, paged_bytes);
}

static json_t *nodes_to_json(const struct cgroup_memory *m)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < m->nodes; i++)
		json_array_append_new(list, json_integer((json_int_t)m->node_bytes[i]));
	return list;
}

json_t *workers_usage_to_json(const struct vmpriv *v)
{
	json_t *list = json_array();

	for (const struct worker *w = v->workers; w; w = w->next) {
		struct cgroup_memory m;
		char name[64];

		cgroup_name(w->id, name, sizeof(name));
		if (!worker_is_running(w) || cgroup_read_memory(v->cgroup_parent, name, &m) < 0)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "id", w->id, "guestBytes", (json_int_t)m.shared_bytes,
						      "largePageBytes", (json_int_t)m.large_page_bytes, "workerBytes",
						      (json_int_t)m.private_bytes, "kernelBytes", (json_int_t)m.kernel_bytes, "nodeBytes",
						      nodes_to_json(&m)));
	}
	return list;
}

int worker_stop(struct vmpriv *v, const char *id)
{
	struct worker *w = worker_find(v, id);

	if (!w || !worker_is_running(w))
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0) < 0 ? -errno : 0;
}

/* --- starting --- */

static int worker_check_free(struct vmpriv *v, const struct worker_request *q)
{
	unsigned int count = 0;

	for (const struct worker *w = v->workers; w; w = w->next, count++) {
		if (!worker_is_running(w))
			continue;
		if (strcmp(w->id, q->id) == 0)
			return -EALREADY;
		if (w->slot == q->slot)
			return -EBUSY;
	}
	return count >= WORKERS_REMEMBERED && !worker_find(v, q->id) ? -ENOSPC : 0;
}

static void worker_forget(struct vmpriv *v, const char *id)
{
	for (struct worker **at = &v->workers; *at; at = &(*at)->next)
		if (strcmp((*at)->id, id) == 0) {
			struct worker *old = *at;

			*at = old->next;
			free(old);
			return;
		}
}

/* Only vmms can connect; the worker gets the listening end and never sees the path. */
static int worker_listen(const struct vmpriv *v, const char *id)
{
	char path[320], name[64];
	int fd;

	socket_name(id, name, sizeof(name));
	snprintf(path, sizeof(path), "%s/%s", v->options.runtime_dir, name);
	fd = ipc_listen(path, 0600);
	if (fd < 0)
		return fd;
	if (fchownat(v->runtime_dir, name, v->options.vmms_uid, v->options.vmms_gid, AT_SYMLINK_NOFOLLOW) <
	    0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int worker_spawn(struct vmpriv *v, const struct worker_request *q, pid_t *pid)
{
	char group[64];
	struct spawn s = {
	    .program = v->options.worker_program,
	    .arguments = {"vmwp"},
	    .uid = WORKER_UID_BASE + q->slot,
	    .root = v->root,
	    .fd_count = 2,
	    .fds = {-1, -1},
	    .memory_lock_bytes = q->memory_bytes + (256ull << 20), /* guest RAM is pinned, queues besides */
	    .processes = q->vps + WORKER_EXTRA_THREADS,
	    .files = 4096,
	    .own_cores = q->own_cores,
	};
	int r;

	cgroup_name(q->id, group, sizeof(group));
	s.cgroup_dir = cgroup_create(v->cgroup_parent, group);
	s.fds[0] = worker_listen(v, q->id);
	s.fds[1] = open(v->options.hypervisor_device, O_RDWR | O_CLOEXEC);
	r = s.fds[0] < 0 ? s.fds[0] : s.fds[1] < 0 ? -ENODEV : spawn_child(&s, pid);
	for (unsigned int i = 0; i < s.fd_count; i++)
		if (s.fds[i] >= 0)
			close(s.fds[i]);
	if (s.cgroup_dir >= 0)
		close(s.cgroup_dir);
	if (r < 0)
		cgroup_remove(v->cgroup_parent, group);
	return r;
}

static struct worker *worker_add(struct vmpriv *v, const char *id, unsigned int slot, pid_t pid)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct worker){ .next = v->workers, .vmpriv = v, .slot = slot, .pid = pid, .pidfd = -1, .exit_code = -1, .signal = -1,
			      .start_time = process_start_time(pid) };
	snprintf(w->id, sizeof(w->id), "%s", id);
	v->workers = w;
	return w;
}

int worker_start(struct vmpriv *v, const struct worker_request *q, pid_t *pid)
{
	struct worker *w;
	int r = worker_check_free(v, q);

	if (r == 0)
		r = worker_spawn(v, q, pid);
	if (r < 0)
		return r;
	worker_forget(v, q->id);
	w = worker_add(v, q->id, q->slot, *pid);
	r = w ? worker_supervise(w) : -ENOMEM;
	if (r < 0) {
		kill(*pid, SIGKILL);		/* not waited for yet, so the number is still its */
		waitpid(*pid, NULL, 0);
		worker_forget(v, q->id);
		return r;
	}
	log_info("worker %s started: pid %d, uid %u", q->id, *pid, WORKER_UID_BASE + q->slot);
	workers_save(v);
	return 0;
}

/* --- after a restart of vmpriv --- */

static void worker_restore(struct vmpriv *v, json_t *row)
{
	const char *id = NULL;
	int slot = 0, pid = 0;
	json_int_t start_time = 0;
	struct worker *w;

	if (json_unpack(row, "{s:s, s:i, s:i, s:I}", "id", &id, "slot", &slot, "pid", &pid, "startTime",
	                &start_time) < 0)
		return;
	w = worker_add(v, id, (unsigned int)slot, pid);
	if (!w || worker_supervise(w) < 0 || w->start_time != (uint64_t)start_time) {
		worker_forget(v, id);
		log_warning("worker %s of an earlier vmpriv is gone", id);
		return;
	}
	log_info("worker %s found again: pid %d", id, pid);
}

void workers_restore(struct vmpriv *v)
{
	json_t *file = NULL, *row;
	size_t index;

	if (file_read_json(v->runtime_dir, WORKERS_FILE, WORKERS_FILE_MAX, &file) < 0)
		return;
	json_array_foreach(json_object_get(file, "workers"), index, row)
		worker_restore(v, row);
	json_decref(file);
}

/* --- consoles --- */

static int console_on_end(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct console *c = data;
	siginfo_t info = { 0 };

	(void)source;
	(void)events;
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 &&
	    (info.si_code != CLD_EXITED || info.si_status != 0))
		log_warning("console (pid %d) ended by %s %d", c->pid,
		            info.si_code == CLD_EXITED ? "exit code" : "signal", info.si_status);
	sd_event_source_disable_unref(c->source);
	close(c->pidfd);
	free(c);
	return 0;
}

int console_start(struct vmpriv *v, int client_fd, int display_fd, bool view_only, pid_t *pid)
{
	struct spawn s = {
	    .program = v->options.console_program,
	    .arguments = {"console", view_only ? "--view-only" : NULL},
	    .uid = CONSOLE_UID,
	    .root = v->root,
	    .fd_count = 2,
	    .fds = {client_fd, display_fd                      },
	    .cgroup_dir = -1,
	    .memory_lock_bytes = 0,
	    .processes = 512,
	    .files = 32, /* the user is shared by all consoles */
	};
	struct console *c = calloc(1, sizeof(*c));
	int r = c ? spawn_child(&s, pid) : -ENOMEM;

	if (r < 0) {
		free(c);
		return r;
	}
	*c = (struct console){ .vmpriv = v, .pid = *pid, .pidfd = (int)syscall(SYS_pidfd_open, *pid, 0) };
	r = c->pidfd < 0 ? -errno
	                 : sd_event_add_io(v->loop, &c->source, c->pidfd, EPOLLIN, console_on_end, c);
	if (r < 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
		if (c->pidfd >= 0)
			close(c->pidfd);
		free(c);
		return r;
	}
	return 0;
}
