/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets in: one row per rule of the gate. */
#include "tests.h"

#include "auth/gate.h"
#include "auth/sessions.h"
#include "auth/tokens.h"
#include "auth/users.h"
#include "http/route.h"

#include <stdio.h>
#include <string.h>

struct world {			/* a user per role, a session and a token of each */
	struct webapi api;
	char cookie[4][SECRET_SIZE], csrf[4][SECRET_SIZE], token[4][SECRET_SIZE];
};

static void make_world(struct world *w, bool password_change_required)
{
	memset(w, 0, sizeof(*w));
	users_open(test_directory(), &w->api.users);
	tokens_open(test_directory(), &w->api.tokens);
	sessions_open(test_directory(), test_now, &w->api.sessions);
	for (int role = ROLE_ADMINISTRATOR; role >= ROLE_VIEWER; role--) {
		struct user user = { .role = (enum role)role, .password_change_required = password_change_required };
		struct token token = { .role = (enum role)role };

		snprintf(user.username, sizeof(user.username), "user%d", role);
		users_add(w->api.users, &user);
		memcpy(token.user_id, user.id, sizeof(token.user_id));
		tokens_add(w->api.tokens, &token, w->token[role]);
		sessions_start(w->api.sessions, user.id, w->cookie[role]);
		session_csrf_token(w->cookie[role], w->csrf[role]);
	}
}

static void end_world(struct world *w)
{
	users_close(w->api.users);
	tokens_close(w->api.tokens);
	sessions_close(w->api.sessions);
}

enum proof { NOTHING, COOKIE, COOKIE_AND_CSRF, COOKIE_AND_WRONG_CSRF, TOKEN, WRONG_TOKEN };

static const struct {
	const char *method, *path;
	enum proof proof;
	enum role role;
	const char *origin;
	int status;			/* 0: admitted */
	const char *code;
} cases[] = {
	{ "GET", "/vms", NOTHING, 0, NULL, 401, "not_authenticated" },
	{ "GET", "/healthz", NOTHING, 0, NULL, 0, "" },
	{ "GET", "/vms", WRONG_TOKEN, ROLE_VIEWER, NULL, 401, "not_authenticated" },
	{ "GET", "/vms", COOKIE, ROLE_VIEWER, NULL, 0, "" },
	{ "GET", "/vms", TOKEN, ROLE_VIEWER, NULL, 0, "" },
	{ "GET", "/vms?x=1", TOKEN, ROLE_VIEWER, NULL, 422, "unknown_field" },
	{ "POST", "/vms", TOKEN, ROLE_OPERATOR, NULL, 403, "role_insufficient" },
	{ "POST", "/vms", TOKEN, ROLE_ADMINISTRATOR, NULL, 0, "" },
	{ "POST", "/vms", COOKIE, ROLE_ADMINISTRATOR, NULL, 403, "csrf_token_missing" },
	{ "POST", "/vms", COOKIE_AND_WRONG_CSRF, ROLE_ADMINISTRATOR, NULL, 403, "csrf_token_wrong" },
	{ "POST", "/vms", COOKIE_AND_CSRF, ROLE_ADMINISTRATOR, NULL, 0, "" },
	{ "POST", "/vms", COOKIE_AND_CSRF, ROLE_ADMINISTRATOR, "https://appliance:8443", 0, "" },
	{ "POST", "/vms", COOKIE_AND_CSRF, ROLE_ADMINISTRATOR, "https://appliance", 403, "wrong_origin" },
	{ "POST", "/vms", COOKIE_AND_CSRF, ROLE_ADMINISTRATOR, "http://appliance:8443", 403, "wrong_origin" },
	{ "POST", "/vms", COOKIE_AND_CSRF, ROLE_ADMINISTRATOR, "null", 403, "wrong_origin" },
	{ "GET", "/events/stream", COOKIE, ROLE_VIEWER, "https://evil", 403, "wrong_origin" },
	{ "GET", "/events/stream", COOKIE, ROLE_VIEWER, "https://appliance:8443", 0, "" },
	{ "GET", "/audit", COOKIE, ROLE_OPERATOR, NULL, 403, "role_insufficient" },
	{ "GET", "/audit", COOKIE, ROLE_ADMINISTRATOR, NULL, 0, "" },
};

