/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed VHD: the disk's sectors, then one 512-byte footer ("Virtual Hard Disk Image Format Specification" 1.0).
 * Dynamic and differencing images are recognised and refused.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "storage/image.h"
#include "storage/formats.h"

#define VHD_SIZE_MAX		(2040ull << 30)		/* the limit Hyper-V documents */
#define VHD_EPOCH		946684800		/* 2000-01-01 00:00 UTC */
#define VHD_FEATURES		2u			/* the reserved bit that is always set */
#define VHD_VERSION		0x00010000u
#define VHD_NO_HEADER		UINT64_MAX		/* data_offset of a fixed disk */

enum vhd_type { VHD_FIXED = 2, VHD_DYNAMIC = 3, VHD_DIFFERENCING = 4 };

struct vhd_footer {		/* big-endian */
	char cookie[8];
	uint32_t features, version;
	uint64_t data_offset;
	uint32_t timestamp;
	char creator[4];
	uint32_t creator_version;
	char creator_os[4];
	uint64_t original_size, current_size;
	uint16_t cylinders;
	uint8_t heads, sectors_per_track;
	uint32_t type, checksum;
	uint8_t uuid[16];
	uint8_t saved_state;
	uint8_t reserved[427];
} __attribute__((packed));
_Static_assert(sizeof(struct vhd_footer) == 512, "vhd_footer");

/* The ones' complement of the sum of all bytes but the checksum's own. */
static uint32_t vhd_checksum(const struct vhd_footer *f)
{
	struct vhd_footer copy = *f;
	const uint8_t *bytes = (const uint8_t *)&copy;
	uint32_t sum = 0;

	copy.checksum = 0;
	for (size_t i = 0; i < sizeof(copy); i++)
		sum += bytes[i];
	return ~sum;
}

/* The specification's appendix "CHS Calculation", whose steps other readers expect bit by bit. */
static void vhd_set_geometry(struct vhd_footer *f, uint64_t sectors)
{
	uint32_t total = sectors > 65535u * 16 * 255 ? 65535u * 16 * 255 : (uint32_t)sectors;
	uint32_t per_track, heads, cylinders_heads;

	if (total >= 65535u * 16 * 63) {
		per_track = 255;
		heads = 16;
		cylinders_heads = total / per_track;
	} else {
		per_track = 17;
		cylinders_heads = total / per_track;
		heads = (cylinders_heads + 1023) / 1024;
		if (heads < 4)
			heads = 4;
		if (cylinders_heads >= heads * 1024 || heads > 16) {
			per_track = 31;
			heads = 16;
			cylinders_heads = total / per_track;
		}
		if (cylinders_heads >= heads * 1024) {
			per_track = 63;
			heads = 16;
			cylinders_heads = total / per_track;
		}
	}
	f->cylinders = htobe16((uint16_t)(cylinders_heads / heads));
	f->heads = (uint8_t)heads;
	f->sectors_per_track = (uint8_t)per_track;
}

static int vhd_check_footer(const struct vhd_footer *f)
{
	if (memcmp(f->cookie, "conectix", sizeof(f->cookie)) || be32toh(f->checksum) != vhd_checksum(f))
		return -EILSEQ;
	if (be32toh(f->version) >> 16 != VHD_VERSION >> 16)
		return -ENOTSUP;
	return be32toh(f->type) == VHD_FIXED ? 0 : -ENOTSUP;
}

static int vhd_open(struct disk *d)
{
	int64_t size_of_file = image_size(d->fd);
	struct vhd_footer footer;
	uint64_t size;
	int r;

	if (size_of_file < 0)
		return (int)size_of_file;
	if ((uint64_t)size_of_file < sizeof(footer) + DISK_SECTOR)
		return -EILSEQ;
	r = image_read(d->fd, (uint64_t)size_of_file - sizeof(footer), &footer, sizeof(footer));
	if (r == 0)
		r = vhd_check_footer(&footer);
	if (r < 0)
		return r;
	size = be64toh(footer.current_size);
	if (size == 0 || size % DISK_SECTOR || size > (uint64_t)size_of_file - sizeof(footer))
		return -EILSEQ;
	d->size_bytes = size;
	memcpy(d->identity, footer.uuid, sizeof(d->identity));
	return 0;
}

static int vhd_fill_footer(struct vhd_footer *f, uint64_t size_bytes)
{
	*f = (struct vhd_footer) {
		.cookie = "conectix", .features = htobe32(VHD_FEATURES), .version = htobe32(VHD_VERSION),
		.data_offset = htobe64(VHD_NO_HEADER), .timestamp = htobe32((uint32_t)(time(NULL) - VHD_EPOCH)),
		/* Other readers trust current_size only of creators they know, and take the rounded geometry of the rest. */
		.creator = "win ", .creator_version = htobe32(0x000a0000), .creator_os = "Wi2k",
		.original_size = htobe64(size_bytes), .current_size = htobe64(size_bytes), .type = htobe32(VHD_FIXED),
	};
	vhd_set_geometry(f, size_bytes / DISK_SECTOR);
	if (getrandom(f->uuid, sizeof(f->uuid), 0) != (ssize_t)sizeof(f->uuid))
		return -EIO;
	f->checksum = htobe32(vhd_checksum(f));
	return 0;
}

/* A fixed disk owns its blocks from the start: the guest cannot run out of space later. */
static int vhd_create(int fd, uint64_t size_bytes)
{
	struct vhd_footer footer;
	int r;

	if (size_bytes > VHD_SIZE_MAX)
		return -EFBIG;
	r = vhd_fill_footer(&footer, size_bytes);
	if (r < 0)
		return r;
	if (ftruncate(fd, 0) < 0)
		return -errno;
	r = posix_fallocate(fd, 0, (off_t)(size_bytes + sizeof(footer)));
	if (r)
		return -r;
	if (pwrite(fd, &footer, sizeof(footer), (off_t)size_bytes) != (ssize_t)sizeof(footer))
		return -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

static int vhd_map(struct disk *d, uint64_t offset, struct extent *e)
{
	e->disk = d;
	e->file_offset = offset;
	return 0;
}

static int vhd_commit(struct disk *d)
{
	return image_sync(d->fd);
}

static int vhd_zero(struct disk *d, uint64_t offset, uint64_t bytes, bool unmap)
{
	(void)unmap;		/* a fixed disk keeps its blocks */
	return image_zero(d->fd, offset, bytes);
}

const struct disk_ops vhd_disk_ops = {
	.format = "vhd", .open = vhd_open, .create = vhd_create, .map_read = vhd_map, .map_write = vhd_map,
	.commit = vhd_commit, .zero = vhd_zero,
};
