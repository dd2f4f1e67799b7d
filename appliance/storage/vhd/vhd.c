/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VHD ("Virtual Hard Disk Image Format Specification" 1.0): the row in the table of formats. A fixed disk is its sectors and a
 * footer; the blocks of the other kinds are sparse.c's.
 */
#include "storage/vhd/vhd.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/check.h"
#include "storage/image.h"

/* --- opening --- */

static int open_fixed(struct vhd *v)
{
	int64_t size = image_size(v->disk->fd);

	if (size < 0)
		return (int)size;
	if (v->disk->size_bytes > (uint64_t)size - sizeof(v->footer))
		return disk_fail(-EILSEQ, "footer: disk size %llu, the file has %lld bytes", (unsigned long long)v->disk->size_bytes,
				 (long long)size);
	return 0;
}

static int open_kind(struct vhd *v)
{
	struct disk *d = v->disk;
	int r;

	d->kind = be32toh(v->footer.type) == VHD_FIXED ? DISK_FIXED :
		  be32toh(v->footer.type) == VHD_DYNAMIC ? DISK_DYNAMIC : DISK_DIFFERENCING;
	d->size_bytes = be64toh(v->footer.current_size);
	memcpy(d->identity, v->footer.uuid, sizeof(d->identity));
	if (d->kind == DISK_FIXED)
		return open_fixed(v);
	r = vhd_read_header(d->fd, &v->footer, &v->header);
	return r ? r : vhd_open_dynamic(v);
}

static void vhd_free(struct vhd *v)
{
	if (v->sparse_ready)
		sparse_fini(&v->sparse);
	free(v);
}

static int vhd_open(struct disk *d)
{
	struct vhd *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	v->disk = d;
	r = vhd_read_footer(d->fd, &v->footer, &v->footer_lost);
	if (r == 0)
		r = open_kind(v);
	if (r < 0) {
		vhd_free(v);
		return r;
	}
	d->state = v;
	return 0;
}

static int vhd_link(struct disk *d, const struct disk *parent)
{
	const struct vhd *v = d->state;

	if (parent->ops != &vhd_disk_ops)
		return disk_fail(-EXDEV, "the parent of a VHD is a VHD, not a %s disk", parent->format);
	if (memcmp(v->header.parent_uuid, parent->identity, sizeof(parent->identity)))
		return disk_fail(-EXDEV, "the parent has another unique ID than the dynamic header names: it is another disk");
	return 0;
}

static int vhd_locator(int fd, struct disk_parent *out)
{
	struct vhd_footer footer;
	struct vhd_header header;
	bool lost;
	int r = vhd_read_footer(fd, &footer, &lost);

	if (r == 0 && be32toh(footer.type) != VHD_DIFFERENCING)
		r = -ENOENT;
	if (r == 0)
		r = vhd_read_header(fd, &footer, &header);
	return r ? r : vhd_read_locator(fd, &header, out);
}

static int vhd_close(struct disk *d)
{
	struct vhd *v = d->state;
	int r = v->sparse_ready && v->sparse.begun ? sparse_commit(&v->sparse) : 0;

	vhd_free(v);
	return r;
}

static int vhd_create(int fd, uint64_t size_bytes)
{
	return disk_create_image(fd, &(struct disk_new) { .format = "vhd", .kind = DISK_FIXED, .size_bytes = size_bytes });
}

