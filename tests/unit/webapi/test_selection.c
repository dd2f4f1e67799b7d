/* SPDX-License-Identifier: Apache-2.0 */
/* ?filter= and ?sort= of lists. */
#include "tests.h"

#include "http/selection.h"

#include <errno.h>
#include <string.h>

static const char items_text[] =
    "[{\"id\":\"1\",\"name\":\"web\",\"size\":9,\"on\":true,\"at\":{\"n\":3}},"
    " {\"id\":\"2\",\"name\":\"Db,old\",\"size\":10,\"on\":false,\"at\":{\"n\":1}},"
    " {\"id\":\"3\",\"name\":\"app\",\"size\":9,\"on\":true,\"parent\":null}]";

/* The ids that the filter takes. */
static void take(const char *filter, char *ids)
{
	json_t *items = json_loads(items_text, 0, NULL), *item;
	struct selection s;
	size_t i;

	assert_int_equal(selection_parse(filter, &s), 0);
	json_array_foreach(items, i, item)
		if (selection_takes(&s, item))
			*ids++ = json_string_value(json_object_get(item, "id"))[0];
	*ids = 0;
	selection_clear(&s);
	json_decref(items);
}

static void conditions_take_what_they_say(void **state)
{
	static const struct { const char *filter, *ids; } cases[] = {
		{ "", "123" }, { "name=web", "1" }, { "name=WEB", "" }, { "name~WE", "1" }, { "name!=web", "23" },
		{ "size=9", "13" }, { "size>9", "2" }, { "size<10", "13" }, { "on=true,size=9", "13" }, { "on=false", "2" },
		{ "at.n>1", "1" }, { "at.n!=1", "13" }, { "at.n=", "" }, { "parent=null", "3" }, { "name=Db\\,old", "2" },
		{ "name=web,name=app", "" }, { "name=a=b", "" }, { "at.n.deeper=1", "" },
	};
	char ids[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		take(cases[i].filter, ids);
		if (strcmp(ids, cases[i].ids) != 0)
			fail_msg("%s took %s, not %s", cases[i].filter, ids, cases[i].ids);
	}
}

static void what_is_no_condition_is_refused(void **state)
{
	static const char *const cases[] = { "name", "=web", "name!web", "name=a,", ",name=a", "name=a,,name=b", "a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1" };
	struct selection s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (selection_parse(cases[i], &s) == 0)
			fail_msg("taken: %s", cases[i]);
}

static void sorting_is_stable_and_puts_absent_fields_last(void **state)
{
	static const struct { const char *field, *ids; } cases[] = {
		{ "name", "321" }, { "-name", "123" }, { "size", "132" }, { "-size", "213" }, { "at.n", "213" }, { "-at.n", "123" }, { "none", "123" },
	};
	json_t *items = json_loads(items_text, 0, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *sorted = selection_sort(items, cases[i].field);
		char ids[4] = "";

		for (size_t k = 0; k < 3; k++)
			ids[k] = json_string_value(json_object_get(json_array_get(sorted, k), "id"))[0];
		if (strcmp(ids, cases[i].ids) != 0)
			fail_msg("by %s: %s, not %s", cases[i].field, ids, cases[i].ids);
		json_decref(sorted);
	}
	json_decref(items);
}

int test_selection_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_take_what_they_say), cmocka_unit_test(what_is_no_condition_is_refused),
		cmocka_unit_test(sorting_is_stable_and_puts_absent_fields_last),
	};

	return cmocka_run_group_tests_name("selection", tests, NULL, NULL);
}
