/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session table. Its file is a convenience for restarts: a failure to write it costs a login, not the
 * service.
 */
#include "auth/sessions.h"

#include "auth/secret.h"
#include "partita/file.h"
#include "partita/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME	"sessions.json"
#define FILE_MAX	(1u << 20)
#define SAVE_SECONDS	60	/* how old the last use on disk may be */

struct session {
	char hash[SECRET_SIZE];		/* "": free */
	char user_id[USER_ID_SIZE];
	time_t started, used;
};

struct sessions {
	pthread_mutex_t lock;		/* guards all below */
	int dir_fd;
	time_t (*now)(time_t *);
	time_t saved;
	struct session list[SESSIONS_MAX];
};

static bool is_live(const struct session *s, time_t now)
{
	return s->hash[0] && now - s->used < SESSION_IDLE_SECONDS &&
	       now - s->started < SESSION_ABSOLUTE_SECONDS;
}

static void save(struct sessions *s)
{
	json_t *array = json_array(), *file = json_pack("{s:o}", "sessions", array);
	int r;

	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (is_live(&s->list[i], s->now(NULL)))
			json_array_append_new(array, json_pack("{s:s, s:s, s:I, s:I}", "hash",
			                                       s->list[i].hash, "userId", s->list[i].user_id,
			                                       "started", (json_int_t)s->list[i].started,
			                                       "used", (json_int_t)s->list[i].used));
	r = file_write_json(s->dir_fd, FILE_NAME, file, 0600);
	if (r < 0)
		log_warning("sessions are not saved: %s", strerror(-r));
	s->saved = s->now(NULL);
	json_decref(file);
}

static void load(struct sessions *s)
{
	json_t *file = NULL, *item;
	size_t i, n = 0;

	if (file_read_json(s->dir_fd, FILE_NAME, FILE_MAX, &file) < 0)
		return;
	json_array_foreach(json_object_get(file, "sessions"), i, item) {
		const char *hash, *user;
		json_int_t started, used;

		if (n == SESSIONS_MAX || json_unpack(item, "{s:s, s:s, s:I, s:I}", "hash", &hash, "userId",
		                                     &user, "started", &started, "used", &used) < 0)
			break;
		snprintf(s->list[n].hash, SECRET_SIZE, "%s", hash);
		snprintf(s->list[n].user_id, USER_ID_SIZE, "%s", user);
		s->list[n].started = started;
		s->list[n++].used = used;
	}
	json_decref(file);
}

int sessions_open(int dir_fd, time_t (*now)(time_t *), struct sessions **out)
{
	struct sessions *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	s->dir_fd = dir_fd;
	s->now = now;
	load(s);
	*out = s;
	return 0;
}

void sessions_close(struct sessions *s)
{
	if (!s)
		return;
	save(s);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct session *free_place(struct sessions *s)
{
	struct session *oldest = &s->list[0];

	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (!is_live(&s->list[i], s->now(NULL)))
			return &s->list[i];
		if (s->list[i].used < oldest->used)
			oldest = &s->list[i];
	}
	return oldest;
}

int sessions_start(struct sessions *s, const char *user_id, char secret[SECRET_SIZE])
{
	struct session *place;
	int r = secret_new(secret);

	if (r < 0)
		return r;
	pthread_mutex_lock(&s->lock);
	place = free_place(s);
	secret_hash("session", secret, place->hash);
	snprintf(place->user_id, sizeof(place->user_id), "%s", user_id);
	place->started = place->used = s->now(NULL);
	save(s);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static struct session *find_live(struct sessions *s, const char *hash)
{
	time_t now = s->now(NULL);

	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (is_live(&s->list[i], now) && secret_equal(s->list[i].hash, hash))
			return &s->list[i];
	return NULL;
}

static void note_use(struct sessions *s, struct session *session)
{
	session->used = s->now(NULL);
	if (session->used - s->saved > SAVE_SECONDS)
		save(s);
}

void session_csrf_token(const char *secret, char out[SECRET_SIZE])
{
	secret_hash("csrf", secret, out);
}

bool sessions_find(struct sessions *s, const char *secret, struct identity *who)
{
	char hash[SECRET_SIZE];
	struct session *session;

	secret_hash("session", secret, hash);
	pthread_mutex_lock(&s->lock);
	session = find_live(s, hash);
	if (session) {
		note_use(s, session);
		memcpy(who->session, session->hash, sizeof(who->session));
		memcpy(who->user_id, session->user_id, sizeof(who->user_id));
		session_csrf_token(secret, who->csrf_token);
	}
	pthread_mutex_unlock(&s->lock);
	return session != NULL;
}

bool sessions_touch(struct sessions *s, const char *hash, bool used)
{
	struct session *session;

	pthread_mutex_lock(&s->lock);
	session = find_live(s, hash);
	if (session && used)
		note_use(s, session);
	pthread_mutex_unlock(&s->lock);
	return session != NULL;
}

void sessions_end(struct sessions *s, const char *hash)
{
	struct session *session;

	pthread_mutex_lock(&s->lock);
	session = find_live(s, hash);
	if (session) {
		*session = (struct session){ 0 };
		save(s);
	}
	pthread_mutex_unlock(&s->lock);
}

void sessions_end_of_user(struct sessions *s, const char *user_id, const char *except)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (strcmp(s->list[i].user_id, user_id) == 0 &&
		    !(except && strcmp(s->list[i].hash, except) == 0))
			s->list[i] = (struct session){ 0 };
	save(s);
	pthread_mutex_unlock(&s->lock);
}
