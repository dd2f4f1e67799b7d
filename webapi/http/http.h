/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server: libmicrohttpd on connections whose TLS has been ended before. */
#ifndef WEBAPI_HTTP_HTTP_H
#define WEBAPI_HTTP_HTTP_H

#include "webapi.h"

#include <sys/socket.h>

struct http_server;
int http_start(struct webapi *api, struct http_server **out);	/* 0 or negative errno */
void http_add(struct http_server *s, int fd, const struct sockaddr *peer,
              socklen_t length);                /* takes fd; any thread */
void http_stop(struct http_server *s);		/* after workers_stop(); accepts NULL */

#endif
