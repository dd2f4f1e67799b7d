/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer between the network and the disk. One thread at a time touches it: the HTTP thread, or a
 * worker while suspended.
 */
#include "http/upload.h"

#include "http/range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool upload_part_parse(const struct request *req, struct reply *rep, struct upload *u, const char *empty)
{
	const char *text = req->header[HEADER_CONTENT_RANGE];
	struct content_range range = { 0, u->expected - 1, u->expected };

	if (u->expected == 0) {
		reply_error(rep, 422, empty, NULL, "The file is empty.");
		return false;
	}
	if (text && (content_range_parse(text, &range) < 0 || range.last - range.first + 1 != u->expected)) {
		reply_problem(
		    rep, 400, "malformed_request", "Content-Range",
		    "Content-Range must be \"bytes FIRST-LAST/TOTAL\" and agree with Content-Length.", NULL);
		return false;
	}
	u->offset = range.first;
	u->total = range.total;
	return true;
}

int upload_init(struct upload *u)
{
	*u = (struct upload){ .fd = -1, .buffer = malloc(UPLOAD_BUFFER_SIZE) };
	return u->buffer ? 0 : -ENOMEM;
}

void upload_fini(struct upload *u)
{
	if (u->buffer && u->fd >= 0)
		close(u->fd);
	free(u->buffer);
	*u = (struct upload){ .fd = -1 };
}

size_t upload_take(struct upload *u, const void *data, size_t size)
{
	size_t room = UPLOAD_BUFFER_SIZE - u->fill;

	size = size < room ? size : room;
	if (u->error)
		return size;
	memcpy(u->buffer + u->fill, data, size);
	u->fill += size;
	return size;
}

bool upload_is_full(const struct upload *u)
{
	return u->fill == UPLOAD_BUFFER_SIZE;
}

void upload_flush(struct upload *u)
{
	size_t done = 0;

	while (done < u->fill && !u->error) {
		ssize_t n = write(u->fd, u->buffer + done, u->fill - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			u->error = n == 0 ? -EIO : -errno;
	}
	u->received += done;
	u->fill = 0;
}
