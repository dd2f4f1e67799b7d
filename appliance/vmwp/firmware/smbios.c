/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMBIOS 2.8 (DSP0134): system and enclosure information, so that agents in the guest read the VM's id from the UUID.
 * SeaBIOS adds its own BIOS information and places the tables.
 */
#include "vmwp/firmware/firmware.h"
#include "vmwp/vsp/storage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SMBIOS_PACKED __attribute__((packed))

struct smbios_anchor {
	char signature[4];
	uint8_t checksum, length, major, minor;
	uint16_t max_structure;
	uint8_t revision, formatted[5];
	char dmi_signature[5];
	uint8_t dmi_checksum;
	uint16_t tables_size;
	uint32_t tables_address;
	uint16_t structures;
	uint8_t bcd_revision;
} SMBIOS_PACKED;

struct smbios_header { uint8_t type, length; uint16_t handle; } SMBIOS_PACKED;
struct smbios_system {
	struct smbios_header h;
	uint8_t manufacturer, product, version, serial, uuid[16], wake_up, sku, family;
} SMBIOS_PACKED;
struct smbios_enclosure {
	struct smbios_header h;
	uint8_t manufacturer, type, version, serial, asset, boot_state, power_state, thermal_state, security;
	uint32_t oem;
	uint8_t height, cords, elements, element_length;
} SMBIOS_PACKED;

_Static_assert(sizeof(struct smbios_anchor) == 31, "anchor");
_Static_assert(sizeof(struct smbios_system) == 27, "type 1");

#define STRINGS_SYSTEM		"Partita\0Virtual Machine\0001\0"
/* Guests' IDE drivers leave disks to the VMBus driver when the machine says this (linux: drivers/ata/ata_piix.c). It is
 * said only while there is such a disk: otherwise the same disk would appear twice, or not at all. */
#define STRINGS_ACCELERATED	"Microsoft Corporation\0Virtual Machine\0001\0"
#define STRINGS_ENCLOSURE	"Partita\0"
#define WAKE_POWER_SWITCH	6
#define ENCLOSURE_OTHER		1
#define STATE_SAFE		3
#define SECURITY_NONE		3

struct smbios_tables { uint8_t bytes[512]; size_t size, largest; unsigned int count; };

/* A structure is its formatted area, its strings, and one more NUL (two when there are no strings). */
static void smbios_add(struct smbios_tables *t, const void *structure, size_t size, const char *strings, size_t strings_size)
{
	size_t whole = size + strings_size + (strings_size ? 1 : 2);

	memcpy(t->bytes + t->size, structure, size);
	memcpy(t->bytes + t->size + size, strings, strings_size);
	memset(t->bytes + t->size + size + strings_size, 0, whole - size - strings_size);
	t->size += whole;
	t->count++;
	if (whole > t->largest)
		t->largest = whole;
}

/* The first three fields are little-endian on the wire (DSP0134, 7.2.1). */
static void uuid_from_text(const char *text, uint8_t uuid[16])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	unsigned int digits = 0;

	for (; *text && digits < 32; text++) {
		const char *hex = "0123456789abcdef", *at = strchr(hex, *text | 0x20);

		if (*text == '-' || !at)
			continue;
		uuid[order[digits / 2]] = (uint8_t)(uuid[order[digits / 2]] << 4 | (at - hex));
		digits++;
	}
}

static uint8_t checksum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	while (size--)
		sum = (uint8_t)(sum + *bytes++);
	return (uint8_t)-sum;
}

static void smbios_build(struct smbios_tables *t, const char *id, bool accelerated)
{
	struct smbios_system system = {
		.h = { 1, sizeof(system), 0x100 }, .manufacturer = 1, .product = 2, .version = 3, .serial = 4, .wake_up = WAKE_POWER_SWITCH,
	};
	struct smbios_enclosure enclosure = {
		.h = { 3, sizeof(enclosure), 0x300 }, .manufacturer = 1, .type = ENCLOSURE_OTHER, .boot_state = STATE_SAFE,
		.power_state = STATE_SAFE, .thermal_state = STATE_SAFE, .security = SECURITY_NONE,
	};
	struct smbios_header end = { 127, sizeof(end), 0x7f00 };
	char strings[sizeof(STRINGS_ACCELERATED) + 37];
	size_t fixed = (accelerated ? sizeof(STRINGS_ACCELERATED) : sizeof(STRINGS_SYSTEM)) - 1, serial = strlen(id) + 1;

	uuid_from_text(id, system.uuid);
	memcpy(strings, accelerated ? STRINGS_ACCELERATED : STRINGS_SYSTEM, fixed);
	memcpy(strings + fixed, id, serial);
	smbios_add(t, &system, sizeof(system), strings, fixed + serial);
	smbios_add(t, &enclosure, sizeof(enclosure), STRINGS_ENCLOSURE, sizeof(STRINGS_ENCLOSURE) - 1);
	smbios_add(t, &end, sizeof(end), "", 0);
}

int smbios_publish(struct machine *m)
{
	struct smbios_tables t = { .size = 0 };
	struct smbios_anchor anchor = {
		.signature = { '_', 'S', 'M', '_' }, .length = sizeof(anchor), .major = 2, .minor = 8,
		.dmi_signature = { '_', 'D', 'M', 'I', '_' }, .bcd_revision = 0x28,
	};
	int r;

	smbios_build(&t, m->config.id, storage_accelerates_ide(machine_device(m, &storage_model)));
	anchor.max_structure = (uint16_t)t.largest;
	anchor.tables_size = (uint16_t)t.size;
	anchor.structures = (uint16_t)t.count;
	anchor.dmi_checksum = checksum(&anchor.dmi_signature, sizeof(anchor) - offsetof(struct smbios_anchor, dmi_signature));
	anchor.checksum = checksum(&anchor, sizeof(anchor));
	r = fw_cfg_add_file(m, "etc/smbios/smbios-tables", t.bytes, t.size);
	return r == 0 ? fw_cfg_add_file(m, "etc/smbios/smbios-anchor", &anchor, sizeof(anchor)) : r;
}
