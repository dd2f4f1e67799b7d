/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the boot loader says, Multiboot 1 (QEMU) or 2 (GRUB), copied once into struct boot_info and the memory map.
 * Multiboot Specification 0.6.96, section 3.3; Multiboot2 Specification 2.0, section 3.6.
 */
#include <arch/x86/machine.h>
#include <boot/boot.h>
#include <hv/panic.h>
#include <hv/string.h>

#define MB1_LOADER_MAGIC	0x2badb002
#define MB2_LOADER_MAGIC	0x36d76289
#define MB1_HAS_CMDLINE		BIT(2)
#define MB1_HAS_MODULES		BIT(3)
#define MB1_HAS_MAP		BIT(6)
#define MB1_HAS_LOADER		BIT(9)
#define MAP_BYTES_MAX		65536u		/* of either; hv takes MEMORY_MAP_MAX ranges anyway */

struct mb1_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, module_count, modules, symbols[4];
	uint32_t map_bytes, map, drives[2], config, loader;
};
struct mb1_module { uint32_t start, end, text, reserved; };
struct mb1_range { uint32_t size; uint64_t start, bytes; uint32_t type; } __packed;

struct mb2_tag { uint32_t type, size; };
struct mb2_string { struct mb2_tag tag; char text[]; };
struct mb2_module { struct mb2_tag tag; uint32_t start, end; char text[]; };
struct mb2_range { uint64_t start, bytes; uint32_t type, reserved; };
struct mb2_map { struct mb2_tag tag; uint32_t entry_size, version; struct mb2_range ranges[]; };
struct mb2_framebuffer {
	struct mb2_tag tag;
	uint64_t address;
	uint32_t pitch, width, height;
	uint8_t bits_per_pixel, kind;
	uint16_t reserved;
	uint8_t red_position, red_size, green_position, green_size, blue_position, blue_size;
} __packed;
#define MB2_FRAMEBUFFER_RGB	1

/* Nothing is read at or above 4 GiB, where neither Multiboot has anything; the lengths are the loader's. */
static bool is_below_4g(uint64_t address, uint64_t size)
{
	return address <= BIT(32) && size <= BIT(32) - address;
}

static void copy_text(char *to, const char *from, uint64_t most)
{
	size_t n = 0;

	for (; n < most && n < BOOT_TEXT_MAX - 1 && from[n]; n++)
		to[n] = from[n];
	to[n] = 0;
}

static void copy_text1(char *to, uint64_t address, bool without_first_word)
{
	const char *text = BOOT_DIRECT(0);

	if (without_first_word) {
		while (address < BIT(32) && text[address] && text[address] != ' ')
			address++;
		while (address < BIT(32) && text[address] == ' ')
			address++;
	}
	copy_text(to, text + address, BIT(32) - address);
}

/* NULL: there is room for no more, or nothing in it. */
static struct boot_module *add_module(struct boot_info *out, uint64_t start, uint64_t end)
{
	struct boot_module *m = &out->modules[out->module_count];

	if (out->module_count == BOOT_MODULES || end <= start)
		return NULL;
	m->start = start;
	m->size = end - start;
	out->module_count++;
	return m;
}

static void read_map1(const struct mb1_info *info)
{
	uint64_t at = info->map, end = at + info->map_bytes;

	while (info->map_bytes <= MAP_BYTES_MAX && end <= BIT(32) && end - at >= sizeof(struct mb1_range)) {
		const struct mb1_range *r = BOOT_DIRECT(at);

		memory_map_add(r->start, r->bytes, r->type);
		if (r->size + 4ull > end - at)
			break;
		at += r->size + 4ull;
	}
}

