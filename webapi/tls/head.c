/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1.1 request (RFC 9112 §2 to §5). The TLS end uses it to choose between libmicrohttpd
 * and libwebsockets; ws/open.c uses it to judge an upgrade before libwebsockets sees it. Strict: what is
 * odd is refused.
 */
#include "tls/head.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

size_t head_length(const char *data, size_t size, size_t seen)
{
	size_t from = seen > 3 ? seen - 3 : 0;
	const char *end = size > from ? memmem(data + from, size - from, "\r\n\r\n", 4) : NULL;

	return end ? (size_t)(end - data) + 4 : 0;
}

static bool line_asks_websocket(const char *line, size_t length)
{
	static const char name[] = "upgrade:";
	size_t i = sizeof(name) - 1;

	if (length < i || strncasecmp(line, name, i) != 0)
		return false;
	while (i < length && (line[i] == ' ' || line[i] == '\t'))
		i++;
	return length - i >= 9 && strncasecmp(line + i, "websocket", 9) == 0;
}

bool head_wants_websocket(const char *head, size_t length)
{
	const char *end = head + length, *line = head;

	while (line < end) {
		const char *stop = memmem(line, (size_t)(end - line), "\r\n", 2);

		if (!stop)
			return false;
		if (line_asks_websocket(line, (size_t)(stop - line)))
			return true;
		line = stop + 2;
	}
	return false;
}

/*
 * Returns the line at *cursor without its CRLF and moves on; NULL when it has none or holds a control
 * character.
 */
static char *next_line(char **cursor)
{
	char *line = *cursor, *end = strstr(line, "\r\n");

	if (!end)
		return NULL;
	*end = '\0';
	*cursor = end + 2;
	for (const char *c = line; *c; c++)
		if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
			return NULL;
	return line;
}

static int parse_request_line(char *text, struct head_line *line)
{
	char *target = strchr(text, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version || target == text || target[1] != '/' || strcmp(version, " HTTP/1.1") != 0)
		return -EINVAL;
	*target = *version = '\0';
	line->method = text;
	line->target = target + 1;
	return 0;
}

static int parse_field(char *text, char **name, char **value)
{
	static const char token[] =
	    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t length = strspn(text, token), end;

	if (length == 0 || text[length] != ':')
		return -EINVAL;
	text[length] = '\0';
	*name = text;
	*value = text + length + 1;
	*value += strspn(*value, " \t");
	for (end = strlen(*value); end && strchr(" \t", (*value)[end - 1]); end--)
		(*value)[end - 1] = '\0';
	return 0;
}

int head_parse(char *head, struct head_line *line,
               void (*header)(void *context, const char *name, const char *value), void *context)
{
	char *cursor = head, *text = next_line(&cursor), *name, *value;

	if (!text || parse_request_line(text, line) < 0)
		return -EINVAL;
	while ((text = next_line(&cursor)) && *text) {
		if (parse_field(text, &name, &value) < 0)
			return -EINVAL;
		header(context, name, value);
	}
	return text ? 0 : -EINVAL;
}
