/* SPDX-License-Identifier: Apache-2.0 */
/* The instruction that count_plugin.c looks for: a long NOP with a displacement that compilers do not make up. */
#ifndef TESTS_BENCH_MARK_H
#define TESTS_BENCH_MARK_H

#define BENCH_MARK	0x0f, 0x1f, 0x80, 0x50, 0x61, 0x72, 0x74	/* nopl 0x74726150(%rax) */

#define BENCH_TEXT(...)	#__VA_ARGS__
#define BENCH_BYTES(...) ".byte " BENCH_TEXT(__VA_ARGS__)
static inline void bench_mark(void) { __asm__ volatile(BENCH_BYTES(BENCH_MARK) ::: "memory"); }

#endif
