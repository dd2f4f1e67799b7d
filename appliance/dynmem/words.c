/* SPDX-License-Identifier: Apache-2.0 */
/* The balancer explains itself: status names and one sentence per change. */
#include "dynmem/dynmem.h"

#include <stdio.h>

#define MIB(bytes) ((unsigned long long)((bytes) >> 20))

const char *dynmem_status_name(enum dynmem_status status)
{
	static const char *const names[] = { [DYNMEM_OK] = "ok", [DYNMEM_LOW] = "low", [DYNMEM_WARNING] = "warning" };

	return names[status];
}

void dynmem_explain(const struct dynmem_vm *vm, char *text, size_t size)
{
	static const char *const why[] = {
		[DYNMEM_UNCHANGED] = "nothing changed",
		[DYNMEM_DEMAND_ROSE] = "the guest needs more",
		[DYNMEM_DEMAND_FELL] = "the guest has not needed more for a minute",
		[DYNMEM_SHORTAGE] = "memory is short, and this is its share by weight",
		[DYNMEM_SHORTAGE_ENDED] = "memory is no longer short",
		[DYNMEM_LIMITS_CHANGED] = "its settings were changed",
		[DYNMEM_WAITS] = "it needs more, but the memory is not free yet",
	};

	if (vm->target == vm->assigned)
		snprintf(text, size, "Stays at %llu MiB: %s (demand %llu MiB, wish %llu MiB).", MIB(vm->assigned),
			 why[vm->reason], MIB(vm->demand), MIB(vm->wish));
	else
		snprintf(text, size, "%s from %llu to %llu MiB: %s (demand %llu MiB, wish %llu MiB).",
			 vm->target > vm->assigned ? "Raised" : "Lowered", MIB(vm->assigned), MIB(vm->target),
			 why[vm->reason], MIB(vm->demand), MIB(vm->wish));
}
