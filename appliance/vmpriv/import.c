/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmpriv.StartImport: a foreign disk image becomes a VHDX. The image is hostile and its formats are large, so qemu-img reads it as a
 * user of its own in an empty root: it can open nothing but the two files whose descriptors it has. What it prints goes to vmms.
 */
#include "vmpriv.h"

#include "partita/log.h"
#include "spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMPORT_UID	60901u
#define IMPORTS_MAX	4u
#define ADDRESS_BYTES	(4ull << 30)
#define CPU_SECONDS	(6ull * 3600)
#define THREADS		96u		/* of its pool; the user is shared by all imports */

struct import {
	struct import *next;
	struct vmpriv *vmpriv;
	pid_t pid;
	int pidfd;
	sd_event_source *source;
};

static void import_forget(struct import *i)
{
	for (struct import **at = &i->vmpriv->imports; *at; at = &(*at)->next)
		if (*at == i) {
			*at = i->next;
			break;
		}
	sd_event_source_disable_unref(i->source);
	if (i->pidfd >= 0)
		close(i->pidfd);
	free(i);
}

static int on_end(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct import *i = data;
	siginfo_t info = { 0 };

	(void)source;
	(void)events;
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && (info.si_code != CLD_EXITED || info.si_status != 0))
		log_warning("import (pid %d) ended by %s %d", i->pid, info.si_code == CLD_EXITED ? "exit code" : "signal", info.si_status);
	import_forget(i);
	return 0;
}

static unsigned int import_count(const struct vmpriv *v)
{
	unsigned int count = 0;

	for (const struct import *i = v->imports; i; i = i->next)
		count++;
	return count;
}

static int import_start(struct vmpriv *v, const char *format, const int fds[3], uint64_t limit_bytes, pid_t *pid)
{
	const struct spawn s = {
		.program = v->options.import_program,
		.arguments = { "qemu-img", "convert", "-p", "-f", format, "-O", "vhdx", "/proc/self/fd/3", "/proc/self/fd/4" },
		.fds = { fds[0], fds[1] }, .fd_count = 2, .output = fds[2], .uid = IMPORT_UID, .root = v->root, .cgroup_dir = -1,
		.processes = IMPORTS_MAX * THREADS, .files = 64, .sees_itself = true, .file_bytes = limit_bytes,
		.address_bytes = ADDRESS_BYTES, .cpu_seconds = CPU_SECONDS,
	};
	struct import *i;
	int r;

	if (import_count(v) >= IMPORTS_MAX)
		return -EUSERS;
	i = calloc(1, sizeof(*i));
	r = i ? spawn_child(&s, pid) : -ENOMEM;
	if (r < 0) {
		free(i);
		return r;
	}
	*i = (struct import){ .next = v->imports, .vmpriv = v, .pid = *pid, .pidfd = (int)syscall(SYS_pidfd_open, *pid, 0) };
	v->imports = i;
	r = i->pidfd < 0 ? -errno : sd_event_add_io(v->loop, &i->source, i->pidfd, EPOLLIN, on_end, i);
	if (r < 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
		import_forget(i);
	}
	return r < 0 ? r : 0;
}

static bool is_kind(int fd, mode_t kind)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

void request_start_import(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	static const char *const formats[] = { "qcow2", "vmdk" };
	const char *format = json_string_value(json_object_get(parameters, "format")), *known = NULL;
	json_int_t limit = json_integer_value(json_object_get(parameters, "limitBytes"));
	const int *fds = ipc_request_message(r)->fds;
	pid_t pid = 0;
	int result;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i], format) == 0)
			known = formats[i];
	if (!known || limit <= 0 || !is_kind(fds[0], S_IFREG) || !is_kind(fds[1], S_IFREG) || !is_kind(fds[2], S_IFIFO)) {
		ipc_fail(r, 400, "bad_parameters", NULL, "A known format, a limit, two files and a pipe are needed.");
		return;
	}
	result = import_start(v, known, fds, (uint64_t)limit, &pid);
	if (result < 0)
		ipc_fail(r, result == -EUSERS ? 409 : 500, result == -EUSERS ? "too_many" : "internal_error", NULL, "%s.",
			 result == -EUSERS ? "Other images are being imported" : strerror(-result));
	else
		ipc_reply(r, json_pack("{s:i}", "pid", (int)pid));
}

void request_stop_import(struct vmpriv *v, struct ipc_request *r, const json_t *parameters)
{
	json_int_t pid = json_integer_value(json_object_get(parameters, "pid"));

	for (struct import *i = v->imports; i; i = i->next)
		if (i->pid == pid)
			kill(i->pid, SIGKILL);		/* not collected yet: the number is still its own */
	ipc_reply(r, NULL);
}
