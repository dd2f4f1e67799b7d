/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day of many VMs through the balancer and through two other policies, on the same synthetic demand:
 * `proportional` gives everybody minimum plus a part of the rest by weight, whatever it needs; `target-80` follows the idea
 * of auto-ballooning with a fixed goal: every 10 s it moves VMs by up to 100 MiB so that 80 % of the host is used.
 * Usage: dynmem-day [VMS HOURS PERCENT] (PERCENT of 1536 MiB per VM). Fails when the balancer breaks one of its bounds.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dynmem/dynmem.h"

#define MIB		(1ull << 20)
#define GIVE_BACK	(256 * MIB)	/* what a guest's balloon takes in per second */
#define MOVES_PER_HOUR_MAX 40.0		/* per VM: more would be oscillation, the demand itself steps some 10 times an hour */

struct load {			/* one VM's demand */
	unsigned int kind;
	uint64_t base, swing, burst_until, burst;
	double phase;
};

struct score {
	double moves, unmet, asked, jain_sum, jain_rounds, settle_sum, settle_count;
	uint64_t worst_settle, broken;
};

typedef void policy(struct dynmem_vm *vms, size_t count, uint64_t capacity, uint64_t second);

static uint64_t random_state;

static uint64_t number(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

/* --- demand: office hours, bursts of minutes, hourly batch jobs, a slow leak with restarts --- */

static uint64_t load_at(struct load *l, uint64_t second)
{
	double day = 2 * M_PI * (double)(second % 86400) / 86400.0;
	uint64_t noise = number(l->base / 50 + 1), extra = 0;

	switch (l->kind) {
	case 0:
		extra = (uint64_t)((double)l->swing * (0.5 - 0.5 * cos(day + l->phase)));
		break;
	case 1:
		if (second >= l->burst_until && number(600) == 0) {
			l->burst_until = second + 30 + number(300);
			l->burst = number(l->swing) + 1;
		}
		extra = second < l->burst_until ? l->burst : 0;
		break;
	case 2:
		extra = (second + (uint64_t)(l->phase * 500)) % 3600 < 900 ? l->swing : 0;
		break;
	default:
		extra = l->swing * (second % 21600) / 21600;
	}
	return l->base + noise + extra;
}

static void populate(struct dynmem_vm *vms, struct load *loads, size_t count)
{
	static const uint32_t weights[] = { 1000, 2500, 5000, 5000, 5000, 10000 };

	random_state = 0x9e3779b97f4a7c15ull;
	for (size_t i = 0; i < count; i++) {
		loads[i] = (struct load){ .kind = (unsigned int)number(4), .base = (200 + number(600)) * MIB,
					  .swing = (300 + number(2500)) * MIB, .phase = (double)number(628) / 100.0 };
		vms[i] = (struct dynmem_vm){ .minimum = 256 * MIB, .maximum = 4096 * MIB, .assigned = 256 * MIB,
					     .buffer_percent = 20, .weight = weights[number(6)], .movable = true };
	}
}

/* --- the policies --- */

static void ours(struct dynmem_vm *vms, size_t count, uint64_t capacity, uint64_t second)
{
	dynmem_balance(vms, count, capacity, second * 1000);
}

static uint64_t clamp(const struct dynmem_vm *vm, uint64_t bytes)
{
	bytes = bytes / DYNMEM_STEP * DYNMEM_STEP;
	return bytes < vm->minimum ? vm->minimum : bytes > vm->maximum ? vm->maximum : bytes;
}

static void proportional(struct dynmem_vm *vms, size_t count, uint64_t capacity, uint64_t second)
{
	uint64_t floors = 0, weights = 0;

	(void)second;
	for (size_t i = 0; i < count; i++) {
		floors += vms[i].minimum;
		weights += vms[i].weight;
	}
	for (size_t i = 0; i < count; i++)
		vms[i].target = clamp(&vms[i], vms[i].minimum + (capacity - floors) / weights * vms[i].weight);
}

static void target_80(struct dynmem_vm *vms, size_t count, uint64_t capacity, uint64_t second)
{
	uint64_t held = 0, weights = 0, goal = capacity / 100 * 80, left;

	for (size_t i = 0; i < count; i++) {
		held += vms[i].assigned;
		weights += vms[i].weight;
		vms[i].target = vms[i].assigned;
	}
	if (second % 10)
		return;
	left = held < goal ? goal - held : held - goal;
	for (size_t i = 0; i < count; i++) {
		struct dynmem_vm *vm = &vms[i];
		uint64_t by_weight = left / weights * vm->weight, step = by_weight < 100 * MIB ? by_weight : 100 * MIB;

		if (held < goal && vm->demand > vm->assigned / 100 * 80)
			vm->target = clamp(vm, vm->assigned + step);
		else if (held > goal)
			vm->target = clamp(vm, vm->assigned > step ? vm->assigned - step : 0);
	}
}

/* --- running and scoring --- */

static void carry_out(struct dynmem_vm *vms, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct dynmem_vm *vm = &vms[i];

		if (vm->target < vm->assigned && vm->assigned - vm->target > GIVE_BACK)
			vm->assigned -= GIVE_BACK;
		else
			vm->assigned = vm->target;
	}
}

static uint64_t need_of(const struct dynmem_vm *vm)
{
	uint64_t need = vm->demand < vm->maximum ? vm->demand : vm->maximum;

	return need > vm->minimum ? need : vm->minimum;
}

