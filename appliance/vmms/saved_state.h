/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The saved state of a VM: one file in its folder, which exists only as long as its guest has not run since. So it is always
 * safe to end a worker and stay "saved" while the file is there; it is given up before the guest is let run again, not after.
 */
#ifndef VMMS_SAVED_STATE_H
#define VMMS_SAVED_STATE_H

#include "vm.h"

#define SAVED_STATE_FILE	"saved-state"

/* Actions (power.c): what they need first, and doing them. */
int saved_state_check_save(struct vm *vm, struct problem *p);
void saved_state_save(struct vm *vm);
int saved_state_check_start(const struct vm *vm, struct problem *p);	/* there is memory for what is in it */
int saved_state_check_discard(struct vm *vm, struct problem *p);
void saved_state_discard(struct vm *vm);

void saved_state_restore(struct vm *vm);	/* instead of starting the configured machine → power_running() or power_start_failed() */
/* true: how the save ends is not known before its thread has, which then says so. */
bool saved_state_worker_ended(struct vm *vm);
/* Refuses what is no longer the machine that was saved; names, notes and what the host does by itself may change. */
int saved_state_guard(const struct vm *vm, const struct vm_config *c, struct problem *p);

#endif
