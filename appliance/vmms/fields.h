/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a JSON object of a client strictly: every field by name, type and range; whatever was not asked for is an error.
 * The first thing wrong fills the problem with field, value and limit; after that every call does nothing.
 */
#ifndef VMMS_FIELDS_H
#define VMMS_FIELDS_H

#include "partita/problem.h"

#include <stdint.h>

#define FIELDS_MAX	20

struct fields {
	const json_t *object;
	char path[64];			/* "" or "disks[0]." */
	struct problem *problem;
	const char *known[FIELDS_MAX];
	unsigned int known_count;
};

enum need { OPTIONAL, REQUIRED };

void fields_begin(struct fields *f, const json_t *value, const char *path, struct problem *p);	/* path without a final dot */
int fields_end(struct fields *f);		/* refuses unknown fields; 0 or -EINVAL */

/* Each leaves *out alone when an optional field is absent. */
void field_text(struct fields *f, const char *name, enum need need, size_t chars_max, char *out, size_t size);
void field_u64(struct fields *f, const char *name, enum need need, uint64_t low, uint64_t high, uint64_t *out);
void field_bool(struct fields *f, const char *name, bool *out);
void field_choice(struct fields *f, const char *name, enum need need, const char *const *choices, unsigned int *out);
void field_id(struct fields *f, const char *name, enum need need, char *out);
const json_t *field_object(struct fields *f, const char *name, enum need need);
const json_t *field_array(struct fields *f, const char *name, size_t count_max);
bool field_is_present(struct fields *f, const char *name);	/* also counts as asked for */

void field_path(const struct fields *f, const char *name, char *out, size_t size);
/* A name of a VM, disk or ISO: no control characters, no slash, no space at the ends. */
int name_check(const char *name, const char *field, struct problem *p);
size_t text_length(const char *utf8);		/* characters */

#endif
