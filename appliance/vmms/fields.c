/* SPDX-License-Identifier: Apache-2.0 */
/* See fields.h. Messages name the field, what it was and what it may be (api.md, "Limits are refused at the door"). */
#include "fields.h"

#include "partita/guid.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void fields_begin(struct fields *f, const json_t *value, const char *path, struct problem *p)
{
	*f = (struct fields){ .object = value, .problem = p };
	if (path[0])
		snprintf(f->path, sizeof(f->path), "%s.", path);
	if (!json_is_object(value))
		problem_set(p, PROBLEM_WRONG_TYPE, path, "%s must be an object.",
		            path[0] ? path : "The body");
}

void field_path(const struct fields *f, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s%s", f->path, name);
}

static const json_t *get(struct fields *f, const char *name)
{
	if (f->known_count < FIELDS_MAX)
		f->known[f->known_count++] = name;
	return f->problem->code == PROBLEM_NONE ? json_object_get(f->object, name) : NULL;
}

static void refuse(struct fields *f, enum problem_code code, const char *name, const char *what)
{
	char path[96];

	field_path(f, name, path, sizeof(path));
	problem_set(f->problem, code, path, "%s %s", path, what);
}

/* The value when it is there and of the right type; else NULL, with the problem set when that is one. */
static const json_t *expect(struct fields *f, const char *name, enum need need, json_type type,
                            const char *what)
{
	const json_t *value = get(f, name);

	if (f->problem->code != PROBLEM_NONE)
		return NULL;
	if (!value) {
		if (need == REQUIRED)
			refuse(f, PROBLEM_MISSING_FIELD, name, "is missing.");
		return NULL;
	}
	if (json_typeof(value) == type)
		return value;
	refuse(f, PROBLEM_WRONG_TYPE, name, what);
	return NULL;
}

size_t text_length(const char *utf8)
{
	size_t n = 0;

	for (; *utf8; utf8++)
		n += (*utf8 & 0xc0) != 0x80;		/* not a continuation byte */
	return n;
}

void field_text(struct fields *f, const char *name, enum need need, size_t chars_max, char *out, size_t size)
{
	const json_t *value = expect(f, name, need, JSON_STRING, "must be a text.");
	char path[96];

	if (!value)
		return;
	if (text_length(json_string_value(value)) > chars_max || json_string_length(value) >= size) {
		field_path(f, name, path, sizeof(path));
		problem_set(f->problem, PROBLEM_OUT_OF_RANGE, path,
		            "%s has %zu characters; at most %zu are possible.", path,
		            text_length(json_string_value(value)), chars_max);
		return;
	}
	memcpy(out, json_string_value(value), json_string_length(value) + 1);
}

void field_u64(struct fields *f, const char *name, enum need need, uint64_t low, uint64_t high, uint64_t *out)
{
	const json_t *value = expect(f, name, need, JSON_INTEGER, "must be a whole number.");
	json_int_t n = json_integer_value(value);
	char path[96];

	if (!value)
		return;
	if (n < 0 || (uint64_t)n < low || (uint64_t)n > high) {
		field_path(f, name, path, sizeof(path));
		problem_set(f->problem, PROBLEM_OUT_OF_RANGE, path,
		            "%s is %" JSON_INTEGER_FORMAT "; it must be %" PRIu64 " to %" PRIu64 ".", path, n,
		            low, high);
		return;
	}
	*out = (uint64_t)n;
}

void field_bool(struct fields *f, const char *name, bool *out)
{
	const json_t *value = get(f, name);

	if (!value)
		return;
	if (json_is_boolean(value))
		*out = json_is_true(value);
	else
		refuse(f, PROBLEM_WRONG_TYPE, name, "must be true or false.");
}

void field_choice(struct fields *f, const char *name, enum need need, const char *const *choices,
                  unsigned int *out)
{
	const json_t *value = expect(f, name, need, JSON_STRING, "must be a text.");
	char text[200] = "must be one of: ";

	if (!value)
		return;
	for (unsigned int i = 0; choices[i]; i++) {
		size_t len = strlen(text);

		if (strcmp(choices[i], json_string_value(value)) == 0) {
			*out = i;
			return;
		}
		snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "", choices[i]);
	}
	refuse(f, PROBLEM_OUT_OF_RANGE, name, text);
}

void field_id(struct fields *f, const char *name, enum need need, char *out)
{
	const json_t *value = expect(f, name, need, JSON_STRING, "must be an id (a UUID in lower case).");

	if (!value)
		return;
	if (guid_is_valid(json_string_value(value)))
		memcpy(out, json_string_value(value), GUID_TEXT_SIZE);
	else
		refuse(f, PROBLEM_OUT_OF_RANGE, name, "must be an id (a UUID in lower case).");
}

const json_t *field_object(struct fields *f, const char *name, enum need need)
{
	return expect(f, name, need, JSON_OBJECT, "must be an object.");
}

const json_t *field_array(struct fields *f, const char *name, size_t count_max)
{
	const json_t *value = expect(f, name, OPTIONAL, JSON_ARRAY, "must be a list.");
	char path[96];

	if (!value || json_array_size(value) <= count_max)
		return value;
	field_path(f, name, path, sizeof(path));
	problem_set(f->problem, PROBLEM_TOO_MANY, path, "%s has %zu entries; at most %zu are possible.", path,
	            json_array_size(value), count_max);
	return NULL;
}

bool field_is_present(struct fields *f, const char *name)
{
	return get(f, name) != NULL;
}

static bool is_known(const struct fields *f, const char *name)
{
	for (unsigned int i = 0; i < f->known_count; i++)
		if (strcmp(f->known[i], name) == 0)
			return true;
	return false;
}

int fields_end(struct fields *f)
{
	const char *name;
	json_t *value;

	if (f->problem->code == PROBLEM_NONE)
		json_object_foreach((json_t *)f->object, name, value)
			if (!is_known(f, name)) {
				char path[128];

				snprintf(path, sizeof(path), "%s%.40s", f->path, name);
			        return problem_set(f->problem, PROBLEM_UNKNOWN_FIELD, path,
			                           "There is no field %s.", path);
		        }
	return f->problem->code == PROBLEM_NONE ? 0 : -EINVAL;
}

int name_check(const char *name, const char *field, struct problem *p)
{
	size_t len = strlen(name);

	if (p->code != PROBLEM_NONE)
		return -EINVAL;
	if (len == 0)
		return problem_set(p, PROBLEM_OUT_OF_RANGE, field, "%s must not be empty.", field);
	if (name[0] == ' ' || name[len - 1] == ' ')
		return problem_set(p, PROBLEM_OUT_OF_RANGE, field, "%s must not begin or end with a space.",
		                   field);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == '/')
			return problem_set(p, PROBLEM_OUT_OF_RANGE, field,
			                   "%s must not contain a slash or a control character.", field);
	return 0;
}
