/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a saved state's file, in order: *at is moved on. 0 or negative errno. */
#ifndef VMWP_SAVED_FILE_H
#define VMWP_SAVED_FILE_H

#include <stddef.h>
#include <stdint.h>

int saved_put(int fd, const void *from, size_t size, uint64_t *at);	/* -ENOSPC when the volume is full */
int saved_take(int fd, void *to, size_t size, uint64_t *at);		/* -EBADMSG when the file ends before */

#endif
