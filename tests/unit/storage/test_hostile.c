/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that lie. Rows: one field changed, checksums made good again, and what the refusal must say. Fuzzing: random changes
 * to the metadata of good images (VHDX with a log to replay among them), each opened, judged, mended, read and written; it
 * passes when nothing crashes, hangs or reads what is not there, best under sanitizers. HOSTILE_RUNS: how many; HOSTILE_SEED.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/chain_files.h"
#include "storage/crc32c.h"
#include "storage/manage.h"

#define KIB	1024ull
#define MIB	(1ull << 20)
#define GIB	(1ull << 30)

static char folder[64];

/* pages[]: which pages of data[] are not zero, so that an image is written and restored quickly. */
struct image { const char *format; uint8_t *data; uint64_t size; uint32_t *pages; unsigned int page_count; };

#define PAGE	4096u

/* --- good images to begin with --- */

static int new_file(void)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static size_t page_bytes(const struct image *i, uint64_t page)
{
	return i->size - page * PAGE < PAGE ? i->size - page * PAGE : PAGE;
}

static void take(struct image *i, const char *format, int fd)
{
	static const uint8_t zeros[PAGE];
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	i->format = format;
	i->size = (uint64_t)st.st_size;
	i->data = malloc(i->size);
	assert_int_equal(pread(fd, i->data, i->size, 0), st.st_size);
	close(fd);
	i->pages = calloc(i->size / PAGE + 1, sizeof(i->pages[0]));
	i->page_count = 0;
	for (uint32_t page = 0; (uint64_t)page * PAGE < i->size; page++)
		if (memcmp(i->data + (uint64_t)page * PAGE, zeros, page_bytes(i, page)))
			i->pages[i->page_count++] = page;
}

static void put_page(const struct image *i, int fd, uint64_t page)
{
	size_t n = page_bytes(i, page);

	assert_int_equal(pwrite(fd, i->data + page * PAGE, n, (off_t)(page * PAGE)), (ssize_t)n);
}

/* The image, and pages of it that a change may have made something of. */
static int put_with(const struct image *i, const uint32_t *more, unsigned int count)
{
	int fd = new_file();

	assert_int_equal(ftruncate(fd, (off_t)i->size), 0);
	for (unsigned int n = 0; n < i->page_count; n++)
		put_page(i, fd, i->pages[n]);
	for (unsigned int n = 0; n < count; n++)
		put_page(i, fd, more[n]);
	return fd;
}

static int put(const struct image *i)
{
	return put_with(i, NULL, 0);
}

static void write_some(struct disk *d)
{
	static uint8_t data[64 * 1024];

	memset(data, 0x5a, sizeof(data));
	assert_int_equal(disk_write(d, 0, data, sizeof(data)), 0);
	assert_int_equal(disk_write(d, 3 * MIB - 4096, data, 8192), 0);
	assert_int_equal(disk_flush(d), 0);
}

/* `dirty`: as it is while it is in use, with an entry in its log. */
static void make(struct image *i, const char *format, enum disk_kind kind, struct disk *parent, bool dirty)
{
	const struct disk_new n = {
		.format = format, .kind = kind, .size_bytes = 8 * MIB, .block_bytes = MIB, .parent = parent,
		.parent_relative = parent ? "..\\base" : NULL, .parent_absolute = parent ? "/images/base" : NULL,
	};
	int fd = new_file(), copy;
	struct disk *d;

	assert_int_equal(disk_create_image(fd, &n), 0);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (!parent) {
		assert_int_equal(disk_open(format, fd, false, &d), 0);
		write_some(d);
		if (dirty)
			take(i, format, copy);
		disk_close(d);
	}
	if (!dirty)
		take(i, format, copy);
}

static struct image vhdx, vhdx_dirty, vhdx_child, vhd, vhd_child, vhd_fixed;

/* A child with some sectors of its own, opened over its parent. */
static void make_child(struct image *child, const struct image *base)
{
	struct disk_source chain[2] = { { base->format, -1 }, { base->format, put(base) } };
	struct disk *parent, *d;

	assert_int_equal(disk_open(base->format, put(base), true, &parent), 0);
	make(child, base->format, DISK_DIFFERENCING, parent, false);
	disk_close(parent);
	chain[0].fd = put(child);
	free(child->data);
	free(child->pages);
	assert_int_equal(disk_open_chain(chain, 2, false, &d), 0);
	write_some(d);
	take(child, base->format, fcntl(chain[0].fd, F_DUPFD_CLOEXEC, 3));
	disk_close(d);
}

