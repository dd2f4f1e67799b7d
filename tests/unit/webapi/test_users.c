/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts, passwords and tokens. */
#include "tests.h"

#include "auth/tokens.h"
#include "auth/users.h"

#include <errno.h>
#include <string.h>

static struct user make_user(const char *name, enum role role)
{
	struct user user = { .role = role, .hash = "*" };

	strcpy(user.username, name);
	return user;
}

static void accounts_survive_a_restart(void **state)
{
	struct user user = make_user("alice", ROLE_OPERATOR), read;
	int dir = test_directory();
	struct users *u = NULL;

	(void)state;
	assert_int_equal(users_open(dir, &u), 0);
	assert_int_equal(users_count(u), 0);
	assert_int_equal(users_add(u, &user), 0);
	users_close(u);
	assert_int_equal(users_open(dir, &u), 0);
	assert_true(users_find_name(u, "alice", &read));
	assert_string_equal(read.id, user.id);
	assert_int_equal(read.role, ROLE_OPERATOR);
	assert_string_equal(read.hash, "*");
	users_close(u);
}

static void two_accounts_cannot_have_one_name(void **state)
{
	struct user a = make_user("alice", ROLE_VIEWER), b = make_user("alice", ROLE_VIEWER);
	struct users *u = NULL;

	(void)state;
	users_open(test_directory(), &u);
	assert_int_equal(users_add(u, &a), 0);
	assert_int_equal(users_add(u, &b), -EEXIST);
	assert_int_equal(users_count(u), 1);
	users_close(u);
}

static void the_last_administrator_stays(void **state)
{
	struct user a = make_user("alice", ROLE_ADMINISTRATOR), b = make_user("bob", ROLE_ADMINISTRATOR);
	struct users *u = NULL;

	(void)state;
	users_open(test_directory(), &u);
	users_add(u, &a);
	assert_int_equal(users_remove(u, a.id, NULL), -EPERM);
	a.role = ROLE_VIEWER;
	assert_int_equal(users_update(u, &a), -EPERM);
	users_add(u, &b);
	assert_int_equal(users_remove(u, a.id, NULL), 0);
	assert_int_equal(users_remove(u, b.id, NULL), -EPERM);
	users_close(u);
}

static void a_change_based_on_an_old_state_is_refused(void **state)
{
	struct user a = make_user("alice", ROLE_ADMINISTRATOR), old;
	struct users *u = NULL;

	(void)state;
	users_open(test_directory(), &u);
	users_add(u, &a);
	old = a;
	assert_int_equal(users_update(u, &a), 0);
	assert_int_equal(users_update(u, &old), -ESTALE);
	assert_int_equal(users_remove(u, a.id, "1"), -EPERM);
	users_close(u);
}

static void user_names_are_plain(void **state)
{
	(void)state;
	assert_true(username_is_valid("a"));
	assert_true(username_is_valid("alice.b-c_1"));
	assert_false(username_is_valid(""));
	assert_false(username_is_valid("Alice"));
	assert_false(username_is_valid("1a"));
	assert_false(username_is_valid("a b"));
	assert_false(username_is_valid("a/b"));
	assert_false(username_is_valid("abcdefghijklmnopqrstuvwxyzabcdefg"));
}

static void a_password_matches_only_itself(void **state)
{
	char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];

	(void)state;
	assert_int_equal(password_hash("correct horse", hash), 0);
	assert_int_equal(password_hash("correct horse", again), 0);
	assert_memory_equal(hash, "$y$", 3);
	assert_string_not_equal(hash, again);
	assert_true(password_matches("correct horse", hash));
	assert_false(password_matches("correct horsf", hash));
	assert_false(password_matches("correct horse", "*"));
	assert_false(password_matches("correct horse", NULL));
}

static void a_token_is_found_by_its_secret_until_it_is_revoked(void **state)
{
	struct token token = { .name = "ci", .user_id = "u1", .role = ROLE_VIEWER }, found;
	char secret[SECRET_SIZE];
	struct tokens *t = NULL;
	int dir = test_directory();

	(void)state;
	tokens_open(dir, &t);
	assert_int_equal(tokens_add(t, &token, secret), 0);
	tokens_close(t);
	tokens_open(dir, &t);
	assert_true(tokens_find_secret(t, secret, &found));
	assert_string_equal(found.id, token.id);
	assert_string_not_equal(found.hash, secret);
	assert_false(tokens_find_secret(t, token.hash, &found));
	assert_int_equal(tokens_remove(t, token.id), 0);
	assert_false(tokens_find_secret(t, secret, &found));
	assert_int_equal(tokens_remove(t, token.id), -ENOENT);
	tokens_close(t);
}

int test_users_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accounts_survive_a_restart), cmocka_unit_test(two_accounts_cannot_have_one_name),
		cmocka_unit_test(the_last_administrator_stays), cmocka_unit_test(a_change_based_on_an_old_state_is_refused),
		cmocka_unit_test(user_names_are_plain), cmocka_unit_test(a_password_matches_only_itself),
		cmocka_unit_test(a_token_is_found_by_its_secret_until_it_is_revoked),
	};

	return cmocka_run_group_tests_name("users", tests, NULL, NULL);
}
