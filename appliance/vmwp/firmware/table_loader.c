/* SPDX-License-Identifier: Apache-2.0 */
/* fw_cfg table loader script (QEMU docs; seabios src/fw/romfile_loader.h): entries of 128 bytes. */
#include "vmwp/firmware/table_loader.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIZE	56
#define COMMAND_ALLOCATE 1u
#define COMMAND_POINTER	2u
#define COMMAND_CHECKSUM 3u

struct loader_entry {
	uint32_t command;
	union {
		struct { char file[FILE_SIZE]; uint32_t align; uint8_t zone; } __attribute__((packed)) allocate;
		struct { char destination[FILE_SIZE], source[FILE_SIZE]; uint32_t offset; uint8_t size; } __attribute__((packed)) pointer;
		struct { char file[FILE_SIZE]; uint32_t at, start, length; } __attribute__((packed)) checksum;
		uint8_t pad[124];
	};
} __attribute__((packed));

_Static_assert(sizeof(struct loader_entry) == 128, "loader entry");

static uint8_t *grow(struct table_loader *l, uint8_t **buffer, size_t *size, size_t more)
{
	uint8_t *bigger = l->failed ? NULL : realloc(*buffer, *size + more);

	if (!bigger) {
		l->failed = true;
		return NULL;
	}
	*buffer = bigger;
	memset(bigger + *size, 0, more);
	*size += more;
	return bigger + *size - more;
}

uint32_t loader_append(struct table_loader *l, const void *data, size_t size, unsigned int align)
{
	size_t padding = (align - l->size % align) % align;
	uint8_t *at = grow(l, &l->tables, &l->size, padding + size);

	if (!at)
		return 0;
	memcpy(at + padding, data, size);
	return (uint32_t)(l->size - size);
}

static void script_add(struct table_loader *l, const struct loader_entry *entry)
{
	uint8_t *at = grow(l, &l->script, &l->script_size, sizeof(*entry));

	if (at)
		memcpy(at, entry, sizeof(*entry));
}

static void set_name(char name[FILE_SIZE], const char *file)
{
	strncpy(name, file, FILE_SIZE - 1);
}

void loader_allocate(struct table_loader *l, const char *file, unsigned int align, enum loader_zone zone)
{
	struct loader_entry e = { .command = htole32(COMMAND_ALLOCATE) };

	set_name(e.allocate.file, file);
	e.allocate.align = htole32(align);
	e.allocate.zone = (uint8_t)zone;
	script_add(l, &e);
}

void loader_add_pointer(struct table_loader *l, const char *file, uint32_t offset, unsigned int size)
{
	struct loader_entry e = { .command = htole32(COMMAND_POINTER) };

	set_name(e.pointer.destination, file);
	set_name(e.pointer.source, LOADER_TABLES);
	e.pointer.offset = htole32(offset);
	e.pointer.size = (uint8_t)size;
	script_add(l, &e);
}

void loader_add_checksum(struct table_loader *l, const char *file, uint32_t at, uint32_t start, uint32_t length)
{
	struct loader_entry e = { .command = htole32(COMMAND_CHECKSUM) };

	set_name(e.checksum.file, file);
	e.checksum.at = htole32(at);
	e.checksum.start = htole32(start);
	e.checksum.length = htole32(length);
	script_add(l, &e);
}

int loader_publish(struct table_loader *l, struct machine *m)
{
	int r = l->failed ? -ENOMEM : fw_cfg_add_file(m, LOADER_TABLES, l->tables, l->size);

	return r == 0 ? fw_cfg_add_file(m, "etc/table-loader", l->script, l->script_size) : r;
}

void loader_free(struct table_loader *l)
{
	free(l->tables);
	free(l->script);
}
