/* SPDX-License-Identifier: Apache-2.0 */
/* The disk library against qemu-img, against damaged files, and its two ways of I/O against each other. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/disk.h"

#define MIB	(1u << 20)

static char folder[] = "/tmp/partita-disk-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[4][128];
	static unsigned int turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static int make(const char *name, const char *format, uint64_t size)
{
	int fd = open(path_of(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(disk_create(format, fd, size), 0);
	return fd;
}

static struct disk *open_disk(const char *name, const char *format, bool read_only)
{
	int fd = open(path_of(name), O_RDWR | O_CLOEXEC);
	struct disk *d = NULL;

	assert_true(fd >= 0);
	assert_int_equal(disk_open(format, fd, read_only, &d), 0);
	return d;
}

static int shell(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

static void fill(uint8_t *to, size_t bytes, uint32_t seed)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)((i + seed) * 2654435761u >> 24);
}

static const uint64_t sizes[] = { 33 * MIB + 1536, 64 * MIB };		/* no multiples of their geometry */

static void test_qemu_img_reads_the_vhd_we_create(void **state)
{
	static uint8_t data[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct disk *d;

		close(make("a.vhd", "vhd", sizes[i]));
		d = open_disk("a.vhd", "vhd", false);
		assert_int_equal(d->size_bytes, sizes[i]);
		fill(data, sizeof(data), (uint32_t)i);
		assert_int_equal(disk_write(d, sizes[i] - sizeof(data), data, sizeof(data)), 0);
		assert_int_equal(disk_flush(d), 0);
		disk_close(d);
		assert_int_equal(shell("qemu-img info -f vpc %s | grep -q '(%llu bytes)'", path_of("a.vhd"), (unsigned long long)sizes[i]), 0);
		assert_int_equal(shell("qemu-img convert -f vpc -O raw %s %s", path_of("a.vhd"), path_of("a.raw")), 0);
		assert_int_equal(shell("qemu-img compare -q -f vpc -F raw %s %s", path_of("a.vhd"), path_of("a.raw")), 0);
		assert_int_equal(shell("cmp -n %llu %s %s", (unsigned long long)sizes[i], path_of("a.vhd"), path_of("a.raw")), 0);
	}
}

static void test_we_read_the_vhd_qemu_img_creates(void **state)
{
	static uint8_t data[MIB], back[MIB];
	struct disk *d;

	(void)state;
	close(make("b.raw", "raw", 32 * MIB));
	d = open_disk("b.raw", "raw", false);
	fill(data, sizeof(data), 5);
	assert_int_equal(disk_write(d, 7 * MIB, data, sizeof(data)), 0);
	disk_close(d);
	assert_int_equal(shell("qemu-img convert -f raw -O vpc -o subformat=fixed,force_size %s %s", path_of("b.raw"), path_of("b.vhd")), 0);
	d = open_disk("b.vhd", "vhd", true);
	assert_int_equal(d->size_bytes, 32 * MIB);
	assert_int_equal(disk_read(d, 7 * MIB, back, sizeof(back)), 0);
	assert_memory_equal(data, back, sizeof(data));
	disk_close(d);
}

/* Sizes that are whole cylinders, in each branch of the specification's calculation below 500 MB. */
static const uint64_t whole_cylinders[] = { 993 * 4 * 17 * 512, 963 * 8 * 17 * 512, 900ull * 16 * 31 * 512 };

static void test_geometry_is_what_qemu_img_computes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(whole_cylinders) / sizeof(whole_cylinders[0]); i++) {
		unsigned long long size = whole_cylinders[i];
		uint8_t ours[512], theirs[512];
		int fd = make("c.vhd", "vhd", size);

		assert_int_equal(pread(fd, ours, 512, (off_t)size), 512);
		close(fd);
		assert_int_equal(shell("qemu-img create -q -f vpc -o subformat=fixed %s %llu", path_of("d.vhd"), size), 0);
		fd = open(path_of("d.vhd"), O_RDONLY | O_CLOEXEC);
		assert_int_equal(pread(fd, theirs, 512, (off_t)size), 512);
		close(fd);
		assert_memory_equal(ours + 40, theirs + 40, 24);	/* sizes, geometry, disk type */
	}
}

static void test_a_vhd_owns_its_blocks_and_raw_is_sparse(void **state)
{
	struct stat st;
	int fd = make("e.vhd", "vhd", 16 * MIB);

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 16 * MIB + 512);
	assert_true(st.st_blocks * 512ull >= 16 * MIB);
	close(fd);
	fd = make("e.raw", "raw", 5ull << 30);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_blocks * 512ull < MIB);
	close(fd);
}

