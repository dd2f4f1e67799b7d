/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of running VMs: once a second the balancer (dynmem/) is fed with what the workers say and its targets are sent. */
#ifndef VMMS_MEMORY_H
#define VMMS_MEMORY_H

#include "vm.h"

void memory_round(struct vmms *v);		/* one round of the balancer */
bool memory_note(struct vm *vm, const json_t *memory);	/* "memory" of vmwp.GetStatus; may be NULL. True: it lacks memory since just now */
uint64_t memory_held(const struct vm *vm);	/* what it has or was promised; 0 when off */
int memory_admit(const struct vm *vm, struct problem *p);	/* may it start: at once, or after idle memory came back */
void memory_begin_start(struct vm *vm);		/* launches the worker as soon as its memory is free, or fails the start */
void memory_guest_was_reset(struct vm *vm);	/* it has its startup memory again, or more of it than the host: Smart Paging */
bool memory_moves(const struct vm *vm);		/* its demand has just changed, or is not met */
uint64_t memory_demand(const struct vmms *v);	/* of all that run; those that do not say: what they hold */
unsigned int memory_vms_in_need(const struct vmms *v);	/* that should have more than there is for them, or wait to start */
uint64_t memory_could_give(const struct vm *vm);	/* beyond its minimum */
/* While it runs its maximum may be raised, and a static VM be made larger: room for that costs addresses only. */
uint64_t memory_most(const struct vm *vm);
int memory_check_size(const struct vm *vm, const struct vm_memory *m, struct problem *p);	/* may a running VM's settings become so? */
void memory_resize(struct vm *vm);		/* a static VM that runs goes to its (changed) startup memory, by hot add or balloon */
void memory_add_to_json(const struct vm *vm, json_t *memory);	/* assigned, demand, available, status, reason */

#endif
