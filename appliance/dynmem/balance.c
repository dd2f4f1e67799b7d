/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One round of the balancer. It grows a VM at once and shrinks it late: growth when half of the buffer is used up, shrinking to
 * the highest wish of the last minute. Only a shortage cuts a VM below its wish, and then all by weight.
 */
#include "dynmem/dynmem.h"

#include <string.h>

#define DEAD_BAND_DIVISOR	20			/* a change under 5 % is not worth a move */
#define DEAD_BAND_MIN		(16ull << 20)

static uint64_t round_up(uint64_t bytes)
{
	return (bytes + DYNMEM_STEP - 1) / DYNMEM_STEP * DYNMEM_STEP;
}

static uint64_t round_down(uint64_t bytes)
{
	return bytes / DYNMEM_STEP * DYNMEM_STEP;
}

static uint64_t within(const struct dynmem_vm *vm, uint64_t bytes)
{
	if (bytes < vm->minimum)
		return vm->minimum;
	return bytes > vm->maximum ? vm->maximum : bytes;
}

/* Demand with `percent` of itself on top; a guest may claim anything, so nothing may overflow. */
static uint64_t demand_with(const struct dynmem_vm *vm, uint32_t percent)
{
	uint64_t demand = vm->demand < vm->maximum ? vm->demand : vm->maximum;

	return within(vm, round_up(demand + demand / 100 * percent));
}

/* The highest wish of the last minute, this one included. Of a new VM what it has counts as a wish: a guest that boots says little. */
static uint64_t remember_peak(struct dynmem_history *h, uint64_t assigned, uint64_t wish, uint64_t now_ms)
{
	uint64_t slot = now_ms / DYNMEM_SLOT_MS, highest = 0;

	if (!h->begun && assigned > wish)
		wish = assigned;
	h->begun = true;

	if (slot >= h->slot + DYNMEM_WINDOW_SLOTS)
		memset(h->peak, 0, sizeof(h->peak));
	for (uint64_t s = h->slot + 1; s <= slot && s < h->slot + DYNMEM_WINDOW_SLOTS; s++)
		h->peak[s % DYNMEM_WINDOW_SLOTS] = 0;
	if (slot > h->slot)
		h->slot = slot;
	if (h->peak[slot % DYNMEM_WINDOW_SLOTS] < wish)
		h->peak[slot % DYNMEM_WINDOW_SLOTS] = wish;
	for (unsigned int i = 0; i < DYNMEM_WINDOW_SLOTS; i++)
		if (h->peak[i] > highest)
			highest = h->peak[i];
	return highest;
}

static enum dynmem_status judge(const struct dynmem_vm *vm)
{
	if (vm->assigned < within(vm, vm->demand) || (vm->demand > vm->maximum && vm->assigned <= vm->maximum))
		return DYNMEM_WARNING;
	return vm->assigned < demand_with(vm, vm->buffer_percent / 2) ? DYNMEM_LOW : DYNMEM_OK;
}

/* After growth in whole steps a surplus of less than one is no reason to shrink: the next demand would bring the step back. */
static bool is_rest_of_growth(const struct dynmem_vm *vm, uint64_t surplus)
{
	return vm->history.grew && surplus < vm->grow_step;
}

static bool is_small(const struct dynmem_vm *vm, uint64_t difference)
{
	uint64_t band = vm->assigned / DEAD_BAND_DIVISOR;

	return difference < (band > DEAD_BAND_MIN ? band : DEAD_BAND_MIN);
}

/* What the VM would have if there were enough for all. */
static uint64_t unhindered(struct dynmem_vm *vm, uint64_t now_ms)
{
	uint64_t peak;

	vm->wish = demand_with(vm, vm->buffer_percent);
	peak = within(vm, remember_peak(&vm->history, vm->assigned, vm->wish, now_ms));
	vm->status = judge(vm);
	if (vm->assigned < vm->minimum || vm->assigned > vm->maximum)
		return within(vm, vm->assigned);
	if (vm->wish > vm->assigned) {
		bool wanted = vm->status != DYNMEM_OK || vm->history.cut || !is_small(vm, vm->wish - vm->assigned);

		return wanted ? vm->wish : vm->assigned;
	}
	if (vm->assigned <= peak || is_small(vm, vm->assigned - peak) || is_rest_of_growth(vm, vm->assigned - peak))
		return vm->assigned;
	return round_up(peak);
}

