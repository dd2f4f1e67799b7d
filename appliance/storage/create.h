/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the disk library only: how each format makes an image. */
#ifndef STORAGE_CREATE_H
#define STORAGE_CREATE_H

#include "storage/manage.h"

int vhdx_create_image(int fd, const struct disk_new *n);
int vhd_create_image(int fd, const struct disk_new *n);

/* What a new differencing image says of its parent. */
int create_parent(const struct disk_new *n, struct disk_parent *out);

#endif
