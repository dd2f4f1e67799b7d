/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account list: an array in memory, rewritten to users.json with every change before the change is
 * visible.
 */
#include "auth/users.h"

#include "partita/file.h"
#include "partita/guid.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME	"users.json"
#define FILE_MAX	(1u << 20)

struct users {
	pthread_mutex_t lock;		/* guards all below */
	int dir_fd;
	struct user list[USERS_MAX];
	unsigned int count;
};

static const char *const role_names[] = { "nobody", "viewer", "operator", "administrator" };

const char *role_name(enum role role)
{
	return role_names[role];
}

enum role role_from_name(const char *name)
{
	for (int r = ROLE_VIEWER; r <= ROLE_ADMINISTRATOR; r++)
		if (name && strcmp(name, role_names[r]) == 0)
			return (enum role)r;
	return ROLE_NOBODY;
}

bool username_is_valid(const char *name)
{
	size_t length = strlen(name);

	return length >= 1 && length < USERNAME_SIZE && name[0] >= 'a' && name[0] <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

void user_etag(const struct user *user, char out[16])
{
	snprintf(out, 16, "%u", user->revision);
}

json_t *user_json(const struct user *user)
{
	char etag[16];

	user_etag(user, etag);
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "id", user->id, "username", user->username, "role",
	                 role_name(user->role), "passwordChangeRequired", user->password_change_required,
	                 "createdAt", user->created_at, "etag", etag);
}

static int from_json(const json_t *item, struct user *user)
{
	const char *id, *username, *role, *hash, *created, *etag;
	int change;

	if (json_unpack((json_t *)item, "{s:s, s:s, s:s, s:s, s:b, s:s, s:s}", "id", &id, "username",
	                &username, "role", &role, "hash", &hash, "passwordChangeRequired", &change,
	                "createdAt", &created, "etag", &etag) < 0)
		return -EBADMSG;
	snprintf(user->id, sizeof(user->id), "%s", id);
	snprintf(user->username, sizeof(user->username), "%s", username);
	snprintf(user->hash, sizeof(user->hash), "%s", hash);
	snprintf(user->created_at, sizeof(user->created_at), "%s", created);
	user->role = role_from_name(role);
	user->password_change_required = change;
	user->revision = (unsigned int)strtoul(etag, NULL, 10);
	return user->role == ROLE_NOBODY ? -EBADMSG : 0;
}

static int users_load(struct users *u)
{
	json_t *file = NULL, *item;
	size_t i;
	int r = file_read_json(u->dir_fd, FILE_NAME, FILE_MAX, &file);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	json_array_foreach(json_object_get(file, "users"), i, item) {
		r = u->count < USERS_MAX ? from_json(item, &u->list[u->count]) : -E2BIG;
		if (r < 0)
			break;
		u->count++;
	}
	json_decref(file);
	return r;
}

static int users_save(const struct user *list, unsigned int count, int dir_fd)
{
	json_t *array = json_array(), *file;
	int r;

	for (unsigned int i = 0; i < count; i++) {
		json_t *item = user_json(&list[i]);

		json_object_set_new(item, "hash", json_string(list[i].hash));
		json_array_append_new(array, item);
	}
	file = json_pack("{s:o}", "users", array);
	r = file ? file_write_json(dir_fd, FILE_NAME, file, 0600) : -ENOMEM;
	json_decref(file);
	return r;
}

int users_open(int dir_fd, struct users **out)
{
	struct users *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	pthread_mutex_init(&u->lock, NULL);
	u->dir_fd = dir_fd;
	r = users_load(u);
	if (r == 0)
		*out = u;
	else
		users_close(u);
	return r;
}

void users_close(struct users *u)
{
	if (!u)
		return;
	pthread_mutex_destroy(&u->lock);
	explicit_bzero(u, sizeof(*u));
	free(u);
}

unsigned int users_count(struct users *u)
{
	unsigned int n;

	pthread_mutex_lock(&u->lock);
	n = u->count;
	pthread_mutex_unlock(&u->lock);
	return n;
}