static int make_images(void **state)
{
	(void)state;
	make(&vhdx, "vhdx", DISK_DYNAMIC, NULL, false);
	make(&vhdx_dirty, "vhdx", DISK_DYNAMIC, NULL, true);
	make(&vhd, "vhd", DISK_DYNAMIC, NULL, false);
	make(&vhd_fixed, "vhd", DISK_FIXED, NULL, false);
	make_child(&vhdx_child, &vhdx);
	make_child(&vhd_child, &vhd);
	snprintf(folder, sizeof(folder), "/tmp/partita-hostile-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* --- making checksums good again --- */

static void seal32(struct image *i, uint64_t at, uint64_t bytes, uint64_t hole)
{
	uint32_t crc = crc32c_without(i->data + at, bytes, hole);

	memcpy(i->data + at + hole, &crc, 4);
}

static void seal_log(struct image *i)
{
	for (uint64_t at = MIB; at < 2 * MIB; at += 4096) {
		uint32_t length;

		memcpy(&length, i->data + at + 8, 4);
		if (!memcmp(i->data + at, "loge", 4) && length >= 64 && length <= 2 * MIB - at)
			seal32(i, at, length, 4);
	}
}

static void seal_sum(struct image *i, uint64_t at, uint64_t bytes, uint64_t hole)
{
	uint32_t sum = 0;

	memset(i->data + at + hole, 0, 4);
	for (uint64_t n = 0; n < bytes; n++)
		sum += i->data[at + n];
	for (int n = 0; n < 4; n++)
		i->data[at + hole + (uint64_t)n] = (uint8_t)(~sum >> (24 - 8 * n));
}

static void seal(struct image *i)
{
	if (!strcmp(i->format, "vhdx")) {
		seal32(i, 64 * KIB, 4096, 4);
		seal32(i, 128 * KIB, 4096, 4);
		seal32(i, 192 * KIB, 64 * KIB, 4);
		seal32(i, 256 * KIB, 64 * KIB, 4);
		seal_log(i);
	} else {
		if (!memcmp(i->data, "conectix", 8)) {
			seal_sum(i, 0, 512, 64);
			seal_sum(i, 512, 1024, 36);
		}
		seal_sum(i, i->size - 512, 512, 64);
	}
}

/* --- rows --- */

#define BOTH_HEADERS	0x10000ull	/* `again`: the same change that much further on */
#define BOTH_TABLES	0x10000ull
#define META		(2 * MIB)
#define ITEMS		(2 * MIB + 64 * KIB)
#define BAT		(3 * MIB)

static const struct lie {
	const char *what;
	struct image *image;
	uint64_t at, again;
	unsigned int bytes;
	uint64_t value;
	bool big_endian;
	int want;
	const char *says;
} lies[] = {
	{ "identifier", &vhdx, 0, 0, 1, 0, false, -EILSEQ, "vhdxfile" },
	{ "version of the headers", &vhdx, 64 * KIB + 66, BOTH_HEADERS, 2, 2, false, -ENOTSUP, "version 2" },
	{ "log length 0", &vhdx, 64 * KIB + 68, BOTH_HEADERS, 4, 0, false, -EILSEQ, "log length 0" },
	{ "log length of half a MiB", &vhdx, 64 * KIB + 68, BOTH_HEADERS, 4, 524288, false, -EILSEQ, "log length 524288" },
	{ "log offset in the headers", &vhdx, 64 * KIB + 72, BOTH_HEADERS, 8, 0, false, -EILSEQ, "log offset 0" },
	{ "log offset beyond the file", &vhdx_dirty, 64 * KIB + 72, BOTH_HEADERS, 8, 1ull << 50, false, -EILSEQ, "the file ends" },
	{ "signatures of the region tables", &vhdx, 192 * KIB, BOTH_TABLES, 1, 0, false, -EILSEQ, "region tables" },
	{ "number of regions", &vhdx, 192 * KIB + 8, BOTH_TABLES, 4, 5000, false, -EILSEQ, "region tables" },
	{ "kind of the BAT region", &vhdx, 192 * KIB + 16, BOTH_TABLES, 1, 0, false, -ENOTSUP, "region 0 is required" },
	{ "offset of the BAT region", &vhdx, 192 * KIB + 32, BOTH_TABLES, 8, 1ull << 40, false, -EILSEQ, "region 0: offset 1099511627776" },
	{ "BAT region in the log", &vhdx, 192 * KIB + 32, BOTH_TABLES, 8, MIB, false, -EILSEQ, "overlaps the log" },
	{ "BAT region in the metadata", &vhdx, 192 * KIB + 32, BOTH_TABLES, 8, META, false, -EILSEQ, "overlap" },
	{ "length of the BAT region", &vhdx, 192 * KIB + 40, BOTH_TABLES, 4, 0xfff00000, false, -EILSEQ, "length 4293918720" },
	{ "metadata signature", &vhdx, META, 0, 1, 0, false, -EILSEQ, "metadata table at 2097152" },
	{ "number of items", &vhdx, META + 10, 0, 2, 2048, false, -EILSEQ, "2048 entries" },
	{ "item outside of its region", &vhdx, META + 32 + 16, 0, 4, 0xfffffff0, false, -EILSEQ, "\"file parameters\" at offset 4294967280" },
	{ "length of an item", &vhdx, META + 32 + 20, 0, 4, 9, false, -EILSEQ, "has 9 bytes" },
	{ "an item twice", &vhdx, META + 64, META + 32, 0, 0, false, -EILSEQ, "is there twice" },
	{ "block size 3 MiB", &vhdx, ITEMS, 0, 4, 3 * MIB, false, -EILSEQ, "block size 3145728" },
	{ "block size 512 MiB", &vhdx, ITEMS, 0, 4, 512 * MIB, false, -EILSEQ, "block size 536870912" },
	{ "fixed and differencing", &vhdx, ITEMS + 4, 0, 4, 3, false, -EILSEQ, "fixed and differencing" },
	{ "disk size 0", &vhdx, ITEMS + 8, 0, 8, 0, false, -EILSEQ, "disk size 0" },
	{ "disk size 65 TiB", &vhdx, ITEMS + 8, 0, 8, 65ull << 40, false, -EILSEQ, "disk size 71468255805440" },
	{ "disk size of half a sector", &vhdx, ITEMS + 8, 0, 8, 8 * MIB + 256, false, -EILSEQ, "no multiple of the logical sector" },
	{ "more blocks than the BAT has", &vhdx, ITEMS + 8, 0, 8, 60ull << 40, false, -EILSEQ, "BAT region" },
	{ "logical sector size", &vhdx, ITEMS + 32, 0, 4, 1024, false, -EILSEQ, "logical sector size 1024" },
	{ "block beyond the file", &vhdx, BAT, 0, 8, 1ull << 40 | 6, false, -EILSEQ, "BAT entry 0: offset 1099511627776" },
	{ "block in the headers", &vhdx, BAT, 0, 8, 6, false, -EILSEQ, "BAT entry 0: offset 0" },
	{ "block in the metadata", &vhdx, BAT, 0, 8, META | 6, false, -EILSEQ, "overlaps" },
	{ "two blocks in one place", &vhdx, BAT + 8, BAT, 0, 0, false, -EILSEQ, "BAT entry 1: offset 4194304 overlaps" },
	{ "reserved block state", &vhdx, BAT, 0, 8, 4 * MIB | 5, false, -EILSEQ, "state 5" },
	{ "partly present without parent", &vhdx, BAT, 0, 8, 4 * MIB | 7, false, -EILSEQ, "state 7" },
	{ "log target in the headers", &vhdx_dirty, MIB + 4096 + 64 + 16, 0, 8, 64 * KIB, false, -EILSEQ, "at 65536" },
	{ "log target beyond the file", &vhdx_dirty, MIB + 4096 + 64 + 16, 0, 8, 1ull << 45, false, -EILSEQ, "at 35184372088832" },
	{ "log target is the log", &vhdx_dirty, MIB + 4096 + 64 + 16, 0, 8, MIB, false, -EILSEQ, "the log itself" },
	{ "log for a longer file", &vhdx_dirty, MIB + 4096 + 48, 0, 8, 1ull << 40, false, -EILSEQ, "cut off" },
	{ "signature of a log descriptor", &vhdx_dirty, MIB + 4096 + 64, 0, 1, 'x', false, -EILSEQ, "descriptor 0" },
	{ "number of a data sector", &vhdx_dirty, MIB + 3 * 4096 - 4, 0, 4, 77, false, -EILSEQ, "data sector" },
	{ "type of the footer", &vhd_fixed, 8 * MIB + 60, 0, 4, 5, true, -ENOTSUP, "disk type 5" },
	{ "size in the footer", &vhd_fixed, 8 * MIB + 48, 0, 8, 9 * MIB, true, -EILSEQ, "disk size 9437184" },
	{ "size of no whole sector", &vhd_fixed, 8 * MIB + 48, 0, 8, 8 * MIB - 1, true, -EILSEQ, "disk size 8388607" },
	{ "signature of the dynamic header", &vhd, 512, 0, 1, 'x', true, -EILSEQ, "dynamic header at 512" },
	{ "block size of a VHD", &vhd, 512 + 32, 0, 4, 4096, true, -ENOTSUP, "block size 4096" },
	{ "table beyond the file", &vhd, 512 + 16, 0, 8, 1ull << 40, true, -EILSEQ, "table offset 1099511627776" },
	{ "table too short", &vhd, 512 + 28, 0, 4, 1, true, -EILSEQ, "table of 1 entries" },
	{ "VHD block beyond the file", &vhd, 1536, 0, 4, 0x7fffffff, true, -EILSEQ, "BAT entry 0: sector 2147483647" },
	{ "VHD block in the header", &vhd, 1536, 0, 4, 1, true, -EILSEQ, "BAT entry 0: sector 1" },
	{ "two VHD blocks in one place", &vhd, 1536 + 8, 1536, 0, 0, true, -EILSEQ, "overlap" },
};

static void tell(struct image *i, const struct lie *l, uint64_t at)
{
	for (unsigned int n = 0; n < l->bytes; n++)
		i->data[at + n] = (uint8_t)(l->value >> 8 * (l->big_endian ? l->bytes - 1 - n : n));
}

/* bytes 0: what is at `again` comes to `at`, 8 or, of a table entry, 32 bytes. */
static void change(struct image *i, const struct lie *l)
{
	if (l->bytes == 0) {
		memcpy(i->data + l->at, i->data + l->again, l->at >= META && l->at < ITEMS ? 16 : l->big_endian ? 4 : 8);
		return;
	}
	tell(i, l, l->at);
	if (l->again)
		tell(i, l, l->at + l->again);
}

static void test_a_lie_is_refused_and_named(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(lies) / sizeof(lies[0]); n++) {
		const struct lie *l = &lies[n];
		struct image i = *l->image;
		struct disk *d = NULL;
		int fd, r;

		i.data = malloc(i.size);
		memcpy(i.data, l->image->data, i.size);
		change(&i, l);
		seal(&i);
		if (!strcmp(l->what, "signatures of the region tables"))
			i.data[192 * KIB + 4] ^= 1;
		fd = put_with(&i, (const uint32_t[]) { (uint32_t)(l->at / PAGE) }, 1);
		r = disk_open(i.format, fd, true, &d);
		if (r != l->want || !strstr(disk_error_text(), l->says))
			fail_msg("%s: %d instead of %d, and \"%s\" instead of \"%s\"", l->what, r, l->want, disk_error_text(), l->says);
		close(fd);
		free(i.data);
	}
}

/* --- chains --- */

static void write_file(const char *name, const struct image *i)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, i->data, i->size), (ssize_t)i->size);
	close(fd);
}