static const struct { const char *what; off_t at; uint8_t xor; int want; } damages[] = {
	{ "cookie", 0, 1, -EILSEQ }, { "a reserved byte", 300, 1, -EILSEQ }, { "checksum", 64, 0x80, -EILSEQ }, { "size", 50, 1, -EILSEQ },
};

static void test_damaged_footers_are_refused(void **state)
{
	struct disk *d = NULL;
	uint8_t byte;

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		int fd = make("f.vhd", "vhd", 4 * MIB);

		assert_int_equal(pread(fd, &byte, 1, 4 * MIB + damages[i].at), 1);
		byte ^= damages[i].xor;
		assert_int_equal(pwrite(fd, &byte, 1, 4 * MIB + damages[i].at), 1);
		if (disk_open("vhd", fd, false, &d) != damages[i].want)
			fail_msg("a footer with a damaged %s was accepted", damages[i].what);
		assert_true(fcntl(fd, F_GETFD) >= 0);	/* still the caller's */
		close(fd);
	}
}

static void resum(uint8_t *footer)
{
	uint32_t sum = 0;

	memset(footer + 64, 0, 4);
	for (unsigned int i = 0; i < 512; i++)
		sum += footer[i];
	for (unsigned int i = 0; i < 4; i++)
		footer[64 + i] = (uint8_t)(~sum >> (24 - 8 * i));
}

static const struct { const char *what; unsigned int at; uint8_t value; int want; } lies[] = {
	{ "a dynamic disk without header", 63, 3, -EILSEQ }, { "a differencing disk without header", 63, 4, -EILSEQ }, { "a disk of type 5", 63, 5, -ENOTSUP }, { "version 2", 13, 2, -ENOTSUP },
	{ "a size beyond the file", 50, 0xff, -EILSEQ }, { "a size that is no whole sector", 55, 1, -EILSEQ },
};

static void test_footers_that_lie_with_a_good_checksum_are_refused(void **state)
{
	struct disk *d = NULL;
	uint8_t footer[512];

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		int fd = make("g.vhd", "vhd", 4 * MIB);

		assert_int_equal(pread(fd, footer, 512, 4 * MIB), 512);
		footer[lies[i].at] = lies[i].value;
		resum(footer);
		assert_int_equal(pwrite(fd, footer, 512, 4 * MIB), 512);
		if (disk_open("vhd", fd, false, &d) != lies[i].want)
			fail_msg("%s was not refused as it should be", lies[i].what);
		close(fd);
	}
	int fd = make("g.raw", "raw", 512);
	assert_int_equal(disk_open("vhd", fd, false, &d), -EILSEQ);
	assert_int_equal(disk_open("vmdk", fd, false, &d), -ENOTSUP);
	close(fd);
}

