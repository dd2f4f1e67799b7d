/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands the machine to Linux: places the kernel, fills boot_params and sets root VP 0 to the 64-bit entry point
 * (Linux Documentation/arch/x86/boot.rst and zero-page.rst).
 */
#include <abi/hv_register.h>
#include <arch/x86/cpu.h>
#include <arch/x86/machine.h>
#include <boot/boot.h>
#include <hv/console.h>
#include <hv/lp.h>
#include <hv/panic.h>
#include <hv/root.h>
#include <hv/string.h>

#define SETUP_HEADER		0x1f1
#define SETUP_SECTS		0x1f1
#define SETUP_MAGIC		0x202
#define SETUP_VERSION		0x206
#define SETUP_LOADER		0x210
#define SETUP_LOADFLAGS		0x211
#define SETUP_RAMDISK		0x218
#define SETUP_RAMDISK_SIZE	0x21c
#define SETUP_CMDLINE		0x228
#define SETUP_ALIGNMENT		0x230
#define SETUP_XLOADFLAGS	0x236
#define SETUP_PREFERRED		0x258
#define SETUP_INIT_SIZE		0x260
#define PARAMS_RSDP		0x070
#define PARAMS_E820_COUNT	0x1e8
#define PARAMS_E820		0x2d0
#define LOADED_HIGH		BIT(0)
#define KERNEL_64		BIT(0)
#define VERSION_NEEDED		0x20c
#define ENTRY_64		0x200
#define SECTOR			512

/* One block below 4 GiB: boot_params, command line, GDT, page tables of the low 4 GiB. The kernel leaves it soon. */
#define BLOCK_PARAMS		0x0000
#define BLOCK_CMDLINE		0x1000
#define BLOCK_GDT		0x2000
#define BLOCK_PML4		0x3000
#define BLOCK_PDPT		0x4000
#define BLOCK_PD		0x5000
#define BLOCK_SIZE		0x9000
#define LINUX_CS		0x10
#define LINUX_DS		0x18

struct screen_info {
	uint8_t x, y;
	uint16_t extended_memory, page;
	uint8_t mode, columns, flags, unused;
	uint16_t ega_bx, unused2;
	uint8_t lines, kind;
	uint16_t points, width, height, depth;
	uint32_t base, size;
	uint16_t magic, offset, pitch;
	uint8_t red_size, red_position, green_size, green_position, blue_size, blue_position, reserved_size, reserved_position;
	uint16_t vesa_segment, vesa_offset, pages, attributes;
	uint32_t capabilities, base_high;
} __packed;
#define SCREEN_VGA		0x01
#define SCREEN_FRAMEBUFFER	0x23
#define SCREEN_64BIT_BASE	BIT(1)

#define FIELD(params, at, type) (*(type *)((char *)(params) + (at)))

static void fill_screen(struct screen_info *s, const struct boot_info *info)
{
	const struct framebuffer *f = &info->framebuffer;

	if (!f->address) {
		*s = (struct screen_info){ .mode = 3, .columns = 80, .lines = 25, .kind = SCREEN_VGA, .points = 16 };
		return;
	}
	*s = (struct screen_info){
		.kind = SCREEN_FRAMEBUFFER, .width = (uint16_t)f->width, .height = (uint16_t)f->height,
		.depth = f->bits_per_pixel, .base = (uint32_t)f->address, .base_high = (uint32_t)(f->address >> 32),
		.capabilities = SCREEN_64BIT_BASE, .pitch = (uint16_t)f->pitch,
		.size = (uint32_t)(ALIGN_UP((uint64_t)f->pitch * f->height, 65536) >> 16), .pages = 1,
		.red_size = info->red.size, .red_position = info->red.position, .green_size = info->green.size,
		.green_position = info->green.position, .blue_size = info->blue.size, .blue_position = info->blue.position,
	};
}

/* nox2apic would take the root to the memory-mapped APIC, whose INIT and SIPI hv cannot see (root-boot-notes.md section 4). */
static void copy_command_line(char *to, const char *from)
{
	static const char unwanted[] = "nox2apic";

	while (*from) {
		if (!strncmp(from, unwanted, sizeof(unwanted) - 1))
			from += sizeof(unwanted) - 1;
		else
			*to++ = *from++;
	}
	*to = 0;
}

static void fill_params(void *block, uint64_t block_spa, const uint8_t *image, const struct boot_info *info)
{
	char *params = block;
	const struct boot_module *ramdisk = info->module_count > 1 ? &info->modules[1] : NULL;

	memcpy(params + SETUP_HEADER, image + SETUP_HEADER, 0x202u + image[0x201] - SETUP_HEADER);
	fill_screen((struct screen_info *)params, info);
	FIELD(params, PARAMS_RSDP, uint64_t) = acpi_rsdp();
	FIELD(params, SETUP_LOADER, uint8_t) = 0xff;
	FIELD(params, SETUP_LOADFLAGS, uint8_t) |= LOADED_HIGH;
	FIELD(params, SETUP_CMDLINE, uint32_t) = (uint32_t)(block_spa + BLOCK_CMDLINE);
	if (ramdisk) {
		FIELD(params, SETUP_RAMDISK, uint32_t) = (uint32_t)ramdisk->start;
		FIELD(params, SETUP_RAMDISK_SIZE, uint32_t) = (uint32_t)ramdisk->size;
	}
	FIELD(params, PARAMS_E820_COUNT, uint8_t) =
		(uint8_t)memory_map_copy((struct memory_range *)(params + PARAMS_E820), MEMORY_MAP_MAX);
}

