/* SPDX-License-Identifier: Apache-2.0 */
/* May a VM start, and who makes room for it. */
#include "dynmem/dynmem.h"

#define ROOT_BASE	(320ull << 20)	/* kernel, services, their caches */
#define ROOT_PER_VM	(8ull << 20)	/* worker, page tables, hypervisor structures */
#define ROOT_DIVISOR	64		/* page descriptors and what grows with the machine */

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

/* Level by level from the lightest weight up would starve the light ones; in parts by 1/weight all keep something. */
uint64_t dynmem_make_room(struct dynmem_vm *vms, size_t count, uint64_t amount)
{
	struct dynmem_share shares[DYNMEM_VMS_MAX];
	uint64_t freed = 0;

	for (size_t i = 0; i < count; i++)
		shares[i] = (struct dynmem_share){ 0, dynmem_idle(&vms[i]),
						   DYNMEM_WEIGHT_MAX / (vms[i].weight ? vms[i].weight : 1) + 1, 0 };
	dynmem_share_out(shares, count, amount + count * DYNMEM_STEP);	/* rounding may cost each one step */
	for (size_t i = 0; i < count && freed < amount; i++) {
		uint64_t part = shares[i].given / DYNMEM_STEP * DYNMEM_STEP;

		if (part > amount - freed)
			part = (amount - freed + DYNMEM_STEP - 1) / DYNMEM_STEP * DYNMEM_STEP;
		if (part > dynmem_idle(&vms[i]))
			part = dynmem_idle(&vms[i]);
		vms[i].target = vms[i].assigned - part;
		freed += part;
		if (part)
			vms[i].reason = DYNMEM_SHORTAGE;
	}
	return freed;
}

uint64_t dynmem_root_reserve(uint64_t total, size_t vm_count)
{
	return ROOT_BASE + total / ROOT_DIVISOR + vm_count * ROOT_PER_VM;
}
