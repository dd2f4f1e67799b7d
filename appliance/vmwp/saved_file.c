/* SPDX-License-Identifier: Apache-2.0 */
/* See saved_file.h. */
#include "vmwp/saved_file.h"

#include <errno.h>
#include <unistd.h>

int saved_put(int fd, const void *from, size_t size, uint64_t *at)
{
	const uint8_t *bytes = from;

	while (size) {
		ssize_t n = pwrite(fd, bytes, size, (off_t)*at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		bytes += n;
		size -= (size_t)n;
		*at += (uint64_t)n;
	}
	return 0;
}

int saved_take(int fd, void *to, size_t size, uint64_t *at)
{
	uint8_t *bytes = to;

	while (size) {
		ssize_t n = pread(fd, bytes, size, (off_t)*at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		bytes += n;
		size -= (size_t)n;
		*at += (uint64_t)n;
	}
	return 0;
}
