/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the numbers that say which part of a file an upload carries or a download wants. */
#include "http/range.h"

#include <errno.h>
#include <string.h>

/* Reads digits up to `stop` and moves past it. */
static int number_until(const char **text, char stop, uint64_t *out)
{
	const char *at = *text;
	uint64_t value = 0;

	if (*at < '0' || *at > '9')
		return -EINVAL;
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value) || value > INT64_MAX)
			return -ERANGE;
	if (*at != stop)
		return -EINVAL;
	*text = at + 1;
	*out = value;
	return 0;
}

int decimal_parse(const char *text, uint64_t *out)
{
	return number_until(&text, '\0', out);
}

int content_range_parse(const char *text, struct content_range *out)
{
	struct content_range r;

	if (strncmp(text, "bytes ", 6) != 0)
		return -EINVAL;
	text += 6;
	if (number_until(&text, '-', &r.first) < 0 || number_until(&text, '/', &r.last) < 0 ||
	    number_until(&text, '\0', &r.total) < 0)
		return -EINVAL;
	if (r.first > r.last || r.last >= r.total)
		return -EINVAL;
	*out = r;
	return 0;
}

int byte_range_parse(const char *text, uint64_t size, uint64_t *first, uint64_t *last)
{
	uint64_t count;

	if (strncmp(text, "bytes=", 6) != 0 || strchr(text, ','))
		return -EINVAL;
	text += 6;
	if (*text == '-') {
		if (decimal_parse(text + 1, &count) < 0)
			return -EINVAL;
		if (count == 0 || size == 0)
			return -ERANGE;
		*first = count < size ? size - count : 0;
		*last = size - 1;
		return 0;
	}
	if (number_until(&text, '-', first) < 0)
		return -EINVAL;
	*last = size - 1;
	if (*text && (decimal_parse(text, last) < 0 || *last < *first))
		return -EINVAL;
	if (*first >= size)
		return -ERANGE;
	if (*last >= size)
		*last = size - 1;
	return 0;
}
