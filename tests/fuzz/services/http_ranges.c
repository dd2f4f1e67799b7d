/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Range, Range and decimal numbers: what is taken obeys the rules of range.h. */
#include "tests/fuzz/input.h"

#include "http/range.h"

#include <stdlib.h>
#include <string.h>

static void must(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content_range r;
	uint64_t file_bytes, first, last, number;
	const uint8_t *rest;
	size_t length;
	char *text;

	input_begin(data, size);
	file_bytes = input_number(8) >> below(64) >> 1;
	rest = input_rest(&length);
	text = malloc(length + 1);
	memcpy(text, rest, length);
	text[length] = 0;
	if (content_range_parse(text, &r) == 0)
		must(r.first <= r.last && r.last < r.total && r.total <= INT64_MAX);
	if (byte_range_parse(text, file_bytes, &first, &last) == 0)
		must(first <= last && last < file_bytes);
	if (decimal_parse(text, &number) == 0)
		must(number <= INT64_MAX && text[strspn(text, "0123456789")] == 0);
	free(text);
	return 0;
}
