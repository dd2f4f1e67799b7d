/* SPDX-License-Identifier: Apache-2.0 */
/* The browser UI's files. */
#ifndef WEBAPI_HTTP_STATIC_H
#define WEBAPI_HTTP_STATIC_H

#include "http/request.h"

struct static_file {
	int fd;				/* the caller's */
	uint64_t size;
	const char *content_type;
	const char *encoding;		/* "br", "gzip" or NULL */
	const char *cache;		/* Cache-Control */
	char etag[64];			/* "": none */
	bool not_modified;		/* the client has it: 304, fd is -1 */
};

/* 0, or -ENOENT. Paths outside the folder cannot be named: openat2(2) refuses them. */
int static_open(int ui_fd, const struct request *req, struct static_file *out);

#endif
