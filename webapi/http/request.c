/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds a request's parts and reads its query, cookies and entity tags. Knows no transport and no resource.
 */
#include "http/request.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const header_names[HEADER_COUNT] = {
	[HEADER_ACCEPT] = "Accept",
	[HEADER_ACCEPT_ENCODING] = "Accept-Encoding",
	[HEADER_AUTHORIZATION] = "Authorization",
	[HEADER_CONNECTION] = "Connection",
	[HEADER_CONTENT_LENGTH] = "Content-Length",
	[HEADER_CONTENT_RANGE] = "Content-Range",
	[HEADER_CONTENT_TYPE] = "Content-Type",
	[HEADER_COOKIE] = "Cookie",
	[HEADER_CSRF] = "X-CSRF-Token",
	[HEADER_HOST] = "Host",
	[HEADER_IDEMPOTENCY_KEY] = "Idempotency-Key",
	[HEADER_IF_MATCH] = "If-Match",
	[HEADER_IF_NONE_MATCH] = "If-None-Match",
	[HEADER_IF_RANGE] = "If-Range",
	[HEADER_ORIGIN] = "Origin",
	[HEADER_RANGE] = "Range",
	[HEADER_TRANSFER_ENCODING] = "Transfer-Encoding",
	[HEADER_WS_KEY] = "Sec-WebSocket-Key",
	[HEADER_WS_PROTOCOL] = "Sec-WebSocket-Protocol",
	[HEADER_WS_VERSION] = "Sec-WebSocket-Version",
};

const char *request_header_name(enum request_header h)
{
	return header_names[h];
}

struct request *request_create(struct webapi *api, const char *target)
{
	struct request *r = calloc(1, sizeof(*r));
	const char *mark = strchrnul(target, '?');

	if (!r)
		return NULL;
	r->api = api;
	r->path = strndup(target, (size_t)(mark - target));
	r->query = strdup(*mark ? mark + 1 : "");
	if (r->path && r->query)
		return r;
	request_destroy(r);
	return NULL;
}

void request_destroy(struct request *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < HEADER_COUNT; i++)
		free(r->header[i]);
	for (size_t i = 0; i < REQUEST_PARAMS_MAX; i++)
		free(r->param[i]);
	free(r->method);
	free(r->path);
	free(r->query);
	json_decref(r->body);
	free(r);
}

int request_set_method(struct request *r, const char *method)
{
	r->method = strdup(method);
	return r->method ? 0 : -ENOMEM;
}

/* Lists may come in several fields (RFC 9110 §5.2); of anything else two would let two readers see two requests. */
static bool may_repeat(enum request_header h)
{
	return h == HEADER_ACCEPT || h == HEADER_ACCEPT_ENCODING || h == HEADER_CONNECTION || h == HEADER_IF_NONE_MATCH ||
	       h == HEADER_WS_PROTOCOL;
}

int request_set_header(struct request *r, const char *name, const char *value)
{
	for (size_t i = 0; i < HEADER_COUNT; i++) {
		if (strcasecmp(name, header_names[i]) != 0)
			continue;
		r->malformed |= r->header[i] && !may_repeat((enum request_header)i);
		free(r->header[i]);
		r->header[i] = strdup(value);
		return r->header[i] ? 0 : -ENOMEM;
	}
	return 0;
}

void request_set_address(struct request *r, const struct sockaddr *address)
{
	const struct sockaddr_in6 *six = (const void *)address;
	const struct sockaddr_in *four = (const void *)address;

	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &four->sin_addr, r->address, sizeof(r->address));
	else if (address && address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], r->address, sizeof(r->address));
	else if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &six->sin6_addr, r->address, sizeof(r->address));
}

bool request_is_unsafe(const struct request *r)
{
	return strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0;
}

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/*
 * Percent-decoding (RFC 3986 §2.1), '+' as a blank as HTML forms write it. NULL for %00 and broken escapes.
 */
static char *decode(const char *text, size_t size)
{
	char *out = malloc(size + 1), *to = out;

	for (size_t i = 0; out && i < size; i++) {
		int high, low;

		if (text[i] != '%') {
			*to++ = text[i] == '+' ? ' ' : text[i];
			continue;
		}
		high = i + 2 < size ? hex_value(text[i + 1]) : -1;
		low = i + 2 < size ? hex_value(text[i + 2]) : -1;
		if (high < 0 || low < 0 || high * 16 + low == 0) {
			free(out);
			return NULL;
		}
		*to++ = (char)(high * 16 + low);
		i += 2;
	}
	if (out)
		*to = '\0';
	return out;
}

char *request_query(const struct request *r, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = r->query; *at;) {
		size_t size = strcspn(at, "&");

		if (size > length && strncmp(at, name, length) == 0 && at[length] == '=')
			return decode(at + length + 1, size - length - 1);
		at += size;
		at += *at == '&';
	}
	return NULL;
}

static bool is_listed(const char *names, const char *name, size_t length)
{
	while (*names) {
		size_t size = strcspn(names, " ");

		if (size == length && strncmp(names, name, length) == 0)
			return true;
		names += size;
		names += strspn(names, " ");
	}
	return false;
}

bool request_query_has_other(const struct request *r, const char *names, char *found, size_t size)
{
	for (const char *at = r->query; *at;) {
		size_t length = strcspn(at, "&"), name = strcspn(at, "=&");

		if (length && !is_listed(names, at, name)) {
			snprintf(found, size, "%.*s", (int)name, at);
			return true;
		}
		at += length;
		at += *at == '&';
	}
	return false;
}

int request_query_u64(const struct request *r, const char *name, uint64_t min, uint64_t max, uint64_t *out)
{
	char *text = request_query(r, name), *end = NULL;
	unsigned long long value;
	int result = -ERANGE;

	if (!text)
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (isdigit((unsigned char)*text) && !*end && errno == 0 && value >= min && value <= max) {
		*out = value;
		result = 1;
	}
	free(text);
	return result;
}

bool request_header_lists(const struct request *r, enum request_header h, const char *word)
{
	const char *at = r->header[h];
	size_t length = strlen(word);

	while (at && *at) {
		at += strspn(at, ", \t");
		if (strncasecmp(at, word, length) == 0 && strchr(", \t", at[length]))
			return true;
		at += strcspn(at, ",");
	}
	return false;
}

char *request_cookie(const struct request *r, const char *name)
{
	const char *at = r->header[HEADER_COOKIE];
	size_t length = strlen(name);

	while (at && *at) {
		size_t size = strcspn(at, ";");

		if (size > length && strncmp(at, name, length) == 0 && at[length] == '=')
			return strndup(at + length + 1, size - length - 1);
		at += size;
		at += strspn(at, "; ");
	}
	return NULL;
}

char *request_if_match(const struct request *r)
{
	const char *text = r->header[HEADER_IF_MATCH];
	size_t size = text ? strlen(text) : 0;

	if (!text || strcmp(text, "*") == 0)
		return NULL;
	if (size >= 2 && text[0] == '"' && text[size - 1] == '"')
		return strndup(text + 1, size - 2);
	return strdup(text);
}
