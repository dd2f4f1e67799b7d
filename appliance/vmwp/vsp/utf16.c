/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 and UTF-16: see utf16.h. Both directions meet hostile input. */
#include "vmwp/vsp/utf16.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT	0xfffdu

/* The code point at *text, which moves behind it; -1: not UTF-8 (RFC 3629: no surrogates, no long forms). */
static int32_t utf8_next(const char **text)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = (const uint8_t *)*text;
	unsigned int more = p[0] < 0x80 ? 0 : p[0] >> 5 == 6 ? 1 : p[0] >> 4 == 14 ? 2 : p[0] >> 3 == 30 ? 3 : 4;
	uint32_t c;

	if (more == 4)
		return -1;
	c = more ? p[0] & (0x3fu >> more) : p[0];
	for (unsigned int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)	/* the final NUL among them */
			return -1;
		c = c << 6 | (p[i] & 0x3f);
	}
	*text += more + 1;
	return c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? -1 : (int32_t)c;
}

int utf16_from_utf8(uint16_t *to, size_t units, const char *text)
{
	size_t n = 0;

	memset(to, 0, units * sizeof(*to));
	while (*text) {
		int32_t c = utf8_next(&text);
		size_t need = c >= 0x10000 ? 2 : 1;

		if (c < 0)
			return -EINVAL;
		if (n + need + 1 > units)
			return -E2BIG;
		if (need == 2) {
			to[n++] = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
			to[n++] = (uint16_t)(0xdc00 + ((c - 0x10000) & 0x3ff));
		} else {
			to[n++] = (uint16_t)c;
		}
	}
	return units ? (int)n + 1 : -E2BIG;
}

static size_t utf8_put(char *to, uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		c = REPLACEMENT;
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static uint16_t unit_at(const uint8_t *bytes, size_t at, size_t count)
{
	return at < count ? (uint16_t)(bytes[2 * at] | bytes[2 * at + 1] << 8) : 0;
}

char *utf16_to_utf8(const void *from, size_t bytes)
{
	size_t count = bytes / 2, n = 0;
	char *text = malloc(3 * count + 1);		/* a unit is at most three bytes, a pair four */

	for (size_t i = 0; text && unit_at(from, i, count); i++) {
		uint16_t unit = unit_at(from, i, count), next = unit_at(from, i + 1, count);

		if (unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
			n += utf8_put(text + n, 0x10000u + ((unit - 0xd800u) << 10) + (next - 0xdc00u));
			i++;
		} else {
			n += utf8_put(text + n, unit >= 0xd800 && unit < 0xe000 ? REPLACEMENT : unit);
		}
	}
	if (text)
		text[n] = '\0';
	return text;
}
