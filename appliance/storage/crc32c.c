/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C by the processor's instruction where it has one, else by a table of the reflected polynomial. */
#include "storage/crc32c.h"

#include <pthread.h>
#include <string.h>

#define POLYNOMIAL	0x82f63b78u

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_fill(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
		table[i] = crc;
	}
}

static uint32_t update_by_table(uint32_t crc, const uint8_t *data, size_t bytes)
{
	pthread_once(&table_once, table_fill);
	while (bytes--)
		crc = crc >> 8 ^ table[(crc ^ *data++) & 0xff];
	return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2")))
static uint32_t update_by_instruction(uint32_t crc, const uint8_t *data, size_t bytes)
{
	uint64_t wide = crc, word;

	for (; bytes >= sizeof(word); bytes -= sizeof(word), data += sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	while (bytes--)
		crc = __builtin_ia32_crc32qi(crc, *data++);
	return crc;
}
#endif

static uint32_t update(uint32_t crc, const uint8_t *data, size_t bytes)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return update_by_instruction(crc, data, bytes);
#endif
	return update_by_table(crc, data, bytes);
}

uint32_t crc32c(const void *data, size_t bytes)
{
	return ~update(~0u, data, bytes);
}

uint32_t crc32c_without(const void *data, size_t bytes, size_t hole)
{
	static const uint8_t zeros[4];
	const uint8_t *at = data;
	uint32_t crc = update(~0u, at, hole);

	crc = update(crc, zeros, sizeof(zeros));
	return ~update(crc, at + hole + sizeof(zeros), bytes - hole - sizeof(zeros));
}
