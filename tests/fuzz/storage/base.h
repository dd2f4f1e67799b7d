/* SPDX-License-Identifier: Apache-2.0 */
/* Good images, made by the disk library once, of which each input gets a copy. */
#ifndef FUZZ_BASE_H
#define FUZZ_BASE_H

#include "storage/manage.h"

#define KIB	1024ull
#define MIB	(1024 * KIB)

/* VHDX_DIRTY: as it is while it is in use, with an entry in its log. Children lie over the first of their format. */
enum base { BASE_VHDX, BASE_VHDX_DIRTY, BASE_VHDX_CHILD, BASE_VHD, BASE_VHD_CHILD, BASE_VHD_FIXED, BASES };

const char *base_format(enum base b);
int base_copy(enum base b);			/* a descriptor of a new file */
uint64_t file_bytes(int fd);

/* Checksums of what a copy says are made good again, so that the reader looks behind them. */
void seal_headers(int fd);			/* VHDX */
void seal_regions(int fd);
void seal_log(int fd);
void seal_vhd(int fd);

#endif
