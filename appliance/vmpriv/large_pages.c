/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests' memory is shared memory of their workers, which ask for large pages (madvise); the kernel gives them for that only
 * where it is told to. The kernel's Documentation/admin-guide/mm/transhuge.rst, "Hugepages in tmpfs/shmem".
 */
#include "vmpriv.h"

#include "partita/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define POLICY	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

void large_pages_offer(void)
{
	static const char advise[] = "advise";
	int fd = open(POLICY, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, advise, sizeof(advise) - 1) < 0)
		log_warning("%s: %s; guests' memory has no large pages", POLICY, strerror(errno));
	if (fd >= 0)
		close(fd);
}
