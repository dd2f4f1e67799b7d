/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic memory: who gets how much. Pure functions: pressure in, targets out; no clock, no I/O, no allocation by the
 * balancer. vmms runs them once a second; the mechanism (balloon, hot-add) is the worker's. The words are Hyper-V's:
 * startup, minimum, maximum, buffer, weight, demand, assigned. All amounts are bytes; targets are multiples of DYNMEM_STEP.
 */
#ifndef DYNMEM_DYNMEM_H
#define DYNMEM_DYNMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DYNMEM_STEP		(2ull << 20)	/* pages given back stay large */
#define DYNMEM_WINDOW_SLOTS	6		/* the peak is kept over 6 slots of 10 s */
#define DYNMEM_SLOT_MS		10000u
#define DYNMEM_VMS_MAX		1024u		/* `count` of every call is at most this */
#define DYNMEM_WEIGHT_MAX	10000u
#define DYNMEM_BUFFER_MAX	2000u		/* percent */

enum dynmem_reason {		/* of the last change of the target */
	DYNMEM_UNCHANGED,
	DYNMEM_DEMAND_ROSE,	/* the guest needs more, and it is there */
	DYNMEM_DEMAND_FELL,	/* the guest has not needed it for a minute */
	DYNMEM_SHORTAGE,	/* others need it more: cut to its share by weight */
	DYNMEM_SHORTAGE_ENDED,	/* back from a cut */
	DYNMEM_LIMITS_CHANGED,	/* outside its minimum or maximum, which were edited */
	DYNMEM_WAITS,		/* it should get more, but others have not given theirs back yet */
};

enum dynmem_status {
	DYNMEM_OK,		/* the buffer is whole, or at least half of it */
	DYNMEM_LOW,		/* less than half of the buffer is left */
	DYNMEM_WARNING,		/* the guest needs more than it has */
};

struct dynmem_history {		/* zeroed for a new VM; the caller keeps it between calls */
	uint64_t peak[DYNMEM_WINDOW_SLOTS];	/* highest wish per slot */
	uint64_t slot;				/* number of the newest slot */
	bool begun;				/* it has been through a round */
	bool cut;				/* its last change was a cut for want of memory */
	bool grew;				/* its last change was growth */
};

struct dynmem_vm {
	/* in */
	uint64_t minimum, maximum;
	uint64_t assigned;	/* what it holds, or was promised if that is more: never given to anybody else */
	uint64_t demand;	/* what the guest says it needs (committed memory) */
	uint32_t buffer_percent, weight;	/* weight 1…DYNMEM_WEIGHT_MAX */
	uint64_t grow_step;	/* growth comes in steps of so much, so the last of them may well be idle; 0: DYNMEM_STEP */
	bool movable;		/* dynamic, and its balloon driver answers; else it keeps what it has */
	struct dynmem_history history;		/* in and out */
	/* out */
	uint64_t wish;		/* demand and buffer within its limits */
	uint64_t target;
	enum dynmem_reason reason;
	enum dynmem_status status;
};

/* One round over all running VMs. Afterwards the sum of max(assigned, target) is at most capacity if the sum of assigned was:
 * what one gives up is not promised to another before it has been given back. */
void dynmem_balance(struct dynmem_vm *vms, size_t count, uint64_t capacity, uint64_t now_ms);

/* --- admission of a VM that starts --- */

struct dynmem_shortage {
	uint64_t needed;	/* bytes to start it */
	uint64_t unassigned;	/* capacity nobody holds */
	uint64_t idle;		/* what others hold beyond their wish: will be taken for it */
	uint64_t squeezable;	/* what others hold beyond their minimum: the most that could be freed by cutting them */
	uint64_t missing;	/* needed - unassigned - idle, if more than 0 */
};
/* How much of vms[i]'s memory a newcomer may have: beyond its wish (idle), or beyond its minimum (squeezed). */
uint64_t dynmem_idle(const struct dynmem_vm *vm);
uint64_t dynmem_squeezable(const struct dynmem_vm *vm);
/* True: it can start (at once when needed <= unassigned, else after the idle ones gave back). False: *s says what is short. */
bool dynmem_admit(const struct dynmem_vm *vms, size_t count, uint64_t capacity, uint64_t needed, struct dynmem_shortage *s);
/* --- words --- */
const char *dynmem_status_name(enum dynmem_status status);			/* "ok", "low", "warning" */
void dynmem_explain(const struct dynmem_vm *vm, char *text, size_t size);	/* one English sentence for the API */

/* --- the share-out, for itself --- */
struct dynmem_share { uint64_t floor, ceiling; uint32_t weight; uint64_t given; };
/* Weighted max-min fairness: given = weight * level, held between floor and ceiling, with the highest level at which the
 * sum fits `amount`; floors are given even when they do not fit. */
void dynmem_share_out(struct dynmem_share *shares, size_t count, uint64_t amount);

#endif
