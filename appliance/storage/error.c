/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why an image was refused, in words: field, value and limit. One text per thread, like errno.
 */
#include <stdarg.h>
#include <stdio.h>

#include "storage/formats.h"

static _Thread_local char error_text[256];

int disk_fail(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error_text, sizeof(error_text), format, args);
	va_end(args);
	return error;
}

void disk_fail_clear(void)
{
	error_text[0] = '\0';
}

const char *disk_error_text(void)
{
	return error_text;
}
