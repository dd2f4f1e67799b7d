/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages through a list by the id of the last item seen, so that items added or removed meanwhile do not
 * shift a page.
 */
#include "http/page.h"

#include "http/selection.h"

#include <errno.h>
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

/* The next `limit` items that the filter takes. */
static json_t *cut_page(json_t *items, size_t from, size_t limit, const struct selection *wanted)
{
	json_t *page = json_array(), *last = NULL;
	bool more = false;

	for (size_t i = from; i < json_array_size(items) && !more; i++) {
		json_t *item = json_array_get(items, i);

		if (!selection_takes(wanted, item))
			continue;
		more = json_array_size(page) == limit;
		if (!more)
			json_array_append(page, last = item);
	}
	return json_pack("{s:o, s:O?}", "items", page, "nextCursor", more ? json_object_get(last, "id") : NULL);
}

static bool is_known(const json_t *items, const char *field, const char *parameter, struct reply *rep)
{
	if (selection_knows(items, field))
		return true;
	reply_error(rep, 422, "unknown_field", parameter, "The items of this list have no field %.64s.", field);
	return false;
}

static bool parse_filter(const struct request *req, struct reply *rep, const json_t *items, struct selection *out)
{
	char *text = request_query(req, "filter");
	int r = text ? selection_parse(text, out) : 0;

	free(text);
	if (r < 0)
		reply_error(rep, 422, "out_of_range", "filter",
		            "filter is at most %d conditions like name~web or state=running, separated by commas.",
		            SELECTION_CONDITIONS_MAX);
	for (size_t i = 0; r == 0 && i < out->count; i++)
		if (!is_known(items, out->conditions[i].field, "filter", rep))
			r = -EINVAL;
	return r == 0;
}

/* A new reference to the list in the order asked for; NULL: refused. */
static json_t *in_order(const struct request *req, struct reply *rep, json_t *items)
{
	char *field = request_query(req, "sort");
	json_t *sorted = NULL;

	if (!field)
		return json_incref(items);
	if (is_known(items, field + (field[0] == '-'), "sort", rep))
		sorted = selection_sort(items, field);
	free(field);
	return sorted;
}

static void reply_from(const struct request *req, struct reply *rep, json_t *items, const struct selection *wanted)
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
		reply_json(rep, 200, cut_page(items, (size_t)from, limit, wanted));
}

void page_reply(const struct request *req, struct reply *rep, json_t *items)
{
	struct selection wanted = { .count = 0 };
	json_t *ordered = parse_filter(req, rep, items, &wanted) ? in_order(req, rep, items) : NULL;

	if (ordered)
		reply_from(req, rep, ordered, &wanted);
	json_decref(ordered);
	selection_clear(&wanted);
}
