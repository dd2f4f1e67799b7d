/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1.1 request: where it ends, whether it asks for a WebSocket, and its lines. Pure
 * functions.
 */
#ifndef WEBAPI_TLS_HEAD_H
#define WEBAPI_TLS_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define HEAD_SIZE_MAX	16384

/*
 * Length of the head with its empty line, or 0 when it has not arrived yet. `seen` bytes were looked at
 * before.
 */
size_t head_length(const char *data, size_t size, size_t seen);
/* True when a complete head has "Upgrade: websocket". */
bool head_wants_websocket(const char *head, size_t length);

struct head_line {		/* points into a copy of the head that head_parse() cut up */
	char *method;
	char *target;
};
/*
 * Cuts a NUL-terminated head into its parts in place and calls header() for each field, values without
 * outer blanks. 0, or -EINVAL for anything that is not an HTTP/1.1 head (bare LF, obsolete line folding and
 * blanks before ':' included).
 */
int head_parse(char *head, struct head_line *line,
               void (*header)(void *context, const char *name, const char *value), void *context);

#endif
