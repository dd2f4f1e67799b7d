/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters, cookies and entity tags of a request. */
#include "tests.h"

#include "http/request.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static void check_query(const char *target, const char *name, const char *want)
{
	struct request *r = request_create(NULL, target);
	char *got = request_query(r, name);

	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
	free(got);
	request_destroy(r);
}

static void query_values_are_decoded_and_never_hold_nul(void **state)
{
	(void)state;
	check_query("/a?name=x", "name", "x");
	check_query("/a?name=x%20y+z%C3%A9", "name", "x y z\xc3\xa9");
	check_query("/a?b=1&name=", "name", "");
	check_query("/a?surname=x", "name", NULL);
	check_query("/a?name", "name", NULL);
	check_query("/a?name=%00", "name", NULL);
	check_query("/a?name=a%2", "name", NULL);
	check_query("/a?name=a%", "name", NULL);
	check_query("/a?name=%zz", "name", NULL);
	check_query("/a", "name", NULL);
}

static void an_unknown_parameter_is_found(void **state)
{
	struct request *r = request_create(NULL, "/a?limit=1&lim=2");
	char found[16];

	(void)state;
	assert_true(request_query_has_other(r, "limit cursor", found, sizeof(found)));
	assert_string_equal(found, "lim");
	assert_false(request_query_has_other(r, "limit lim", found, sizeof(found)));
	request_destroy(r);
}

static void numbers_outside_the_range_are_refused(void **state)
{
	static const struct {
		const char *target;
		int want;
	} cases[] = {
		{ "/?n=1", 1 }, { "/?n=10", 1 }, { "/?n=0", -ERANGE }, { "/?n=11", -ERANGE }, { "/?n=-1", -ERANGE }, { "/?n= 1", -ERANGE },
		{ "/?n=", -ERANGE }, { "/?n=1x", -ERANGE }, { "/?n=99999999999999999999", -ERANGE }, { "/?m=1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request *r = request_create(NULL, cases[i].target);
		uint64_t n;

		if (request_query_u64(r, "n", 1, 10, &n) != cases[i].want)
			fail_msg("%s", cases[i].target);
		request_destroy(r);
	}
}

static void the_cookie_is_found_among_others_and_only_by_its_whole_name(void **state)
{
	struct request *r = request_create(NULL, "/");
	char *got;

	(void)state;
	request_set_header(r, "cookie", "a=1; session=two;b=3; xsession=4");
	got = request_cookie(r, "session");
	assert_string_equal(got, "two");
	free(got);
	assert_null(request_cookie(r, "sess"));
	assert_null(request_cookie(r, "c"));
	request_destroy(r);
}

static void a_single_header_that_comes_twice_is_noticed(void **state)
{
	struct request *r = request_create(NULL, "/");

	(void)state;
	request_set_header(r, "Accept", "a");
	request_set_header(r, "Accept", "b");
	request_set_header(r, "Content-Length", "1");
	assert_false(r->malformed);
	request_set_header(r, "content-length", "1");
	assert_true(r->malformed);
	request_destroy(r);
}

static void a_list_header_is_searched_by_whole_words(void **state)
{
	struct request *r = request_create(NULL, "/");

	(void)state;
	request_set_header(r, "Connection", "keep-alive, Upgrade");
	assert_true(request_header_lists(r, HEADER_CONNECTION, "upgrade"));
	assert_false(request_header_lists(r, HEADER_CONNECTION, "keep"));
	assert_false(request_header_lists(r, HEADER_CONNECTION, "alive"));
	assert_false(request_header_lists(r, HEADER_WS_PROTOCOL, "binary"));
	request_destroy(r);
}

static void if_match_loses_its_quotes(void **state)
{
	struct request *r = request_create(NULL, "/");
	char *got;

	(void)state;
	assert_null(request_if_match(r));
	request_set_header(r, "If-Match", "\"7\"");
	got = request_if_match(r);
	assert_string_equal(got, "7");
	free(got);
	request_set_header(r, "If-Match", "*");
	assert_null(request_if_match(r));
	request_destroy(r);
}

static void an_ipv4_client_on_the_ipv6_socket_has_an_ipv4_address(void **state)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr.s6_addr = { [10] = 0xff, [11] = 0xff, 10, 0, 2, 2 } };
	struct request *r = request_create(NULL, "/");

	(void)state;
	request_set_address(r, (const struct sockaddr *)&a);
	assert_string_equal(r->address, "10.0.2.2");
	request_destroy(r);
}

int test_request_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(query_values_are_decoded_and_never_hold_nul), cmocka_unit_test(an_unknown_parameter_is_found),
		cmocka_unit_test(numbers_outside_the_range_are_refused),
		cmocka_unit_test(the_cookie_is_found_among_others_and_only_by_its_whole_name),
		cmocka_unit_test(a_single_header_that_comes_twice_is_noticed),
		cmocka_unit_test(a_list_header_is_searched_by_whole_words), cmocka_unit_test(if_match_loses_its_quotes),
		cmocka_unit_test(an_ipv4_client_on_the_ipv6_socket_has_an_ipv4_address),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
