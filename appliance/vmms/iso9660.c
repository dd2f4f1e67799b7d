/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this file a whole ISO 9660 image? ECMA-119, 8.4: the primary volume descriptor in logical sector 16 or soon after it says how
 * many blocks the volume has; a download that was cut off is shorter. The file is hostile: only fixed offsets are read.
 */
#include "library.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR			2048u
#define FIRST_DESCRIPTOR	16u
#define DESCRIPTORS_MAX         64u /* the set ends with a terminator; nobody writes more than a handful */
#define TYPE_PRIMARY		1u
#define TYPE_TERMINATOR		255u

static uint32_t little32(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static int judge_primary(const unsigned char *d, uint64_t file_bytes, uint64_t *volume_bytes)
{
	uint32_t blocks = little32(d + 80);		/* 8.4.8 volume space size */
	unsigned int block_bytes = d[128] | d[129] << 8;	/* 8.4.12 logical block size */

	if (blocks == 0 || (block_bytes != 512 && block_bytes != 1024 && block_bytes != 2048))
		return -EILSEQ;
	*volume_bytes = (uint64_t)blocks * block_bytes;
	return *volume_bytes > file_bytes ? -ENODATA : 0;
}

int iso9660_check(int fd, uint64_t *volume_bytes)
{
	unsigned char d[SECTOR];
	struct stat st;

	*volume_bytes = 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	for (unsigned int i = 0; i < DESCRIPTORS_MAX; i++) {
		ssize_t n = pread(fd, d, sizeof(d), (off_t)(FIRST_DESCRIPTOR + i) * SECTOR);

		if (n < 0)
			return -errno;
		if (n != (ssize_t)sizeof(d) || memcmp(d + 1, "CD001", 5) != 0 || d[0] == TYPE_TERMINATOR)
			return -EILSEQ;
		if (d[0] == TYPE_PRIMARY)
			return judge_primary(d, (uint64_t)st.st_size, volume_bytes);
	}
	return -EILSEQ;
}
