/* SPDX-License-Identifier: Apache-2.0 */
/* The few string functions a freestanding compiler may call, on the CPU's own string instructions. */
#ifndef HV_STRING_H
#define HV_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
#ifndef HV_STRING_FUNCTIONS	/* lets the compiler do small ones of known size in place */
#define memcpy	__builtin_memcpy
#define memset	__builtin_memset
#endif
size_t strlen(const char *s);
int strncmp(const char *a, const char *b, size_t most);

#endif
