/* SPDX-License-Identifier: Apache-2.0 */
/* See input.h. */
#include "tests/fuzz/input.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t *at;
static size_t left;

void input_begin(const uint8_t *data, size_t size)
{
	at = data;
	left = size;
}

size_t input_left(void) { return left; }

void input_take(void *to, size_t size)
{
	size_t n = size < left ? size : left;

	if (n)
		memcpy(to, at, n);
	memset((uint8_t *)to + n, 0, size - n);
	at += n;
	left -= n;
}

uint64_t input_number(unsigned int bytes)
{
	uint64_t n = 0;

	input_take(&n, bytes);
	return n;
}

const uint8_t *input_rest(size_t *size)
{
	*size = left;
	left = 0;
	return at;
}

uint32_t any(void) { return (uint32_t)input_number(4); }

uint32_t below(uint32_t n)
{
	return (uint32_t)input_number(n <= 0x100 ? 1 : n <= 0x10000 ? 2 : 4) % n;
}

/* Not for 0: what follows the end of the input is what usually happens. */
bool once_in(uint32_t n) { return below(n) == n - 1; }

uint32_t edge(const uint32_t *edges, size_t count)
{
	uint8_t kind = (uint8_t)input_number(1);

	if (kind < 0x40)
		return edges[kind % count];
	return kind < 0xc0 ? (uint32_t)input_number(1) : any();
}

void *input_copy(size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	input_take(copy, size);
	return copy;
}