/* QEMU puts the file's name before a module's text, GRUB does not. */
static void read_multiboot1(uint32_t address, struct boot_info *out)
{
	const struct mb1_info *info = BOOT_DIRECT(address);
	bool qemu = (info->flags & MB1_HAS_LOADER) && is_below_4g(info->loader, 4) && !strncmp(BOOT_DIRECT(info->loader), "qemu", 4);
	const struct mb1_module *modules = BOOT_DIRECT(info->modules);

	if (info->flags & MB1_HAS_CMDLINE)
		copy_text1(out->options, info->cmdline, true);
	if (info->flags & MB1_HAS_MAP)
		read_map1(info);
	for (uint32_t i = 0; (info->flags & MB1_HAS_MODULES) && i < info->module_count && i < BOOT_MODULES; i++) {
		struct boot_module *m;

		if (!is_below_4g(info->modules, (i + 1) * sizeof(*modules)))
			break;
		m = add_module(out, modules[i].start, modules[i].end);
		if (m)
			copy_text1(m->text, modules[i].text, qemu);
	}
}

static void read_map2(const struct mb2_map *m)
{
	uint32_t n = m->entry_size >= sizeof(struct mb2_range) ? (m->tag.size - (uint32_t)sizeof(*m)) / m->entry_size : 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct mb2_range *r = (const void *)((const char *)m->ranges + (uint64_t)i * m->entry_size);

		memory_map_add(r->start, r->bytes, r->type);
	}
}

static void read_framebuffer(const struct mb2_framebuffer *f, struct boot_info *out)
{
	if (f->kind != MB2_FRAMEBUFFER_RGB)
		return;
	out->framebuffer = (struct framebuffer){ f->address, f->pitch, f->width, f->height, f->bits_per_pixel };
	out->red.position = f->red_position;
	out->red.size = f->red_size;
	out->green.position = f->green_position;
	out->green.size = f->green_size;
	out->blue.position = f->blue_position;
	out->blue.size = f->blue_size;
}

static void read_rsdp(const struct mb2_string *tag, struct boot_info *out)
{
	size_t n = tag->tag.size - sizeof(*tag);

	memcpy(out->rsdp_copy, tag->text, n < sizeof(out->rsdp_copy) ? n : sizeof(out->rsdp_copy));
}

static void read_module2(const struct mb2_module *m, struct boot_info *out)
{
	struct boot_module *module = add_module(out, m->start, m->end);

	if (module)
		copy_text(module->text, m->text, m->tag.size - sizeof(*m));
}

static void read_options2(const struct mb2_string *s, struct boot_info *out)
{
	copy_text(out->options, s->text, s->tag.size - sizeof(*s));
}

static void read_tag2(const struct mb2_tag *tag, struct boot_info *out)
{
	const void *all = tag;

	switch (tag->type) {
	case 1:
		read_options2(all, out);
		break;
	case 3:
		if (tag->size >= sizeof(struct mb2_module))
			read_module2(all, out);
		break;
	case 6:
		if (tag->size >= sizeof(struct mb2_map) && tag->size <= MAP_BYTES_MAX)
			read_map2(all);
		break;
	case 8:
		if (tag->size >= sizeof(struct mb2_framebuffer))
			read_framebuffer(all, out);
		break;
	case 14:		/* RSDP of ACPI 1.0; 15, of 2.0 and later, comes after it and wins */
	case 15:
		read_rsdp(all, out);
		break;
	}
}

static void read_multiboot2(uint32_t address, struct boot_info *out)
{
	uint64_t at = (uint64_t)address + 8, end = address + (uint64_t)*(const uint32_t *)BOOT_DIRECT(address);
	const struct mb2_tag *tag;

	for (; end <= BIT(32) && at < end && end - at >= sizeof(*tag); at += ALIGN_UP((uint64_t)tag->size, 8)) {
		tag = BOOT_DIRECT(at);
		if (!tag->type || tag->size < sizeof(*tag) || tag->size > end - at)
			break;
		read_tag2(tag, out);
	}
}

void multiboot_read(uint32_t magic, uint32_t info, struct boot_info *out)
{
	if (magic == MB2_LOADER_MAGIC)
		read_multiboot2(info, out);
	else if (magic == MB1_LOADER_MAGIC)
		read_multiboot1(info, out);
	else
		hv_refuse("it was not started by a Multiboot loader.");
}
