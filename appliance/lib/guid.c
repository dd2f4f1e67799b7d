/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs in text; see partita/guid.h. */
#include "partita/guid.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

bool guid_is_valid(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (!text || strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == '-' ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
			return false;
	return true;
}

bool guid_from_file_name(const char *name, char text[GUID_TEXT_SIZE])
{
	if (strnlen(name, GUID_TEXT_SIZE) < GUID_TEXT_SIZE || name[GUID_TEXT_SIZE - 1] != '.')
		return false;
	memcpy(text, name, GUID_TEXT_SIZE - 1);
	text[GUID_TEXT_SIZE - 1] = 0;
	return guid_is_valid(text);
}

int guid_new(char text[GUID_TEXT_SIZE])
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return -EIO;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);		/* RFC 9562, 5.4: version 4 */
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);		/* and its variant */
	snprintf(text, GUID_TEXT_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
	         b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
	         b[14], b[15]);
	return 0;
}