static void test_a_chain_that_is_none_is_refused(void **state)
{
	struct disk_source chain[3] = { { "vhdx", put(&vhdx_child) }, { "vhdx", -1 }, { "vhdx", -1 } };
	struct disk *d;

	(void)state;
	assert_int_equal(disk_open_chain(chain, 1, true, &d), -ENOLINK);
	chain[1].fd = put(&vhdx_dirty);			/* another disk */
	assert_int_equal(disk_open_chain(chain, 2, true, &d), -EXDEV);
	assert_non_null(strstr(disk_error_text(), "parent_linkage"));
	close(chain[1].fd);
	chain[1].fd = fcntl(chain[0].fd, F_DUPFD_CLOEXEC, 3);
	assert_int_equal(disk_open_chain(chain, 2, true, &d), -ELOOP);
	close(chain[1].fd);
	chain[1] = (struct disk_source) { "vhd", put(&vhd) };
	assert_int_equal(disk_open_chain(chain, 2, true, &d), -EXDEV);
	close(chain[1].fd);
	chain[1] = (struct disk_source) { "vhdx", put(&vhdx) };
	chain[2] = (struct disk_source) { "vhdx", put(&vhdx) };
	assert_int_equal(disk_open_chain(chain, 3, true, &d), -EINVAL);
	assert_int_equal(disk_open_chain(chain, 2, true, &d), 0);
	disk_close(d);
	close(chain[2].fd);
}

