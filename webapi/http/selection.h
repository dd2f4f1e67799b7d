/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which items of a list a client wants, and in which order: ?filter= and ?sort=. Pure functions.
 *
 * filter: conditions separated by commas, all of which hold: FIELD=VALUE, FIELD!=VALUE, FIELD~TEXT (contains, without regard to
 * case), FIELD<VALUE, FIELD>VALUE. sort: FIELD, or -FIELD for the other way round. A FIELD is a dotted path; a backslash takes the
 * special meaning from the next character of a value.
 */
#ifndef WEBAPI_HTTP_SELECTION_H
#define WEBAPI_HTTP_SELECTION_H

#include <jansson.h>
#include <stdbool.h>

#define SELECTION_CONDITIONS_MAX	8

struct condition { char op; char *field, *value; };	/* op: = ! ~ < > */
struct selection {
	struct condition conditions[SELECTION_CONDITIONS_MAX];
	size_t count;
};

int selection_parse(const char *filter, struct selection *out);	/* 0, -EINVAL (malformed), -E2BIG or -ENOMEM */
void selection_clear(struct selection *s);			/* accepts a zeroed one */
bool selection_takes(const struct selection *s, const json_t *item);
/* A new array of the same items; those without the field come last. */
json_t *selection_sort(const json_t *items, const char *field);
/* Whether any item has the field; an empty list has every field. */
bool selection_knows(const json_t *items, const char *field);

#endif
