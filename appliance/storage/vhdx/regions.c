/* SPDX-License-Identifier: Apache-2.0 */
/* The region tables of a VHDX ([MS-VHDX] 2.2.3): where its BAT and its metadata are. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/crc32c.h"
#include "storage/vhdx/vhdx.h"

uint32_t vhdx_region_checksum(const struct vhdx_region_table *t)
{
	return crc32c_without(t, sizeof(*t), offsetof(struct vhdx_region_table, checksum));
}

static bool table_is_valid(const struct vhdx_region_table *t)
{
	return !memcmp(t->signature, "regi", 4) && le32toh(t->checksum) == vhdx_region_checksum(t) &&
	       le32toh(t->count) <= VHDX_TABLE_ENTRIES_MAX;
}

/* The first good copy. */
static int read_table(const struct vhdx *v, struct vhdx_region_table *t)
{
	for (unsigned int copy = 0; copy < 2; copy++) {
		int r = vhdx_read(v, VHDX_REGION_TABLE_1 + copy * VHDX_REGION_TABLE_SIZE, t, sizeof(*t));

		if (r < 0)
			return r;
		if (table_is_valid(t))
			return 0;
	}
	return disk_fail(-EILSEQ, "region tables at 192 KiB and 256 KiB: neither has a good signature, checksum and count");
}

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a < b + b_bytes && b < a + a_bytes;
}

static int check_place(const struct vhdx *v, const struct vhdx_region *region, unsigned int index)
{
	uint64_t log = le64toh(v->header.log_offset);

	if (region->offset % MIB || region->length % MIB || region->offset < VHDX_HEADER_SECTION || region->length == 0)
		return disk_fail(-EILSEQ, "region %u: offset %llu and length %u are no multiples of 1 MiB from 1 MiB on", index,
				 (unsigned long long)region->offset, region->length);
	if (region->offset > v->file_end || region->length > v->file_end - region->offset)
		return disk_fail(-EILSEQ, "region %u: offset %llu, length %u: the file ends at %llu", index,
				 (unsigned long long)region->offset, region->length, (unsigned long long)v->file_end);
	if (overlap(region->offset, region->length, log, le32toh(v->header.log_length)))
		return disk_fail(-EILSEQ, "region %u: offset %llu overlaps the log", index, (unsigned long long)region->offset);
	return 0;
}

static int read_entry(struct vhdx *v, const struct vhdx_region_entry *e, unsigned int index)
{
	static const struct vhdx_guid bat = VHDX_REGION_BAT, metadata = VHDX_REGION_METADATA;
	struct vhdx_region region = { le64toh(e->offset), le32toh(e->length) };
	struct vhdx_region *known = vhdx_guid_equal(&e->guid, &bat) ? &v->bat :
				    vhdx_guid_equal(&e->guid, &metadata) ? &v->metadata : NULL;

	if (!known)
		return le32toh(e->required) & 1 ? disk_fail(-ENOTSUP, "region %u is required and of a kind not known", index) : 0;
	if (known->length)
		return disk_fail(-EILSEQ, "region %u: the second of its kind", index);
	*known = region;
	return check_place(v, &region, index);
}

int vhdx_read_regions(struct vhdx *v)
{
	struct vhdx_region_table *t = malloc(sizeof(*t));
	int r = t ? read_table(v, t) : -ENOMEM;

	for (unsigned int i = 0; r == 0 && i < le32toh(t->count); i++)
		r = read_entry(v, &t->entry[i], i);
	free(t);
	if (r < 0)
		return r;
	if (!v->bat.length || !v->metadata.length)
		return disk_fail(-EILSEQ, "region table: no %s region", v->bat.length ? "metadata" : "BAT");
	if (overlap(v->bat.offset, v->bat.length, v->metadata.offset, v->metadata.length))
		return disk_fail(-EILSEQ, "region table: BAT at %llu and metadata at %llu overlap",
				 (unsigned long long)v->bat.offset, (unsigned long long)v->metadata.offset);
	if (v->metadata.length < 2 * VHDX_METADATA_TABLE)
		return disk_fail(-EILSEQ, "metadata region: length %u is too small", v->metadata.length);
	return 0;
}
