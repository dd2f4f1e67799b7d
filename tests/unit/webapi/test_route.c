/* SPDX-License-Identifier: Apache-2.0 */
/* Which row of the route tables a request finds. */
#include "tests.h"

#include "http/route.h"

#include <string.h>

#define ID	"7c0f1e2d-0000-4000-8000-0123456789ab"

static const struct {
	const char *method, *path;
	int status;			/* 0: found */
	const char *route, *param0, *param1;
} cases[] = {
	{ "GET", "/api/v1/vms", 0, "/vms", NULL, NULL },
	{ "HEAD", "/api/v1/vms", 0, "/vms", NULL, NULL },
	{ "GET", "/api/v1/vms/" ID, 0, "/vms/{id}", ID, NULL },
	{ "POST", "/api/v1/vms/" ID "/actions/start", 0, "/vms/{id}/actions/{action}", ID, "start" },
	{ "DELETE", "/api/v1/vms/" ID "/disks/" ID, 0, "/vms/{id}/disks/{diskSlotId}", ID, ID },
	{ "GET", "/api/v1/vms/" ID "/serial/1", 0, "/vms/{id}/serial/{port}", ID, "1" },
	{ "GET", "/api/v1/events/stream", 0, "/events/stream", NULL, NULL },
	{ "PUT", "/api/v1/vms", 405, NULL, NULL, NULL },
	{ "POST", "/api/v1/vms/" ID, 405, NULL, NULL, NULL },
	{ "BREW", "/api/v1/vms", 405, NULL, NULL, NULL },
	{ "GET", "/api/v1/", 404, NULL, NULL, NULL },
	{ "GET", "/api/v1/vms/", 404, NULL, NULL, NULL },
	{ "GET", "/api/v1//vms", 404, NULL, NULL, NULL },
	{ "GET", "/api/v1/vms/x", 404, NULL, NULL, NULL },
	{ "GET", "/api/v1/vms/..", 404, NULL, NULL, NULL },
	{ "GET", "/api/v1/vms/7C0F1E2D-0000-4000-8000-0123456789AB", 404, NULL, NULL, NULL },
	{ "GET", "/api/v1/vms/" ID "0", 404, NULL, NULL, NULL },
	{ "GET", "/api/v1/vms/" ID "/", 404, NULL, NULL, NULL },
	{ "GET", "/api/v1/vms/" ID "/disks/x/y", 404, NULL, NULL, NULL },
	{ "POST", "/api/v1/vms/" ID "/actions/", 404, NULL, NULL, NULL },
};

static void check_text(const char *got, const char *want)
{
	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
}

static void each_path_finds_its_row_or_a_refusal(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request *req = request_create(NULL, cases[i].path);
		struct reply rep = { 0 };

		request_set_method(req, cases[i].method);
		if (route_find(req, &rep) != (cases[i].status == 0) || rep.status != cases[i].status)
			fail_msg("%s %s: %d", cases[i].method, cases[i].path, rep.status);
		check_text(req->route ? req->route->path : NULL, cases[i].route);
		check_text(req->param[0], cases[i].param0);
		check_text(req->param[1], cases[i].param1);
		reply_clear(&rep);
		request_destroy(req);
	}
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
	struct request *req = request_create(NULL, "/api/v1/vms/" ID);
	struct reply rep = { 0 };

	(void)state;
	request_set_method(req, "PUT");
	assert_false(route_find(req, &rep));
	assert_string_equal(rep.allow, "GET, PATCH, DELETE");
	reply_clear(&rep);
	request_destroy(req);
}

static void check_row(void *context, const struct route *r)
{
	unsigned int *rows = context;

	*rows += 1;
	assert_int_equal((r->handle != NULL) + (r->open != NULL) + (r->upload != NULL), 1);
	assert_int_equal(r->upload != NULL, r->body == BODY_UPLOAD);
	if (r->role == ROLE_NOBODY)	/* the whole list of what a stranger may do */
		assert_true(strcmp(r->path, "/sessions") == 0 || strcmp(r->path, "/healthz") == 0 || strcmp(r->path, "/openapi.json") == 0);
	if (strcmp(r->method, "GET") != 0 && strncmp(r->path, "/vms", 4) == 0)
		assert_true(r->role >= ROLE_OPERATOR);
}

static void every_row_has_one_handler_and_few_are_public(void **state)
{
	unsigned int rows = 0;

	(void)state;
	route_list(check_row, &rows);
	assert_true(rows > 30);
}

int test_route_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_path_finds_its_row_or_a_refusal), cmocka_unit_test(a_wrong_method_is_told_the_right_ones),
		cmocka_unit_test(every_row_has_one_handler_and_few_are_public),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
