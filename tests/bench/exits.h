/* SPDX-License-Identifier: Apache-2.0 */
/* What the two hosts of the exit benchmark (exits_mshv.c, exits_kvm.c) share: the guest and how its result is printed. */
#ifndef TESTS_BENCH_EXITS_H
#define TESTS_BENCH_EXITS_H

#include <stdint.h>
#include <stdio.h>

#define EXITS_CODE	0x1000
#define EXITS_STAMPS	0x2000
#define EXITS_STACK	0x3000
#define EXITS_MEMORY	0x10000
#define EXITS_PORT_DONE	0x81

extern const unsigned char exits_guest[], exits_guest_end[];

/* TSC ticks per exit; under QEMU's -icount shift=0 one tick is one instruction. */
static inline void exits_print(const char *host, const uint8_t *memory)
{
	const uint64_t *stamp = (const uint64_t *)(memory + EXITS_STAMPS);

	printf("bench-exits: %s cpuid %llu out %llu\n", host,
	       (unsigned long long)((stamp[1] - stamp[0]) / EXITS_COUNT),
	       (unsigned long long)((stamp[2] - stamp[1]) / EXITS_COUNT));
}

#endif
