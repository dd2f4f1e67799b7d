/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing the service up and down: state directory, library, VMs, vmpriv, its own socket; in this order. */
#include "service.h"

#include "alarms.h"
#include "guest.h"
#include "guest_jobs.h"
#include "host_memory.h"
#include "host_stop.h"
#include "library.h"
#include "methods.h"
#include "metrics.h"
#include "no_space.h"
#include "partita/file.h"
#include "partita/log.h"
#include "smart_paging.h"
#include "status.h"
#include "switches.h"
#include "uploads.h"
#include "volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Only one vmms may work on a state directory: the lock lives as long as the descriptor. */
static int open_directories(struct vmms *v)
{
	const struct { const char *name; int *fd; } rows[] = {
		{ "vms", &v->vms_dir }, { "disks", &v->disks_dir }, { "isos", &v->isos_dir }, { "uploads", &v->uploads_dir }, { "jobs", &v->jobs_dir },
	};

	v->state_dir = directory_open(AT_FDCWD, v->options.state_dir, 0750);
	if (v->state_dir < 0)
		return v->state_dir;
	if (flock(v->state_dir, LOCK_EX | LOCK_NB) < 0)
		return -EBUSY;
	file_remove_temporaries(v->state_dir);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		*rows[i].fd = directory_open(v->state_dir, rows[i].name, 0700);
		if (*rows[i].fd < 0)
			return *rows[i].fd;
	}
	host_boot_read(v);
	return 0;
}

static bool permit_client(uid_t uid, void *context)
{
	const struct vmms *v = context;

	return uid == 0 || uid == geteuid() || uid == v->webapi_uid;
}

static int serve(struct vmms *v)
{
	const struct passwd *webapi = getpwnam(v->options.webapi_user);
	const struct group *group = getgrnam(v->options.socket_group);
	char path[128];
	int r;

	v->webapi_uid = webapi ? webapi->pw_uid : geteuid();
	snprintf(path, sizeof(path), "%s/vmms.sock", v->options.runtime_dir);
	r = ipc_serve_path(v->loop, path, 0660, vmms_methods, permit_client, v, &v->server);
	if (r == 0 && group && chown(path, (uid_t)-1, group->gr_gid) < 0)
		log_warning("%s: group %s: %s", path, v->options.socket_group, strerror(errno));
	return r;
}

int service_open(struct vmms *v)
{
	static const struct { const char *what; int (*open)(struct vmms *v); } steps[] = {
		{ "state directory", open_directories }, { "events", events_open }, { "jobs", jobs_open }, { "volumes", volumes_open }, { "uploads", uploads_open },
		{ "disks", disks_open }, { "complete uploads", uploads_resume },
		{ "ISOs", isos_open }, { "switches", switches_open }, { "virtual machines", vms_open }, { "merged disks", live_merges_settle }, { "host memory", host_memory_open },
		{ "paging files", smart_paging_open }, { "metrics", metrics_open },
		{ "vmpriv", priv_open }, { "guests", guests_open }, { "status", status_open },
		{ "socket", serve },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		int r = steps[i].open(v);

		if (r < 0) {
			log_error("%s: %s", steps[i].what, strerror(-r));
			return r;
		}
	}
	event_add(v, "host.started", SEVERITY_INFO, object_ref("host", NULL, "host"), NULL,
	          "The management service started with %u virtual machines.", v->vm_count);
	return 0;
}

void service_close(struct vmms *v)
{
	const int dirs[] = { v->vms_dir, v->disks_dir, v->isos_dir, v->uploads_dir, v->jobs_dir, v->state_dir };

	ipc_server_stop(v->server);
	host_stop_forget(v);
	no_space_close(v);
	status_close(v);
	guest_jobs_close(v);
	priv_close(v);
	smart_paging_close(v);
	metrics_close(v);
	vms_close(v);
	alarms_close(v);
	switches_close(v);
	uploads_close(v);
	volumes_close(v);
	library_close(v);
	jobs_close(v);
	events_close(v);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (dirs[i] >= 0)
			close(dirs[i]);
}
