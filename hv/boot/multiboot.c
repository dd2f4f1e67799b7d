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

static void copy_text(char *to, const char *from)
{
	size_t n = 0;

	for (; from[n] && n < BOOT_TEXT_MAX - 1; n++)
		to[n] = from[n];
	to[n] = 0;
}

static const char *after_first_word(const char *text)
{
	while (*text && *text != ' ')
		text++;
	while (*text == ' ')
		text++;
	return text;
}

static void add_module(struct boot_info *out, uint64_t start, uint64_t end, const char *text)
{
	struct boot_module *m = &out->modules[out->module_count];

	if (out->module_count == BOOT_MODULES || end <= start)
		return;
	m->start = start;
	m->size = end - start;
	copy_text(m->text, text);
	out->module_count++;
}

/* QEMU puts the file's name before a module's text, GRUB does not. */
static void read_multiboot1(uint32_t address, struct boot_info *out)
{
	const struct mb1_info *info = BOOT_DIRECT(address);
	bool qemu = (info->flags & MB1_HAS_LOADER) && !strncmp(BOOT_DIRECT(info->loader), "qemu", 4);
	const struct mb1_module *modules = BOOT_DIRECT(info->modules);

	if (info->flags & MB1_HAS_CMDLINE)
		copy_text(out->options, after_first_word(BOOT_DIRECT(info->cmdline)));
	for (uint32_t at = 0; (info->flags & MB1_HAS_MAP) && at < info->map_bytes; ) {
		const struct mb1_range *r = BOOT_DIRECT(info->map + at);

		memory_map_add(r->start, r->bytes, r->type);
		at += r->size + 4;
	}
	for (uint32_t i = 0; (info->flags & MB1_HAS_MODULES) && i < info->module_count; i++) {
		const char *text = BOOT_DIRECT(modules[i].text);

		add_module(out, modules[i].start, modules[i].end, qemu ? after_first_word(text) : text);
	}
}

static void read_map2(const struct mb2_map *m)
{
	uint32_t n = m->entry_size ? (m->tag.size - (uint32_t)sizeof(*m)) / m->entry_size : 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct mb2_range *r = (const void *)((const char *)m->ranges + i * m->entry_size);

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

static void read_tag2(const struct mb2_tag *tag, struct boot_info *out)
{
	const struct mb2_module *m = (const void *)tag;

	switch (tag->type) {
	case 1:
		copy_text(out->options, ((const struct mb2_string *)tag)->text);
		break;
	case 3:
		add_module(out, m->start, m->end, m->text);
		break;
	case 6:
		read_map2((const void *)tag);
		break;
	case 8:
		read_framebuffer((const void *)tag, out);
		break;
	case 14:		/* RSDP of ACPI 1.0; 15, of 2.0 and later, comes after it and wins */
	case 15:
		read_rsdp((const void *)tag, out);
		break;
	}
}

static void read_multiboot2(uint32_t address, struct boot_info *out)
{
	const struct mb2_tag *tag = BOOT_DIRECT((uint64_t)address + 8);

	for (; tag->type; tag = (const void *)((const char *)tag + ALIGN_UP(tag->size, 8)))
		read_tag2(tag, out);
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
