/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One part of a good image is changed as the input says, checksums are made good again (usually), and the image is judged, mended,
 * opened, read, written and closed. FUZZ_TARGET names the part. Nothing may crash, hang, or be read that is not there.
 */
#include "tests/fuzz/input.h"
#include "tests/fuzz/storage/base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FROM_END	UINT64_MAX	/* the last 512 bytes */
#define EDITS_MAX	16u
#define EDIT_BYTES	32u

static const struct part { const char *target; enum base base, parent; uint64_t at; uint32_t bytes, copy_step; void (*seal)(int fd); } parts[] = {
	{ "vhdx_header", BASE_VHDX, BASES, 64 * KIB, 80, 64 * KIB, seal_headers },	/* copy_step: the second copy is changed alike */
	{ "vhdx_regions", BASE_VHDX, BASES, 192 * KIB, 16 + 4 * 32, 64 * KIB, seal_regions },
	{ "vhdx_metadata", BASE_VHDX, BASES, 2 * MIB, 32 + 6 * 32 + 64, 0, NULL },	/* and its items, see place() */
	{ "vhdx_bat", BASE_VHDX, BASES, 3 * MIB, 10 * 8, 0, NULL },
	{ "vhdx_log", BASE_VHDX_DIRTY, BASES, MIB + 4096, 4096 + 64, 0, seal_log },
	{ "vhdx_locator", BASE_VHDX_CHILD, BASE_VHDX, 2 * MIB + 64 * KIB, 512, 0, NULL },
	{ "vhd_footer", BASE_VHD_FIXED, BASES, FROM_END, 96, 0, seal_vhd },
	{ "vhd_header", BASE_VHD, BASES, 512, 1024 + 64, 0, seal_vhd },			/* and the table behind it */
	{ "vhd_locator", BASE_VHD_CHILD, BASE_VHD, 512, 1024, 0, seal_vhd },
};

static const struct part *part(void)
{
	const struct part *p = parts;

	while (strcmp(p->target, FUZZ_TARGET))
		p++;
	return p;
}

/* Behind the table of the metadata's items come the items. */
static uint64_t place(const struct part *p, int fd, uint32_t offset)
{
	uint64_t at = p->at == FROM_END ? file_bytes(fd) - 512 : p->at;

	if (!strcmp(p->target, "vhdx_metadata") && offset >= 32 + 6 * 32)
		return at + 64 * KIB + (offset - (32 + 6 * 32));
	return at + offset;
}

static void put(int fd, uint64_t at, const void *bytes, size_t size)
{
	if (pwrite(fd, bytes, size, (off_t)at) != (ssize_t)size)
		abort();
}

/* A few bytes of the input's, or a number of a size and place that fields have. */
static void edit(const struct part *p, int fd)
{
	uint8_t bytes[EDIT_BYTES];
	uint32_t offset = below(p->bytes), size = 1u << below(4);
	uint64_t number, at;

	if (below(2)) {
		number = once_in(2) ? 1ull << below(64) : input_number(size);
		number += once_in(4) ? 1 : 0;
		memcpy(bytes, &number, sizeof(number));
		offset &= ~(size - 1);
	} else {
		size = below(EDIT_BYTES) + 1;
		input_take(bytes, size);
	}
	at = place(p, fd, offset);
	put(fd, at, bytes, size);
	if (p->copy_step && !once_in(4))
		put(fd, at + p->copy_step, bytes, size);
}

static int changed_image(const struct part *p)
{
	int fd = base_copy(p->base);

	for (unsigned int edits = below(EDITS_MAX) + 1; edits && input_left(); edits--)
		edit(p, fd);
	if (p->seal && !once_in(16))
		p->seal(fd);
	if (once_in(16))
		if (ftruncate(fd, (off_t)(file_bytes(fd) * below(256) / 256)) < 0)
			abort();
	return fd;
}

static void use(struct disk *d)
{
	static uint8_t buffer[64 * 1024];
	uint64_t sectors = d->size_bytes / d->logical_sector;

	for (unsigned int i = 0; i < 3 && sectors; i++) {
		uint64_t offset = (i == 2 ? sectors - 1 : input_number(2) % sectors) * d->logical_sector;
		size_t bytes = (sectors - offset / d->logical_sector < 8 ? 1 : 8) * d->logical_sector;

		disk_read(d, offset, buffer, bytes);
		disk_write(d, offset, buffer, bytes);
		disk_zero(d, offset, bytes, i & 1);
		disk_flush(d);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct part *p = part();
	struct disk_source chain[2] = { { base_format(p->base), -1 }, { base_format(p->base), -1 } };
	size_t count = p->parent == BASES ? 1 : 2;
	struct disk_findings findings;
	struct disk_parent where;
	struct disk *d = NULL;
	bool read_only, repair;

	input_begin(data, size);
	chain[0].fd = changed_image(p);
	if (count == 2)
		chain[1].fd = base_copy(p->parent);
	read_only = once_in(4);
	repair = !read_only && once_in(2);
	disk_parent_locator(chain[0].format, chain[0].fd, &where);
	disk_check(chain[0].format, chain[0].fd, repair, &findings, NULL);
	if (disk_open_chain(chain, count, read_only, &d) == 0) {
		use(d);
		disk_close(d);
		return 0;
	}
	close(chain[0].fd);
	if (count == 2)
		close(chain[1].fd);
	return 0;
}
