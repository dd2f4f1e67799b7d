/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IVRS and DMAR of any shape, and IOMMUs whose registers say anything: hv refuses what it cannot use, or sets it up; nothing but a
 * panic ("never answers") may come of it. iommu.c is included, so that each input starts from its first state.
 */
#include "tests/fuzz/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/hv/fake.h"
#include <iommu/iommu.c>

#define HEAP		(40ull << 20)
#define REGISTERS	(56ull << 20)
#define REGISTER_BYTES	(256u << 10)

static uint64_t heap_next;
static jmp_buf panicked;

void *boot_alloc_aligned(uint64_t bytes, uint64_t align)
{
	uint64_t at = ALIGN_UP(heap_next, align);

	heap_next = at + bytes;
	if (heap_next > REGISTERS)
		longjmp(panicked, 1);
	return memset(fake_spa(at), 0, bytes);
}

bool memory_is_device(uint64_t start, uint64_t size)
{
	return start >= REGISTERS && start < REGISTERS + REGISTER_BYTES && size <= REGISTERS + REGISTER_BYTES - start;
}

void hv_log(enum log_level level, const char *text, ...)
{
	(void)level;
	(void)text;
}

void hv_panic(const char *text, ...)
{
	(void)text;
	longjmp(panicked, 1);
}

static char *inside(const char *at)
{
	uint64_t spa = virt_to_spa(at).addr;

	if (spa < REGISTERS || spa >= REGISTERS + REGISTER_BYTES)
		abort();
	return fake_spa(spa);
}

uint32_t mmio_read32(const char *at) { return (uint32_t)mmio_read64(at); }
uint64_t mmio_read64(const char *at)
{
	uint64_t value;

	fake.tsc += tsc_hz / 4;
	if (once_in(4))
		return input_number(8);				/* registers change as they like */
	memcpy(&value, inside(at), sizeof(value));
	return value;
}

void mmio_write32(char *at, uint32_t value) { memcpy(inside(at), &value, sizeof(value)); }
void mmio_write64(char *at, uint64_t value)
{
	memcpy(inside(at), &value, sizeof(value));
	for (unsigned int i = 0; i < unit_count; i++)
		if (units[i].done && !once_in(16))
			*units[i].done = units[i].flushes;	/* what was asked for is done */
}

void caches_write_back(void) { }

static void forget(void)
{
	fake_reset();
	heap_next = HEAP;
	unit_count = 0;
	vendor = NULL;
	unusable = "none";
	memset(units, 0, sizeof(units));
	memset(devices, 0, sizeof(devices));
	memset(&lock, 0, sizeof(lock));
	started = false;
	next_report = 0;
	tsc_hz = 1000000000;
}

/* A block that is almost right, or as it comes. */
static size_t block_put(uint8_t *to, bool amd)
{
	static const uint8_t amd_types[] = { 0x10, 0x11, 0x40, 0x20 };
	struct acpi_remapping block = { .type = amd ? amd_types[below(4)] : (uint8_t)below(3), .subtype = (uint8_t)below(2), .length = 24 };

	block.base = REGISTERS + (uint64_t)below(80) * (once_in(8) ? 1 : PAGE_SIZE);
	if (once_in(6))
		block.length = (uint16_t)any();
	if (once_in(6))
		block.base = input_number(8);
	memcpy(to, &block, sizeof(block));
	return sizeof(block);
}

static void read_table(void)
{
	bool amd = below(2);
	uint8_t bytes[REMAPPING_HEADER + 16 * sizeof(struct acpi_remapping)] = { 0 }, *table;
	size_t size = REMAPPING_HEADER;
	uint32_t said;

	for (unsigned int i = below(16); i; i--)
		size += block_put(bytes + size, amd);
	size -= once_in(6) ? below(40) : 0;
	said = once_in(8) ? any() : (uint32_t)size;
	memcpy(bytes, amd ? "IVRS" : "DMAR", 4);
	memcpy(bytes + 4, &said, sizeof(said));
	if (size < REMAPPING_HEADER)
		size = REMAPPING_HEADER;
	table = malloc(size);
	memcpy(table, bytes, size);
	iommu_read_acpi(table, size);
	free(table);
}

/* Capabilities that hv can use, or others. */
static void registers_fill(uint64_t base)
{
	static const uint64_t usable[] = { 0, 1ull << 10 | 3ull << 34 | 3ull << 54 | 0x20ull << 24 | 3ull << 40, 3ull | 0x30ull << 8 };
	uint64_t *registers = fake_spa(base & ~7ull);

	for (unsigned int i = 0; i < 8; i++)
		registers[i] = once_in(4) || i >= ARRAY_SIZE(usable) ? input_number(8) : usable[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input_begin(data, size);
	forget();
	if (setjmp(panicked))
		return 0;
	read_table();
	for (unsigned int i = 0; i < unit_count; i++)
		registers_fill(units[i].base);
	root_partition.gpa.devices = iommu_prepare();
	iommu_start();
	fake.tsc += tsc_hz;
	iommu_report();
	iommu_flush();
	return 0;
}
