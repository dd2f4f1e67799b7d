/* SPDX-License-Identifier: Apache-2.0 */
/* The security headers that every answer carries. */
#ifndef WEBAPI_HTTP_POLICY_H
#define WEBAPI_HTTP_POLICY_H

void policy_each_header(void (*add)(void *context, const char *name, const char *value), void *context);

#endif
