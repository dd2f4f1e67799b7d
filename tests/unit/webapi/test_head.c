/* SPDX-License-Identifier: Apache-2.0 */
/* The request head reader: what it takes, and what it must refuse because another reader might see it otherwise. */
#include "tests.h"

#include "tls/head.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static void head_ends_at_the_first_empty_line(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n";
	size_t size = strlen(text), want = size - strlen("body\r\n\r\n");

	(void)state;
	assert_int_equal(head_length(text, size, 0), want);
	assert_int_equal(head_length(text, want - 1, 0), 0);
	for (size_t seen = 0; seen < want; seen++)	/* wherever the reads were cut */
		assert_int_equal(head_length(text, size, seen), want);
}

static void only_an_upgrade_field_makes_a_websocket(void **state)
{
	static const struct {
		const char *head;
		bool want;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nupgrade:WebSocket\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nX-Upgrade: websocket\r\n\r\n", false },
		{ "GET /?Upgrade:websocket HTTP/1.1\r\nHost: a\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nUpgrade:\r\n\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(head_wants_websocket(cases[i].head, strlen(cases[i].head)), cases[i].want);
}

static char seen_fields[256];

static void note_field(void *context, const char *name, const char *value)
{
	(void)context;
	strcat(strcat(strcat(strcat(seen_fields, name), "="), value), ";");
}

static void a_head_is_cut_into_its_parts(void **state)
{
	char head[] = "GET /a?b=c HTTP/1.1\r\nHost:  x:1 \t\r\nA-b: \r\nC: d: e\r\n\r\n";
	struct head_line line;

	(void)state;
	seen_fields[0] = '\0';
	assert_int_equal(head_parse(head, &line, note_field, NULL), 0);
	assert_string_equal(line.method, "GET");
	assert_string_equal(line.target, "/a?b=c");
	assert_string_equal(seen_fields, "Host=x:1;A-b=;C=d: e;");
}

static void malformed_heads_are_refused(void **state)
{
	static const char *const cases[] = {
		"", "\r\n", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n", "GET / HTTP/1.0\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n", "GET / x HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\n folded: a\r\n\r\n", "GET / HTTP/1.1\r\n: a\r\n\r\n",
		"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", "GET / HTTP/1.1\r\nA: b\x01\r\n\r\n", "GET / HTTP/1.1\r\nnocolon\r\n\r\n",
	};
	struct head_line line;
	char head[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		strcpy(head, cases[i]);
		if (head_parse(head, &line, note_field, NULL) != -EINVAL)
			fail_msg("taken: %s", cases[i]);
		seen_fields[0] = '\0';
	}
}

int test_head_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_ends_at_the_first_empty_line), cmocka_unit_test(only_an_upgrade_field_makes_a_websocket),
		cmocka_unit_test(a_head_is_cut_into_its_parts), cmocka_unit_test(malformed_heads_are_refused),
	};

	return cmocka_run_group_tests_name("head", tests, NULL, NULL);
}
