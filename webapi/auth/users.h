/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts, kept in users.json. Every call is safe from any thread; results are copies. */
#ifndef WEBAPI_AUTH_USERS_H
#define WEBAPI_AUTH_USERS_H

#include "auth/identity.h"
#include "auth/password.h"
#include "timestamp.h"

#include <jansson.h>

#define USERS_MAX	64

struct user {
	char id[USER_ID_SIZE];
	char username[USERNAME_SIZE];
	enum role role;
	char hash[PASSWORD_HASH_SIZE];
	bool password_change_required;
	char created_at[TIMESTAMP_SIZE];
	unsigned int revision;		/* the etag */
};

struct users;
int users_open(int dir_fd, struct users **out);		/* 0 or negative errno; a missing file means no users */
void users_close(struct users *u);
unsigned int users_count(struct users *u);
bool users_find(struct users *u, const char *id, struct user *out);
bool users_find_name(struct users *u, const char *username, struct user *out);
void users_each(struct users *u, void (*fn)(void *context, const struct user *user), void *context);
/* Fills id, created_at and revision. -EEXIST: the name is taken; -ENOSPC: USERS_MAX. */
int users_add(struct users *u, struct user *user);
/*
 * Replaces the user with this id if it is still at user->revision, and moves that on. -ENOENT, -ESTALE,
 * -EPERM (last administrator).
 */
int users_update(struct users *u, struct user *user);
int users_remove(struct users *u, const char *id, const char *etag);	/* etag may be NULL; the same errors */
void user_etag(const struct user *user, char out[16]);
json_t *user_json(const struct user *user);		/* the REST resource: no hash */
bool username_is_valid(const char *name);

#endif
