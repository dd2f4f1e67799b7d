/* SPDX-License-Identifier: Apache-2.0 */
/* The balancer's rules on hand-made and on random machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dynmem/dynmem.h"

#define MIB	(1ull << 20)
#define GIB	(1ull << 30)
#define VMS	40

static struct dynmem_vm vm_of(uint64_t minimum, uint64_t maximum, uint64_t assigned, uint64_t demand, uint32_t weight)
{
	return (struct dynmem_vm){ .minimum = minimum, .maximum = maximum, .assigned = assigned, .demand = demand,
				   .buffer_percent = 20, .weight = weight, .movable = true };
}

/* What the workers do between two rounds: everything that was asked. */
static void carry_out(struct dynmem_vm *vms, size_t count)
{
	for (size_t i = 0; i < count; i++)
		vms[i].assigned = vms[i].target;
}

static uint64_t held(const struct dynmem_vm *vms, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += vms[i].assigned > vms[i].target ? vms[i].assigned : vms[i].target;
	return sum;
}

static void test_demand_is_served_in_one_round(void **state)
{
	struct dynmem_vm vm = vm_of(256 * MIB, 4 * GIB, 512 * MIB, 1536 * MIB, 5000);

	(void)state;
	dynmem_balance(&vm, 1, 8 * GIB, 1000);
	assert_int_equal(vm.status, DYNMEM_WARNING);
	assert_int_equal(vm.reason, DYNMEM_DEMAND_ROSE);
	assert_true(vm.target >= 1536 * MIB * 119 / 100);
	assert_true(vm.target <= 1536 * MIB * 121 / 100);
}

static void test_idle_guest_shrinks_to_its_minimum_after_a_minute(void **state)
{
	struct dynmem_vm vm = vm_of(256 * MIB, 4 * GIB, 2 * GIB, 1600 * MIB, 5000);
	uint64_t now = 0;

	(void)state;
	dynmem_balance(&vm, 1, 8 * GIB, now);
	vm.demand = 100 * MIB;
	for (now = 1000; now < 50000; now += 1000) {
		dynmem_balance(&vm, 1, 8 * GIB, now);
		assert_true(vm.target >= 1900 * MIB);		/* its peak is remembered */
		carry_out(&vm, 1);
	}
	for (; now < 80000; now += 1000) {
		dynmem_balance(&vm, 1, 8 * GIB, now);
		carry_out(&vm, 1);
	}
	assert_int_equal(vm.assigned, 256 * MIB);
}

static void test_small_changes_move_nothing(void **state)
{
	struct dynmem_vm vm = vm_of(256 * MIB, 4 * GIB, 1200 * MIB, 1000 * MIB, 5000);

	(void)state;
	for (unsigned int i = 0; i < 600; i++) {
		vm.demand = (1000 + (i * 7 % 30)) * MIB - 15 * MIB;
		dynmem_balance(&vm, 1, 8 * GIB, i * 1000);
		assert_int_equal(vm.target, vm.assigned);
		assert_int_equal(vm.reason, DYNMEM_UNCHANGED);
	}
}

static void test_the_rest_of_a_step_is_kept_until_it_is_a_whole_one_or_memory_is_short(void **state)
{
	struct dynmem_vm vm = vm_of(256 * MIB, 4 * GIB, 512 * MIB, 600 * MIB, 5000);
	uint64_t now = 0;

	(void)state;
	vm.grow_step = 128 * MIB;
	dynmem_balance(&vm, 1, 8 * GIB, now);
	assert_int_equal(vm.target, 720 * MIB);
	vm.assigned = 768 * MIB;			/* as the caller rounds it up */
	for (; now < 600000; now += 1000) {
		dynmem_balance(&vm, 1, 8 * GIB, now);
		assert_int_equal(vm.target, 768 * MIB);
	}
	dynmem_balance(&vm, 1, 730 * MIB, now);
	assert_true(vm.target <= 730 * MIB && vm.target >= 700 * MIB);
	vm.demand = 500 * MIB;				/* wishes 600: more than a step less */
	for (; now < 700000; now += 1000)
		dynmem_balance(&vm, 1, 8 * GIB, now);
	assert_int_equal(vm.target, 600 * MIB);
}

