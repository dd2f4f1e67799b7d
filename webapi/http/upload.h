/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file on its way from a request's body to a descriptor. The HTTP thread fills the buffer; a worker
 * empties it while the connection is suspended, so that a slow disk holds back the one client and nobody
 * else.
 */
#ifndef WEBAPI_HTTP_UPLOAD_H
#define WEBAPI_HTTP_UPLOAD_H

#include "http/reply.h"
#include "http/request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPLOAD_BUFFER_SIZE	(256u << 10)

struct upload {
	int fd;				/* -1 until opened */
	uint64_t offset, total;		/* where this part begins, size of the whole file */
	uint64_t expected;		/* bytes of this part */
	uint64_t received;		/* of them, stored so far */
	size_t fill;
	unsigned char *buffer;
	int error;			/* negative errno of the write that failed; later bytes are dropped */
};

/* Which part of which size the body is: all of it, or what Content-Range says. False: refused; `empty`: the code for no bytes. */
bool upload_part_parse(const struct request *req, struct reply *rep, struct upload *u, const char *empty);

int upload_init(struct upload *u);		/* 0 or -ENOMEM */
void upload_fini(struct upload *u);		/* accepts a zeroed one */
size_t upload_take(struct upload *u, const void *data, size_t size);	/* how much fitted */
bool upload_is_full(const struct upload *u);
void upload_flush(struct upload *u);		/* blocks */

#endif
