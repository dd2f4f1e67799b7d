/* SPDX-License-Identifier: Apache-2.0 */
/* The service as its files share it: one thread, one event loop (work.c lends threads to slow file operations). */
#ifndef VMMS_H
#define VMMS_H

#include "partita/guid.h"
#include "partita/ipc.h"
#include "partita/problem.h"
#include "vm_config.h"

#include <stdint.h>
#include <time.h>

#define VMS_MAX		512
#define JOBS_KEPT	500
#define EVENTS_KEPT	4096

struct vmms_options {
	const char *state_dir, *runtime_dir;
	const char *firmware_dir, *uefi_dir, *driver_dir;	/* SeaBIOS, OVMF, our UEFI driver */
	const char *webapi_user, *socket_group;
	const char *hypervisor_device;		/* only looked for */
	bool stop_vms;				/* be a client that asks for it, not the service */
};

struct vmms {
	struct vmms_options options;
	sd_event *loop;
	struct ipc_server *server;
	uid_t webapi_uid;
	int state_dir, vms_dir, disks_dir, isos_dir, uploads_dir, jobs_dir, switches_dir, paging_dir, metrics_dir;
	char boot_id[64];			/* of the running kernel: tells a restart of the host from one of ours */
	bool host_restarted;			/* and VMs that start with it have not been started yet */
	struct vm *vms;				/* by name */
	unsigned int vm_count;
	struct disk_item *disks;
	struct iso_item *isos;
	struct upload_item *uploads;
	struct volume *volume;
	struct switch_item *switches;		/* by name */
	struct job *jobs;			/* newest first */
	struct event_log *events;
	struct priv *priv;
	sd_event_source *status_timer;		/* status.c */
	unsigned int status_rounds;		/* status.c */
	uint64_t balanced_usec;			/* status.c: when somebody could not wait for a round */
	unsigned int usage_rounds;		/* processors.c */
	struct metrics *metrics;		/* metrics.c: of the host */
	struct alarm *alarms;			/* alarms.c */
	uint64_t memory_reserve, memory_revision;	/* host_memory.c: what was set, 0 to compute it */
	sd_event_source *space_timer;		/* no_space.c */
	struct guest_job *guest_jobs;		/* guest_jobs.c */
	unsigned int host_going;		/* host_power.h: an enum host_going */
	struct paging *pagings;			/* smart_paging.c */
	struct host_stop *host_stop;		/* host_stop.c; NULL: the host is not going down */
};

/* --- host.c --- */
json_t *host_to_json(const struct vmms *v);
void host_limits(struct vm_limits *out);
uint64_t host_memory_available(const struct vmms *v);	/* the largest VM that can start now */
struct host_memory { uint64_t total, available, assigned, reserve; unsigned int vms; };	/* vms: how many share `assigned` */
void host_memory_survey(const struct vmms *v, struct host_memory *out);
#define HOST_MEMORY_PER_VM	(48ull << 20)	/* a worker's own code, frame buffer, queues; the VM's page tables */
uint64_t host_memory_left(const struct host_memory *m);	/* the rule behind it; pure */
void host_boot_read(struct vmms *v);		/* boot_id, and whether it is another one than when VMs were last started by themselves */
void host_boot_remember(const struct vmms *v);	/* that has been done now */
json_t *json_time(time_t t);			/* RFC 3339 UTC; 0 is null */
time_t json_to_time(const json_t *value);	/* 0 when it is none */

/* --- events.c: append-only, numbered, resumable --- */
int events_open(struct vmms *v);
void events_close(struct vmms *v);
json_t *object_ref(const char *type, const char *id, const char *name);
enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR };
/* `data` is consumed, may be NULL. */
void event_add(struct vmms *v, const char *type, enum severity severity, json_t *object, json_t *data, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
json_t *events_list(const struct vmms *v, json_int_t since, json_int_t limit);	/* since < 0: the newest */
void events_watch(struct vmms *v, struct ipc_request *r, json_int_t since);	/* since < 0: only new ones */

/* --- jobs.c --- */
enum job_state { JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED };
struct job {
	struct job *next;
	char id[GUID_TEXT_SIZE], type[32], object_id[GUID_TEXT_SIZE], object_name[4 * VM_NAME_CHARS + 1];
	enum job_state state;
	unsigned int progress;
	bool cancellable;
	time_t created_at, finished_at;
	char error_code[40], error_detail[320];
	char result[320];		/* what there is to say of a success; "" nothing */
	void *work;			/* of whoever runs it; NULL after a restart and when finished */
};
int jobs_open(struct vmms *v);			/* jobs that ran when the service ended become failed, and say so */
void jobs_close(struct vmms *v);
struct job *job_start(struct vmms *v, const char *type, const char *vm_id, const char *vm_name, bool cancellable);	/* NULL: no memory */
void job_finish(struct vmms *v, struct job *j, enum job_state state, const char *error_code, const char *error_detail);
void job_progress(struct vmms *v, struct job *j, unsigned int percent);	/* told in steps that are worth an event */
struct job *job_find(const struct vmms *v, const char *id);
json_t *job_to_json(const struct job *j);
json_t *jobs_to_json(const struct vmms *v);

/* --- work.c: a slow file operation on a thread of its own --- */
/* run() must touch nothing but data; done() is called on the loop with its result. */
int work_run(struct vmms *v, int (*run)(void *data), void (*done)(void *data, int result), void *data);

#endif