static void prove(struct request *req, const struct world *w, enum proof proof, enum role role)
{
	char text[128];

	snprintf(text, sizeof(text), "__Host-partita=%s", w->cookie[role]);
	if (proof == COOKIE || proof == COOKIE_AND_CSRF || proof == COOKIE_AND_WRONG_CSRF)
		request_set_header(req, "Cookie", text);
	snprintf(text, sizeof(text), "Bearer %s", proof == TOKEN ? w->token[role] : w->cookie[role]);
	if (proof == TOKEN || proof == WRONG_TOKEN)
		request_set_header(req, "Authorization", text);
	if (proof == COOKIE_AND_CSRF)
		request_set_header(req, "X-CSRF-Token", w->csrf[role]);
	if (proof == COOKIE_AND_WRONG_CSRF)
		request_set_header(req, "X-CSRF-Token", w->csrf[ROLE_VIEWER]);
}

static struct request *make_request(struct world *w, const char *method, const char *path, struct reply *rep)
{
	char target[128];
	struct request *req;

	snprintf(target, sizeof(target), API_PREFIX "%s", path);
	req = request_create(&w->api, target);
	request_set_method(req, method);
	request_set_header(req, "Host", "appliance:8443");
	assert_true(route_find(req, rep));
	return req;
}

static void each_rule_lets_in_whom_it_should(void **state)
{
	static struct world w;

	(void)state;
	make_world(&w, false);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reply rep = { 0 };
		struct request *req = make_request(&w, cases[i].method, cases[i].path, &rep);

		prove(req, &w, cases[i].proof, cases[i].role);
		if (cases[i].origin)
			request_set_header(req, "Origin", cases[i].origin);
		if (gate_admit(req, &rep) != (cases[i].status == 0) || rep.status != cases[i].status || strcmp(rep.code, cases[i].code) != 0)
			fail_msg("row %zu: %d %s", i, rep.status, rep.code);
		reply_clear(&rep);
		request_destroy(req);
	}
	end_world(&w);
}

static void a_one_time_password_opens_only_its_own_change(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
	} rows[] = {
		{ "GET", "/sessions/current", 0 }, { "DELETE", "/sessions/current", 0 },
		{ "PATCH", "/users/7c0f1e2d-0000-4000-8000-0123456789ab", 0 },
		{ "GET", "/users", 403 }, { "GET", "/vms", 403 }, { "POST", "/vms", 403 }, { "POST", "/tokens", 403 }, { "GET", "/events/stream", 403 },
	};
	static struct world w;

	(void)state;
	make_world(&w, true);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct reply rep = { 0 };
		struct request *req = make_request(&w, rows[i].method, rows[i].path, &rep);

		prove(req, &w, COOKIE_AND_CSRF, ROLE_ADMINISTRATOR);
		gate_admit(req, &rep);
		if (rep.status != rows[i].status || (rep.status && strcmp(rep.code, "password_change_required") != 0))
			fail_msg("%s %s: %d %s", rows[i].method, rows[i].path, rep.status, rep.code);
		reply_clear(&rep);
		request_destroy(req);
	}
	end_world(&w);
}

static void a_demoted_user_loses_what_a_token_had(void **state)
{
	static struct world w;
	struct reply rep = { 0 };
	struct request *req;
	struct user user;

	(void)state;
	make_world(&w, false);
	users_find_name(w.api.users, "user2", &user);
	user.role = ROLE_VIEWER;
	assert_int_equal(users_update(w.api.users, &user), 0);
	req = make_request(&w, "POST", "/vms/7c0f1e2d-0000-4000-8000-0123456789ab/actions/start", &rep);
	prove(req, &w, TOKEN, ROLE_OPERATOR);
	assert_false(gate_admit(req, &rep));
	assert_string_equal(rep.code, "role_insufficient");
	reply_clear(&rep);
	request_destroy(req);
	end_world(&w);
}

int test_gate_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_lets_in_whom_it_should), cmocka_unit_test(a_one_time_password_opens_only_its_own_change),
		cmocka_unit_test(a_demoted_user_loses_what_a_token_had),
	};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
