/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a name to the descriptors of its chain, for programs that have a file system (vmms, partita-vdisk). Parents are found by
 * the paths in their children, below `folder` only: nothing above it is opened, whatever an image says.
 */
#ifndef STORAGE_CHAIN_FILES_H
#define STORAGE_CHAIN_FILES_H

#include "storage/disk.h"

#define CHAIN_PATH_MAX	1024

struct chain_files {
	struct disk_source source[DISK_CHAIN_MAX];		/* descriptors are owned until somebody takes them */
	char path[DISK_CHAIN_MAX][CHAIN_PATH_MAX];		/* relative to the folder */
	size_t count;
};

/* `format` of the first (NULL: by its contents); `writable`: how many of them, from the first on, to open for writing; `flags`:
 * further open(2) flags, O_DIRECT say. 0 or negative errno with disk_error_text(); then nothing is open. */
int chain_files_open(int folder, const char *name, const char *format, size_t writable, int flags, struct chain_files *out);
void chain_files_close(struct chain_files *c);

#endif
