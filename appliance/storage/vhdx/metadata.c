/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata of a VHDX ([MS-VHDX] 2.6): a table of items, and the items that say what disk it is. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/vhdx/vhdx.h"

/* An item: its bytes, and where they are. */
typedef int item_take(struct vhdx *v, const uint8_t *data, uint64_t file_offset);

static uint32_t le32_at(const uint8_t *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return le32toh(x);
}

static int take_parameters(struct vhdx *v, const uint8_t *data, uint64_t file_offset)
{
	uint32_t bytes = le32_at(data);

	(void)file_offset;
	if (bytes < VHDX_BLOCK_MIN || bytes > VHDX_BLOCK_MAX || bytes & (bytes - 1))
		return disk_fail(-EILSEQ, "metadata: block size %u is no power of two from 1 MiB to 256 MiB", bytes);
	v->flags = le32_at(data + 4);
	if ((v->flags & (VHDX_LEAVE_ALLOCATED | VHDX_HAS_PARENT)) == (VHDX_LEAVE_ALLOCATED | VHDX_HAS_PARENT))
		return disk_fail(-EILSEQ, "metadata: file parameters call the disk fixed and differencing");
	v->disk->block_bytes = bytes;
	v->disk->kind = v->flags & VHDX_HAS_PARENT ? DISK_DIFFERENCING :
			v->flags & VHDX_LEAVE_ALLOCATED ? DISK_FIXED : DISK_DYNAMIC;
	return 0;
}

static int take_size(struct vhdx *v, const uint8_t *data, uint64_t file_offset)
{
	uint64_t size;

	memcpy(&size, data, sizeof(size));
	size = le64toh(size);
	if (size == 0 || size > VHDX_SIZE_MAX)
		return disk_fail(-EILSEQ, "metadata: disk size %llu, allowed is 1 to %llu", (unsigned long long)size, VHDX_SIZE_MAX);
	v->disk->size_bytes = size;
	v->size_at = file_offset;
	return 0;
}

static int take_disk_id(struct vhdx *v, const uint8_t *data, uint64_t file_offset)
{
	(void)file_offset;
	memcpy(&v->disk_id, data, sizeof(v->disk_id));
	vhdx_guid_swap(data, v->disk->identity);
	return 0;
}

static int take_sector(const uint8_t *data, const char *what, uint32_t *to)
{
	*to = le32_at(data);
	if (*to != 512 && *to != 4096)
		return disk_fail(-EILSEQ, "metadata: %s sector size %u, allowed is 512 or 4096", what, *to);
	return 0;
}

static int take_logical(struct vhdx *v, const uint8_t *data, uint64_t file_offset)
{
	(void)file_offset;
	return take_sector(data, "logical", &v->disk->logical_sector);
}

static int take_physical(struct vhdx *v, const uint8_t *data, uint64_t file_offset)
{
	(void)file_offset;
	return take_sector(data, "physical", &v->disk->physical_sector);
}

static const struct item_kind {
	const char *name;
	struct vhdx_guid guid;
	uint32_t length;	/* 0: any, up to VHDX_LOCATOR_MAX */
	item_take *take;
} item_kinds[] = {
	{ "file parameters", VHDX_ITEM_PARAMETERS, 8, take_parameters }, { "disk size", VHDX_ITEM_SIZE, 8, take_size },
	{ "disk id", VHDX_ITEM_DISK_ID, 16, take_disk_id }, { "logical sector size", VHDX_ITEM_LOGICAL, 4, take_logical },
	{ "physical sector size", VHDX_ITEM_PHYSICAL, 4, take_physical }, { "parent locator", VHDX_ITEM_LOCATOR, 0, NULL },
};
#define LOCATOR_KIND	(ARRAY_SIZE(item_kinds) - 1)

static int check_item(const struct vhdx *v, const struct item_kind *kind, uint32_t offset, uint32_t length)
{
	uint32_t max = kind->length ? kind->length : VHDX_LOCATOR_MAX;

	if (length > max || length < (kind->length ? kind->length : sizeof(struct vhdx_locator_head)))
		return disk_fail(-EILSEQ, "metadata: item \"%s\" has %u bytes, allowed is up to %u", kind->name, length, max);
	if (offset < VHDX_METADATA_TABLE || offset > v->metadata.length || length > v->metadata.length - offset)
		return disk_fail(-EILSEQ, "metadata: item \"%s\" at offset %u with %u bytes is outside of its region", kind->name,
				 offset, length);
	return 0;
}

static int read_item(struct vhdx *v, const struct item_kind *kind, uint32_t offset, uint32_t length)
{
	uint64_t at = v->metadata.offset + offset;
	uint8_t data[16];
	int r = check_item(v, kind, offset, length);

	if (r < 0)
		return r;
	if (!kind->take) {	/* read when somebody asks for it */
		v->locator_at = offset;
		v->locator_bytes = length;
		return 0;
	}
	r = vhdx_read(v, at, data, length);
	return r ? r : kind->take(v, data, at);
}

/* `seen`: a bit per kind. */
static int read_table_entry(struct vhdx *v, const struct vhdx_metadata_entry *e, unsigned int index, unsigned int *seen)
{
	for (size_t i = 0; i < ARRAY_SIZE(item_kinds); i++) {
		if (!vhdx_guid_equal(&e->guid, &item_kinds[i].guid) || le32toh(e->flags) & VHDX_ITEM_USER)
			continue;
		if (*seen & 1u << i)
			return disk_fail(-EILSEQ, "metadata: item \"%s\" is there twice", item_kinds[i].name);
		*seen |= 1u << i;
		return read_item(v, &item_kinds[i], le32toh(e->offset), le32toh(e->length));
	}
	return le32toh(e->flags) & VHDX_ITEM_REQUIRED
		       ? disk_fail(-ENOTSUP, "metadata: item %u is required and of a kind not known", index) : 0;
}

static int read_table(struct vhdx *v, struct vhdx_metadata_table *t)
{
	unsigned int seen = 0, count;
	int r = vhdx_read(v, v->metadata.offset, t, sizeof(*t));

	if (r < 0)
		return r;
	count = le16toh(t->count);
	if (memcmp(t->signature, "metadata", 8) || count > VHDX_TABLE_ENTRIES_MAX)
		return disk_fail(-EILSEQ, "metadata table at %llu: wrong signature, or %u entries (limit %u)",
				 (unsigned long long)v->metadata.offset, count, VHDX_TABLE_ENTRIES_MAX);
	for (unsigned int i = 0; r == 0 && i < count; i++)
		r = read_table_entry(v, &t->entry[i], i, &seen);
	if (r < 0)
		return r;
	for (size_t i = 0; i < LOCATOR_KIND; i++)
		if (!(seen & 1u << i))
			return disk_fail(-EILSEQ, "metadata: item \"%s\" is missing", item_kinds[i].name);
	if (v->disk->kind == DISK_DIFFERENCING && !(seen & 1u << LOCATOR_KIND))
		return disk_fail(-EILSEQ, "metadata: the disk has a parent, item \"parent locator\" is missing");
	return 0;
}

int vhdx_read_metadata(struct vhdx *v)
{
	struct vhdx_metadata_table *t = malloc(sizeof(*t));
	int r = t ? read_table(v, t) : -ENOMEM;

	free(t);
	if (r == 0 && v->disk->size_bytes % v->disk->logical_sector)
		r = disk_fail(-EILSEQ, "metadata: disk size %llu is no multiple of the logical sector size %u",
			      (unsigned long long)v->disk->size_bytes, v->disk->logical_sector);
	return r;
}