static void fill_tables(void *block, uint64_t block_spa)
{
	uint64_t *gdt = (void *)((char *)block + BLOCK_GDT), *pml4 = (void *)((char *)block + BLOCK_PML4);
	uint64_t *pdpt = (void *)((char *)block + BLOCK_PDPT), *pd = (void *)((char *)block + BLOCK_PD);

	gdt[LINUX_CS / 8] = 0x00af9b000000ffff;
	gdt[LINUX_DS / 8] = 0x00cf93000000ffff;
	pml4[0] = (block_spa + BLOCK_PDPT) | 3;
	for (unsigned int i = 0; i < 4; i++)
		pdpt[i] = (block_spa + BLOCK_PD + i * PAGE_SIZE) | 3;
	for (uint64_t i = 0; i < 2048; i++)
		pd[i] = i << 21 | 0x83;
}

static void set_entry(struct vp *vp, uint64_t entry, uint64_t block_spa)
{
	const struct { uint32_t name; union hv_register_value value; } registers[] = {
		{ HV_X64_REGISTER_CR3, { .reg64 = block_spa + BLOCK_PML4 } },
		{ HV_X64_REGISTER_CR4, { .reg64 = CR4_PAE } },
		{ HV_X64_REGISTER_CR0, { .reg64 = CR0_PG | CR0_ET | CR0_PE } },
		{ HV_X64_REGISTER_EFER, { .reg64 = EFER_LME | EFER_LMA | EFER_NXE } },
		{ HV_X64_REGISTER_RFLAGS, { .reg64 = 2 } },
		{ HV_X64_REGISTER_GDTR, { .table = { .limit = LINUX_DS + 7, .base = block_spa + BLOCK_GDT } } },
		{ HV_X64_REGISTER_CS, { .segment = { 0, 0xffffffff, LINUX_CS, 0xa09b } } },
		{ HV_X64_REGISTER_DS, { .segment = { 0, 0xffffffff, LINUX_DS, 0xc093 } } },
		{ HV_X64_REGISTER_ES, { .segment = { 0, 0xffffffff, LINUX_DS, 0xc093 } } },
		{ HV_X64_REGISTER_SS, { .segment = { 0, 0xffffffff, LINUX_DS, 0xc093 } } },
		{ HV_X64_REGISTER_FS, { .segment = { 0, 0xffffffff, LINUX_DS, 0xc093 } } },
		{ HV_X64_REGISTER_GS, { .segment = { 0, 0xffffffff, LINUX_DS, 0xc093 } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		hv_assert(vcpu_set_register(vp, registers[i].name, &registers[i].value) == 0);
	vcpu_set_rip(vp, entry);
	vp->gprs.rsi = block_spa + BLOCK_PARAMS;
}

static const uint8_t *check_kernel(const struct boot_module *m)
{
	const uint8_t *image = BOOT_DIRECT(m->start);

	if (m->size < 0x1000 || memcmp(image + SETUP_MAGIC, "HdrS", 4) ||
	    FIELD(image, SETUP_VERSION, const uint16_t) < VERSION_NEEDED ||
	    !(FIELD(image, SETUP_XLOADFLAGS, const uint16_t) & KERNEL_64))
		hv_refuse("the first module is not a 64-bit Linux kernel.");
	return image;
}

void root_load_linux(const struct boot_info *info)
{
	const uint8_t *image;
	uint64_t setup, kernel, block_spa;
	void *block;

	if (!info->module_count)
		hv_refuse("the boot loader passed no kernel for the root partition.");
	image = check_kernel(&info->modules[0]);
	setup = ((image[SETUP_SECTS] ? image[SETUP_SECTS] : 4u) + 1u) * SECTOR;
	kernel = memory_place(FIELD(image, SETUP_INIT_SIZE, const uint32_t), FIELD(image, SETUP_ALIGNMENT, const uint32_t),
			      FIELD(image, SETUP_PREFERRED, const uint64_t), info);
	block_spa = memory_place(BLOCK_SIZE, PAGE_SIZE, 0x10000, info);
	if (!kernel || kernel >= BIT(32) || !block_spa || block_spa >= BIT(32))
		hv_refuse("there is no room for the root partition's kernel.");
	block = memset(BOOT_DIRECT(block_spa), 0, BLOCK_SIZE);
	fill_params(block, block_spa, image, info);
	fill_tables(block, block_spa);
	copy_command_line((char *)block + BLOCK_CMDLINE, info->modules[0].text);
	memcpy(BOOT_DIRECT(kernel), image + setup, info->modules[0].size - setup);
	set_entry(this_lp()->root_vp, kernel + ENTRY_64, block_spa);
	hv_log(LOG_INFO, "root kernel at %llx, command line \"%s\"\n", (unsigned long long)kernel, (char *)block + BLOCK_CMDLINE);
}
