/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API tokens for scripts, kept in tokens.json by hash: the token itself is shown once and stored nowhere.
 * Thread-safe.
 */
#ifndef WEBAPI_AUTH_TOKENS_H
#define WEBAPI_AUTH_TOKENS_H

#include "auth/identity.h"
#include "timestamp.h"

#include <jansson.h>

#define TOKENS_MAX		256
#define TOKEN_NAME_SIZE		260	/* 64 characters of UTF-8 */

struct token {
	char id[USER_ID_SIZE];
	char name[TOKEN_NAME_SIZE];
	char user_id[USER_ID_SIZE];
	char hash[SECRET_SIZE];
	char created_at[TIMESTAMP_SIZE];
	enum role role;
};

struct tokens;
int tokens_open(int dir_fd, struct tokens **out);
void tokens_close(struct tokens *t);
/* Fills id, hash and created_at from a new secret, which the caller shows. -ENOSPC: TOKENS_MAX. */
int tokens_add(struct tokens *t, struct token *token, char secret[SECRET_SIZE]);
bool tokens_find_secret(struct tokens *t, const char *secret, struct token *out);
bool tokens_find(struct tokens *t, const char *id, struct token *out);
void tokens_each(struct tokens *t, void (*fn)(void *context, const struct token *token), void *context);
int tokens_remove(struct tokens *t, const char *id);			/* -ENOENT */
int tokens_remove_of_user(struct tokens *t, const char *user_id);
json_t *token_json(const struct token *token);		/* the REST resource: no hash */

#endif
