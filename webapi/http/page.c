/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages through a list by the id of the last item seen, so that items added or removed meanwhile do not
 * shift a page.
 */
#include "http/page.h"

#include <stdlib.h>
#include <string.h>

int page_limit(const struct request *req, struct reply *rep, uint64_t *limit)
{
	*limit = PAGE_LIMIT_DEFAULT;
	if (request_query_u64(req, "limit", 1, PAGE_LIMIT_MAX, limit) >= 0)
		return 0;
	reply_error(rep, 422, "out_of_range", "limit", "limit must be a number from 1 to %d.", PAGE_LIMIT_MAX);
	return -1;
}

/* Index of the item after the cursor; -1 when no item has that id. */
static int after_cursor(json_t *items, const char *cursor)
{
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item) {
		const char *id = json_string_value(json_object_get(item, "id"));

		if (id && strcmp(id, cursor) == 0)
			return (int)i + 1;
	}
	return -1;
}

static json_t *cut_page(json_t *items, size_t from, size_t limit)
{
	json_t *page = json_array(), *last = NULL;
	size_t i;

	for (i = from; i < json_array_size(items) && i - from < limit; i++) {
		last = json_array_get(items, i);
		json_array_append(page, last);
	}
	return json_pack("{s:o, s:O?}", "items", page, "nextCursor",
			 i < json_array_size(items) ? json_object_get(last, "id") : NULL);
}

void page_reply(const struct request *req, struct reply *rep, json_t *items)
{
	char *cursor = request_query(req, "cursor");
	uint64_t limit;
	int from = cursor ? after_cursor(items, cursor) : 0;

	free(cursor);
	if (page_limit(req, rep, &limit) < 0)
		return;
	if (from < 0)
		reply_error(rep, 422, "out_of_range", "cursor",
		            "The item that this cursor names is gone; start again without it.");
	else
		reply_json(rep, 200, cut_page(items, (size_t)from, limit));
}