static void test_a_parent_outside_of_the_folder_is_not_opened(void **state)
{
	static struct chain_files files;
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), inside;

	(void)state;
	assert_int_equal(mkdirat(dir, "inside", 0700), 0);
	write_file("base", &vhdx);
	write_file("inside/child", &vhdx_child);
	assert_int_equal(chain_files_open(dir, "inside/child", NULL, 0, 0, &files), 0);
	assert_int_equal(files.count, 2);
	chain_files_close(&files);
	inside = openat(dir, "inside", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(chain_files_open(inside, "child", NULL, 0, 0, &files), -EXDEV);
	assert_non_null(strstr(disk_error_text(), "outside"));
	assert_int_equal(symlinkat("../base", inside, "link"), 0);
	assert_int_equal(chain_files_open(inside, "link", NULL, 0, 0, &files), -EXDEV);
	close(inside);
	close(dir);
}

/* A child that names itself: the files open until the limit, and never for good. */
static void test_a_loop_of_parents_ends(void **state)
{
	static struct chain_files files;
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	write_file("base", &vhdx_child);
	mkdirat(dir, "inside", 0700);
	mkdirat(dir, "inside/deep", 0700);
	assert_int_equal(symlinkat("../base", dir, "inside/base"), 0);
	assert_int_equal(chain_files_open(dir, "inside/base", NULL, 0, 0, &files) < 0, 1);
	close(dir);
}

