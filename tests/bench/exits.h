/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest of the exit benchmark (exits_guest.S) and its two hosts (exits_mshv.c, exits_kvm.c) share. */
#ifndef TESTS_BENCH_EXITS_H
#define TESTS_BENCH_EXITS_H

#define EXITS_CODE	0x1000
#define EXITS_STAMPS	0x3000
#define EXITS_STACK	0x5000
#define EXITS_IDT	0x6000
#define EXITS_MEMORY	0x10000		/* at GPA 0 */
#define EXITS_SMALL	0x1000000	/* memory nobody has touched: by 4 KiB ... */
#define EXITS_SMALL_PAGES 512
#define EXITS_LARGE	0x2000000	/* ... and by 2 MiB */
#define EXITS_LARGE_PAGES 4
#define EXITS_PORT	0x80
#define EXITS_PORT_DONE	0x81

/* The rows, in the order in which the guest stores two time stamps for each; exits_guest.S has their loops. */
#define EXITS_ROWS(X) \
	X(cpuid, EXITS_COUNT) X(hypercall, EXITS_COUNT) X(out, EXITS_COUNT) X(eoi, EXITS_COUNT) X(ipi, EXITS_COUNT) \
	X(stimer, EXITS_COUNT) X(touch4k, EXITS_SMALL_PAGES) X(touch2m, EXITS_LARGE_PAGES)

#ifndef __ASSEMBLER__
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

extern const unsigned char exits_guest[], exits_guest_end[];

/* TSC ticks per exit; under QEMU's -icount shift=0 one tick is one instruction. */
static inline void exits_print(const char *host, const uint8_t *memory)
{
	const uint64_t *stamp = (const uint64_t *)(memory + EXITS_STAMPS);

#define X(name, count) printf("bench-exits: %s " #name " %llu\n", host, (unsigned long long)((stamp[1] - stamp[0]) / (count))); stamp += 2;
	EXITS_ROWS(X)
#undef X
}

/* The guest's memory: `gpa` is where `size` bytes go. NULL ends the list; the first has the code in it. */
struct exits_region { uint64_t gpa, size; uint8_t *memory; };

static inline int exits_regions(struct exits_region r[3])
{
	static const struct { uint64_t gpa, size; int advice; } rows[3] = {
		{ 0, EXITS_MEMORY, MADV_NOHUGEPAGE }, { EXITS_SMALL, EXITS_SMALL_PAGES * 0x1000ull, MADV_NOHUGEPAGE },
		{ EXITS_LARGE, EXITS_LARGE_PAGES * 0x200000ull, MADV_HUGEPAGE },
	};

	for (int i = 0; i < 3; i++) {
		uint64_t room = rows[i].size + 0x200000;
		uint8_t *memory = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			return -1;
		r[i].gpa = rows[i].gpa;
		r[i].size = rows[i].size;
		r[i].memory = (uint8_t *)(((uintptr_t)memory + 0x1fffff) & ~(uintptr_t)0x1fffff);
		madvise(r[i].memory, r[i].size, rows[i].advice);
	}
	memcpy(r[0].memory + EXITS_CODE, exits_guest, (size_t)(exits_guest_end - exits_guest));
	return 0;
}
#endif
#endif
