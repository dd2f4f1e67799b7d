/* SPDX-License-Identifier: Apache-2.0 */
/* Device registers as the unit tests have them: a test that links hv/iommu says what happens. */
#ifndef HV_X86_MMIO_H
#define HV_X86_MMIO_H

#include <stdint.h>

uint32_t mmio_read32(const char *at);
uint64_t mmio_read64(const char *at);
void mmio_write32(char *at, uint32_t value);
void mmio_write64(char *at, uint64_t value);
void caches_write_back(void);

#endif
