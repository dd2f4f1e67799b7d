/* SPDX-License-Identifier: Apache-2.0 */
/* ?filter= and ?sort= of any text on a list with every kind of value: sorting loses nothing, a filter that is taken can be asked. */
#include "tests/fuzz/input.h"

#include "http/selection.h"

#include <stdlib.h>
#include <string.h>

static const char items_text[] =
	"[{\"id\":\"1\",\"name\":\"web\",\"size\":9,\"on\":true,\"at\":{\"n\":3}},"
	" {\"id\":\"2\",\"name\":\"Db,old\",\"size\":10.5,\"on\":false,\"at\":{\"n\":{\"m\":1}}},"
	" {\"id\":\"3\",\"name\":\"\\u00e4pp\",\"size\":-9,\"on\":null,\"at\":[1,2],\"parent\":\"\"}]";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static json_t *items;
	struct selection s = { 0 };
	json_t *sorted, *item;
	char *text = strndup(size ? (const char *)data : "", size);
	size_t i;

	if (!items)
		items = json_loads(items_text, 0, NULL);
	if (selection_parse(text, &s) == 0) {
		json_array_foreach(items, i, item)
			(void)selection_takes(&s, item);
	}
	selection_clear(&s);
	sorted = selection_sort(items, text[0] == '-' ? text + 1 : text);
	if (!sorted || json_array_size(sorted) != json_array_size(items))
		abort();
	json_decref(sorted);
	(void)selection_knows(items, text);
	free(text);
	return 0;
}
