/* SPDX-License-Identifier: Apache-2.0 */
/* VHDX ([MS-VHDX]): opening, closing, and the row in the table of formats. The blocks are sparse.c's. */
#include "storage/vhdx/vhdx.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/image.h"
#include "storage/manage.h"

/* --- opening --- */

static int check_identifier(const struct vhdx *v)
{
	char signature[8];
	int r = image_read(v->fd, 0, signature, sizeof(signature));

	if (r == 0 && memcmp(signature, "vhdxfile", sizeof(signature)))
		r = disk_fail(-EILSEQ, "no VHDX: the file does not begin with \"vhdxfile\"");
	return r;
}

static int measure(struct vhdx *v)
{
	int64_t size = image_size(v->fd);

	if (size < 0)
		return (int)size;
	if ((uint64_t)size > VHDX_FILE_MAX)
		return disk_fail(-EFBIG, "the file has %lld bytes, the limit is %llu", (long long)size, VHDX_FILE_MAX);
	v->file_end = (uint64_t)size;
	return 0;
}

static int check_log_inside(const struct vhdx *v)
{
	uint64_t offset = le64toh(v->header.log_offset);
	uint32_t length = le32toh(v->header.log_length);

	if (offset > v->file_end || length > v->file_end - offset)
		return disk_fail(-EILSEQ, "header: log at %llu with %u bytes, the file ends at %llu", (unsigned long long)offset, length,
				 (unsigned long long)v->file_end);
	return 0;
}

static int settle_log(struct vhdx *v)
{
	int r = vhdx_log_read(v);

	v->file_end = (v->file_end + MIB - 1) / MIB * MIB;
	if (r == 0)
		r = check_log_inside(v);
	if (r == 0 && !v->disk->read_only && !vhdx_guid_is_zero(&v->header.log))
		r = vhdx_log_replay(v);
	return r;
}

int vhdx_parse(struct disk *d, struct vhdx **out)
{
	static int (*const steps[])(struct vhdx *) = { vhdx_read_headers, measure, settle_log, vhdx_read_regions, vhdx_read_metadata };
	struct vhdx *v = calloc(1, sizeof(*v));
	int r;

	*out = v;
	if (!v)
		return -ENOMEM;
	v->disk = d;
	v->fd = d->fd;
	r = check_identifier(v);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
		r = steps[i](v);
	return r;
}

void vhdx_free(struct vhdx *v)
{
	if (!v)
		return;
	vhdx_log_forget(v);
	if (v->sparse_ready)
		sparse_fini(&v->sparse);
	free(v->bitmap_blocks);
	free(v);
}

static int start_sparse(struct vhdx *v)
{
	struct disk *d = v->disk;
	bool differencing = d->kind == DISK_DIFFERENCING;

	v->ratio = VHDX_CHUNK_SECTORS * d->logical_sector / d->block_bytes;
	v->chunks = sparse_blocks(d->size_bytes, d->block_bytes) / v->ratio + 1;
	v->bitmap_blocks = calloc(v->chunks, sizeof(v->bitmap_blocks[0]));
	v->sparse = (struct sparse) {
		.disk = d, .format = &vhdx_sparse_format, .owner = v, .block_bytes = d->block_bytes, .sector = d->logical_sector,
		.slot_bytes = d->block_bytes, .end = v->file_end, .end_max = VHDX_FILE_MAX, .dirty_max = vhdx_log_capacity(v),
		.page_bytes = VHDX_LOG_SECTOR, .page_sectors = differencing ? 8 * VHDX_LOG_SECTOR : 0, .epoch = 2,
	};
	v->sparse_ready = true;
	if (!v->bitmap_blocks)
		return -ENOMEM;
	return sparse_init(&v->sparse, d->size_bytes, vhdx_table_pages(v));
}

static int vhdx_open(struct disk *d)
{
	struct vhdx *v;
	int r = vhdx_parse(d, &v);

	if (r == 0)
		r = start_sparse(v);
	if (r == 0)
		r = vhdx_read_bat(v);
	if (r < 0) {
		vhdx_free(v);
		return r;
	}
	d->state = v;
	return 0;
}

static int vhdx_link(struct disk *d, const struct disk *parent)
{
	struct disk_parent locator;
	uint8_t linkage[DISK_GUID_SIZE];
	int r = vhdx_read_locator(d->state, &locator);

	if (r < 0)
		return r;
	if (disk_data_guid(parent, linkage) < 0)
		return disk_fail(-EXDEV, "the parent of a VHDX is a VHDX, not a %s disk", parent->format);
	if (memcmp(linkage, locator.linkage, sizeof(linkage)))
		return disk_fail(-EXDEV, "the parent's contents have another GUID (DataWriteGuid) than parent_linkage names: it is "
				 "another disk, or it was written to");
	return 0;
}

