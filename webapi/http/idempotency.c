/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table by hash of user, path and key. Server errors are not kept: they are what a client should try
 * again.
 */
#include "http/idempotency.h"

#include "auth/secret.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTRIES		512
#define KEEP_SECONDS	600
#define KEY_MAX		128

struct entry {
	char key[SECRET_SIZE];		/* "": free */
	char body[SECRET_SIZE];
	time_t when;
	struct reply rep;		/* status 0: the first request is still running */
};

struct idempotency {
	pthread_mutex_t lock;		/* guards entries */
	time_t (*now)(time_t *);
	struct entry entries[ENTRIES];
};

int idempotency_create(time_t (*now)(time_t *), struct idempotency **out)
{
	struct idempotency *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	pthread_mutex_init(&m->lock, NULL);
	m->now = now;
	*out = m;
	return 0;
}

static void entry_clear(struct entry *e)
{
	reply_clear(&e->rep);
	*e = (struct entry){ 0 };
}

void idempotency_destroy(struct idempotency *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < ENTRIES; i++)
		entry_clear(&m->entries[i]);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static void make_hashes(const struct request *req, char key[SECRET_SIZE], char body[SECRET_SIZE])
{
	char *text = req->body ? json_dumps(req->body, JSON_COMPACT | JSON_SORT_KEYS) : NULL, *scope = NULL;

	if (asprintf(&scope, "%s %s %s", req->who.user_id, req->path, req->header[HEADER_IDEMPOTENCY_KEY]) < 0)
		scope = NULL;
	secret_hash("idempotency", scope ? scope : "", key);
	secret_hash("body", text ? text : "", body);
	free(scope);
	free(text);
}

/* The entry with this key, else a free or outdated one, else the oldest that is not running. */
static struct entry *find(struct idempotency *m, const char *key)
{
	struct entry *free_entry = NULL;

	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *e = &m->entries[i];

		if (e->key[0] && e->rep.status && m->now(NULL) - e->when > KEEP_SECONDS)
			entry_clear(e);
		if (strcmp(e->key, key) == 0)
			return e;
		if ((!e->key[0] || e->rep.status) && (!free_entry || e->when < free_entry->when))
			free_entry = e;
	}
	if (free_entry)
		entry_clear(free_entry);
	return free_entry;
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void reply_copy(struct reply *to, const struct reply *from)
{
	*to = *from;
	to->data = from->data ? malloc(from->size) : NULL;
	if (to->data)
		memcpy(to->data, from->data, from->size);
	to->location = copy(from->location);
	to->etag = copy(from->etag);
	to->cookie = copy(from->cookie);
	to->allow = copy(from->allow);
}

static bool key_is_valid(const char *key)
{
	size_t length = strlen(key);

	for (const char *c = key; *c; c++)
		if (*c <= 0x20 || *c >= 0x7f)
			return false;
	return length >= 1 && length <= KEY_MAX;
}

/* Under the lock; e is NULL when the table is full of running requests. */
static bool judge(struct entry *e, const char *key, const char *body, struct reply *rep)
{
	if (!e) {
		reply_error(rep, 503, "service_unavailable", NULL, "Too many requests are running.");
	} else if (!e->key[0]) {
		memcpy(e->key, key, SECRET_SIZE);
		memcpy(e->body, body, SECRET_SIZE);
		return true;
	} else if (strcmp(e->body, body) != 0) {
		reply_error(rep, 422, "idempotency_key_reused", NULL,
		            "This Idempotency-Key was used with another body.");
	} else if (!e->rep.status) {
		reply_error(rep, 409, "request_in_progress", NULL,
		            "The first request with this Idempotency-Key is still running.");
	} else {
		reply_copy(rep, &e->rep);
	}
	return false;
}

bool idempotency_begin(struct idempotency *m, const struct request *req, struct reply *rep)
{
	char key[SECRET_SIZE], body[SECRET_SIZE];
	struct entry *e;
	bool run;

	if (!key_is_valid(req->header[HEADER_IDEMPOTENCY_KEY])) {
		reply_error(rep, 400, "malformed_request", NULL,
		            "Idempotency-Key must be 1 to %d visible ASCII characters.", KEY_MAX);
		return false;
	}
	make_hashes(req, key, body);
	pthread_mutex_lock(&m->lock);
	e = find(m, key);
	run = judge(e, key, body, rep);
	if (run)
		e->when = m->now(NULL);
	pthread_mutex_unlock(&m->lock);
	return run;
}

void idempotency_end(struct idempotency *m, const struct request *req, const struct reply *rep)
{
	char key[SECRET_SIZE], body[SECRET_SIZE];
	struct entry *e;

	make_hashes(req, key, body);
	pthread_mutex_lock(&m->lock);
	e = find(m, key);
	if (e && e->key[0] && rep->status >= 500)
		entry_clear(e);
	else if (e && e->key[0])
		reply_copy(&e->rep, rep);
	pthread_mutex_unlock(&m->lock);
}
