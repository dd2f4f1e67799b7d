/* SPDX-License-Identifier: Apache-2.0 */
/* VMs whose worker has paused them because the volume of a disk is full: they go on when there is room again. */
#ifndef VMMS_NO_SPACE_H
#define VMMS_NO_SPACE_H

#include "vm.h"

#define NO_SPACE_REASON		"no-space"	/* the reason of "paused" begins so (docs/processes.md) */
#define NO_SPACE_ENOUGH_BYTES	(64ull << 20)	/* free on the volume: less, and they would stand still again at once */

/* The worker says that its machine is in this state now; follow worker.no_space. */
void no_space_note(struct vm *vm, const char *state, const char *reason);
void no_space_close(struct vmms *v);

#endif