/* --- fuzzing --- */

static uint64_t random_state;

static uint64_t below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

struct place { uint64_t at, bytes; };

static const struct place vhdx_places[] = {
	{ 0, 16 }, { 64 * KIB, 80 }, { 128 * KIB, 80 }, { 192 * KIB, 96 }, { 256 * KIB, 96 }, { MIB, 8192 }, { MIB + 4096, 256 },
	{ MIB + 8192, 4096 }, { META, 224 }, { ITEMS, 400 }, { BAT, 96 }, { BAT, 96 }, { BAT, 4096 },
};
static const struct place vhd_places[] = { { 0, 90 }, { 512, 90 }, { 512 + 576, 192 }, { 1536, 64 }, { 1536, 512 }, { 2048, 8192 } };

static uint64_t interesting(void)
{
	static const uint64_t values[] = {
		0, 1, 2, 4, 6, 7, 8, 511, 512, 4096, 65536, MIB, MIB + 1, 2 * MIB, 3 * MIB | 6, 4 * MIB, 4 * MIB | 6, 4 * MIB | 7,
		5 * MIB | 6, 5 * MIB | 7, 256 * MIB, 1ull << 31, 0xffffffff, 0xfff00000, 1ull << 40, 64ull << 40, 1ull << 63, UINT64_MAX,
	};

	return values[below(sizeof(values) / sizeof(values[0]))];
}

static uint32_t touched[16];
static unsigned int touched_count;

static void mutate_once(struct image *i)
{
	bool is_vhdx = !strcmp(i->format, "vhdx");
	size_t count = is_vhdx ? sizeof(vhdx_places) / sizeof(vhdx_places[0]) : sizeof(vhd_places) / sizeof(vhd_places[0]);
	const struct place *p = &(is_vhdx ? vhdx_places : vhd_places)[below(count)];
	uint64_t at = p->at + below(p->bytes), value = interesting();
	unsigned int width = 1u << below(4);

	if (!is_vhdx && below(4) == 0)
		at = i->size - 512 + below(90);
	if (below(2))
		at -= at % width;
	if (at + 8 > i->size)
		return;
	touched[touched_count++] = (uint32_t)(at / PAGE);
	touched[touched_count++] = (uint32_t)((at + 7) / PAGE);
	if (below(3) == 0) {
		i->data[at] ^= (uint8_t)(1u << below(8));
		return;
	}
	for (unsigned int n = 0; n < width; n++)
		i->data[at + n] = (uint8_t)(value >> 8 * (is_vhdx ? n : width - 1 - n));
}

