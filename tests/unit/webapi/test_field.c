/* SPDX-License-Identifier: Apache-2.0 */
/* Field checks, and that an error is always problem+json with a code. */
#include "tests.h"

#include "http/field.h"

#include <string.h>

static const struct {
	const char *body, *code, *field;
} cases[] = {
	{ "{\"name\":\"ab\"}", NULL, NULL },
	{ "{\"name\":\"ab\",\"note\":\"x\"}", NULL, NULL },
	{ "{}", "missing_field", "name" },
	{ "{\"name\":1}", "wrong_type", "name" },
	{ "{\"name\":null}", "wrong_type", "name" },
	{ "{\"name\":\"a\"}", "out_of_range", "name" },
	{ "{\"name\":\"abcde\"}", "out_of_range", "name" },
	{ "{\"name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}", NULL, NULL },	/* four characters in eight bytes */
	{ "{\"name\":\"ab\",\"note\":5}", "wrong_type", "note" },
	{ "{\"name\":\"ab\",\"nam\":\"x\"}", "unknown_field", "nam" },
	{ "{\"zz\":1,\"note\":5}", "missing_field", "name" },		/* the first fault is told */
};

static void the_first_wrong_field_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *body = json_loads(cases[i].body, 0, NULL);
		struct field_check check = { .body = body };
		struct reply rep = { 0 };

		need_string(&check, "name", 2, 4);
		may_string(&check, "note", 0, 4);
		no_other_fields(&check);
		assert_int_equal(field_reply(&check, &rep), cases[i].code != NULL);
		if (cases[i].code) {
			assert_int_equal(rep.status, 422);
			assert_string_equal(rep.code, cases[i].code);
			assert_string_equal(check.field, cases[i].field);
		}
		reply_clear(&rep);
		json_decref(body);
	}
}

static void a_problem_replaces_what_was_answered_before(void **state)
{
	struct reply rep = { 0 };
	json_t *problem;

	(void)state;
	reply_json(&rep, 200, json_pack("{s:s}", "secret", "x"));
	reply_set_location(&rep, "/x");
	reply_error(&rep, 409, "vm_not_off", "id", "say %s", "\"why\"");
	problem = json_loadb(rep.data, rep.size, 0, NULL);
	assert_string_equal(rep.content_type, "application/problem+json");
	assert_null(rep.location);
	assert_int_equal(json_integer_value(json_object_get(problem, "status")), 409);
	assert_string_equal(json_string_value(json_object_get(problem, "detail")), "say \"why\"");
	assert_null(json_object_get(problem, "secret"));
	json_decref(problem);
	reply_clear(&rep);
}

int test_field_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_wrong_field_is_named), cmocka_unit_test(a_problem_replaces_what_was_answered_before),
	};

	return cmocka_run_group_tests_name("field", tests, NULL, NULL);
}
