/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's states: what is allowed when, and that VP threads stand still while it changes. */
#include "fake_hv.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct machine *m;

static int setup(void **state)
{
	(void)state;
	m = fake_machine_new(64 << 20, 2, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_turn_off(m, "test");
	fake_machine_free(m);
	return 0;
}

/* Carries out what handlers asked for; other events may come first. Waits for the first at most a second. */
static void run_loop(void)
{
	assert_true(sd_event_run(m->loop, 1000000) > 0);
	for (unsigned int i = 0; i < 50 && sd_event_run(m->loop, 100000) > 0; i++)
		;
}

static void states_follow_the_life_of_a_vm(void **state)
{
	(void)state;
	assert_int_equal(machine_pause(m), -EBUSY);
	assert_int_equal(machine_reset(m, "x"), -EBUSY);
	assert_int_equal(machine_press_power_button(m), -EBUSY);
	assert_int_equal(machine_start(m), 0);
	assert_int_equal(m->state, MACHINE_RUNNING);
	assert_int_equal(machine_start(m), -EBUSY);
	assert_int_equal(machine_resume(m), -EBUSY);
	assert_int_equal(machine_pause(m), 0);
	assert_int_equal(m->state, MACHINE_PAUSED);
	assert_int_equal(machine_resume(m), 0);
	assert_int_equal(machine_turn_off(m, "turned-off"), 0);
	assert_int_equal(m->state, MACHINE_OFF);
	assert_string_equal(m->reason, "turned-off");
	assert_null(m->partition);
}

static void no_vp_runs_while_paused_and_time_stands_still(void **state)
{
	unsigned int runs;
	uint64_t time;

	(void)state;
	machine_start(m);
	while (fake.runs < 4)
		;
	machine_pause(m);
	runs = fake.runs;
	time = machine_now_ns(m);
	sd_event_run(m->loop, 20000);
	assert_int_equal(fake.runs, runs);
	assert_int_equal(machine_now_ns(m), time);
	machine_resume(m);
	while (fake.runs == runs)
		;
	assert_true(machine_now_ns(m) > time);
}

static void a_reset_makes_a_new_partition(void **state)
{
	(void)state;
	machine_start(m);
	assert_int_equal(fake.partitions, 1);
	machine_request_reset(m);
	run_loop();
	assert_int_equal(fake.partitions, 2);
	assert_int_equal(m->state, MACHINE_RUNNING);
	assert_string_equal(m->reason, "guest-reset");
}

static void a_guest_that_powers_off_ends_the_vm(void **state)
{
	(void)state;
	machine_start(m);
	machine_request_power_off(m);
	run_loop();
	assert_int_equal(m->state, MACHINE_OFF);
	assert_string_equal(m->reason, "guest-power-off");
}

static void a_device_pauses_the_vm_with_its_reason(void **state)
{
	(void)state;
	machine_start(m);
	machine_request_pause(m, "no-space: disk %d", 1);
	machine_request_pause(m, "no-space: disk %d", 2);
	run_loop();
	assert_int_equal(m->state, MACHINE_PAUSED);
	assert_string_equal(m->reason, "no-space: disk 1");
	machine_request_pause(m, "no-space: late");	/* found out while it stands still: the resume sees to it */
	assert_int_equal(machine_resume(m), 0);
	run_loop();
	assert_int_equal(m->state, MACHINE_RUNNING);
	assert_string_equal(m->reason, "");
	machine_request_pause(m, "no-space: again");
	machine_request_reset(m);
	run_loop();
	assert_int_equal(m->state, MACHINE_RUNNING);
	assert_string_equal(m->reason, "guest-reset");
}

static void the_first_failure_is_the_reason(void **state)
{
	(void)state;
	machine_start(m);
	machine_stop_triple_fault(m);
	machine_fail(m, "error: later");
	run_loop();
	assert_int_equal(m->state, MACHINE_FAILED);
	assert_string_equal(m->reason, "triple-fault");
}

static void a_vp_that_cannot_run_fails_the_vm(void **state)
{
	(void)state;
	fake.run_result = -EIO;
	machine_start(m);
	run_loop();
	assert_int_equal(m->state, MACHINE_FAILED);
	assert_non_null(strstr(m->reason, "cannot run"));
}

static void a_partition_that_cannot_be_made_fails_the_start(void **state)
{
	(void)state;
	fake.create_result = -ENOMEM;
	assert_int_equal(machine_start(m), -ENOMEM);
	assert_int_equal(m->state, MACHINE_FAILED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(states_follow_the_life_of_a_vm), TEST(no_vp_runs_while_paused_and_time_stands_still), TEST(a_reset_makes_a_new_partition),
		TEST(a_guest_that_powers_off_ends_the_vm), TEST(a_device_pauses_the_vm_with_its_reason), TEST(the_first_failure_is_the_reason), TEST(a_vp_that_cannot_run_fails_the_vm),
		TEST(a_partition_that_cannot_be_made_fails_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
