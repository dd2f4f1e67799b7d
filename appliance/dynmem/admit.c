/* SPDX-License-Identifier: Apache-2.0 */
/* May a VM start, and who could make room for it. */
#include "dynmem/dynmem.h"

uint64_t dynmem_idle(const struct dynmem_vm *vm)
{
	return vm->movable && vm->assigned > vm->wish ? (vm->assigned - vm->wish) / DYNMEM_STEP * DYNMEM_STEP : 0;
}

uint64_t dynmem_squeezable(const struct dynmem_vm *vm)
{
	return vm->movable && vm->assigned > vm->minimum ? (vm->assigned - vm->minimum) / DYNMEM_STEP * DYNMEM_STEP : 0;
}

bool dynmem_admit(const struct dynmem_vm *vms, size_t count, uint64_t capacity, uint64_t needed, struct dynmem_shortage *s)
{
	uint64_t held = 0;

	*s = (struct dynmem_shortage){ .needed = needed };
	for (size_t i = 0; i < count; i++) {
		held += vms[i].assigned;
		s->idle += dynmem_idle(&vms[i]);
		s->squeezable += dynmem_squeezable(&vms[i]);
	}
	s->unassigned = capacity > held ? capacity - held : 0;
	if (s->unassigned + s->idle < needed)
		s->missing = needed - s->unassigned - s->idle;
	return s->missing == 0;
}
