/* SPDX-License-Identifier: Apache-2.0 */
/* The token list: an array in memory, rewritten to tokens.json with every change. */
#include "auth/tokens.h"

#include "auth/secret.h"
#include "partita/file.h"
#include "partita/guid.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME	"tokens.json"
#define FILE_MAX	(1u << 20)

struct tokens {
	pthread_mutex_t lock;		/* guards all below */
	int dir_fd;
	struct token list[TOKENS_MAX];
	unsigned int count;
};

json_t *token_json(const struct token *token)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", token->id, "name", token->name, "role",
	                 role_name(token->role), "userId", token->user_id, "createdAt", token->created_at);
}

static int from_json(const json_t *item, struct token *token)
{
	const char *id, *name, *role, *user, *created, *hash;

	if (json_unpack((json_t *)item, "{s:s, s:s, s:s, s:s, s:s, s:s}", "id", &id, "name", &name, "role",
	                &role, "userId", &user, "createdAt", &created, "hash", &hash) < 0)
		return -EBADMSG;
	snprintf(token->id, sizeof(token->id), "%s", id);
	snprintf(token->name, sizeof(token->name), "%s", name);
	snprintf(token->user_id, sizeof(token->user_id), "%s", user);
	snprintf(token->created_at, sizeof(token->created_at), "%s", created);
	snprintf(token->hash, sizeof(token->hash), "%s", hash);
	token->role = role_from_name(role);
	return token->role == ROLE_NOBODY ? -EBADMSG : 0;
}

static int tokens_load(struct tokens *t)
{
	json_t *file = NULL, *item;
	size_t i;
	int r = file_read_json(t->dir_fd, FILE_NAME, FILE_MAX, &file);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	json_array_foreach(json_object_get(file, "tokens"), i, item) {
		r = t->count < TOKENS_MAX ? from_json(item, &t->list[t->count]) : -E2BIG;
		if (r < 0)
			break;
		t->count++;
	}
	json_decref(file);
	return r;
}

static int tokens_save(struct tokens *t)
{
	json_t *array = json_array(), *file;
	int r;

	for (unsigned int i = 0; i < t->count; i++) {
		json_t *item = token_json(&t->list[i]);

		json_object_set_new(item, "hash", json_string(t->list[i].hash));
		json_array_append_new(array, item);
	}
	file = json_pack("{s:o}", "tokens", array);
	r = file ? file_write_json(t->dir_fd, FILE_NAME, file, 0600) : -ENOMEM;
	json_decref(file);
	return r;
}

int tokens_open(int dir_fd, struct tokens **out)
{
	struct tokens *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	t->dir_fd = dir_fd;
	r = tokens_load(t);
	if (r == 0)
		*out = t;
	else
		tokens_close(t);
	return r;
}

void tokens_close(struct tokens *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int tokens_add(struct tokens *t, struct token *token, char secret[SECRET_SIZE])
{
	int r = guid_new(token->id);

	if (r == 0)
		r = secret_new(secret);
	if (r < 0)
		return r;
	secret_hash("token", secret, token->hash);
	timestamp_now(token->created_at);
	pthread_mutex_lock(&t->lock);
	if (t->count == TOKENS_MAX) {
		r = -ENOSPC;
	} else {
		t->list[t->count++] = *token;
		r = tokens_save(t);
		t->count -= r < 0;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

static bool find_copy(struct tokens *t, const char *id, const char *hash, struct token *out)
{
	bool found = false;

	pthread_mutex_lock(&t->lock);
	for (unsigned int i = 0; i < t->count && !found; i++) {
		const struct token *token = &t->list[i];

		found = id ? strcmp(token->id, id) == 0 : secret_equal(token->hash, hash);
		if (found)
			*out = *token;
	}
	pthread_mutex_unlock(&t->lock);
	return found;
}

bool tokens_find_secret(struct tokens *t, const char *secret, struct token *out)
{
	char hash[SECRET_SIZE];

	secret_hash("token", secret, hash);
	return find_copy(t, NULL, hash, out);
}

bool tokens_find(struct tokens *t, const char *id, struct token *out)
{
	return find_copy(t, id, NULL, out);
}

void tokens_each(struct tokens *t, void (*fn)(void *context, const struct token *token), void *context)
{
	pthread_mutex_lock(&t->lock);
	for (unsigned int i = 0; i < t->count; i++)
		fn(context, &t->list[i]);
	pthread_mutex_unlock(&t->lock);
}

/*
 * Removes by id, or all of a user. A revoked token stays revoked in memory even if the disk refuses the new
 * file.
 */
static int remove_matching(struct tokens *t, const char *id, const char *user_id)
{
	unsigned int kept = 0;
	int r;

	pthread_mutex_lock(&t->lock);
	for (unsigned int i = 0; i < t->count; i++)
		if (id ? strcmp(t->list[i].id, id) != 0 : strcmp(t->list[i].user_id, user_id) != 0)
			t->list[kept++] = t->list[i];
	r = kept == t->count ? -ENOENT : 0;
	t->count = kept;
	if (r == 0)
		r = tokens_save(t);
	pthread_mutex_unlock(&t->lock);
	return r;
}

int tokens_remove(struct tokens *t, const char *id)
{
	return remove_matching(t, id, NULL);
}

int tokens_remove_of_user(struct tokens *t, const char *user_id)
{
	int r = remove_matching(t, NULL, user_id);

	return r == -ENOENT ? 0 : r;
}
