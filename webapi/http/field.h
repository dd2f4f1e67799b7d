/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of a JSON body's fields. The first wrong field wins: later checks do nothing. After the last one
 * the handler asks check.code, or calls field_reply().
 */
#ifndef WEBAPI_HTTP_FIELD_H
#define WEBAPI_HTTP_FIELD_H

#include "http/reply.h"

#include <jansson.h>
#include <stdbool.h>

struct field_check {
	const json_t *body;
	const char *known[16];		/* names asked for so far: anything else is unknown */
	size_t known_count;
	const char *code;		/* NULL: nothing wrong so far */
	char field[128];
	char detail[256];
};

/* Each gives NULL (and notes the fault) unless the field is right. Lengths count Unicode characters. */
const char *need_string(struct field_check *c, const char *name, size_t min, size_t max);
const char *may_string(struct field_check *c, const char *name, size_t min,
                       size_t max); /* NULL also when absent */
void field_wrong(struct field_check *c, const char *name, const char *code, const char *detail);
void no_other_fields(struct field_check *c);
bool field_reply(const struct field_check *c, struct reply *rep);	/* true when it answered 422 */

#endif
