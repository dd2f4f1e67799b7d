/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual machine as vmms keeps it: its configuration (vms.c), its power state (power.c), its worker (worker.c). */
#ifndef VMMS_VM_H
#define VMMS_VM_H

#include "dynmem/dynmem.h"
#include "vmms.h"

enum vm_state { VM_OFF, VM_STARTING, VM_RUNNING, VM_STOPPING, VM_PAUSED, VM_FAILED, VM_SAVED, VM_SAVING, VM_RESTORING };
extern const char *const vm_state_words[];

struct cpu_share { unsigned int weight; uint64_t quota_usec; };	/* of a control group, per 100 ms; quota 0 is none */

#define NODES_MAX	8u
struct worker_usage {			/* what it really takes, as vmpriv says */
	uint64_t guest_bytes, large_page_bytes, worker_bytes, kernel_bytes;
	uint64_t node_bytes[NODES_MAX];	/* the guest's, by NUMA node */
	unsigned int nodes;
};

struct worker_memory {			/* as the worker last said; all zero for a VM with static memory */
	uint64_t assigned, demand, available;
	bool driver;			/* the guest's balloon driver answers */
	bool moves;			/* its demand changed with the last answer */
	bool waits;			/* it should get more than the host has for it */
	uint64_t promised, promised_until_usec;	/* promised: more than it has yet; nobody else's meanwhile */
	struct dynmem_history history;
	enum dynmem_status status;
	char reason[160];		/* of the last change, in words */
};

struct worker {				/* what vmms knows of a VM's worker process; unused while !present */
	bool present;			/* vmpriv has one, or is starting it */
	bool started;			/* vmpriv said so */
	bool unresponsive;		/* runs, but its control socket does not answer */
	char no_space[160];		/* why it has paused its machine, if for a full volume (no_space.c) */
	uint64_t resumed_usec;		/* when it was last resumed because there is room again */
	bool said_off;			/* it told that the machine is off: its end is no failure */
	unsigned int slot;
	uint64_t drives_given;		/* of config.drives, while it starts */
	struct ipc_async *control, *watch;
	char reason[160];		/* why it is off or has failed, in its own words */
	struct cpu_share cpu;		/* as last told to vmpriv */
	struct lp_set pins;		/* too */
	char core_scheduling[16];	/* as vmpriv said: on, off, not-needed, unavailable */
	struct worker_usage usage;
	struct worker_memory memory;
	bool asked;			/* GetStatus is on its way (status.c) */
	unsigned int rounds;		/* how often it has been asked */
};

struct vm {
	struct vm *next;
	struct vmms *vmms;
	char id[GUID_TEXT_SIZE];
	struct vm_config config;
	time_t created_at;
	uint64_t revision;		/* of the configuration: the etag */
	enum vm_state state;
	char reason[160];		/* of the state; "" none */
	bool stopped_with_host;		/* off because the host goes down: it was running, as far as its next start is concerned */
	bool was_running;	/* when the service ended; since then */
	uint64_t started_usec;		/* CLOCK_BOOTTIME; 0 while it has no uptime */
	struct job *job;		/* the power action in work */
	bool off_wanted, start_again;	/* turn-off, and restart, are under way */
	uint64_t reset_told_usec;	/* when the last reset by the guest became an event */
	sd_event_source *timer;		/* patience with a stop */
	bool has_saved_state;		/* the file is there: the guest has not run since (saved_state.h) */
	bool resumes;			/* runs again when being saved, or restored, ends in any other way */
	struct saving *saving;		/* saved_state.c: while its file is written; NULL: not */
	bool restarts;			/* it is being started again: may use Smart Paging */
	uint64_t paged_at_start;	/* bytes of its memory that it starts with in a paging file */
	uint64_t memory_deadline_usec;	/* it starts as soon as its memory is free, until then; 0: it does not wait */
	json_t *guest;			/* what its guest says of itself; NULL: nothing yet */
	struct metrics *metrics;	/* metrics.c; NULL: none yet */
	struct worker worker;
};

/* --- vms.c: the folder of each VM, and finding VMs --- */
int vms_open(struct vmms *v);
void vms_close(struct vmms *v);
struct vm *vm_find(const struct vmms *v, const char *id);
json_t *vm_to_json(const struct vm *vm);
json_t *vms_to_json(const struct vmms *v);
const char *vm_name(const struct vm *vm);
json_int_t vm_uptime_seconds(const struct vm *vm);	/* 0 when off */
void vm_etag(const struct vm *vm, char out[24]);
struct vm *vm_using(const struct vmms *v, const char *medium_id);	/* the first VM with this disk or ISO; NULL */
json_t *vms_using(const struct vmms *v, const char *medium_id);		/* attachedTo */
uint64_t vms_assigned_bytes(const struct vmms *v);
int vm_check(const struct vmms *v, const struct vm *self, const struct vm_config *c, struct problem *p);	/* name, media */
int vm_add(struct vmms *v, const struct vm_config *c, const char *id, struct vm **out, struct problem *p);	/* stores it */
int vm_change(struct vm *vm, const struct vm_config *c, struct problem *p);	/* stores it, then it holds */
int vm_remove(struct vm *vm, struct problem *p);				/* and the disks made with it */
void vm_state_save(const struct vm *vm);	/* what the next vmms must know: running or failed */

/* --- power.c: the state machine --- */
int power_action(struct vm *vm, const char *action, struct job **job, struct problem *p);
int power_cancel(struct vmms *v, struct job *j, struct problem *p);
void power_set_state(struct vm *vm, enum vm_state state, const char *reason);
void power_set_starting(struct vm *vm, const char *reason);	/* or restoring, when its state is saved */
void power_set_running(struct vm *vm);		/* as far as we are concerned; its worker may have had to pause it */
void power_finish_job(struct vm *vm, enum job_state state, const char *code, const char *detail);
void power_end_worker(struct vm *vm);		/* in its own time, or in ours */
/* What the worker's side reports. */
void power_running(struct vm *vm);
void power_start_failed(struct vm *vm, const char *reason);
void power_worker_state(struct vm *vm, const char *state, const char *reason);
void power_worker_ended(struct vm *vm, int exit_code, int signal, const char *reason);	/* -1: not that */
void power_recovered(struct vm *vm, const char *state, uint64_t uptime_seconds);	/* found again after a restart of vmms */

/* --- worker.c: the worker process of a VM, from vmpriv.StartWorker to its end --- */
void worker_launch(struct vm *vm);		/* → power_running() or power_start_failed() */
void worker_adopt(struct vm *vm, unsigned int slot);	/* one that runs already → power_recovered() */
void worker_kill(struct vm *vm);
void worker_forget(struct vm *vm);		/* it has ended */
/* A further connection to it, for a stream; `lost` as in ipc_async_from_fd(). */
int worker_connect_also(const struct vm *vm, void (*lost)(struct ipc_async *a, int reason, void *data), void *data, struct ipc_async **out);
int worker_call(struct vm *vm, const char *method, json_t *parameters, const int *fds, size_t fd_count, ipc_async_reply *done, void *data);

/* --- priv.c: the connection to vmpriv --- */
int priv_open(struct vmms *v);			/* connects now or keeps trying */
void priv_close(struct vmms *v);
int priv_call(struct vmms *v, const char *method, json_t *parameters, const int *fds, size_t fd_count, ipc_async_reply *done, void *data);

/* --- screen.c --- */
typedef void screen_taken(int result, int width, int height, int stride, int memfd, void *data);	/* memfd stays screen.c's */
int screen_take(struct vm *vm, screen_taken *done, void *data);

#endif
