/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot of a VM's screen as PNG. */
#ifndef WEBAPI_SCREEN_H
#define WEBAPI_SCREEN_H

#include <stddef.h>
#include <stdint.h>

struct screen { /* XRGB8888 pixels in a memfd; size and content are the worker's, so not trusted */
	int fd;
	uint32_t width, height, stride;
};

/*
 * Scales down to max_width (0: as it is). 0 and a malloc'd file, -EINVAL for impossible sizes, -EIO when
 * pixels are missing.
 */
int screen_to_png(const struct screen *s, uint32_t max_width, char **png, size_t *size);

#endif
