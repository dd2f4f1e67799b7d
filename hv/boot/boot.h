/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of boot/ tell each other: what the loader left, the memory map and what is taken out of it, ACPI, the root. */
#ifndef HV_BOOT_BOOT_H
#define HV_BOOT_BOOT_H

#include <hv/types.h>
#include <lib/screen.h>

struct vp;

#define BOOT_TEXT_MAX	2048
#define BOOT_MODULES	2		/* the root kernel, its initial file system */
#define BOOT_DIRECT(address)	((void *)(DIRECT_MAP + (uint64_t)(address)))

struct boot_module {
	uint64_t start, size;
	char text[BOOT_TEXT_MAX];	/* its command line, without a file name */
};

struct boot_info {
	char options[BOOT_TEXT_MAX];	/* hv's own */
	struct boot_module modules[BOOT_MODULES];
	unsigned int module_count;
	uint64_t rsdp;			/* SPA of the copy the loader made, or 0 */
	uint8_t rsdp_copy[36];
	struct framebuffer framebuffer;	/* address 0: text mode */
	struct { uint8_t position, size; } red, green, blue;
};

/* multiboot.c: copies everything hv needs; the loader's block is free memory afterwards. */
void multiboot_read(uint32_t magic, uint32_t info, struct boot_info *out);

/* options.c: hv's options are words "name=value"; true and the value's number when `name` is there. */
bool option_number(const char *options, const char *name, uint64_t *value);

/* memory_map.c. Types are E820's: 1 usable, 2 reserved, 3 ACPI tables, 4 ACPI NVS, 5 defective. */
#define MEMORY_MAP_MAX	128
#define MEMORY_USABLE	1u
#define MEMORY_RESERVED	2u
struct memory_range { uint64_t start, size; uint32_t type; } __packed;
void memory_map_add(uint64_t start, uint64_t size, uint32_t type);
void memory_map_reserve(uint64_t start, uint64_t size);
unsigned int memory_map_copy(struct memory_range *to, unsigned int most);
uint64_t memory_map_end(void);				/* end of the last usable range */
uint64_t memory_map_usable(void);			/* bytes */
bool memory_is_device(uint64_t start, uint64_t size);	/* below 4 GiB, and neither RAM nor hv's */
uint64_t memory_below_4g_top(uint64_t size, const struct boot_info *info);	/* highest free place, or 0 */
uint64_t memory_place(uint64_t size, uint64_t align, uint64_t from, const struct boot_info *info);	/* lowest free place; 0 = none */

/* heap.c: hv's memory, out of which boot allocates and the root partition's pool gets the rest. */
void boot_heap_init(const struct boot_info *info);
void *boot_alloc_aligned(uint64_t bytes, uint64_t align);	/* zeroed; panics when exhausted: the size is computed */
void boot_heap_range(uint64_t *start, uint64_t *end);
spa_t boot_heap_take_page(void);				/* 0 when none is left */

/* acpi.c */
void acpi_init(struct boot_info *info);				/* RSDP, power registers; hides DMAR and IVRS */
void acpi_list_processors(void);				/* MADT into lp_table_add() */
uint64_t acpi_rsdp(void);

/* root.c, linux.c */
void root_create(void);
void root_load_linux(const struct boot_info *info);
void __noreturn root_run(void);					/* this LP runs its root VP, for good */

/* root_startup.c */
void root_startup_wait(struct vp *vp);				/* before each entry: INIT pending, waiting for SIPI */
void root_startup_begin(void);					/* an AP begins by waiting */

#endif
