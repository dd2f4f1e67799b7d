/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact parameters of a method, as one string in its table row: "id:s slot:i memoryBytes:i viewOnly?:b". Types: s string,
 * i integer, b boolean, o object, v any value; "?" marks what may be absent. Anything else in the object is refused.
 */
#ifndef PARTITA_PARAMETERS_H
#define PARTITA_PARAMETERS_H

#include "partita/problem.h"

int parameters_check(const json_t *parameters, const char *shape, struct problem *p);	/* 0, or -EINVAL and *p says which */

#endif
