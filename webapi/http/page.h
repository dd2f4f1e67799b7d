/* SPDX-License-Identifier: Apache-2.0 */
/* Answers GET of a collection: {"items": […], "nextCursor": …} by ?limit=, ?cursor=, ?filter= and ?sort= (selection.h). */
#ifndef WEBAPI_HTTP_PAGE_H
#define WEBAPI_HTTP_PAGE_H

#include "http/reply.h"
#include "http/request.h"

#define PAGE_QUERY		"limit cursor filter sort"	/* what such a row takes */
#define PAGE_LIMIT_DEFAULT	200
#define PAGE_LIMIT_MAX		1000

/* 0 and the limit asked for or the default, or -1 with the refusal in rep. */
int page_limit(const struct request *req, struct reply *rep, uint64_t *limit);
/* `items` is borrowed. The cursor is the id of the last item of the page before. */
void page_reply(const struct request *req, struct reply *rep, json_t *items);

#endif