static void test_shortage_is_shared_by_weight(void **state)
{
	static const uint32_t weight[8] = { 1000, 2000, 4000, 1000, 2000, 4000, 1000, 1000 };
	struct dynmem_vm vms[8];
	const uint64_t capacity = 8 * GIB;	/* 16000 of weight: 512 KiB a unit */

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		vms[i] = vm_of(128 * MIB, 8 * GIB, GIB, 6 * GIB, weight[i]);
	for (unsigned int i = 0; i < 20; i++) {
		dynmem_balance(vms, 8, capacity, i * 1000);
		assert_true(held(vms, 8) <= capacity);
		carry_out(vms, 8);
	}
	for (unsigned int i = 0; i < 8; i++) {
		uint64_t fair = capacity / 16000 * weight[i];

		assert_in_range(vms[i].assigned, fair * 95 / 100, fair * 105 / 100);
	}
}

static void test_who_does_not_answer_keeps_what_it_has(void **state)
{
	struct dynmem_vm vms[2] = { vm_of(128 * MIB, 4 * GIB, 3 * GIB, 100 * MIB, 5000),
				    vm_of(128 * MIB, 4 * GIB, 512 * MIB, 4 * GIB, 5000) };

	(void)state;
	vms[0].movable = false;
	for (unsigned int i = 0; i < 120; i++) {
		dynmem_balance(vms, 2, 4 * GIB, i * 1000);
		carry_out(vms, 2);
	}
	assert_int_equal(vms[0].assigned, 3 * GIB);
	assert_int_equal(vms[1].assigned, GIB);
	assert_int_equal(vms[1].status, DYNMEM_WARNING);
}

static void test_what_is_not_given_back_is_not_promised(void **state)
{
	struct dynmem_vm vms[2] = { vm_of(512 * MIB, 4 * GIB, 3 * GIB, 600 * MIB, 5000),
				    vm_of(512 * MIB, 4 * GIB, GIB, 4 * GIB, 5000) };

	(void)state;
	for (unsigned int i = 0; i < 30; i++) {		/* the first one's balloon never moves */
		dynmem_balance(vms, 2, 4 * GIB, i * 1000);
		assert_int_equal(vms[1].target, GIB);
		assert_int_equal(vms[1].reason, DYNMEM_WAITS);
		assert_true(vms[0].target < 3 * GIB);
	}
}

static void test_edited_limits_are_followed(void **state)
{
	struct dynmem_vm vm = vm_of(256 * MIB, 4 * GIB, 2 * GIB, 1500 * MIB, 5000);

	(void)state;
	vm.maximum = GIB;
	dynmem_balance(&vm, 1, 8 * GIB, 1000);
	assert_int_equal(vm.target, GIB);
	assert_int_equal(vm.reason, DYNMEM_LIMITS_CHANGED);
	vm.maximum = 6 * GIB;
	vm.minimum = 3 * GIB;
	dynmem_balance(&vm, 1, 8 * GIB, 2000);
	assert_int_equal(vm.target, 3 * GIB);
}

static void test_start_takes_idle_memory_or_says_what_is_missing(void **state)
{
	struct dynmem_vm vms[2] = { vm_of(256 * MIB, 4 * GIB, 3 * GIB, 800 * MIB, 1000),
				    vm_of(256 * MIB, 4 * GIB, 2 * GIB, 1700 * MIB, 5000) };
	struct dynmem_shortage s;
	uint64_t idle;

	(void)state;
	dynmem_balance(vms, 2, 6 * GIB, 1000);
	idle = dynmem_idle(&vms[0]) + dynmem_idle(&vms[1]);
	assert_true(dynmem_admit(vms, 2, 6 * GIB, 2 * GIB, &s));
	assert_int_equal(s.unassigned, GIB);
	assert_int_equal(s.idle, idle);
	assert_false(dynmem_admit(vms, 2, 6 * GIB, GIB + idle + DYNMEM_STEP, &s));
	assert_int_equal(s.missing, DYNMEM_STEP);
	assert_true(s.squeezable > s.idle);
}

static void test_absurd_demand_is_held_by_the_maximum(void **state)
{
	struct dynmem_vm vm = vm_of(256 * MIB, 4 * GIB, GIB, UINT64_MAX, 5000);

	(void)state;
	vm.buffer_percent = DYNMEM_BUFFER_MAX;
	dynmem_balance(&vm, 1, UINT64_MAX, UINT64_MAX);
	assert_int_equal(vm.target, 4 * GIB);
}

static uint64_t number(uint64_t limit)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x % limit;
}

