/* SPDX-License-Identifier: Apache-2.0 */
/* Series of samples: means per step, gaps, laps; and the reserve of the root partition. */
#include "vmms/host_memory.h"
#include "vmms/rings.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#define START	1000000ull		/* seconds; a multiple of every step but the longest */

static void add(struct rings *r, uint64_t at, float cpu)
{
	float values[METRICS];

	for (unsigned int m = 0; m < METRICS; m++)
		values[m] = NAN;
	values[METRIC_CPU] = cpu;
	rings_add(r, at, values);
}

/* The `back`th newest value of the CPU; -1: unknown. */
static double newest(const struct rings *r, enum rings_range range, uint64_t now, size_t back)
{
	uint64_t end;
	json_t *o = rings_to_json(r, range, now, &end);
	const json_t *list = json_object_get(json_object_get(o, "series"), "cpuPercent");
	const json_t *value = json_array_get(list, json_array_size(list) - 1 - back);
	double number = json_is_number(value) ? json_number_value(value) : -1;

	assert_true(end <= now && now - end < (uint64_t)json_integer_value(json_object_get(o, "stepSeconds")));
	json_decref(o);
	return number;
}

static void a_step_has_the_mean_of_its_samples_and_shows_when_it_is_over(void **state)
{
	struct rings *r = rings_new();

	(void)state;
	for (uint64_t t = 0; t < 20; t++)
		add(r, START + t, t < 10 ? 10 : 30);
	assert_true(newest(r, RANGE_HOUR, START + 19, 0) == -1);
	add(r, START + 20, 70);
	assert_true(newest(r, RANGE_HOUR, START + 20, 0) == 20);
	assert_true(newest(r, RANGE_MINUTES, START + 20, 0) == 30);
	assert_true(newest(r, RANGE_MINUTES, START + 20, 9) == 10);
	rings_free(r);
}

static void what_was_not_measured_is_unknown(void **state)
{
	struct rings *r = rings_new();

	(void)state;
	add(r, START, 50);
	add(r, START + 2, 60);
	add(r, START + 40, 70);
	add(r, START + 42, NAN);
	add(r, START + 44, 80);
	assert_true(newest(r, RANGE_MINUTES, START + 44, 0) == -1);
	assert_true(newest(r, RANGE_MINUTES, START + 44, 1) == 70);
	for (size_t back = 2; back < 20; back++)
		assert_true(newest(r, RANGE_MINUTES, START + 44, back) == -1);
	assert_true(newest(r, RANGE_MINUTES, START + 44, 20) == 60);
	assert_true(isnan(rings_last(r, START + 100, METRIC_CPU)));
	assert_true(newest(NULL, RANGE_DAY, START, 0) == -1);
	rings_free(r);
}

static void an_older_lap_is_not_shown(void **state)
{
	struct rings *r = rings_new();

	(void)state;
	for (uint64_t t = 0; t < 600; t += 2)
		add(r, START + t, 40);
	add(r, START + 100000, 90);
	add(r, START + 100002, 90);
	assert_true(newest(r, RANGE_MINUTES, START + 100002, 0) == 90);
	for (size_t back = 1; back < 149; back++)
		assert_true(newest(r, RANGE_MINUTES, START + 100002, back) == -1);
	assert_true(newest(r, RANGE_MINUTES, START + 200000, 0) == -1);
	rings_free(r);
}

static void what_was_packed_goes_on_and_what_is_none_is_refused(void **state)
{
	struct rings *r = rings_new(), *next;
	uint8_t *bytes = malloc(rings_size());

	(void)state;
	add(r, START, 10);
	add(r, START + 2, 30);
	rings_pack(r, bytes);
	next = rings_unpack(bytes, rings_size());
	assert_non_null(next);
	add(next, START + 3, 50);		/* the step that was under way */
	assert_float_equal(newest(next, RANGE_MINUTES, START + 4, 1), 10, 0.01);
	add(next, START + 4, 0);
	assert_float_equal(newest(next, RANGE_MINUTES, START + 4, 0), 40, 0.01);
	assert_null(rings_unpack(bytes, rings_size() - 1));
	bytes[14]++;				/* "partita rings 2" */
	assert_null(rings_unpack(bytes, rings_size()));
	rings_free(r);
	rings_free(next);
	free(bytes);
}

static void numbers_are_short(void **state)
{
	static const struct { float value; const char *text; } rows[] = { { NAN, "null" }, { 0, "0" }, { 12.346f, "12.35" }, { 536870912.0f, "536870912" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *value = metric_to_json(rows[i].value);
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(4));

		assert_string_equal(text, rows[i].text);
		free(text);
		json_decref(value);
	}
}

static void a_large_host_keeps_more_for_its_root(void **state)
{
	(void)state;
	assert_int_equal(host_memory_reserve_computed(2ull << 30), 256ull << 20);
	assert_int_equal(host_memory_reserve_computed(4ull << 30), 256ull << 20);
	assert_int_equal(host_memory_reserve_computed(68ull << 30), (256ull << 20) + (1ull << 30));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_has_the_mean_of_its_samples_and_shows_when_it_is_over),
		cmocka_unit_test(what_was_not_measured_is_unknown),
		cmocka_unit_test(an_older_lap_is_not_shown),
		cmocka_unit_test(what_was_packed_goes_on_and_what_is_none_is_refused),
		cmocka_unit_test(numbers_are_short),
		cmocka_unit_test(a_large_host_keeps_more_for_its_root),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
