/* SPDX-License-Identifier: Apache-2.0 */
/* Filters and sorts lists; see selection.h. Numbers compare as numbers, everything else as its text. */
#include "http/selection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE	512

/* The value at a dotted path; NULL when there is none. */
static const json_t *value_at(const json_t *item, const char *field)
{
	char name[64];

	while (item && *field) {
		size_t size = strcspn(field, ".");

		snprintf(name, sizeof(name), "%.*s", (int)(size < sizeof(name) ? size : sizeof(name) - 1), field);
		item = json_object_get(item, name);
		field += size;
		field += *field == '.';
	}
	return item;
}

static void value_text(const json_t *value, char text[TEXT_SIZE])
{
	text[0] = 0;
	if (json_is_string(value))
		snprintf(text, TEXT_SIZE, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(text, TEXT_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		snprintf(text, TEXT_SIZE, "%g", json_real_value(value));
	else if (json_is_boolean(value))
		snprintf(text, TEXT_SIZE, "%s", json_is_true(value) ? "true" : "false");
	else if (json_is_null(value))
		snprintf(text, TEXT_SIZE, "null");
}

static int compare_numbers(double a, double b)
{
	return a < b ? -1 : a > b;
}

/* --- filter --- */

static size_t field_size(const char *text)
{
	return strcspn(text, "=!~<>,");
}

/* Up to a comma that no backslash precedes. The end of the value is put into *end. */
static char *read_value(const char *text, const char **end)
{
	char *value = malloc(strlen(text) + 1), *to = value;

	for (; *text && *text != ','; text++) {
		if (*text == '\\' && text[1])
			text++;
		if (to)
			*to++ = *text;
	}
	if (to)
		*to = 0;
	*end = text;
	return value;
}

static int read_condition(const char **at, struct condition *c)
{
	size_t size = field_size(*at);
	const char *op = *at + size;

	if (size == 0 || !*op || *op == ',' || (*op == '!' && op[1] != '='))
		return -EINVAL;
	c->op = *op;
	c->field = strndup(*at, size);
	c->value = read_value(op + (*op == '!' ? 2 : 1), at);
	return c->field && c->value ? 0 : -ENOMEM;
}

int selection_parse(const char *filter, struct selection *out)
{
	int r = 0;

	*out = (struct selection){ .count = 0 };
	while (*filter && r == 0) {
		if (out->count == SELECTION_CONDITIONS_MAX)
			r = -E2BIG;
		else
			r = read_condition(&filter, &out->conditions[out->count++]);
		if (r == 0 && *filter == ',' && !*++filter)
			r = -EINVAL;		/* nothing after the comma */
	}
	if (r < 0)
		selection_clear(out);
	return r;
}

void selection_clear(struct selection *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->conditions[i].field);
		free(s->conditions[i].value);
	}
	s->count = 0;
}

static int compare_with_text(const json_t *value, const char *wanted)
{
	char text[TEXT_SIZE], *end;
	double number = strtod(wanted, &end);

	if (json_is_number(value) && end != wanted && !*end)
		return compare_numbers(json_number_value(value), number);
	value_text(value, text);
	return strcmp(text, wanted);
}

static bool contains(const json_t *value, const char *wanted)
{
	char text[TEXT_SIZE];

	value_text(value, text);
	return strcasestr(text, wanted) != NULL;
}

static bool holds(const struct condition *c, const json_t *value)
{
	switch (c->op) {
	case '=': return value && compare_with_text(value, c->value) == 0;
	case '!': return !value || compare_with_text(value, c->value) != 0;
	case '~': return value && contains(value, c->value);
	case '<': return value && compare_with_text(value, c->value) < 0;
	default:  return value && compare_with_text(value, c->value) > 0;
	}
}

bool selection_takes(const struct selection *s, const json_t *item)
{
	for (size_t i = 0; i < s->count; i++)
		if (!holds(&s->conditions[i], value_at(item, s->conditions[i].field)))
			return false;
	return true;
}

bool selection_knows(const json_t *items, const char *field)
{
	const json_t *item;
	size_t i;

	json_array_foreach((json_t *)items, i, item)
		if (value_at(item, field))
			return true;
	return json_array_size(items) == 0;
}

/* --- sort --- */

struct sortable { json_t *item; const json_t *key; size_t place; int direction; };

static int compare_keys(const json_t *a, const json_t *b)
{
	char left[TEXT_SIZE], right[TEXT_SIZE];
	int r;

	if (json_is_number(a) && json_is_number(b))
		return compare_numbers(json_number_value(a), json_number_value(b));
	value_text(a, left);
	value_text(b, right);
	r = strcasecmp(left, right);
	return r ? r : strcmp(left, right);
}

/* Equal ones stay in the order of the list. */
static int compare_sortables(const void *left, const void *right)
{
	const struct sortable *a = left, *b = right;
	int r = 0;

	if (!a->key || !b->key)
		r = !a->key - !b->key;
	else
		r = compare_keys(a->key, b->key) * a->direction;
	return r ? r : a->place < b->place ? -1 : 1;
}

json_t *selection_sort(const json_t *items, const char *field)
{
	size_t count = json_array_size(items);
	struct sortable *all = calloc(count + 1, sizeof(*all));
	json_t *sorted = json_array();
	int direction = field[0] == '-' ? -1 : 1;

	for (size_t i = 0; all && i < count; i++) {
		json_t *item = json_array_get(items, i);

		all[i] = (struct sortable){ item, value_at(item, field + (field[0] == '-')), i, direction };
	}
	if (all)
		qsort(all, count, sizeof(*all), compare_sortables);
	for (size_t i = 0; all && i < count; i++)
		json_array_append(sorted, all[i].item);
	free(all);
	return sorted;
}
