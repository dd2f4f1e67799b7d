/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the disk library only: the formats that disk_open() knows, and what disk.c and queue.c share.
 */
#ifndef STORAGE_FORMATS_H
#define STORAGE_FORMATS_H

#include "storage/disk.h"

#define DISK_SECTOR	512u

extern const struct disk_ops raw_disk_ops;
extern const struct disk_ops vhd_disk_ops;

/* 0; -EINVAL: not whole sectors; -ERANGE: beyond the end of the disk. */
int disk_check_range(const struct disk *d, uint64_t offset, uint64_t size);

/* The file's (or block device's) size, or negative errno. */
int64_t disk_file_size(int fd);

/* map() of a format whose sectors lie in the file as they lie on the disk. */
int disk_map_identity(struct disk *d, uint64_t offset, uint64_t *file_offset, uint64_t *bytes);

#endif
