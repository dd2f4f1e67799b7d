/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of VHDX structures. */
#ifndef STORAGE_CRC32C_H
#define STORAGE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *data, size_t bytes);
/* Of data[] with the four bytes at `hole` taken as zero: where the structure keeps its own checksum. */
uint32_t crc32c_without(const void *data, size_t bytes, size_t hole);

#endif
