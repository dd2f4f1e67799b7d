/* SPDX-License-Identifier: Apache-2.0 */
/* Processor devices (ACPI 6.5, 8.4) as AML (chapter 20), written here because their number is known only per VM. */
#include "vmwp/firmware/firmware.h"

#include <stdio.h>
#include <string.h>

#define AML_SCOPE	0x10
#define AML_NAME	0x08
#define AML_STRING	0x0d
#define AML_WORD	0x0b
#define AML_EXTENDED	0x5b
#define AML_DEVICE	0x82
#define PKG_LENGTH	3u		/* bytes of every package length here: 20 bits */
#define DEVICE_BYTES	32u

/* A length counts its own bytes (20.2.4). */
static uint8_t *put_length(uint8_t *at, size_t length)
{
	*at++ = (uint8_t)(0x80 | (length & 0x0f));
	*at++ = (uint8_t)(length >> 4);
	*at++ = (uint8_t)(length >> 12);
	return at;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t size)
{
	memcpy(at, bytes, size);
	return at + size;
}

/* Device (Cnnn) { Name (_HID, "ACPI0007") Name (_UID, nnn) }: the UID is the MADT's. */
static uint8_t *put_processor(uint8_t *at, unsigned int uid)
{
	static const uint8_t hid[] = { AML_NAME, '_', 'H', 'I', 'D', AML_STRING, 'A', 'C', 'P', 'I', '0', '0', '0', '7', 0 };
	static const uint8_t uid_name[] = { AML_NAME, '_', 'U', 'I', 'D', AML_WORD };
	uint8_t *start = at;
	char name[8];

	*at++ = AML_EXTENDED;
	*at++ = AML_DEVICE;
	at = put_length(at, DEVICE_BYTES - 2);
	snprintf(name, sizeof(name), "C%03X", uid & 0xfff);
	at = put_bytes(at, name, 4);
	at = put_bytes(at, hid, sizeof(hid));
	at = put_bytes(at, uid_name, sizeof(uid_name));
	*at++ = (uint8_t)uid;
	*at++ = (uint8_t)(uid >> 8);
	return start + DEVICE_BYTES == at ? at : start;
}

size_t acpi_processors_aml(unsigned int processors, uint8_t *aml, size_t room)
{
	size_t scope = PKG_LENGTH + 5 + (size_t)processors * DEVICE_BYTES;
	uint8_t *at = aml;

	if (scope + 1 > room)
		return 0;
	*at++ = AML_SCOPE;
	at = put_length(at, scope);
	at = put_bytes(at, "\\_SB_", 5);
	for (unsigned int uid = 1; uid <= processors; uid++)
		at = put_processor(at, uid);
	return (size_t)(at - aml);
}
