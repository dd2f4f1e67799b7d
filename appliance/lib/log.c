/* SPDX-License-Identifier: Apache-2.0 */
/* See partita/log.h. One write() per line, so that lines of several threads do not mix. */
#include "partita/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level threshold = LOG_LEVEL_INFO;

void log_threshold(enum log_level most_verbose)
{
	threshold = most_verbose;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list arguments;
	size_t start, len;

	if (level > threshold)
		return;
	start = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	va_start(arguments, format);
	vsnprintf(line + start, sizeof(line) - start - 1, format, arguments);
	va_end(arguments);
	len = strlen(line);
	for (size_t i = start; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';		/* no forged lines, no terminal sequences */
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return;				/* nowhere left to say it */
}
