/* SPDX-License-Identifier: Apache-2.0 */
/* hv's command line: words "name=number", separated by spaces; unknown words are ignored. */
#include <boot/boot.h>
#include <hv/string.h>

bool option_number(const char *options, const char *name, uint64_t *value)
{
	size_t n = strlen(name);

	for (const char *at = options; *at; at++) {
		if ((at != options && at[-1] != ' ') || strncmp(at, name, n) || at[n] != '=')
			continue;
		*value = 0;
		for (at += n + 1; *at >= '0' && *at <= '9'; at++)
			*value = *value * 10 + (uint64_t)(*at - '0');
		return true;
	}
	return false;
}