static void test_sizes_that_cannot_be_are_refused(void **state)
{
	int fd = open(path_of("h"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(disk_create("raw", fd, 0), -EINVAL);
	assert_int_equal(disk_create("raw", fd, 513), -EINVAL);
	assert_int_equal(disk_create("vhd", fd, (2040ull << 30) + 512), -EFBIG);
	assert_int_equal(disk_create("raw", fd, (64ull << 40) + 512), -EFBIG);
	close(fd);
}

static void test_ranges_and_rights_are_checked(void **state)
{
	static uint8_t data[1024];
	struct disk *d;

	(void)state;
	close(make("i.vhd", "vhd", MIB));
	d = open_disk("i.vhd", "vhd", true);
	assert_int_equal(disk_read(d, MIB - 512, data, 512), 0);
	assert_int_equal(disk_read(d, MIB - 512, data, 1024), -ERANGE);
	assert_int_equal(disk_read(d, UINT64_MAX - 511, data, 1024), -ERANGE);
	assert_int_equal(disk_read(d, 100, data, 512), -EINVAL);
	assert_int_equal(disk_read(d, 0, data, 100), -EINVAL);
	assert_int_equal(disk_write(d, 0, data, 512), -EROFS);
	disk_close(d);
}

/* --- the queue --- */

struct tracked { struct disk_request r; struct iovec iov[3]; int result; bool done; };

static void on_done(struct disk_request *r, int result)
{
	struct tracked *t = (struct tracked *)r;

	t->result = result;
	t->done = true;
}

static void wait_for(struct disk_queue *q, struct tracked *t)
{
	struct pollfd p = { .fd = disk_queue_fd(q), .events = POLLIN };

	while (!t->done) {
		assert_int_equal(poll(&p, 1, 10000), 1);
		disk_queue_reap(q);
	}
}

static void test_queued_requests_see_what_synchronous_ones_wrote(void **state)
{
	static uint8_t data[96 * 1024], back[96 * 1024];
	struct tracked write = { .r = { .op = DISK_WRITE, .offset = 512 * 33, .done = on_done } }, read, flush;
	struct disk_queue *q;
	struct disk *d;

	(void)state;
	close(make("j.vhd", "vhd", 8 * MIB));
	d = open_disk("j.vhd", "vhd", false);
	assert_int_equal(disk_queue_create(&q), 0);
	fill(data, sizeof(data), 77);
	write.iov[0] = (struct iovec) { data, 100 };		/* pieces need not be sectors, only their sum */
	write.iov[1] = (struct iovec) { data + 100, 65436 };
	write.iov[2] = (struct iovec) { data + 65536, 32768 };
	write.r.iov = write.iov;
	write.r.iov_count = 3;
	assert_int_equal(disk_submit(q, d, &write.r), 0);
	wait_for(q, &write);
	assert_int_equal(write.result, 0);
	flush = (struct tracked) { .r = { .op = DISK_FLUSH, .done = on_done } };
	assert_int_equal(disk_submit(q, d, &flush.r), 0);
	wait_for(q, &flush);
	assert_int_equal(flush.result, 0);
	assert_int_equal(disk_read(d, 512 * 33, back, sizeof(back)), 0);
	assert_memory_equal(data, back, sizeof(data));
	memset(back, 0, sizeof(back));
	read = (struct tracked) { .r = { .op = DISK_READ, .offset = 512 * 33, .iov_count = 1, .done = on_done } };
	read.iov[0] = (struct iovec) { back, sizeof(back) };
	read.r.iov = read.iov;
	assert_int_equal(disk_submit(q, d, &read.r), 0);
	disk_queue_destroy(q);				/* waits for it */
	assert_true(read.done);
	assert_memory_equal(data, back, sizeof(data));
	disk_close(d);
}

static void test_a_file_that_shrinks_is_an_error_not_a_hang(void **state)
{
	static uint8_t data[8192];
	struct tracked t = { .r = { .op = DISK_READ, .offset = 4096, .iov_count = 1, .done = on_done }, .iov = { { data, 8192 } } };
	struct disk_queue *q;
	struct disk *d;

	(void)state;
	close(make("k.raw", "raw", MIB));
	d = open_disk("k.raw", "raw", false);
	assert_int_equal(truncate(path_of("k.raw"), 8192), 0);
	assert_int_equal(disk_queue_create(&q), 0);
	t.r.iov = t.iov;
	assert_int_equal(disk_submit(q, d, &t.r), 0);
	wait_for(q, &t);
	assert_int_equal(t.result, -EIO);
	assert_int_equal(disk_read(d, 4096, data, 8192), -EIO);
	disk_queue_destroy(q);
	disk_close(d);
}

static void test_queued_requests_are_checked(void **state)
{
	static uint8_t data[1024];
	struct tracked t = { .r = { .op = DISK_READ, .iov_count = 1, .done = on_done }, .iov = { { data, 1000 } } };
	struct disk_queue *q;
	struct disk *d;

	(void)state;
	close(make("l.raw", "raw", 1024));
	d = open_disk("l.raw", "raw", true);
	assert_int_equal(disk_queue_create(&q), 0);
	t.r.iov = t.iov;
	assert_int_equal(disk_submit(q, d, &t.r), -EINVAL);
	t.iov[0].iov_len = 1024;
	t.r.offset = 512;
	assert_int_equal(disk_submit(q, d, &t.r), -ERANGE);
	t.r.offset = 0;
	t.r.op = DISK_WRITE;
	assert_int_equal(disk_submit(q, d, &t.r), -EROFS);
	t.r.iov_count = 0;
	t.r.op = DISK_READ;
	assert_int_equal(disk_submit(q, d, &t.r), -EINVAL);
	assert_false(t.done);
	disk_queue_destroy(q);
	disk_close(d);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return shell("rm -rf %s", folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qemu_img_reads_the_vhd_we_create),
		cmocka_unit_test(test_we_read_the_vhd_qemu_img_creates),
		cmocka_unit_test(test_geometry_is_what_qemu_img_computes),
		cmocka_unit_test(test_a_vhd_owns_its_blocks_and_raw_is_sparse),
		cmocka_unit_test(test_damaged_footers_are_refused),
		cmocka_unit_test(test_footers_that_lie_with_a_good_checksum_are_refused),
		cmocka_unit_test(test_sizes_that_cannot_be_are_refused),
		cmocka_unit_test(test_ranges_and_rights_are_checked),
		cmocka_unit_test(test_queued_requests_see_what_synchronous_ones_wrote),
		cmocka_unit_test(test_a_file_that_shrinks_is_an_error_not_a_hang),
		cmocka_unit_test(test_queued_requests_are_checked),
	};

	return cmocka_run_group_tests_name("disk", tests, make_folder, remove_folder);
}
