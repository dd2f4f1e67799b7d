/* SPDX-License-Identifier: Apache-2.0 */
/* See partita/parameters.h. The shape is ours and trusted, the object is not. */
#include "partita/parameters.h"

#include <errno.h>
#include <string.h>

static bool has_type(const json_t *value, char type)
{
	switch (type) {
	case 's': return json_is_string(value);
	case 'i': return json_is_integer(value);
	case 'b': return json_is_boolean(value);
	case 'o': return json_is_object(value);
	default:  return true;
	}
}

/* One "name?:t" of the shape; moves *shape past it. 1: the object has it, 0: it is absent and may be. */
static int check_one(const json_t *parameters, const char **shape, struct problem *p)
{
	char name[32];
	size_t len = strcspn(*shape, "?:");
	bool optional = (*shape)[len] == '?';
	const json_t *value;
	char type;

	memcpy(name, *shape, len);
	name[len] = 0;
	type = (*shape)[len + optional + 1];
	*shape += len + optional + 2;
	*shape += strspn(*shape, " ");
	value = json_object_get(parameters, name);
	if (!value)
		return optional ? 0
		                : problem_set(p, PROBLEM_BAD_PARAMETERS, name, "The parameter %s is missing.",
		                              name);
	if (!has_type(value, type))
		return problem_set(p, PROBLEM_BAD_PARAMETERS, name, "The parameter %s has the wrong type.",
		                   name);
	return 1;
}

int parameters_check(const json_t *parameters, const char *shape, struct problem *p)
{
	size_t known = 0;

	while (*shape) {
		int r = check_one(parameters, &shape, p);

		if (r < 0)
			return r;
		known += (size_t)r;
	}
	if (json_object_size(parameters) != known)
		return problem_set(p, PROBLEM_BAD_PARAMETERS, NULL,
		                   "There is a parameter that this method does not have.");
	return 0;
}
