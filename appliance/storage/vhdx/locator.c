/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent locator of a differencing VHDX ([MS-VHDX] 2.6.2.6): keys and values in UTF-16. We write the parent's GUID, a
 * relative and, if we are told one, an absolute path.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/text.h"
#include "storage/vhdx/vhdx.h"

#define ENTRIES_MAX	16

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "{83ed0ec3-24c8-49a6-a959-5e4bf1288bfb}" */
static bool guid_parse(const char *text, uint8_t out[DISK_GUID_SIZE])
{
	size_t n = 0;

	if (strlen(text) != 38 || text[0] != '{' || text[37] != '}')
		return false;
	for (const char *p = text + 1; *p != '}'; p++) {
		int high, low;

		if (p == text + 9 || p == text + 14 || p == text + 19 || p == text + 24) {
			if (*p != '-')
				return false;
			continue;
		}
		high = hex_digit(p[0]);
		low = hex_digit(p[1]);
		if (high < 0 || low < 0)
			return false;
		out[n++] = (uint8_t)(high << 4 | low);
		p++;
	}
	return n == DISK_GUID_SIZE;
}

static int take_pair(const char *key, const char *value, struct disk_parent *out, bool *linked)
{
	if (!strcmp(key, "parent_linkage")) {
		*linked = guid_parse(value, out->linkage);
		if (!*linked)
			return disk_fail(-EILSEQ, "parent locator: parent_linkage \"%.48s\" is no GUID in braces", value);
	} else if (!strcmp(key, "relative_path")) {
		snprintf(out->relative, sizeof(out->relative), "%s", value);
	} else if (!strcmp(key, "absolute_win32_path")) {
		snprintf(out->absolute, sizeof(out->absolute), "%s", value);
	}
	return 0;
}

static int read_text(const uint8_t *locator, uint32_t bytes, uint32_t at, uint32_t length, char *to, size_t room)
{
	if (at > bytes || length > bytes - at || length % 2)
		return disk_fail(-EILSEQ, "parent locator: text at %u with %u bytes, the item has %u", at, length, bytes);
	if (!text_from_utf16le(locator + at, length / 2, to, room))
		return disk_fail(-EILSEQ, "parent locator: text at %u is no UTF-16, or longer than %zu bytes in UTF-8", at, room - 1);
	return 0;
}

static int parse(const uint8_t *locator, uint32_t bytes, struct disk_parent *out)
{
	static const struct vhdx_guid known = VHDX_LOCATOR_TYPE;
	struct vhdx_locator_head head;
	struct vhdx_locator_entry e;
	char key[64], value[sizeof(out->absolute)];
	bool linked = false;
	int r = 0;

	memcpy(&head, locator, sizeof(head));
	if (!vhdx_guid_equal(&head.type, &known))
		return disk_fail(-ENOTSUP, "parent locator: of a type not known");
	if (le16toh(head.count) > ENTRIES_MAX || sizeof(head) + le16toh(head.count) * sizeof(e) > bytes)
		return disk_fail(-EILSEQ, "parent locator: %u entries, the limit is %d", le16toh(head.count), ENTRIES_MAX);
	for (unsigned int i = 0; r == 0 && i < le16toh(head.count); i++) {
		memcpy(&e, locator + sizeof(head) + i * sizeof(e), sizeof(e));
		r = read_text(locator, bytes, le32toh(e.key), le16toh(e.key_length), key, sizeof(key));
		if (r == 0)
			r = read_text(locator, bytes, le32toh(e.value), le16toh(e.value_length), value, sizeof(value));
		if (r == 0)
			r = take_pair(key, value, out, &linked);
	}
	return r ? r : linked ? 0 : disk_fail(-EILSEQ, "parent locator: no parent_linkage");
}

int vhdx_read_locator(const struct vhdx *v, struct disk_parent *out)
{
	uint8_t *locator = malloc(v->locator_bytes);
	int r = locator ? vhdx_read(v, v->metadata.offset + v->locator_at, locator, v->locator_bytes) : -ENOMEM;

	*out = (struct disk_parent) { .relative = "" };
	if (r == 0)
		r = parse(locator, v->locator_bytes, out);
	free(locator);
	return r;
}

/* --- writing --- */

static void guid_format(const uint8_t g[DISK_GUID_SIZE], char text[39])
{
	snprintf(text, 39, "{%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x}", g[0], g[1], g[2], g[3],
		 g[4], g[5], g[6], g[7], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

/* Returns the place behind, 0: no room. */
static uint32_t put_text(const char *text, uint8_t *locator, uint32_t at, size_t room, uint32_t *where, uint16_t *length)
{
	size_t units;

	if (at == 0 || !text_to_utf16le(text, locator + at, (room - at) / 2, &units))
		return 0;
	*where = htole32(at);
	*length = htole16((uint16_t)(2 * units));
	return at + 2 * (uint32_t)units;
}

size_t vhdx_build_locator(const struct disk_parent *parent, uint8_t *to, size_t room)
{
	char guid[39];
	const struct { const char *key, *value; } pairs[] = {
		{ "parent_linkage", guid }, { "relative_path", parent->relative }, { "absolute_win32_path", parent->absolute },
	};
	struct vhdx_locator_head head = { .type = VHDX_LOCATOR_TYPE };
	struct vhdx_locator_entry e[ARRAY_SIZE(pairs)];
	uint32_t at = sizeof(head) + sizeof(e);
	uint16_t count = 0;

	guid_format(parent->linkage, guid);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (!pairs[i].value[0])
			continue;
		at = put_text(pairs[i].key, to, at, room, &e[count].key, &e[count].key_length);
		at = put_text(pairs[i].value, to, at, room, &e[count].value, &e[count].value_length);
		count++;
	}
	head.count = htole16(count);
	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), e, count * sizeof(e[0]));
	return at;
}
