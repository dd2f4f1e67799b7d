/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: refused by their announcement, or parsed. */
#include "tests.h"

#include "http/body.h"
#include "http/route.h"

#include <string.h>

static const struct {
	enum route_body body;
	const char *length, *type, *transfer;
	int status;			/* 0: welcome */
} announcements[] = {
	{ BODY_JSON, "10", "application/json", NULL, 0 },
	{ BODY_JSON, "10", "application/json; charset=utf-8", NULL, 0 },
	{ BODY_JSON, "10", "Application/JSON", NULL, 0 },
	{ BODY_JSON, "10", "text/plain", NULL, 415 },
	{ BODY_JSON, "10", "application/jsonx", NULL, 415 },
	{ BODY_JSON, "10", NULL, NULL, 415 },
	{ BODY_JSON, NULL, "application/json", NULL, 411 },
	{ BODY_JSON, NULL, "application/json", "chunked", 411 },
	{ BODY_JSON, "1048576", "application/json", NULL, 0 },
	{ BODY_JSON, "1048577", "application/json", NULL, 413 },
	{ BODY_JSON, "10737418240", "application/json", NULL, 413 },
	{ BODY_JSON, "99999999999999999999", "application/json", NULL, 400 },
	{ BODY_JSON, "ten", "application/json", NULL, 400 },
	{ BODY_MERGE_PATCH, "2", "application/merge-patch+json", NULL, 0 },
	{ BODY_MERGE_PATCH, "2", "application/json", NULL, 0 },
	{ BODY_NONE, NULL, NULL, NULL, 0 },
	{ BODY_NONE, "0", NULL, NULL, 0 },
	{ BODY_NONE, "1", "application/json", NULL, 400 },
	{ BODY_OPTIONAL_JSON, NULL, NULL, NULL, 0 },
	{ BODY_OPTIONAL_JSON, "2", "application/json", NULL, 0 },
	{ BODY_OPTIONAL_JSON, "2", "text/plain", NULL, 415 },
	{ BODY_UPLOAD, "10737418240", "application/octet-stream", NULL, 0 },
	{ BODY_UPLOAD, "10", "application/json", NULL, 415 },
	{ BODY_UPLOAD, NULL, "application/octet-stream", NULL, 411 },
};

static void a_body_is_judged_by_its_announcement(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(announcements); i++) {
		struct route route = { .body = announcements[i].body };
		struct request req = { .route = &route };
		struct reply rep = { 0 };
		uint64_t size;

		req.header[HEADER_CONTENT_LENGTH] = (char *)announcements[i].length;
		req.header[HEADER_CONTENT_TYPE] = (char *)announcements[i].type;
		req.header[HEADER_TRANSFER_ENCODING] = (char *)announcements[i].transfer;
		if (body_is_welcome(&req, &rep, &size) != (announcements[i].status == 0) || rep.status != announcements[i].status)
			fail_msg("row %zu: %d", i, rep.status);
		reply_clear(&rep);
	}
}

static void only_a_json_object_is_a_body(void **state)
{
	static const char *const bad[] = {
		"", " ", "{", "{]", "[]", "1", "null", "\"x\"", "{} x", "{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}", "{\"a\":1e999}",
	};
	struct route route = { .body = BODY_JSON };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct request req = { .route = &route };
		struct reply rep = { 0 };

		if (body_parse(&req, bad[i], strlen(bad[i]), &rep))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(rep.status, 400);
		assert_string_equal(rep.code, "malformed_json");
		json_decref(req.body);
		reply_clear(&rep);
	}
}

static void a_deeply_nested_body_is_refused(void **state)
{
	struct route route = { .body = BODY_JSON };
	struct request req = { .route = &route };
	struct reply rep = { 0 };
	static char text[100000];

	(void)state;
	memset(text, '[', sizeof(text));
	memcpy(text, "{\"a\":", 5);
	assert_false(body_parse(&req, text, sizeof(text), &rep));
	assert_int_equal(rep.status, 400);
	reply_clear(&rep);
}

int test_body_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_judged_by_its_announcement), cmocka_unit_test(only_a_json_object_is_a_body),
		cmocka_unit_test(a_deeply_nested_body_is_refused),
	};

	return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