static int vhdx_locator(int fd, struct disk_parent *out)
{
	struct disk d = { .fd = fd, .read_only = true };
	struct vhdx *v;
	int r = vhdx_parse(&d, &v);

	if (r == 0)
		r = d.kind == DISK_DIFFERENCING ? vhdx_read_locator(v, out) : -ENOENT;
	vhdx_free(v);
	return r;
}

/* --- the first change, and the end --- */

/* [MS-VHDX] 2.2.2: new GUIDs for file and data before the first change; the log has a valid entry before it is announced. */
int vhdx_begin(struct vhdx *v)
{
	struct vhdx_header before = v->header;
	int r;

	vhdx_guid_new(&v->header.file_write);
	if (!v->keep_data_guid)
		vhdx_guid_new(&v->header.data_write);
	r = vhdx_log_announce(v);
	if (r < 0)
		v->header = before;
	return r;
}

/* What was committed is in place when the log is called empty. */
static int finish(struct vhdx *v)
{
	int r = sparse_commit(&v->sparse);

	return r ? r : vhdx_log_empty(v);
}

static int vhdx_close(struct disk *d)
{
	struct vhdx *v = d->state;
	int r = v->sparse.begun ? finish(v) : 0;

	vhdx_free(v);
	return r;
}

static int vhdx_create(int fd, uint64_t size_bytes)
{
	return disk_create_image(fd, &(struct disk_new) { .format = "vhdx", .kind = DISK_DYNAMIC, .size_bytes = size_bytes });
}

/* --- the engine's calls --- */

static struct sparse *engine(struct disk *d)
{
	return &((struct vhdx *)d->state)->sparse;
}

static int vhdx_map_read(struct disk *d, uint64_t offset, struct extent *e)
{
	return sparse_map_read(engine(d), offset, e);
}

static int vhdx_map_write(struct disk *d, uint64_t offset, struct extent *e)
{
	return sparse_map_write(engine(d), offset, e);
}

static void vhdx_release(struct disk *d, uint64_t offset, const struct extent *e, int result)
{
	sparse_release(engine(d), offset, e, result);
}

static bool vhdx_is_clean(struct disk *d)
{
	return sparse_is_clean(engine(d));
}

static int vhdx_prepare(struct disk *d, uint64_t offset, bool write)
{
	return sparse_prepare(engine(d), offset, write);
}

static int vhdx_commit(struct disk *d)
{
	return sparse_commit(engine(d));
}

static int vhdx_zero(struct disk *d, uint64_t offset, uint64_t bytes, bool unmap)
{
	return sparse_zero(engine(d), offset, bytes, unmap);
}

const struct disk_ops vhdx_disk_ops = {
	.format = "vhdx", .open = vhdx_open, .link = vhdx_link, .close = vhdx_close, .create = vhdx_create,
	.locator = vhdx_locator, .check = vhdx_check, .set_parent = vhdx_set_parent, .map_read = vhdx_map_read, .map_write = vhdx_map_write, .release = vhdx_release,
	.is_clean = vhdx_is_clean, .prepare = vhdx_prepare, .commit = vhdx_commit, .zero = vhdx_zero, .resize = vhdx_resize,
	.engine = engine,
};

/* --- for manage.h --- */

int disk_data_guid(const struct disk *d, uint8_t out[DISK_GUID_SIZE])
{
	if (d->ops == &vhd_disk_ops) {
		memcpy(out, d->identity, DISK_GUID_SIZE);	/* a VHD has but one */
		return 0;
	}
	if (d->ops != &vhdx_disk_ops)
		return -ENOTSUP;
	vhdx_guid_swap(((const struct vhdx *)d->state)->header.data_write.bytes, out);
	return 0;
}

int disk_renew_data_guid(struct disk *d)
{
	struct vhdx *v = d->state;

	if (d->ops != &vhdx_disk_ops)
		return 0;
	v->keep_data_guid = false;
	if (!v->sparse.begun)
		return sparse_prepare(&v->sparse, 0, true);
	vhdx_guid_new(&v->header.data_write);
	return vhdx_write_header(v);
}

void disk_keep_data_guid(struct disk *d)
{
	if (d->ops == &vhdx_disk_ops)
		((struct vhdx *)d->state)->keep_data_guid = true;
}
