/* SPDX-License-Identifier: Apache-2.0 */
/* Making images: the rules between fields that are the same for all formats, then the format's own. */
#include "storage/create.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "storage/formats.h"

static int raw_create_image(int fd, const struct disk_new *n)
{
	if (n->kind == DISK_DIFFERENCING)
		return disk_fail(-ENOTSUP, "a raw disk has no parent");
	return disk_create("raw", fd, n->size_bytes);
}

static const struct { const char *format; int (*create)(int fd, const struct disk_new *n); } makers[] = {
	{ "raw", raw_create_image }, { "vhd", vhd_create_image }, { "vhdx", vhdx_create_image },
};

int create_parent(const struct disk_new *n, struct disk_parent *out)
{
	*out = (struct disk_parent) { .relative = "" };
	if (snprintf(out->relative, sizeof(out->relative), "%s", n->parent_relative ? n->parent_relative : "") >=
		    (int)sizeof(out->relative) ||
	    snprintf(out->absolute, sizeof(out->absolute), "%s", n->parent_absolute ? n->parent_absolute : "") >=
		    (int)sizeof(out->absolute))
		return disk_fail(-ENAMETOOLONG, "the parent's path is longer than %zu bytes", sizeof(out->relative) - 1);
	return disk_data_guid(n->parent, out->linkage);
}

static int check_parent(const struct disk_new *n)
{
	if (n->kind != DISK_DIFFERENCING)
		return n->parent ? disk_fail(-EINVAL, "only a differencing disk has a parent") : 0;
	if (!n->parent || (!n->parent_relative && !n->parent_absolute))
		return disk_fail(-EINVAL, "a differencing disk needs a parent and a path to it");
	if (strcmp(n->parent->format, n->format))
		return disk_fail(-EINVAL, "the parent of a %s disk is a %s disk, not %s", n->format, n->format, n->parent->format);
	if (n->size_bytes && n->size_bytes != n->parent->size_bytes)
		return disk_fail(-EINVAL, "size %llu: a differencing disk is as large as its parent, %llu",
				 (unsigned long long)n->size_bytes, (unsigned long long)n->parent->size_bytes);
	if (n->logical_sector && n->logical_sector != n->parent->logical_sector)
		return disk_fail(-EINVAL, "logical sector size %u: the parent has %u", n->logical_sector, n->parent->logical_sector);
	return 0;
}

int disk_create_image(int fd, const struct disk_new *n)
{
	int r;

	disk_fail_clear();
	r = check_parent(n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
		if (!strcmp(makers[i].format, n->format))
			return makers[i].create(fd, n);
	return disk_fail(-ENOTSUP, "disks of format \"%.32s\" cannot be made", n->format);
}

int disk_set_parent(const char *format, int fd, const struct disk *parent, const char *relative, const char *absolute)
{
	const struct disk_new names = { .parent = (struct disk *)(uintptr_t)parent, .parent_relative = relative, .parent_absolute = absolute };
	const struct disk_ops *ops = disk_format_find(format);
	struct disk_parent p;
	int r;

	disk_fail_clear();
	if (!ops || !ops->set_parent)
		return disk_fail(-ENOTSUP, "a disk of format %.32s has no parent", format);
	r = create_parent(&names, &p);
	return r ? r : ops->set_parent(fd, &p);
}
