/* SPDX-License-Identifier: Apache-2.0 */
/* See include/arch/x86/machine.h. */
#include <arch/x86/machine.h>
#include <boot/boot.h>
#include <hv/console.h>
#include <hv/panic.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LOW		BIT(32)

unsigned char *low_memory;
jmp_buf refused;
char hv_image_start[1], hv_image_end[1];

void hv_refuse(const char *format, ...)
{
	(void)format;
	longjmp(refused, 1);
}

void hv_log(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

void boot_heap_range(uint64_t *start, uint64_t *end)
{
	*start = *end = 0;
}

void low_memory_reset(void)
{
	if (!low_memory) {
		low_memory = mmap(NULL, LOW + LOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (low_memory == MAP_FAILED || mprotect(low_memory, LOW, PROT_READ | PROT_WRITE) < 0)
			abort();
	}
	memset(low_memory + WINDOW, 0, WINDOW_SIZE);
	memset(low_memory + 0x400, 0, 0x100);
}

unsigned char *low_memory_at(uint64_t address, uint64_t size)
{
	return address >= WINDOW && address - WINDOW <= WINDOW_SIZE && size <= WINDOW + WINDOW_SIZE - address ? low_memory + address : NULL;
}
