/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies as JSON, then the checks that resources make of their fields. What is taken is an object whose texts are whole. */
#include "tests/fuzz/input.h"

#include "http/body.h"
#include "http/field.h"
#include "http/route.h"

#include <stdlib.h>
#include <string.h>

static void check_fields(const json_t *body)
{
	struct field_check check = { .body = body };
	struct reply rep = { 0 };
	const char *name = need_string(&check, "name", 1, 8);

	if (name && (check.code || strlen(name) > 8 * 4))
		abort();
	(void)may_string(&check, "notes", 0, 100);
	no_other_fields(&check);
	if (field_reply(&check, &rep) != (check.code != NULL))
		abort();
	reply_clear(&rep);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct route route = { .body = BODY_JSON };
	struct request req = { .route = &route };
	struct reply rep = { 0 };
	char *body = malloc(size ? size : 1);

	if (size)
		memcpy(body, data, size);
	if (body_parse(&req, body, size, &rep)) {
		if (!json_is_object(req.body))
			abort();
		check_fields(req.body);
	}
	json_decref(req.body);
	reply_clear(&rep);
	free(body);
	return 0;
}
