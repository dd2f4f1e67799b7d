/* SPDX-License-Identifier: Apache-2.0 */
/* Guessing gets slower; knowing the password does not. */
#include "tests.h"

#include "auth/login_limit.h"

#include <stdio.h>

static unsigned int fail_once(struct login_limit *l, const char *user, const char *address)
{
	unsigned int wait = login_limit_begin(l, user, address);

	if (!wait)
		login_limit_done(l, user, address, 0);
	return wait;
}

static void the_sixth_guess_waits_and_the_wait_grows(void **state)
{
	struct login_limit *l = NULL;
	unsigned int first, second;

	(void)state;
	login_limit_create(test_now, &l);
	for (int i = 0; i < 5; i++)
		assert_int_equal(fail_once(l, "admin", "10.0.0.1"), 0);
	first = fail_once(l, "admin", "10.0.0.1");
	assert_true(first > 0);
	assert_int_equal(fail_once(l, "admin", "10.0.0.2"), 0);		/* the rightful user elsewhere is not locked out */
	test_clock += first;
	assert_int_equal(fail_once(l, "admin", "10.0.0.1"), 0);
	second = fail_once(l, "admin", "10.0.0.1");
	assert_true(second > first);
	login_limit_destroy(l);
}

static void the_wait_is_bounded_and_a_right_password_clears_it(void **state)
{
	struct login_limit *l = NULL;

	(void)state;
	login_limit_create(test_now, &l);
	for (int i = 0; i < 30; i++) {
		unsigned int wait = fail_once(l, "admin", "10.0.0.1");

		assert_true(wait <= 300);
		test_clock += wait;
	}
	test_clock += 300;
	assert_int_equal(login_limit_begin(l, "admin", "10.0.0.1"), 0);
	login_limit_done(l, "admin", "10.0.0.1", 1);
	test_clock += 901;
	assert_int_equal(fail_once(l, "admin", "10.0.0.1"), 0);
	assert_int_equal(fail_once(l, "admin", "10.0.0.1"), 0);
	login_limit_destroy(l);
}

static void one_address_cannot_try_many_names(void **state)
{
	struct login_limit *l = NULL;
	char name[16];
	int tried = 0;

	(void)state;
	login_limit_create(test_now, &l);
	for (; tried < 100; tried++) {
		snprintf(name, sizeof(name), "user%d", tried);
		if (fail_once(l, name, "10.0.0.1"))
			break;
	}
	assert_int_equal(tried, 20);
	login_limit_destroy(l);
}

static void only_two_passwords_are_hashed_at_once(void **state)
{
	struct login_limit *l = NULL;

	(void)state;
	login_limit_create(test_now, &l);
	assert_int_equal(login_limit_begin(l, "a", "1"), 0);
	assert_int_equal(login_limit_begin(l, "b", "2"), 0);
	assert_int_equal(login_limit_begin(l, "c", "3"), 1);
	login_limit_done(l, "a", "1", 1);
	assert_int_equal(login_limit_begin(l, "c", "3"), 0);
	login_limit_destroy(l);
}

int test_login_limit_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sixth_guess_waits_and_the_wait_grows),
		cmocka_unit_test(the_wait_is_bounded_and_a_right_password_clears_it),
		cmocka_unit_test(one_address_cannot_try_many_names), cmocka_unit_test(only_two_passwords_are_hashed_at_once),
	};

	return cmocka_run_group_tests_name("login limit", tests, NULL, NULL);
}
