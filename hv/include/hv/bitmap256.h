/* SPDX-License-Identifier: Apache-2.0 */
/* One bit per interrupt vector, laid out as the APIC's IRR, ISR and TMR. */
#ifndef HV_BITMAP256_H
#define HV_BITMAP256_H

#include <hv/types.h>

static inline void bitmap256_set(uint32_t map[8], uint8_t n) { map[n / 32] |= 1u << n % 32; }
static inline void bitmap256_clear(uint32_t map[8], uint8_t n) { map[n / 32] &= ~(1u << n % 32); }
static inline bool bitmap256_test(const uint32_t map[8], uint8_t n) { return map[n / 32] >> n % 32 & 1; }

static inline int bitmap256_highest(const uint32_t map[8])
{
	for (int i = 7; i >= 0; i--)
		if (map[i])
			return i * 32 + 31 - __builtin_clz(map[i]);
	return -1;
}

static inline bool bitmap256_is_empty(const uint32_t bits[8])
{
	uint32_t any = 0;

	for (unsigned int i = 0; i < 8; i++)
		any |= bits[i];
	return !any;
}

#endif
