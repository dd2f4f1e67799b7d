/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random secrets (session cookies, tokens), the hashes under which they are stored, and comparisons that
 * leak no time.
 */
#ifndef WEBAPI_AUTH_SECRET_H
#define WEBAPI_AUTH_SECRET_H

#include "auth/identity.h"

#include <stdbool.h>

int secret_new(char out[SECRET_SIZE]);			/* 256 random bits as base64url; 0 or negative errno */
/* SHA-256 of purpose, ':' and secret as base64url. Enough for random secrets; passwords need password.h. */
void secret_hash(const char *purpose, const char *secret, char out[SECRET_SIZE]);
bool secret_equal(const char *a, const char *b); /* time depends on the lengths only; NULL equals nothing */
/* `groups` groups of four characters that cannot be misread, joined by '-': for a person to type once. */
int secret_readable(char *out, unsigned int groups);	/* out holds groups * 5 bytes */

#endif
