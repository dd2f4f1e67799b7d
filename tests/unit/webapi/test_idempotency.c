/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency-Key: once means once. */
#include "tests.h"

#include "http/idempotency.h"

#include <string.h>

static struct request *make_request(const char *user, const char *key, const char *body)
{
	struct request *req = request_create(NULL, "/api/v1/vms");

	strcpy(req->who.user_id, user);
	request_set_header(req, "Idempotency-Key", key);
	req->body = json_loads(body, 0, NULL);
	return req;
}

/* Runs a request; *runs counts how often the handler would have run. Returns the status answered. */
static int run(struct idempotency *m, const char *user, const char *key, const char *body, int status, int *runs)
{
	struct request *req = make_request(user, key, body);
	struct reply rep = { 0 };
	int answered;

	if (idempotency_begin(m, req, &rep)) {
		*runs += 1;
		reply_json(&rep, status, json_pack("{s:i}", "run", *runs));
		idempotency_end(m, req, &rep);
	}
	answered = rep.status;
	reply_clear(&rep);
	request_destroy(req);
	return answered;
}

static void a_repeat_gets_the_first_answer_without_running_again(void **state)
{
	struct idempotency *m = NULL;
	int runs = 0;

	(void)state;
	idempotency_create(test_now, &m);
	assert_int_equal(run(m, "u1", "k", "{\"a\":1}", 201, &runs), 201);
	assert_int_equal(run(m, "u1", "k", "{\"a\":1}", 500, &runs), 201);
	assert_int_equal(runs, 1);
	assert_int_equal(run(m, "u1", "k", "{\"a\":2}", 201, &runs), 422);
	assert_int_equal(run(m, "u2", "k", "{\"a\":2}", 201, &runs), 201);	/* another user's key is another key */
	assert_int_equal(run(m, "u1", "l", "{\"a\":1}", 201, &runs), 201);
	assert_int_equal(runs, 3);
	test_clock += 601;
	assert_int_equal(run(m, "u1", "k", "{\"a\":2}", 201, &runs), 201);
	assert_int_equal(runs, 4);
	idempotency_destroy(m);
}

static void a_server_error_may_be_tried_again(void **state)
{
	struct idempotency *m = NULL;
	int runs = 0;

	(void)state;
	idempotency_create(test_now, &m);
	assert_int_equal(run(m, "u1", "k", "{}", 503, &runs), 503);
	assert_int_equal(run(m, "u1", "k", "{}", 201, &runs), 201);
	assert_int_equal(runs, 2);
	idempotency_destroy(m);
}

static void a_repeat_during_the_first_is_told_to_wait(void **state)
{
	struct request *req = make_request("u1", "k", "{}");
	struct idempotency *m = NULL;
	struct reply rep = { 0 };
	int runs = 0;

	(void)state;
	idempotency_create(test_now, &m);
	assert_true(idempotency_begin(m, req, &rep));
	assert_int_equal(run(m, "u1", "k", "{}", 201, &runs), 409);
	assert_int_equal(runs, 0);
	idempotency_destroy(m);
	request_destroy(req);
}

static void an_odd_key_is_refused(void **state)
{
	char long_key[200];
	struct idempotency *m = NULL;
	int runs = 0;

	(void)state;
	memset(long_key, 'k', sizeof(long_key));
	long_key[129] = '\0';
	idempotency_create(test_now, &m);
	assert_int_equal(run(m, "u1", "", "{}", 201, &runs), 400);
	assert_int_equal(run(m, "u1", "a b", "{}", 201, &runs), 400);
	assert_int_equal(run(m, "u1", long_key, "{}", 201, &runs), 400);
	assert_int_equal(runs, 0);
	idempotency_destroy(m);
}

int test_idempotency_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_repeat_gets_the_first_answer_without_running_again), cmocka_unit_test(a_server_error_may_be_tried_again),
		cmocka_unit_test(a_repeat_during_the_first_is_told_to_wait), cmocka_unit_test(an_odd_key_is_refused),
	};

	return cmocka_run_group_tests_name("idempotency", tests, NULL, NULL);
}
