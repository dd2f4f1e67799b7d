/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Smart Paging: the part of a VM's memory that the host does not have is a file, for the time of its boot. The file is a swap file of the
 * kernel's, and the VM's control group the only one that may use it: every other has memory.swap.max 0 (services by their units).
 */
#ifndef VMPRIV_PAGING_H
#define VMPRIV_PAGING_H

#include <stdint.h>
#include <sys/types.h>

#define PAGING_HEADER_BYTES	4096u		/* at the file's begin, besides what it can hold */

/* paging.c. All 0 or negative errno; -EINVAL: not a file as it has to be. */
int paging_prepare(int fd, uid_t owner, uint64_t bytes);	/* root's alone from now on, with a header */

/* swap.c: the kernel's part. The file is named by a descriptor, which may be one of O_PATH. */
int paging_limit(int parent, const char *group, uint64_t resident_bytes, uint64_t paged_bytes);	/* resident 0: no limit */
int swap_use(int fd);
int swap_leave(int fd);				/* waits until all of it is in memory again; 0 also when it was not in use */

#endif
