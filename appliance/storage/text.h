/* SPDX-License-Identifier: Apache-2.0 */
/* Paths inside of images are UTF-16; ours are UTF-8. Malformed text in either is refused. */
#ifndef STORAGE_TEXT_H
#define STORAGE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_from_utf16(const uint8_t *from, size_t units, bool big_endian, char *to, size_t room);	/* to[] ends with a NUL */
bool text_to_utf16(const char *from, bool big_endian, uint8_t *to, size_t room_units, size_t *units);

static inline bool text_from_utf16le(const uint8_t *from, size_t units, char *to, size_t room)
{
	return text_from_utf16(from, units, false, to, room);
}

static inline bool text_to_utf16le(const char *from, uint8_t *to, size_t room_units, size_t *units)
{
	return text_to_utf16(from, false, to, room_units, units);
}

#endif
