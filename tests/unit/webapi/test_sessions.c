/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions end when they should, survive a restart, and their file gives no cookie away. */
#include "tests.h"

#include "auth/secret.h"
#include "auth/sessions.h"
#include "partita/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool lives(struct sessions *s, const char *secret)
{
	struct identity who = { 0 };

	return sessions_find(s, secret, &who);
}

static void a_session_ends_after_its_idle_time(void **state)
{
	struct sessions *s = NULL;
	char secret[SECRET_SIZE];

	(void)state;
	sessions_open(test_directory(), test_now, &s);
	sessions_start(s, "u1", secret);
	test_clock += SESSION_IDLE_SECONDS - 1;
	assert_true(lives(s, secret));		/* and this was a use */
	test_clock += SESSION_IDLE_SECONDS - 1;
	assert_true(lives(s, secret));
	test_clock += SESSION_IDLE_SECONDS;
	assert_false(lives(s, secret));
	sessions_close(s);
}

static void a_session_in_use_ends_after_its_absolute_time(void **state)
{
	struct sessions *s = NULL;
	char secret[SECRET_SIZE];

	(void)state;
	sessions_open(test_directory(), test_now, &s);
	sessions_start(s, "u1", secret);
	for (int t = 0; t < SESSION_ABSOLUTE_SECONDS - 600; t += 600) {
		test_clock += 600;
		assert_true(lives(s, secret));
	}
	test_clock += 600;
	assert_false(lives(s, secret));
	sessions_close(s);
}

static void a_restart_keeps_sessions_and_the_file_holds_no_cookie(void **state)
{
	char secret[SECRET_SIZE], *text = NULL;
	int dir = test_directory();
	struct sessions *s = NULL;
	struct identity before = { 0 }, after = { 0 };
	size_t size;

	(void)state;
	sessions_open(dir, test_now, &s);
	sessions_start(s, "u1", secret);
	assert_true(sessions_find(s, secret, &before));
	sessions_close(s);
	sessions_open(dir, test_now, &s);
	assert_true(sessions_find(s, secret, &after));
	assert_string_equal(after.user_id, "u1");
	assert_string_equal(after.csrf_token, before.csrf_token);
	assert_int_equal(file_read(dir, "sessions.json", 65536, &text, &size), 0);
	assert_null(strstr(text, secret));
	assert_null(strstr(text, after.csrf_token));
	free(text);
	sessions_close(s);
}

static void ending_a_user_keeps_the_one_excepted_session(void **state)
{
	char mine[SECRET_SIZE], other[SECRET_SIZE], foreign[SECRET_SIZE];
	struct identity who = { 0 };
	struct sessions *s = NULL;

	(void)state;
	sessions_open(test_directory(), test_now, &s);
	sessions_start(s, "u1", mine);
	sessions_start(s, "u1", other);
	sessions_start(s, "u2", foreign);
	sessions_find(s, mine, &who);
	sessions_end_of_user(s, "u1", who.session);
	assert_true(lives(s, mine));
	assert_false(lives(s, other));
	assert_true(lives(s, foreign));
	sessions_end(s, who.session);
	assert_false(lives(s, mine));
	sessions_close(s);
}

static void a_full_table_ends_the_session_idle_longest(void **state)
{
	char first[SECRET_SIZE], second[SECRET_SIZE], secret[SECRET_SIZE];
	struct sessions *s = NULL;

	(void)state;
	sessions_open(test_directory(), test_now, &s);
	sessions_start(s, "u1", first);
	test_clock++;
	sessions_start(s, "u1", second);
	test_clock++;
	for (int i = 2; i < SESSIONS_MAX; i++)
		sessions_start(s, "u1", secret);
	assert_true(lives(s, first));		/* so the second is idle longest */
	sessions_start(s, "u1", secret);
	assert_true(lives(s, first));
	assert_false(lives(s, second));
	assert_true(lives(s, secret));
	sessions_close(s);
}

static void secrets_compare_by_content(void **state)
{
	(void)state;
	assert_true(secret_equal("abc", "abc"));
	assert_false(secret_equal("abc", "abd"));
	assert_false(secret_equal("abc", "ab"));
	assert_false(secret_equal("", "a"));
	assert_false(secret_equal(NULL, NULL));
}

int test_sessions_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_ends_after_its_idle_time), cmocka_unit_test(a_session_in_use_ends_after_its_absolute_time),
		cmocka_unit_test(a_restart_keeps_sessions_and_the_file_holds_no_cookie),
		cmocka_unit_test(ending_a_user_keeps_the_one_excepted_session),
		cmocka_unit_test(a_full_table_ends_the_session_idle_longest), cmocka_unit_test(secrets_compare_by_content),
	};

	return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
