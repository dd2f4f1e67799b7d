/* SPDX-License-Identifier: Apache-2.0 */
/* memcpy and friends on the string instructions, eight bytes at a time and then the rest. */
#define HV_STRING_FUNCTIONS
#include <hv/string.h>
#include <hv/types.h>

void *memcpy(void *to, const void *from, size_t bytes)
{
	size_t words = bytes / 8, rest = bytes % 8;
	void *at = to;

	asm volatile("rep movsq" : "+D"(at), "+S"(from), "+c"(words) : : "memory");
	asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(rest) : : "memory");
	return to;
}

void *memset(void *to, int value, size_t bytes)
{
	uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;
	size_t words = bytes / 8, rest = bytes % 8;
	void *at = to;

	asm volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(pattern) : "memory");
	asm volatile("rep stosb" : "+D"(at), "+c"(rest) : "a"(pattern) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *x = a, *y = b;

	for (; bytes; bytes--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strncmp(const char *a, const char *b, size_t most)
{
	for (; most; most--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}
