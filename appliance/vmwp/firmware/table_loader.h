/* SPDX-License-Identifier: Apache-2.0 */
/* A blob of tables and the fw_cfg loader script that places it: both grow together while tables are added. */
#ifndef VMWP_FIRMWARE_TABLE_LOADER_H
#define VMWP_FIRMWARE_TABLE_LOADER_H

#include "vmwp/device.h"

#define LOADER_TABLES	"etc/acpi/tables"
#define LOADER_RSDP	"etc/acpi/rsdp"

enum loader_zone { LOADER_HIGH = 1, LOADER_FSEG = 2 };
struct table_loader {
	uint8_t *tables;		/* the blob */
	size_t size;
	uint8_t *script;
	size_t script_size;
	bool failed;			/* out of memory at some point: publishing says so */
};

/* Appends to the blob, aligned; the offset of the copy. */
uint32_t loader_append(struct table_loader *l, const void *data, size_t size, unsigned int align);
void loader_allocate(struct table_loader *l, const char *file, unsigned int align, enum loader_zone zone);
/* The `size` bytes at `offset` of `file` hold an offset into the blob and become an address. */
void loader_add_pointer(struct table_loader *l, const char *file, uint32_t offset, unsigned int size);
void loader_add_checksum(struct table_loader *l, const char *file, uint32_t at, uint32_t start, uint32_t length);
int loader_publish(struct table_loader *l, struct machine *m);	/* the blob and the script as fw_cfg files */
void loader_free(struct table_loader *l);

#endif
