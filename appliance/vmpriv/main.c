/* SPDX-License-Identifier: Apache-2.0 */
/* Options, runtime directory, capabilities, event loop. See README.md. */
#include "vmpriv.h"

#include "cgroup.h"
#include "partita/file.h"
#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static const char usage[] = "usage: vmpriv [--runtime-dir DIR] [--worker PROGRAM] [--console PROGRAM] "
                            "[--importer PROGRAM] [--hypervisor-device PATH] [--vmms-user NAME]\n";

static int find_user(const char *name, struct vmpriv_options *o)
{
	struct passwd *pw = getpwnam(name);

	if (!pw) {
		log_error("there is no user %s", name);
		return -ENOENT;
	}
	o->vmms_uid = pw->pw_uid;
	o->vmms_gid = pw->pw_gid;
	return 0;
}

static int options_parse(int argc, char **argv, struct vmpriv_options *o)
{
	static const struct option options[] = {
		{ "runtime-dir", required_argument, NULL, 'r' }, { "worker", required_argument, NULL, 'w' },
		{ "console", required_argument, NULL, 'c' },	 { "hypervisor-device", required_argument, NULL, 'h' },
		{ "vmms-user", required_argument, NULL, 'u' },	 { "importer", required_argument, NULL, 'i' },
		{ NULL, 0, NULL, 0 },
	};
	const char *user = "vmms";
	int c;

	*o = (struct vmpriv_options){.runtime_dir = "/run/partita",
	                             .worker_program = "/usr/libexec/partita/vmwp",
	                             .console_program = "/usr/libexec/partita/console",
	                             .import_program = "/usr/bin/qemu-img",
	                             .hypervisor_device = "/dev/mshv"};
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'r': o->runtime_dir = optarg; break;
		case 'w': o->worker_program = optarg; break;
		case 'c': o->console_program = optarg; break;
		case 'i': o->import_program = optarg; break;
		case 'h': o->hypervisor_device = optarg; break;
		case 'u': user = optarg; break;
		default: return -EINVAL;
		}
	}
	if (optind != argc || o->runtime_dir[0] != '/' || strlen(o->runtime_dir) > 60)
		return -EINVAL;
	return find_user(user, o);
}

static bool permit_vmms(uid_t uid, void *context)
{
	const struct vmpriv *v = context;

	return uid == v->options.vmms_uid;
}

/* The runtime directory is shared with other services: what one of them put there in our place is not used. */
static int private_directory(const struct vmpriv *v, const char *name, mode_t mode)
{
	int fd = directory_open(v->runtime_dir, name, mode), r = 0;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (st.st_uid != geteuid() || (st.st_mode & 022))
		r = -EPERM;
	close(fd);
	return r;
}

/* /run/partita is anyone's to pass through; what is in it has owners of its own. */
static int prepare_directories(struct vmpriv *v)
{
	int r;

	v->runtime_dir = directory_open(AT_FDCWD, v->options.runtime_dir, 0755);
	if (v->runtime_dir < 0)
		return v->runtime_dir;
	file_remove_temporaries(v->runtime_dir);
	snprintf(v->root, sizeof(v->root), "%s/empty", v->options.runtime_dir);
	r = private_directory(v, "vm", 0711);
	return r < 0 ? r : private_directory(v, "empty", 0700);
}

static int serve(struct vmpriv *v)
{
	char path[128];
	int r;

	snprintf(path, sizeof(path), "%s/priv.sock", v->options.runtime_dir);
	r = ipc_serve_path(v->loop, path, 0600, vmpriv_methods, permit_vmms, v, &v->server);
	if (r < 0)
		return r;
	return chown(path, v->options.vmms_uid, v->options.vmms_gid) < 0 ? -errno : 0;
}

static int prepare(struct vmpriv *v)
{
	int r = privileges_narrow();

	if (r < 0)
		return r;
	r = prepare_directories(v);
	if (r < 0)
		return r;
	r = sd_event_default(&v->loop);
	if (r < 0)
		return r;
	r = sd_event_add_signal(v->loop, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, NULL, NULL);
	if (r < 0)
		return r;
	large_pages_offer();
	v->cgroup_parent = cgroup_open_parent();
	workers_restore(v);
	return serve(v);
}

int main(int argc, char **argv)
{
	struct vmpriv v = { .cgroup_parent = -1 };
	int r;

	umask(022);
	if (options_parse(argc, argv, &v.options) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	r = prepare(&v);
	if (r < 0) {
		log_error("vmpriv cannot start: %s", strerror(-r));
		return 1;
	}
	sd_notify(0, "READY=1");
	log_info("vmpriv ready%s", v.cgroup_parent < 0 ? " (control groups are not delegated)" : "");
	r = sd_event_loop(v.loop);
	ipc_server_stop(v.server);		/* workers keep running */
	return r < 0;
}
