/* SPDX-License-Identifier: Apache-2.0 */
/* Files that somebody uploads as install media: whatever the descriptors say, a length comes out that the file really lacks. */
#include "tests/fuzz/input.h"

#include "vmms/library.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECTOR		2048u
#define FIRST		16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t sector[256] = { 1, 'C', 'D', '0', '0', '1', 1 };
	uint64_t volume_bytes = 0, bytes;
	int fd = memfd_create("iso", MFD_CLOEXEC);

	input_begin(data, size);
	bytes = (uint64_t)below(64) * SECTOR + below(SECTOR);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		abort();
	for (unsigned int n = FIRST; input_left() && n < FIRST + 8; n++) {
		sector[0] = (uint8_t)(once_in(4) ? input_number(1) : below(2) ? 1 : 255);
		input_take(sector + 80, 8);
		input_take(sector + 128, 4);
		if (once_in(16))
			input_take(sector + 1, 6);
		if (pwrite(fd, sector, sizeof(sector), (off_t)n * SECTOR) < 0)
			abort();
	}
	bytes = (uint64_t)lseek(fd, 0, SEEK_END);
	if (iso9660_check(fd, &volume_bytes) == -ENODATA && volume_bytes <= bytes)
		abort();
	close(fd);
	return 0;
}
