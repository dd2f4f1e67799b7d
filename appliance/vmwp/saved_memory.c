/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of guest RAM in a file: pieces of {u64 offset in RAM, u64 length, bytes}, ended by a length of 0. What nobody has
 * touched since the start, or what a balloon gave back, is a hole of the memfd and is not even looked at; pages of zeros are
 * left out. Read back into RAM that is all zeros.
 */
#include "vmwp/machine.h"
#include "vmwp/saved_file.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PAGE		4096u
#define PIECE_MAX	(4u << 20)

struct piece { uint64_t offset, length; };	/* little-endian */

static int put_piece(int fd, const uint8_t *ram, uint64_t offset, uint64_t length, uint64_t *file_at)
{
	struct piece piece = { htole64(offset), htole64(length) };
	int r = saved_put(fd, &piece, sizeof(piece), file_at);

	return r == 0 && length ? saved_put(fd, ram + offset, length, file_at) : r;
}

static bool page_is_zero(const uint8_t *page)
{
	return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* The next run of pages within [at, end) that hold something; empty at `end`. */
static uint64_t run_find(const uint8_t *ram, uint64_t *at, uint64_t end)
{
	uint64_t length = 0;

	while (*at < end && page_is_zero(ram + *at))
		*at += PAGE;
	while (*at + length < end && length < PIECE_MAX && !page_is_zero(ram + *at + length))
		length += PAGE;
	return length;
}

static int put_range(int fd, const uint8_t *ram, uint64_t at, uint64_t end, uint64_t *file_at)
{
	uint64_t length;
	int r = 0;

	while (r == 0 && (length = run_find(ram, &at, end)) > 0) {
		r = put_piece(fd, ram, at, length, file_at);
		at += length;
	}
	return r;
}

/* The next range the memfd has pages for; false: there is none. */
static bool data_find(int memory, uint64_t bytes, uint64_t *at, uint64_t *end)
{
	off_t data = lseek(memory, (off_t)*at, SEEK_DATA), hole;

	if (data < 0 || (uint64_t)data >= bytes)
		return false;
	hole = lseek(memory, data, SEEK_HOLE);
	*at = (uint64_t)data;
	*end = hole < 0 || (uint64_t)hole > bytes ? bytes : (uint64_t)hole;
	return *at < *end;
}

int guest_memory_save(struct machine *m, int fd, uint64_t *offset)
{
	uint64_t bytes, at = 0, end;
	uint8_t *ram;
	int memory = guest_memory_backing(m, &ram, &bytes), r = 0;

	for (; r == 0 && data_find(memory, bytes, &at, &end); at = end)
		r = put_range(fd, ram, at, end, offset);
	if (r == 0)
		r = put_piece(fd, ram, 0, 0, offset);
	return r;
}

int guest_memory_load(struct machine *m, int fd, uint64_t *offset)
{
	struct piece piece;
	uint64_t bytes, room = guest_ram_space(m);	/* what was added to the guest is added again later */
	uint8_t *ram;
	int r;

	(void)guest_memory_backing(m, &ram, &bytes);
	while ((r = saved_take(fd, &piece, sizeof(piece), offset)) == 0 && piece.length) {
		uint64_t at = le64toh(piece.offset), length = le64toh(piece.length);

		if (length > PIECE_MAX || at > room || length > room - at)
			return -EBADMSG;
		r = saved_take(fd, ram + at, length, offset);
		if (r < 0)
			break;
	}
	return r;
}
