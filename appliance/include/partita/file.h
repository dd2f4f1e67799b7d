/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole small files that survive a power cut: written under a temporary name, fsync, renamed, directory fsync. A reader sees
 * the old content or the new, never a mixture. Left-over temporaries are removed at start by their owner.
 */
#ifndef PARTITA_FILE_H
#define PARTITA_FILE_H

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

#define FILE_TEMPORARY_PREFIX	".tmp-"

/* All take names relative to an open directory; 0 or negative errno. */
int file_write(int dir_fd, const char *name, const void *data, size_t size, mode_t mode);
int file_read(int dir_fd, const char *name, size_t size_max, char **data, size_t *size);	/* NUL appended; free() */
int file_remove(int dir_fd, const char *name);		/* and the removal is on disk; absent is fine */
int file_write_json(int dir_fd, const char *name, const json_t *value, mode_t mode);
int file_read_json(int dir_fd, const char *name, size_t size_max, json_t **value);		/* an object; -EBADMSG */
int file_remove_temporaries(int dir_fd);		/* number removed */
int directory_open(int dir_fd, const char *name, mode_t mode);	/* creates it (durably) when absent; descriptor */

#endif
