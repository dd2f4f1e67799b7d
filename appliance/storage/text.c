/* SPDX-License-Identifier: Apache-2.0 */
/* Between UTF-8 (RFC 3629) and UTF-16 (RFC 2781). */
#include "storage/text.h"

static uint32_t unit_at(const uint8_t *from, size_t i, bool big_endian)
{
	return big_endian ? (uint32_t)from[2 * i] << 8 | from[2 * i + 1] : (uint32_t)from[2 * i + 1] << 8 | from[2 * i];
}

/* The code point at *i, which moves on; 0: malformed, or a NUL. */
static uint32_t take_utf16(const uint8_t *from, size_t units, bool big_endian, size_t *i)
{
	uint32_t high = unit_at(from, (*i)++, big_endian), low;

	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || *i == units)
		return 0;
	low = unit_at(from, (*i)++, big_endian);
	return low < 0xdc00 || low > 0xdfff ? 0 : 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
}

/* How many bytes; 0: no room. */
static size_t put_utf8(uint32_t c, char *to, size_t room)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	if (n > room)
		return 0;
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(first[n] | c);
	return n;
}

bool text_from_utf16(const uint8_t *from, size_t units, bool big_endian, char *to, size_t room)
{
	size_t at = 0;

	for (size_t i = 0; i < units; ) {
		uint32_t c = take_utf16(from, units, big_endian, &i);
		size_t n = c ? put_utf8(c, to + at, room - 1 - at) : 0;

		if (n == 0)
			return false;
		at += n;
	}
	to[at] = '\0';
	return true;
}

/* The code point at **p, which moves on; 0: malformed. */
static uint32_t take_utf8(const char **p)
{
	const uint8_t *s = (const uint8_t *)*p;
	int more = s[0] < 0x80 ? 0 : s[0] >= 0xc2 && s[0] < 0xe0 ? 1 : s[0] >= 0xe0 && s[0] < 0xf0 ? 2 : s[0] >= 0xf0 && s[0] < 0xf5 ? 3 : -1;
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t c = more <= 0 ? s[0] : s[0] & (0x3fu >> more);

	if (more < 0)
		return 0;
	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	*p += 1 + more;
	return c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : c;
}

static void put_unit(uint32_t unit, bool big_endian, uint8_t *to)
{
	to[big_endian] = (uint8_t)unit;
	to[!big_endian] = (uint8_t)(unit >> 8);
}

bool text_to_utf16(const char *from, bool big_endian, uint8_t *to, size_t room_units, size_t *units)
{
	*units = 0;
	while (*from) {
		uint32_t c = take_utf8(&from);
		size_t n = c < 0x10000 ? 1 : 2;

		if (c == 0 || *units + n > room_units)
			return false;
		if (n == 1) {
			put_unit(c, big_endian, to + 2 * *units);
		} else {
			put_unit(0xd800 + ((c - 0x10000) >> 10), big_endian, to + 2 * *units);
			put_unit(0xdc00 + (c & 0x3ff), big_endian, to + 2 * (*units + 1));
		}
		*units += n;
	}
	return true;
}