/* Index of the user, or -1. Under the lock. */
static int find_id(const struct users *u, const char *id)
{
	for (unsigned int i = 0; i < u->count; i++)
		if (strcmp(u->list[i].id, id) == 0)
			return (int)i;
	return -1;
}

static int find_name(const struct users *u, const char *username)
{
	for (unsigned int i = 0; i < u->count; i++)
		if (strcmp(u->list[i].username, username) == 0)
			return (int)i;
	return -1;
}

static bool find_copy(struct users *u, int (*find)(const struct users *u, const char *key), const char *key,
                      struct user *out)
{
	int i;

	pthread_mutex_lock(&u->lock);
	i = find(u, key);
	if (i >= 0)
		*out = u->list[i];
	pthread_mutex_unlock(&u->lock);
	return i >= 0;
}

bool users_find(struct users *u, const char *id, struct user *out)
{
	return find_copy(u, find_id, id, out);
}

bool users_find_name(struct users *u, const char *username, struct user *out)
{
	return find_copy(u, find_name, username, out);
}

void users_each(struct users *u, void (*fn)(void *context, const struct user *user), void *context)
{
	pthread_mutex_lock(&u->lock);
	for (unsigned int i = 0; i < u->count; i++)
		fn(context, &u->list[i]);
	pthread_mutex_unlock(&u->lock);
}

int users_add(struct users *u, struct user *user)
{
	int r = guid_new(user->id);

	timestamp_now(user->created_at);
	user->revision = 1;
	pthread_mutex_lock(&u->lock);
	if (r == 0)
		r = find_name(u, user->username) >= 0 ? -EEXIST : u->count == USERS_MAX ? -ENOSPC : 0;
	if (r == 0) {
		u->list[u->count] = *user;
		r = users_save(u->list, u->count + 1, u->dir_fd);
	}
	if (r == 0)
		u->count++;
	pthread_mutex_unlock(&u->lock);
	return r;
}

static bool is_last_administrator(const struct users *u, int index)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < u->count; i++)
		n += u->list[i].role == ROLE_ADMINISTRATOR;
	return n == 1 && u->list[index].role == ROLE_ADMINISTRATOR;
}

int users_update(struct users *u, struct user *user)
{
	struct user before;
	int i, r = 0;

	pthread_mutex_lock(&u->lock);
	i = find_id(u, user->id);
	if (i < 0)
		r = -ENOENT;
	else if (u->list[i].revision != user->revision)
		r = -ESTALE;
	else if (user->role != ROLE_ADMINISTRATOR && is_last_administrator(u, i))
		r = -EPERM;
	if (r == 0) {
		before = u->list[i];
		user->revision++;
		u->list[i] = *user;
		r = users_save(u->list, u->count, u->dir_fd);
		if (r < 0)
			u->list[i] = before;
	}
	pthread_mutex_unlock(&u->lock);
	return r;
}

int users_remove(struct users *u, const char *id, const char *etag)
{
	struct user *list = malloc(sizeof(u->list));
	char current[16];
	int i, r = list ? 0 : -ENOMEM;

	pthread_mutex_lock(&u->lock);
	i = find_id(u, id);
	if (r == 0 && i < 0)
		r = -ENOENT;
	if (r == 0 && is_last_administrator(u, i))
		r = -EPERM;
	if (r == 0 && etag) {
		user_etag(&u->list[i], current);
		r = strcmp(current, etag) == 0 ? 0 : -ESTALE;
	}
	if (r == 0) {
		memcpy(list, u->list, sizeof(u->list));
		memmove(&list[i], &list[i + 1], (u->count - (unsigned int)i - 1) * sizeof(*list));
		r = users_save(list, u->count - 1, u->dir_fd);
	}
	if (r == 0) {
		memcpy(u->list, list, sizeof(u->list));
		u->count--;
	}
	pthread_mutex_unlock(&u->lock);
	free(list);
	return r;
}
