/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first administrator and the file that tells a person how to get in: RUNTIME_DIR/banner with the lines
 * url=, fingerprint=, admin-user= and, until it was changed, admin-password= (docs/processes.md). Thread-
 * safe.
 */
#ifndef WEBAPI_BANNER_H
#define WEBAPI_BANNER_H

#include "webapi.h"

#define BANNER_ADMIN	"admin"

struct banner;
/* Makes the administrator with a one-time password when there is no account at all. 0 or negative errno. */
int banner_open(struct webapi *api, struct banner **out);
void banner_close(struct banner *b);
void banner_refresh(struct banner *b); /* writes the file when an address, the certificate or the password has changed */
void banner_password_changed(struct webapi *api, const char *username);

#endif
