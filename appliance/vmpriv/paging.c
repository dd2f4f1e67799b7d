/* SPDX-License-Identifier: Apache-2.0 */
/* See paging.h. The header is the kernel's union swap_header (include/linux/swap.h), version 1: no bad pages, no name. */
#include "paging.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE		PAGING_HEADER_BYTES
#define MAGIC		"SWAPSPACE2"

struct swap_header {
	uint8_t boot_block[1024];
	uint32_t version, last_page, bad_pages;
	uint8_t rest[PAGE - 1024 - 3 * sizeof(uint32_t) - (sizeof(MAGIC) - 1)];
	char magic[sizeof(MAGIC) - 1];
};
_Static_assert(sizeof(struct swap_header) == PAGE, "union swap_header");

/* Whose it was decides: a file that vmms can write to, but does not own, is not its to give. */
static int check_file(int fd, uid_t owner, uint64_t bytes)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || (st.st_uid != owner && st.st_uid != 0))
		return -EINVAL;
	return (uint64_t)st.st_size == bytes + PAGE && bytes % PAGE == 0 && bytes / PAGE < UINT32_MAX ? 0 : -EINVAL;
}

int paging_prepare(int fd, uid_t owner, uint64_t bytes)
{
	struct swap_header h = { .version = 1, .last_page = (uint32_t)(bytes / PAGE) };
	int r = check_file(fd, owner, bytes);
	ssize_t n;

	if (r < 0)
		return r;
	memcpy(h.magic, MAGIC, sizeof(h.magic));
	if (fchown(fd, 0, 0) < 0 || fchmod(fd, 0600) < 0)
		return -errno;
	n = pwrite(fd, &h, sizeof(h), 0);
	if (n != (ssize_t)sizeof(h))
		return n < 0 ? -errno : -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}
