/* SPDX-License-Identifier: Apache-2.0 */
/* Text as the services speak it: UTF-16, little-endian, ended by a zero unit. Pure. */
#ifndef VMWP_VSP_UTF16_H
#define VMWP_VSP_UTF16_H

#include <stddef.h>
#include <stdint.h>

/* Units written with the zero (the rest of `to` is zeroed), -EINVAL for bad UTF-8, -E2BIG when it does not fit. */
int utf16_from_utf8(uint16_t *to, size_t units, const char *text);
/* The text of at most `bytes` bytes up to a zero unit, malloc()ed; lone surrogates and control characters become U+FFFD.
 * NULL: no memory. */
char *utf16_to_utf8(const void *from, size_t bytes);

#endif
