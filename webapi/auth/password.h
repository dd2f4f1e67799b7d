/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords by crypt(3), yescrypt. Both calls take tens of milliseconds on purpose: never in a thread that
 * serves others.
 */
#ifndef WEBAPI_AUTH_PASSWORD_H
#define WEBAPI_AUTH_PASSWORD_H

#include <stdbool.h>

#define PASSWORD_HASH_SIZE	384	/* CRYPT_OUTPUT_SIZE */
#define PASSWORD_MIN		10
#define PASSWORD_MAX		256

int password_hash(const char *password, char hash[PASSWORD_HASH_SIZE]);		/* 0 or negative errno */
/*
 * With hash NULL it works as long and answers false, so that unknown users cannot be told from wrong
 * passwords.
 */
bool password_matches(const char *password, const char *hash);

#endif
