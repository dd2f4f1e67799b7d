/* SPDX-License-Identifier: Apache-2.0 */
/* Where a differencing VHD says its parent is: up to eight locators, of which Windows' two Unicode ones are read and written. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/image.h"
#include "storage/text.h"
#include "storage/vhd/vhd.h"

static int read_one(int fd, const struct vhd_locator *l, char *to, size_t room)
{
	uint32_t length = be32toh(l->length);
	uint8_t text[VHD_LOCATOR_MAX];
	int r;

	if (length > sizeof(text) || length % 2)
		return disk_fail(-EILSEQ, "parent locator: %u bytes of text, the limit is %zu", length, sizeof(text));
	r = image_read(fd, be64toh(l->offset), text, length);
	if (r == 0 && !text_from_utf16le(text, length / 2, to, room))
		r = disk_fail(-EILSEQ, "parent locator: no UTF-16, or longer than %zu bytes in UTF-8", room - 1);
	return r;
}

int vhd_read_locator(int fd, const struct vhd_header *h, struct disk_parent *out)
{
	int r = 0;

	*out = (struct disk_parent) { .relative = "" };
	memcpy(out->linkage, h->parent_uuid, sizeof(out->linkage));
	for (int i = 0; r == 0 && i < VHD_LOCATORS; i++)
		switch (be32toh(h->locator[i].platform)) {
		case VHD_W2RU:
			r = read_one(fd, &h->locator[i], out->relative, sizeof(out->relative));
			break;
		case VHD_W2KU:
			r = read_one(fd, &h->locator[i], out->absolute, sizeof(out->absolute));
			break;
		}
	return r;
}

static int write_one(int fd, uint64_t offset, uint32_t platform, const char *path, struct vhd_locator *l)
{
	uint8_t text[VHD_LOCATOR_MAX] = { 0 };
	size_t units;

	if (!text_to_utf16le(path, text, sizeof(text) / 2, &units))
		return disk_fail(-EINVAL, "the parent's path is no UTF-8, or too long");
	*l = (struct vhd_locator) {
		.platform = htobe32(platform), .space = htobe32(sizeof(text)), .length = htobe32((uint32_t)(2 * units)),
		.offset = htobe64(offset),
	};
	return image_write(fd, offset, text, sizeof(text));
}

/* Two places of VHD_LOCATOR_MAX bytes at `offset`. */
int vhd_write_locators(int fd, uint64_t offset, const struct disk_parent *parent, struct vhd_header *h)
{
	const char *path = parent->relative[0] ? parent->relative : parent->absolute, *name = path;
	size_t units;
	int r = 0;

	for (const char *p = path; *p; p++)
		if (*p == '/' || *p == '\\')
			name = p + 1;
	memset(h->parent_name, 0, sizeof(h->parent_name));
	text_to_utf16(name, true, h->parent_name, sizeof(h->parent_name) / 2, &units);	/* for display: cut off if too long */
	memcpy(h->parent_uuid, parent->linkage, sizeof(h->parent_uuid));
	if (parent->relative[0])
		r = write_one(fd, offset, VHD_W2RU, parent->relative, &h->locator[0]);
	if (r == 0 && parent->absolute[0])
		r = write_one(fd, offset + VHD_LOCATOR_MAX, VHD_W2KU, parent->absolute, &h->locator[1]);
	return r;
}
