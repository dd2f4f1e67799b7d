/* SPDX-License-Identifier: Apache-2.0 */
/* The footer of a VHD: its last sector, which says what the file is. Dynamic disks have a copy in the first sector. */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "storage/image.h"
#include "storage/vhd/vhd.h"

#define VHD_EPOCH	946684800	/* 2000-01-01 00:00 UTC */
#define VHD_FEATURES	2u		/* the reserved bit that is always set */
#define VHD_VERSION	0x00010000u

/* The ones' complement of the sum of all bytes but the checksum's own. */
uint32_t vhd_checksum(const void *structure, size_t bytes, size_t checksum_at)
{
	const uint8_t *p = structure;
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes; i++)
		sum += i - checksum_at < sizeof(uint32_t) ? 0 : p[i];
	return ~sum;
}

static uint32_t footer_checksum(const struct vhd_footer *f)
{
	return vhd_checksum(f, sizeof(*f), offsetof(struct vhd_footer, checksum));
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

static bool footer_is_valid(const struct vhd_footer *f)
{
	return !memcmp(f->cookie, "conectix", sizeof(f->cookie)) && be32toh(f->checksum) == footer_checksum(f);
}

static int check_footer(const struct vhd_footer *f)
{
	uint64_t size = be64toh(f->current_size);
	uint32_t type = be32toh(f->type);

	if (be32toh(f->version) >> 16 != VHD_VERSION >> 16)
		return disk_fail(-ENOTSUP, "footer: version %#x, only %#x is known", be32toh(f->version), VHD_VERSION);
	if (type != VHD_FIXED && type != VHD_DYNAMIC && type != VHD_DIFFERENCING)
		return disk_fail(-ENOTSUP, "footer: disk type %u, known are 2, 3 and 4", type);
	if (size == 0 || size % DISK_SECTOR || size > VHD_SIZE_MAX)
		return disk_fail(-EILSEQ, "footer: disk size %llu is no multiple of 512 up to %llu", (unsigned long long)size, VHD_SIZE_MAX);
	return 0;
}

int vhd_read_footer(int fd, struct vhd_footer *f, bool *lost)
{
	int64_t size = image_size(fd);
	int r;

	if (size < 0)
		return (int)size;
	if (size < 2 * (int64_t)DISK_SECTOR)
		return disk_fail(-EILSEQ, "the file has %lld bytes, a VHD has 1024 or more", (long long)size);
	*lost = false;
	r = image_read(fd, (uint64_t)size - sizeof(*f), f, sizeof(*f));
	if (r == 0 && footer_is_valid(f))
		return check_footer(f);
	*lost = true;
	if (r == 0)
		r = image_read(fd, 0, f, sizeof(*f));
	if (r == 0 && (!footer_is_valid(f) || be32toh(f->type) == VHD_FIXED))
		r = disk_fail(-EILSEQ, "footer: no good signature and checksum in the last sector, nor a copy in the first");
	return r ? r : check_footer(f);
}

void vhd_seal_footer(struct vhd_footer *f, uint64_t size_bytes)
{
	f->current_size = htobe64(size_bytes);
	vhd_set_geometry(f, size_bytes / DISK_SECTOR);
	f->checksum = htobe32(footer_checksum(f));
}

int vhd_new_footer(struct vhd_footer *f, enum vhd_type type, uint64_t size_bytes)
{
	*f = (struct vhd_footer) {
		.cookie = "conectix", .features = htobe32(VHD_FEATURES), .version = htobe32(VHD_VERSION),
		.data_offset = htobe64(type == VHD_FIXED ? VHD_NOWHERE : sizeof(struct vhd_footer)),
		.timestamp = htobe32((uint32_t)(time(NULL) - VHD_EPOCH)),
		/* Other readers trust current_size only of creators they know, and take the rounded geometry of the rest. */
		.creator = "win ", .creator_version = htobe32(0x000a0000), .creator_os = "Wi2k",
		.original_size = htobe64(size_bytes), .type = htobe32(type),
	};
	if (getrandom(f->uuid, sizeof(f->uuid), 0) != (ssize_t)sizeof(f->uuid))
		return -EIO;
	vhd_seal_footer(f, size_bytes);
	return 0;
}
