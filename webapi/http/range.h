/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Range of an upload (RFC 9110 §14.4): "bytes FIRST-LAST/TOTAL". */
#ifndef WEBAPI_HTTP_RANGE_H
#define WEBAPI_HTTP_RANGE_H

#include <stdint.h>

struct content_range {
	uint64_t first, last, total;
};
/* 0, or -EINVAL unless first <= last < total and all fit 63 bits. */
int content_range_parse(const char *text, struct content_range *out);
/* A decimal number and nothing else. 0, -EINVAL or -ERANGE (over 63 bits). */
int decimal_parse(const char *text, uint64_t *out);

#endif