struct round {			/* sums over the movable VMs; `fixed` over the others */
	uint64_t fixed, ideal, held;
};

static struct round survey(struct dynmem_vm *vms, size_t count, uint64_t now_ms)
{
	struct round r = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct dynmem_vm *vm = &vms[i];

		vm->reason = DYNMEM_UNCHANGED;
		vm->target = unhindered(vm, now_ms);
		if (!vm->movable)
			vm->target = vm->assigned;
		if (vm->movable)
			r.ideal += vm->target;
		else
			r.fixed += vm->assigned;
		r.held += vm->assigned;
	}
	return r;
}

/* Not everybody can have what it wants: the weights decide. */
static void cut_to_shares(struct dynmem_vm *vms, size_t count, uint64_t amount)
{
	struct dynmem_share shares[DYNMEM_VMS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (vms[i].movable)
			shares[n++] = (struct dynmem_share){ vms[i].minimum, vms[i].wish, vms[i].weight, 0 };
	dynmem_share_out(shares, n, amount);
	n = 0;
	for (size_t i = 0; i < count; i++) {
		struct dynmem_vm *vm = &vms[i];
		uint64_t part;

		if (!vm->movable)
			continue;
		part = within(vm, round_down(shares[n++].given));
		vm->target = part;
		if (is_small(vm, part > vm->assigned ? part - vm->assigned : vm->assigned - part))
			vm->target = within(vm, vm->assigned);
		if (vm->target < vm->assigned)
			vm->reason = DYNMEM_SHORTAGE;
	}
}

/* Growth comes out of what nobody holds now, shared by weight among those that want more. */
static void grant_growth(struct dynmem_vm *vms, size_t count, uint64_t free)
{
	struct dynmem_share shares[DYNMEM_VMS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (vms[i].target > vms[i].assigned)
			shares[n++] = (struct dynmem_share){ 0, vms[i].target - vms[i].assigned, vms[i].weight, 0 };
	dynmem_share_out(shares, n, free);
	n = 0;
	for (size_t i = 0; i < count; i++) {
		struct dynmem_vm *vm = &vms[i];
		uint64_t more;

		if (vm->target <= vm->assigned)
			continue;
		more = shares[n].given < shares[n].ceiling ? round_down(shares[n].given) : shares[n].given;
		if (more < shares[n].ceiling)
			vm->reason = DYNMEM_WAITS;
		vm->target = vm->assigned + more;
		n++;
	}
}

static void name_reason(struct dynmem_vm *vm)
{
	if (vm->reason == DYNMEM_UNCHANGED && vm->target != vm->assigned) {
		if (vm->assigned < vm->minimum || vm->assigned > vm->maximum)
			vm->reason = DYNMEM_LIMITS_CHANGED;
		else if (vm->target < vm->assigned)
			vm->reason = DYNMEM_DEMAND_FELL;
		else
			vm->reason = vm->history.cut ? DYNMEM_SHORTAGE_ENDED : DYNMEM_DEMAND_ROSE;
	}
	if (vm->reason == DYNMEM_SHORTAGE)
		vm->history.cut = true;
	else if (vm->target >= vm->wish)
		vm->history.cut = false;
	if (vm->target != vm->assigned)
		vm->history.grew = vm->target > vm->assigned;
}

void dynmem_balance(struct dynmem_vm *vms, size_t count, uint64_t capacity, uint64_t now_ms)
{
	struct round r = survey(vms, count, now_ms);
	uint64_t movable = capacity > r.fixed ? capacity - r.fixed : 0;

	if (r.ideal > movable)
		cut_to_shares(vms, count, movable);
	grant_growth(vms, count, capacity > r.held ? capacity - r.held : 0);
	for (size_t i = 0; i < count; i++)
		name_reason(&vms[i]);
}
