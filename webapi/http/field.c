/* SPDX-License-Identifier: Apache-2.0 */
/* Field checks for the bodies that webapi itself judges (sessions, users, tokens); vmms judges its own. */
#include "http/field.h"

#include <stdio.h>
#include <string.h>

void field_wrong(struct field_check *c, const char *name, const char *code, const char *detail)
{
	if (c->code)
		return;
	c->code = code;
	snprintf(c->field, sizeof(c->field), "%s", name);
	snprintf(c->detail, sizeof(c->detail), "%s", detail);
}

static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;	/* not a UTF-8 continuation byte */
	return n;
}

static const char *check_string(struct field_check *c, const char *name, const json_t *value, size_t min,
                                size_t max)
{
	const char *text = json_string_value(value);
	char detail[128];

	if (!text) {
		field_wrong(c, name, "wrong_type", "This field must be a string.");
		return NULL;
	}
	if (characters(text) < min || characters(text) > max) {
		snprintf(detail, sizeof(detail), "This field must have %zu to %zu characters.", min, max);
		field_wrong(c, name, "out_of_range", detail);
		return NULL;
	}
	return text;
}

static const json_t *know(struct field_check *c, const char *name)
{
	c->known[c->known_count++] = name;
	return json_object_get(c->body, name);
}

const char *need_string(struct field_check *c, const char *name, size_t min, size_t max)
{
	const json_t *value = know(c, name);

	if (value)
		return check_string(c, name, value, min, max);
	field_wrong(c, name, "missing_field", "This field is required.");
	return NULL;
}

const char *may_string(struct field_check *c, const char *name, size_t min, size_t max)
{
	const json_t *value = know(c, name);

	return value ? check_string(c, name, value, min, max) : NULL;
}

void no_other_fields(struct field_check *c)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)c->body, name, value) {
		bool known = false;

		for (size_t i = 0; i < c->known_count; i++)
			known |= strcmp(name, c->known[i]) == 0;
		if (!known)
			field_wrong(c, name, "unknown_field", "This field is not known here.");
	}
}

bool field_reply(const struct field_check *c, struct reply *rep)
{
	if (c->code)
		reply_problem(rep, 422, c->code, c->field, c->detail, NULL);
	return c->code != NULL;
}
