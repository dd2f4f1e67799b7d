/* SPDX-License-Identifier: Apache-2.0 */
/* hv's machine.h as hv/boot's parsers need it: the low 4 GiB of memory are an array (low_memory.c), and behind it is nothing. */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include <setjmp.h>
#include <hv/types.h>

#define DIRECT_MAP	((uintptr_t)low_memory)
#define WINDOW		0xe0000u		/* what the targets fill: the firmware's place below 1 MiB */
#define WINDOW_SIZE	0x20000u

extern unsigned char *low_memory;
extern char hv_image_start[], hv_image_end[];
extern jmp_buf refused;				/* hv_refuse() comes back here */

void low_memory_reset(void);
unsigned char *low_memory_at(uint64_t address, uint64_t size);	/* NULL: not in the window */
void lp_table_add(uint32_t apic_id);

#endif