/* The footer is there twice. */
static int vhd_check(struct disk *d)
{
	bool repair = check_of(d)->repair, lost;
	int64_t size = image_size(d->fd);
	struct vhd_footer f, copy;
	int r = size < 0 ? (int)size : vhd_read_footer(d->fd, &f, &lost);

	if (r < 0 || be32toh(f.type) == VHD_FIXED)
		return r;
	if (lost) {	/* opening for writing puts it back */
		if (repair)
			r = image_write(d->fd, ((uint64_t)size + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR, &f, sizeof(f));
		check_note(d, repair && r == 0, "footer: not in the last sector");
		return r;
	}
	r = image_read(d->fd, 0, &copy, sizeof(copy));
	if (r < 0 || !memcmp(&f, &copy, sizeof(f)))
		return r;
	if (repair)
		r = image_write(d->fd, 0, &f, sizeof(f));
	check_note(d, repair && r == 0, "footer: the copy in the first sector differs");
	return r;
}

/* --- transfers --- */

static struct sparse *engine(struct disk *d)
{
	struct vhd *v = d->state;

	return v->sparse_ready ? &v->sparse : NULL;	/* NULL: a fixed disk */
}

static int map_fixed(struct disk *d, uint64_t offset, struct extent *e)
{
	e->disk = d;
	e->file_offset = offset;
	return 0;
}

static int vhd_map_read(struct disk *d, uint64_t offset, struct extent *e)
{
	return engine(d) ? sparse_map_read(engine(d), offset, e) : map_fixed(d, offset, e);
}

static int vhd_map_write(struct disk *d, uint64_t offset, struct extent *e)
{
	return engine(d) ? sparse_map_write(engine(d), offset, e) : map_fixed(d, offset, e);
}

static void vhd_release(struct disk *d, uint64_t offset, const struct extent *e, int result)
{
	if (engine(d))
		sparse_release(engine(d), offset, e, result);
}

static bool vhd_is_clean(struct disk *d)
{
	return !engine(d) || sparse_is_clean(engine(d));
}

static int vhd_prepare(struct disk *d, uint64_t offset, bool write)
{
	return engine(d) ? sparse_prepare(engine(d), offset, write) : 0;
}

static int vhd_commit(struct disk *d)
{
	return engine(d) ? sparse_commit(engine(d)) : image_sync(d->fd);
}

static int vhd_zero(struct disk *d, uint64_t offset, uint64_t bytes, bool unmap)
{
	return engine(d) ? sparse_zero(engine(d), offset, bytes, unmap) : image_zero(d->fd, offset, bytes);
}

/* --- resizing --- */

/* The new footer is durable before the old one can be overwritten by data; a longer file with two footers is read by its last. */
static int resize_fixed(struct vhd *v, uint64_t size_bytes)
{
	struct vhd_footer f = v->footer;
	uint64_t old = v->disk->size_bytes;
	int fd = v->disk->fd, r = 0;

	vhd_seal_footer(&f, size_bytes);
	if (size_bytes < old)
		return disk_fail(-ENOTSUP, "size %llu: a fixed VHD does not shrink; convert it", (unsigned long long)size_bytes);
	r = image_reserve(fd, old + sizeof(f), size_bytes - old);
	if (r == 0)
		r = image_write(fd, size_bytes, &f, sizeof(f));
	if (r == 0)
		r = image_sync(fd);
	if (r == 0)
		r = image_zero(fd, old, size_bytes - old < sizeof(f) ? size_bytes - old : sizeof(f));
	if (r == 0)
		v->footer = f;
	return r;
}

/* Within the table as it is: what Hyper-V makes has no more entries than it needs, ours neither. */
static int resize_dynamic(struct vhd *v, uint64_t size_bytes)
{
	struct sparse *s = &v->sparse;
	int r = sparse_prepare(s, 0, true);

	if (size_bytes < v->disk->size_bytes || sparse_blocks(size_bytes, s->block_bytes) > be32toh(v->header.entries))
		return disk_fail(-ENOTSUP, "size %llu: this VHD can have %llu (as now) to %llu bytes; convert it to VHDX",
				 (unsigned long long)size_bytes, (unsigned long long)v->disk->size_bytes,
				 (unsigned long long)be32toh(v->header.entries) * s->block_bytes);
	if (r == 0)
		r = sparse_commit(s);
	if (r < 0)
		return r;
	pthread_mutex_lock(&s->commit_lock);
	pthread_mutex_lock(&s->lock);
	vhd_seal_footer(&v->footer, size_bytes);
	r = image_write(v->disk->fd, s->end, &v->footer, sizeof(v->footer));
	if (r == 0)
		r = image_sync(v->disk->fd);
	if (r == 0)
		r = image_write(v->disk->fd, 0, &v->footer, sizeof(v->footer));
	if (r == 0)
		r = image_sync(v->disk->fd);
	if (r == 0)
		r = sparse_set_size(s, size_bytes, be32toh(v->header.entries) / (DISK_SECTOR / 4) + 1);
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->commit_lock);
	return r;
}

static int vhd_resize(struct disk *d, uint64_t size_bytes)
{
	if (size_bytes > VHD_SIZE_MAX)
		return disk_fail(-EFBIG, "size %llu, the limit of a VHD is %llu (2040 GiB)", (unsigned long long)size_bytes, VHD_SIZE_MAX);
	return engine(d) ? resize_dynamic(d->state, size_bytes) : resize_fixed(d->state, size_bytes);
}

const struct disk_ops vhd_disk_ops = {
	.format = "vhd", .open = vhd_open, .link = vhd_link, .close = vhd_close, .create = vhd_create, .locator = vhd_locator, .set_parent = vhd_set_parent, .check = vhd_check,
	.map_read = vhd_map_read, .map_write = vhd_map_write, .release = vhd_release, .is_clean = vhd_is_clean,
	.prepare = vhd_prepare, .commit = vhd_commit, .zero = vhd_zero, .resize = vhd_resize,
	.engine = engine,
};
