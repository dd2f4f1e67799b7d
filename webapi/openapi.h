/* SPDX-License-Identifier: Apache-2.0 */
/* openapi.yaml as JSON, made at build time by openapi-to-c.py. */
#ifndef WEBAPI_OPENAPI_H
#define WEBAPI_OPENAPI_H

#include <stddef.h>

extern const char openapi_json[];
extern const size_t openapi_json_size;		/* without the NUL */

#endif
