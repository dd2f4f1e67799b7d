/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes libFuzzer made up, taken from the front as numbers, choices and blocks. When they are used up every number is 0, and a
 * target ends. Small choices take one byte, so that the fuzzer can change one without the others.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

void input_begin(const uint8_t *data, size_t size);
size_t input_left(void);
uint64_t input_number(unsigned int bytes);		/* little-endian, up to 8 bytes */
void input_take(void *to, size_t size);			/* zeros behind the end */
const uint8_t *input_rest(size_t *size);		/* all that is left */

uint32_t any(void);
uint32_t below(uint32_t n);				/* 0 to n - 1 */
bool once_in(uint32_t n);
uint32_t edge(const uint32_t *edges, size_t count);	/* a number a field may hold: one of these, a small one, or any */
void *input_copy(size_t size);				/* of its own in the heap, so that reading behind it is seen; free it */

#endif
