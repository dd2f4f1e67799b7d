/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's own reading and writing of image files: whole or an error, whatever the alignment, also with O_DIRECT.
 */
#ifndef STORAGE_IMAGE_H
#define STORAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

int64_t image_size(int fd);						/* of a file or block device; or negative errno */
int image_read(int fd, uint64_t offset, void *to, size_t bytes);		/* -EILSEQ: the file ends before */
int image_write(int fd, uint64_t offset, const void *from, size_t bytes);
int image_sync(int fd);
int image_set_size(int fd, uint64_t bytes);
int image_reserve(int fd, uint64_t offset, uint64_t bytes);		/* -ENOSPC now rather than later */
int image_zero(int fd, uint64_t offset, uint64_t bytes);			/* keeps the space */
int image_punch(int fd, uint64_t offset, uint64_t bytes);		/* zeros; the space goes back to the file system */
unsigned int image_direct_align(int fd);					/* 0: not O_DIRECT */

#endif
