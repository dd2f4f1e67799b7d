/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slows password guessing: five failures of one account from one address, or twenty from one address, and
 * the next try has to wait; the wait doubles up to five minutes. Also bounds how many passwords are hashed
 * at once. Thread-safe.
 */
#ifndef WEBAPI_AUTH_LOGIN_LIMIT_H
#define WEBAPI_AUTH_LOGIN_LIMIT_H

#include <time.h>

struct login_limit;
int login_limit_create(time_t (*now)(time_t *), struct login_limit **out);
void login_limit_destroy(struct login_limit *l);
/* 0: go ahead, and call login_limit_done() afterwards. Else the seconds to wait. */
unsigned int login_limit_begin(struct login_limit *l, const char *username, const char *address);
void login_limit_done(struct login_limit *l, const char *username, const char *address, int right);

#endif