static void use_disk(struct disk *d)
{
	static uint8_t buffer[MIB];
	struct disk_range range;

	for (int n = 0; n < 4; n++) {
		uint64_t sectors = d->size_bytes / d->logical_sector, offset = below(n ? sectors : sectors < 16384 ? sectors : 16384);
		uint64_t bytes = 8 * d->logical_sector;

		offset *= d->logical_sector;
		disk_read(d, offset, buffer, bytes);
		disk_write(d, offset, buffer, bytes);
		disk_map(d, offset, &range);
		disk_zero(d, offset, bytes, below(2));
		disk_flush(d);
	}
	if (below(8) == 0)
		disk_resize(d, d->size_bytes + d->logical_sector);
	if (below(8) == 0 && d->size_bytes < GIB)
		disk_compact(d, NULL);
}

static void try_image(const struct image *i, const struct image *base)
{
	struct disk_source chain[2] = { { i->format, put_with(i, touched, touched_count) }, { i->format, base ? put(base) : -1 } };
	struct disk_parent where;
	struct disk_findings f;
	struct disk *d;
	bool read_only = below(3) == 0;

	disk_parent_locator(i->format, chain[0].fd, &where);
	disk_check(i->format, chain[0].fd, !read_only && below(2), &f, NULL);
	if (disk_open_chain(chain, base ? 2 : 1, read_only, &d) == 0) {
		use_disk(d);
		disk_close(d);
		return;
	}
	close(chain[0].fd);
	if (base)
		close(chain[1].fd);
}

static void restore(struct image *i, const struct image *from)
{
	for (unsigned int n = 0; n < touched_count + from->page_count; n++) {
		uint64_t page = n < touched_count ? touched[n] : from->pages[n - touched_count];

		memcpy(i->data + page * PAGE, from->data + page * PAGE, page_bytes(i, page));
	}
}

static void test_changed_images_do_no_harm(void **state)
{
	static const struct { struct image *image, *base; } subjects[] = {
		{ &vhdx, NULL }, { &vhdx_dirty, NULL }, { &vhdx_dirty, NULL }, { &vhdx_child, &vhdx }, { &vhd, NULL }, { &vhd_child, &vhd },
		{ &vhd_fixed, NULL },
	};
	static struct image copies[sizeof(subjects) / sizeof(subjects[0])];
	unsigned long runs = getenv("HOSTILE_RUNS") ? strtoul(getenv("HOSTILE_RUNS"), NULL, 0) : 2000;

	(void)state;
	random_state = (getenv("HOSTILE_SEED") ? strtoul(getenv("HOSTILE_SEED"), NULL, 0) : 1) * 0x9e3779b97f4a7c15 | 1;
	for (unsigned long run = 0; run < runs; run++) {
		size_t which = below(sizeof(subjects) / sizeof(subjects[0]));
		struct image *i = &copies[which];

		if (!i->data) {
			*i = *subjects[which].image;
			i->data = malloc(i->size);
			memcpy(i->data, subjects[which].image->data, i->size);
		}
		touched_count = 0;
		for (uint64_t n = 1 + below(4); n > 0; n--)
			mutate_once(i);
		if (below(8))
			seal(i);
		try_image(i, subjects[which].base);
		restore(i, subjects[which].image);
	}
	printf("# %lu changed images\n", runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_lie_is_refused_and_named),
		cmocka_unit_test(test_a_chain_that_is_none_is_refused),
		cmocka_unit_test(test_a_parent_outside_of_the_folder_is_not_opened),
		cmocka_unit_test(test_a_loop_of_parents_ends),
		cmocka_unit_test(test_changed_images_do_no_harm),
	};

	return cmocka_run_group_tests_name("disk-hostile", tests, make_images, remove_folder);
}
