/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of files: Content-Range of an upload (RFC 9110 §14.4), Range of a download (§14.2). */
#ifndef WEBAPI_HTTP_RANGE_H
#define WEBAPI_HTTP_RANGE_H

#include <stdint.h>

struct content_range {
	uint64_t first, last, total;
};
/* 0, or -EINVAL unless first <= last < total and all fit 63 bits. */
int content_range_parse(const char *text, struct content_range *out);
/* One range of a file of `size` bytes: "bytes=FIRST-LAST", "bytes=FIRST-", "bytes=-COUNT". 0; -ERANGE: none of its bytes exist;
 * -EINVAL: another unit, several ranges, or nonsense: the header is to be ignored. */
int byte_range_parse(const char *text, uint64_t size, uint64_t *first, uint64_t *last);
/* A decimal number and nothing else. 0, -EINVAL or -ERANGE (over 63 bits). */
int decimal_parse(const char *text, uint64_t *out);

#endif
