/* SPDX-License-Identifier: Apache-2.0 */
/* The two headers of a VHDX ([MS-VHDX] 2.2.2): the valid one with the higher sequence number counts; the other is written. */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "storage/crc32c.h"
#include "storage/image.h"
#include "storage/vhdx/vhdx.h"

bool vhdx_guid_equal(const struct vhdx_guid *a, const struct vhdx_guid *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool vhdx_guid_is_zero(const struct vhdx_guid *g)
{
	static const struct vhdx_guid zero;

	return vhdx_guid_equal(g, &zero);
}

void vhdx_guid_new(struct vhdx_guid *g)
{
	while (getrandom(g, sizeof(*g), 0) != (ssize_t)sizeof(*g))
		;
	g->bytes[7] = (uint8_t)((g->bytes[7] & 0x0f) | 0x40);	/* version 4, RFC 9562 */
	g->bytes[8] = (uint8_t)((g->bytes[8] & 0x3f) | 0x80);
}

void vhdx_guid_swap(const uint8_t from[DISK_GUID_SIZE], uint8_t to[DISK_GUID_SIZE])
{
	static const uint8_t order[DISK_GUID_SIZE] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (int i = 0; i < DISK_GUID_SIZE; i++)
		to[i] = from[order[i]];
}

static uint64_t header_offset(unsigned int slot)
{
	return VHDX_HEADER_1 + slot * VHDX_HEADER_STEP;
}

static uint32_t header_checksum(const struct vhdx_header *h)
{
	return crc32c_without(h, sizeof(*h), offsetof(struct vhdx_header, checksum));
}

static bool header_is_valid(const struct vhdx_header *h)
{
	return !memcmp(h->signature, "head", 4) && le32toh(h->checksum) == header_checksum(h);
}

static int check_log_place(const struct vhdx_header *h)
{
	uint64_t offset = le64toh(h->log_offset);
	uint32_t length = le32toh(h->log_length);

	if (offset % MIB || offset < VHDX_HEADER_SECTION)
		return disk_fail(-EILSEQ, "header: log offset %llu is no multiple of 1 MiB from 1 MiB on", (unsigned long long)offset);
	if (length % MIB || length == 0 || length > VHDX_LOG_MAX)
		return disk_fail(-EILSEQ, "header: log length %u is no multiple of 1 MiB from 1 MiB to %u", length, VHDX_LOG_MAX);
	return 0;
}

static int check_header(const struct vhdx_header *h)
{
	if (le16toh(h->version) != 1)
		return disk_fail(-ENOTSUP, "header: version %u, only 1 is known", le16toh(h->version));
	if (le16toh(h->log_version) != 0 && !vhdx_guid_is_zero(&h->log))
		return disk_fail(-ENOTSUP, "header: log version %u, only 0 is known", le16toh(h->log_version));
	return check_log_place(h);
}

int vhdx_read_headers(struct vhdx *v)
{
	struct vhdx_header h[2];
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < 2; i++) {
		r = image_read(v->fd, header_offset(i), &h[i], sizeof(h[i]));
		v->header_valid[i] = r == 0 && header_is_valid(&h[i]);
	}
	if (r < 0)
		return r;
	if (!v->header_valid[0] && !v->header_valid[1])
		return disk_fail(-EILSEQ, "headers at 64 KiB and 128 KiB: neither has a good signature and checksum");
	if (v->header_valid[0] && v->header_valid[1] && h[0].sequence == h[1].sequence && memcmp(&h[0], &h[1], sizeof(h[0])))
		return disk_fail(-EILSEQ, "headers: two different ones with sequence number %llu",
				 (unsigned long long)le64toh(h[0].sequence));
	v->header_slot = !v->header_valid[0] ||
			 (v->header_valid[1] && le64toh(h[1].sequence) > le64toh(h[0].sequence));
	v->header = h[v->header_slot];
	return check_header(&v->header);
}

int vhdx_write_header(struct vhdx *v)
{
	unsigned int slot = !v->header_slot;
	_Alignas(VHDX_HEADER_SIZE) struct vhdx_header h = v->header;
	int r;

	h.sequence = htole64(le64toh(h.sequence) + 1);
	h.checksum = htole32(header_checksum(&h));
	r = image_write(v->fd, header_offset(slot), &h, sizeof(h));
	if (r == 0)
		r = image_sync(v->fd);
	if (r < 0)
		return r;
	v->header = h;
	v->header_slot = slot;
	v->header_valid[slot] = true;
	return 0;
}
