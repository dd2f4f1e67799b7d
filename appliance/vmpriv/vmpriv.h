/* SPDX-License-Identifier: Apache-2.0 */
/* What vmpriv's files share. One thread, one event loop. */
#ifndef VMPRIV_H
#define VMPRIV_H

#include "partita/guid.h"
#include "partita/ipc.h"

#include <stdint.h>

#define WORKER_UID_BASE		61000u
#define WORKER_SLOTS		512u
#define CONSOLE_UID		60900u
#define WORKERS_REMEMBERED	1024u		/* running ones and how the others ended */

struct vmpriv_options {
	const char *runtime_dir;		/* /run/partita */
	const char *worker_program, *console_program;
	const char *import_program;		/* qemu-img */
	const char *hypervisor_device;		/* /dev/mshv */
	uid_t vmms_uid;				/* the only peer; owner of the workers' sockets */
	gid_t vmms_gid;
};

struct worker;
struct vmpriv {
	struct vmpriv_options options;
	sd_event *loop;
	struct ipc_server *server;
	char root[256];				/* the empty directory that becomes a child's root */
	int runtime_dir;			/* descriptor */
	struct worker *workers;
	struct leaving *leaving;		/* requests_paging.c */
	struct watcher *watchers;		/* open vmpriv.WatchWorkers */
	struct import *imports;			/* import.c */
	int cgroup_parent;			/* -1: not delegated, children stay in ours */
};

/* children.c */
struct worker_request { const char *id; unsigned int slot; uint64_t memory_bytes; unsigned int vps; bool own_cores; };
int worker_start(struct vmpriv *v, const struct worker_request *q, pid_t *pid);	/* -EALREADY, -EBUSY (slot), -ENOENT … */
int worker_stop(struct vmpriv *v, const char *id);				/* -ESRCH: not running */
struct processor_request { unsigned int weight; uint64_t quota_usec; const char *cpus; };	/* cpus: a list; NULL leaves them */
int worker_set_processor(struct vmpriv *v, const char *id, const struct processor_request *q);	/* -ESRCH, -EOPNOTSUPP */
int worker_limit_memory(struct vmpriv *v, const char *id, uint64_t resident_bytes, uint64_t paged_bytes);	/* paging.h; -ESRCH, -EOPNOTSUPP */
json_t *workers_usage_to_json(const struct vmpriv *v);	/* memory of the running ones, where there are control groups */
json_t *workers_to_json(const struct vmpriv *v);
void workers_watch(struct vmpriv *v, struct ipc_request *r);
void workers_restore(struct vmpriv *v);			/* at start: those that outlived an earlier vmpriv */
int console_start(struct vmpriv *v, int client_fd, int display_fd, bool view_only, pid_t *pid);

/* exit_status.c: as in wait(2), of a process that somebody else has collected; negative when the kernel cannot tell */
int pidfd_exit_status(int pidfd);

/* import.c: rows of the table in requests.c */
void request_start_import(struct vmpriv *v, struct ipc_request *r, const json_t *parameters);
void request_stop_import(struct vmpriv *v, struct ipc_request *r, const json_t *parameters);

/* requests_network.c: rows of the table in requests.c */
void request_set_switch(struct vmpriv *v, struct ipc_request *r, const json_t *parameters);
void request_remove_switch(struct vmpriv *v, struct ipc_request *r, const json_t *parameters);
void request_open_tap(struct vmpriv *v, struct ipc_request *r, const json_t *parameters);
void request_connect_tap(struct vmpriv *v, struct ipc_request *r, const json_t *parameters);

/* requests_paging.c: too */
void request_begin_paging(struct vmpriv *v, struct ipc_request *r, const json_t *parameters);
void request_set_paging(struct vmpriv *v, struct ipc_request *r, const json_t *parameters);
void request_leave_paging(struct vmpriv *v, struct ipc_request *r, const json_t *parameters);

/* large_pages.c */
void large_pages_offer(void);			/* to workers that ask for them; logs when it cannot be */

/* requests.c */
extern const struct ipc_method vmpriv_methods[];

/* privileges.c */
int privileges_narrow(void);			/* keeps what spawn.c needs; 0 or negative errno */

#endif