/* Jain's index of what each has of its fair (weighted max-min) part of what all need; counted while memory is short. */
static void score_fairness(struct score *s, const struct dynmem_vm *vms, size_t count, uint64_t capacity, struct dynmem_share *shares)
{
	double sum = 0, squares = 0;
	uint64_t needs = 0;

	for (size_t i = 0; i < count; i++) {
		shares[i] = (struct dynmem_share){ vms[i].minimum, need_of(&vms[i]), vms[i].weight, 0 };
		needs += shares[i].ceiling;
	}
	if (needs <= capacity)
		return;
	dynmem_share_out(shares, count, capacity);
	for (size_t i = 0; i < count; i++) {
		uint64_t used = vms[i].assigned < shares[i].ceiling ? vms[i].assigned : shares[i].ceiling;
		double x = (double)used / (double)shares[i].given;

		sum += x;
		squares += x * x;
	}
	s->jain_sum += sum * sum / ((double)count * squares);
	s->jain_rounds++;
}

/* Settling: the seconds for which a VM has less than it needs after its demand rose. */
static void score_round(struct score *s, const struct dynmem_vm *vms, size_t count, uint64_t capacity, uint32_t *waiting)
{
	uint64_t held = 0;

	for (size_t i = 0; i < count; i++) {
		const struct dynmem_vm *vm = &vms[i];
		uint64_t need = need_of(vm);

		s->moves += vm->target != vm->assigned;
		s->asked += (double)need;
		s->unmet += vm->assigned < need ? (double)(need - vm->assigned) : 0;
		held += vm->assigned > vm->target ? vm->assigned : vm->target;
		if (vm->assigned < need) {
			waiting[i]++;
		} else if (waiting[i]) {
			s->settle_sum += waiting[i];
			s->settle_count++;
			s->worst_settle = waiting[i] > s->worst_settle ? waiting[i] : s->worst_settle;
			waiting[i] = 0;
		}
		s->broken += vm->target < vm->minimum && vm->target < vm->assigned;
	}
	s->broken += held > capacity;
}

static struct score simulate(policy *run, size_t count, uint64_t seconds, uint64_t percent)
{
	struct dynmem_vm *vms = calloc(count, sizeof(*vms));
	struct load *loads = calloc(count, sizeof(*loads));
	struct dynmem_share *shares = calloc(count, sizeof(*shares));
	uint32_t *waiting = calloc(count, sizeof(*waiting));
	uint64_t capacity = count * 1536 * MIB / 100 * percent;
	struct score s = { 0 };

	if (!vms || !loads || !shares || !waiting)
		exit(2);
	populate(vms, loads, count);
	for (uint64_t second = 1; second <= seconds; second++) {
		for (size_t i = 0; i < count; i++)
			vms[i].demand = load_at(&loads[i], second);
		run(vms, count, capacity, second);
		score_round(&s, vms, count, capacity, waiting);
		if (second % 10 == 0)
			score_fairness(&s, vms, count, capacity, shares);
		carry_out(vms, count);
	}
	free(vms);
	free(loads);
	free(shares);
	free(waiting);
	return s;
}

static void report(const char *name, const struct score *s, size_t count, uint64_t seconds)
{
	printf("%-13s %8.2f moves/VM-hour  %7.3f %% of demand unmet  settles in %6.1f s on average, %llu s at worst  fairness %.4f\n", name,
	       s->moves / (double)count / ((double)seconds / 3600), 100 * s->unmet / s->asked,
	       s->settle_count > 0 ? s->settle_sum / s->settle_count : 0.0, (unsigned long long)s->worst_settle,
	       s->jain_rounds > 0 ? s->jain_sum / s->jain_rounds : 1.0);
}

/* One day under all three policies; false when ours broke one of its bounds. */
static bool compare(size_t count, uint64_t hours, uint64_t percent)
{
	static const struct { const char *name; policy *run; } policies[] = {
		{ "partita", ours }, { "proportional", proportional }, { "target-80", target_80 },
	};
	double moves = 0;
	uint64_t broken = 0;

	printf("%zu VMs, %llu hours, capacity %llu MiB per VM\n", count, (unsigned long long)hours,
	       (unsigned long long)(1536 * percent / 100));
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct score s = simulate(policies[i].run, count, hours * 3600, percent);

		report(policies[i].name, &s, count, hours * 3600);
		if (policies[i].run != ours)
			continue;
		moves = s.moves / (double)count / (double)hours;
		broken = s.broken;
	}
	if (broken > 0)
		printf("rules broken: %llu times\n", (unsigned long long)broken);
	if (moves > MOVES_PER_HOUR_MAX)
		printf("oscillation: more than %.0f moves per VM and hour\n", MOVES_PER_HOUR_MAX);
	return broken == 0 && moves <= MOVES_PER_HOUR_MAX;
}

static void test_a_day_in_shortage(void **state) { (void)state; assert_true(compare(50, 24, 70)); }
static void test_a_day_with_just_enough(void **state) { (void)state; assert_true(compare(50, 24, 100)); }
static void test_a_day_with_plenty(void **state) { (void)state; assert_true(compare(50, 24, 150)); }

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_day_in_shortage),
		cmocka_unit_test(test_a_day_with_just_enough),
		cmocka_unit_test(test_a_day_with_plenty),
	};

	if (count == 4)
		return !compare(strtoull(arguments[1], NULL, 10), strtoull(arguments[2], NULL, 10), strtoull(arguments[3], NULL, 10));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