static struct dynmem_vm random_vm(void)
{
	uint64_t minimum = (32 + number(512)) * DYNMEM_STEP, maximum = minimum + number(4096) * DYNMEM_STEP;
	struct dynmem_vm vm = vm_of(minimum, maximum, minimum, number(maximum + GIB), 1 + (uint32_t)number(DYNMEM_WEIGHT_MAX));

	vm.movable = number(10) != 0;
	vm.buffer_percent = (uint32_t)number(100);
	return vm;
}

/* Guests that give back slowly, or not at all, and demands that jump: the rules of README.md hold in every round. */
static void test_rules_hold_on_random_machines(void **state)
{
	(void)state;
	for (unsigned int machine = 0; machine < 200; machine++) {
		struct dynmem_vm vms[VMS];
		size_t count = 1 + number(VMS);
		uint64_t capacity = 0;

		for (size_t i = 0; i < count; i++) {
			vms[i] = random_vm();
			capacity += vms[i].assigned;
		}
		capacity += number(count * GIB);
		for (unsigned int round = 0; round < 200; round++) {
			dynmem_balance(vms, count, capacity, round * 1000);
			assert_true(held(vms, count) <= capacity);
			for (size_t i = 0; i < count; i++) {
				struct dynmem_vm *vm = &vms[i];

				assert_true(vm->target >= vm->minimum || vm->target >= vm->assigned);
				assert_true(vm->target <= vm->maximum || vm->target <= vm->assigned);
				assert_true(vm->movable || vm->target == vm->assigned);
				assert_int_equal(vm->target % DYNMEM_STEP, 0);
				if (vm->target < vm->assigned)
					vm->assigned -= number((vm->assigned - vm->target) / DYNMEM_STEP + 1) * DYNMEM_STEP;
				else
					vm->assigned = vm->target;
				if (number(20) == 0)
					vm->demand = number(vm->maximum + GIB);
			}
		}
	}
}

static void test_sharing_uses_everything_and_respects_bounds(void **state)
{
	(void)state;
	for (unsigned int turn = 0; turn < 2000; turn++) {
		struct dynmem_share shares[VMS];
		size_t count = 1 + number(VMS);
		uint64_t floors = 0, ceilings = 0, given = 0, amount;

		for (size_t i = 0; i < count; i++) {
			uint64_t floor = number(GIB), ceiling = floor + number(8 * GIB);

			shares[i] = (struct dynmem_share){ floor, ceiling, 1 + (uint32_t)number(DYNMEM_WEIGHT_MAX), 0 };
			floors += floor;
			ceilings += ceiling;
		}
		amount = floors + number(ceilings);
		dynmem_share_out(shares, count, amount);
		for (size_t i = 0; i < count; i++) {
			assert_in_range(shares[i].given, shares[i].floor, shares[i].ceiling);
			given += shares[i].given;
		}
		assert_true(given <= amount);
		assert_true(given == ceilings || amount - given < count * 8);
	}
}

static void test_sentences(void **state)
{
	struct dynmem_vm vm = vm_of(256 * MIB, 4 * GIB, 512 * MIB, 1000 * MIB, 5000);
	char text[160];

	(void)state;
	dynmem_balance(&vm, 1, 8 * GIB, 1000);
	dynmem_explain(&vm, text, sizeof(text));
	assert_string_equal(text, "Raised from 512 to 1200 MiB: the guest needs more (demand 1000 MiB, wish 1200 MiB).");
	assert_string_equal(dynmem_status_name(vm.status), "warning");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_demand_is_served_in_one_round),
		cmocka_unit_test(test_idle_guest_shrinks_to_its_minimum_after_a_minute),
		cmocka_unit_test(test_small_changes_move_nothing),
		cmocka_unit_test(test_the_rest_of_a_step_is_kept_until_it_is_a_whole_one_or_memory_is_short),
		cmocka_unit_test(test_shortage_is_shared_by_weight),
		cmocka_unit_test(test_who_does_not_answer_keeps_what_it_has),
		cmocka_unit_test(test_what_is_not_given_back_is_not_promised),
		cmocka_unit_test(test_edited_limits_are_followed),
		cmocka_unit_test(test_start_takes_idle_memory_or_says_what_is_missing),
		cmocka_unit_test(test_absurd_demand_is_held_by_the_maximum),
		cmocka_unit_test(test_rules_hold_on_random_machines),
		cmocka_unit_test(test_sharing_uses_everything_and_respects_bounds),
		cmocka_unit_test(test_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
