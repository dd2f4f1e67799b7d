/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Range of uploads, Range of downloads. */
#include "tests.h"

#include "http/range.h"

#include <errno.h>

static void good_ranges_are_read(void **state)
{
	struct content_range r;

	(void)state;
	assert_int_equal(content_range_parse("bytes 0-0/1", &r), 0);
	assert_int_equal(content_range_parse("bytes 1048576-2097151/8388608", &r), 0);
	assert_int_equal(r.first, 1048576);
	assert_int_equal(r.last, 2097151);
	assert_int_equal(r.total, 8388608);
}

static void bad_ranges_are_refused(void **state)
{
	static const char *const cases[] = {
		"", "bytes", "bytes ", "bytes 0-0", "bytes 0-0/", "bytes 0-0/*", "bytes */5", "bytes 1-0/5", "bytes 0-5/5", "bytes -1-2/5",
		"bytes 0-1/5 ", "bytes  0-1/5", "items 0-1/5", "bytes 0x0-1/5", "bytes 0-99999999999999999999/999999999999999999999",
		"bytes 0-1/9223372036854775808",
	};
	struct content_range r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (content_range_parse(cases[i], &r) == 0)
			fail_msg("taken: %s", cases[i]);
}

static void a_byte_range_is_cut_to_the_file(void **state)
{
	static const struct { const char *text; uint64_t size; int result; uint64_t first, last; } rows[] = {
		{ "bytes=0-0", 10, 0, 0, 0 },	{ "bytes=2-5", 10, 0, 2, 5 },	{ "bytes=2-", 10, 0, 2, 9 },	{ "bytes=5-99", 10, 0, 5, 9 },
		{ "bytes=-3", 10, 0, 7, 9 },	{ "bytes=-99", 10, 0, 0, 9 },	{ "bytes=9-", 10, 0, 9, 9 },
		{ "bytes=10-", 10, -ERANGE, 0, 0 }, { "bytes=10-12", 10, -ERANGE, 0, 0 }, { "bytes=-0", 10, -ERANGE, 0, 0 },
		{ "bytes=0-", 0, -ERANGE, 0, 0 }, { "bytes=-5", 0, -ERANGE, 0, 0 },
		{ "bytes=5-2", 10, -EINVAL, 0, 0 }, { "bytes=0-1,3-4", 10, -EINVAL, 0, 0 }, { "items=0-1", 10, -EINVAL, 0, 0 },
		{ "bytes=", 10, -EINVAL, 0, 0 }, { "bytes=-", 10, -EINVAL, 0, 0 }, { "bytes=a-b", 10, -EINVAL, 0, 0 }, { "bytes=1-2 ", 10, -EINVAL, 0, 0 },
		{ "bytes=99999999999999999999-", 10, -EINVAL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t first = 0, last = 0;

		if (byte_range_parse(rows[i].text, rows[i].size, &first, &last) != rows[i].result)
			fail_msg("%s of %u", rows[i].text, (unsigned int)rows[i].size);
		if (rows[i].result == 0 && (first != rows[i].first || last != rows[i].last))
			fail_msg("%s: %u to %u", rows[i].text, (unsigned int)first, (unsigned int)last);
	}
}

static void a_decimal_is_digits_only(void **state)
{
	uint64_t n;

	(void)state;
	assert_int_equal(decimal_parse("9223372036854775807", &n), 0);
	assert_int_equal(n, INT64_MAX);
	assert_int_equal(decimal_parse("9223372036854775808", &n), -ERANGE);
	assert_int_equal(decimal_parse("18446744073709551616", &n), -ERANGE);
	assert_int_equal(decimal_parse("", &n), -EINVAL);
	assert_int_equal(decimal_parse("+1", &n), -EINVAL);
	assert_int_equal(decimal_parse("1 ", &n), -EINVAL);
}

int test_range_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ranges_are_read), cmocka_unit_test(bad_ranges_are_refused),
		cmocka_unit_test(a_byte_range_is_cut_to_the_file), cmocka_unit_test(a_decimal_is_digits_only),
	};

	return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
