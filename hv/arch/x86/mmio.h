/* SPDX-License-Identifier: Apache-2.0 */
/* Device registers: one access of exactly this width each. And memory for a device that does not look into the caches. */
#ifndef HV_X86_MMIO_H
#define HV_X86_MMIO_H

#include <stdint.h>

static inline uint32_t mmio_read32(const char *at) { return *(const volatile uint32_t *)at; }
static inline uint64_t mmio_read64(const char *at) { return *(const volatile uint64_t *)at; }
static inline void mmio_write32(char *at, uint32_t value) { *(volatile uint32_t *)at = value; }
static inline void mmio_write64(char *at, uint64_t value) { *(volatile uint64_t *)at = value; }

static inline void caches_write_back(void) { asm volatile("wbinvd" : : : "memory"); }

#endif
