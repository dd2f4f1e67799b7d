/* SPDX-License-Identifier: Apache-2.0 */
/* See base.h. */
#include "tests/fuzz/storage/base.h"

#include "storage/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_AT		MIB
#define LOG_BYTES	MIB
#define BLOCK		(64 * KIB)

static int files[BASES];

static const struct { const char *format; enum disk_kind kind; enum base parent; bool dirty; } bases[BASES] = {
	[BASE_VHDX] = { "vhdx", DISK_DYNAMIC, BASES, false },
	[BASE_VHDX_DIRTY] = { "vhdx", DISK_DYNAMIC, BASES, true },
	[BASE_VHDX_CHILD] = { "vhdx", DISK_DIFFERENCING, BASE_VHDX, false },
	[BASE_VHD] = { "vhd", DISK_DYNAMIC, BASES, false },
	[BASE_VHD_CHILD] = { "vhd", DISK_DIFFERENCING, BASE_VHD, false },
	[BASE_VHD_FIXED] = { "vhd", DISK_FIXED, BASES, false },
};

static void must(bool good)
{
	if (!good)
		abort();
}

static int new_file(void)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	must(fd >= 0);
	return fd;
}

const char *base_format(enum base b) { return bases[b].format; }

uint64_t file_bytes(int fd)
{
	struct stat st;

	must(fstat(fd, &st) == 0);
	return (uint64_t)st.st_size;
}

/* Only where the file has data. */
static int copy_of(int from)
{
	static uint8_t bytes[BLOCK];
	int to = new_file();
	off_t end, at = lseek(from, 0, SEEK_DATA);

	must(ftruncate(to, (off_t)file_bytes(from)) == 0);
	for (; at >= 0; at = lseek(from, end, SEEK_DATA)) {
		end = lseek(from, at, SEEK_HOLE);
		while (at < end) {
			ssize_t n = pread(from, bytes, (size_t)(end - at) < BLOCK ? (size_t)(end - at) : BLOCK, at);

			must(n > 0 && pwrite(to, bytes, (size_t)n, at) == n);
			at += n;
		}
	}
	return to;
}

static void write_some(struct disk *d)
{
	static uint8_t data[16 * 1024];

	memset(data, 0x5a, sizeof(data));
	must(disk_write(d, 0, data, sizeof(data)) == 0 && disk_write(d, 3 * MIB - 4096, data, 8192) == 0 && disk_flush(d) == 0);
}

static struct disk *parent_open(enum base b)
{
	struct disk *parent = NULL;

	if (b != BASES)
		must(disk_open(bases[b].format, base_copy(b), true, &parent) == 0);
	return parent;
}

static int make(enum base b)
{
	struct disk *parent = parent_open(bases[b].parent), *d;
	const struct disk_new n = {
		.format = bases[b].format, .kind = bases[b].kind, .size_bytes = 8 * MIB, .block_bytes = MIB, .parent = parent,
		.parent_relative = parent ? "..\\base" : NULL, .parent_absolute = parent ? "/images/base" : NULL,
	};
	struct disk_source chain[2] = { { n.format, new_file() }, { n.format, -1 } };
	int file = fcntl(chain[0].fd, F_DUPFD_CLOEXEC, 3), as_it_is = -1;

	must(disk_create_image(chain[0].fd, &n) == 0);
	disk_close(parent);
	if (parent)
		chain[1].fd = base_copy(bases[b].parent);
	must(disk_open_chain(chain, parent ? 2 : 1, false, &d) == 0);
	write_some(d);
	if (bases[b].dirty)
		as_it_is = copy_of(file);
	must(disk_close(d) == 0);
	return bases[b].dirty ? as_it_is : file;
}

int base_copy(enum base b)
{
	if (!files[b])
		files[b] = make(b);
	return copy_of(files[b]);
}

/* --- checksums --- */

static void seal32(int fd, uint64_t at, uint32_t bytes)
{
	uint8_t *structure = calloc(1, bytes);
	uint32_t crc;

	if (pread(fd, structure, bytes, (off_t)at) == (ssize_t)bytes) {
		crc = crc32c_without(structure, bytes, 4);
		must(pwrite(fd, &crc, 4, (off_t)at + 4) == 4);
	}
	free(structure);
}

void seal_headers(int fd)
{
	seal32(fd, 64 * KIB, 4096);
	seal32(fd, 128 * KIB, 4096);
}

void seal_regions(int fd)
{
	seal32(fd, 192 * KIB, 64 * KIB);
	seal32(fd, 256 * KIB, 64 * KIB);
}

void seal_log(int fd)
{
	for (uint64_t at = LOG_AT; at < LOG_AT + LOG_BYTES; at += 4096) {
		struct { char signature[4]; uint32_t checksum, length; } entry;

		if (pread(fd, &entry, sizeof(entry), (off_t)at) != sizeof(entry))
			return;
		if (!memcmp(entry.signature, "loge", 4) && entry.length >= 64 && entry.length <= LOG_AT + LOG_BYTES - at)
			seal32(fd, at, entry.length);
	}
}

static void seal_sum(int fd, uint64_t at, uint32_t bytes, uint32_t hole)
{
	uint8_t structure[1024] = { 0 }, sum[4];
	uint32_t n = 0;

	if (pread(fd, structure, bytes, (off_t)at) != (ssize_t)bytes)
		return;
	memset(structure + hole, 0, 4);
	for (uint32_t i = 0; i < bytes; i++)
		n += structure[i];
	for (unsigned int i = 0; i < 4; i++)
		sum[i] = (uint8_t)(~n >> (24 - 8 * i));
	must(pwrite(fd, sum, 4, (off_t)(at + hole)) == 4);
}

void seal_vhd(int fd)
{
	char cookie[8];

	if (pread(fd, cookie, 8, 0) == 8 && !memcmp(cookie, "conectix", 8)) {
		seal_sum(fd, 0, 512, 64);
		seal_sum(fd, 512, 1024, 36);
	}
	if (file_bytes(fd) >= 512)
		seal_sum(fd, file_bytes(fd) - 512, 512, 64);
}
