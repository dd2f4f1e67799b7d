/* SPDX-License-Identifier: Apache-2.0 */
/* A small table of recent failures; the entry unused longest makes room. */
#include "auth/login_limit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES			1024
#define FREE_PER_ACCOUNT	5
#define FREE_PER_ADDRESS	20
#define WAIT_FIRST		10
#define WAIT_MAX		300
#define FORGET_SECONDS		900
#define HASHING_MAX		2

struct entry {
	char key[120];			/* "": free */
	unsigned int failures;
	time_t last;
};

struct login_limit {
	pthread_mutex_t lock;		/* guards all below */
	time_t (*now)(time_t *);
	unsigned int hashing;
	struct entry entries[ENTRIES];
};

int login_limit_create(time_t (*now)(time_t *), struct login_limit **out)
{
	struct login_limit *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->now = now;
	*out = l;
	return 0;
}

void login_limit_destroy(struct login_limit *l)
{
	if (l)
		pthread_mutex_destroy(&l->lock);
	free(l);
}

static void make_keys(char account[120], char peer[120], const char *username, const char *address)
{
	snprintf(account, 120, "%.40s %.64s", username, address);
	snprintf(peer, 120, " %.64s", address);
}

static struct entry *find(struct login_limit *l, const char *key)
{
	for (size_t i = 0; i < ENTRIES; i++)
		if (strcmp(l->entries[i].key, key) == 0)
			return &l->entries[i];
	return NULL;
}

static unsigned int wait_of(struct login_limit *l, const char *key, unsigned int free_tries)
{
	const struct entry *e = find(l, key);
	time_t wait = WAIT_FIRST, since = e ? l->now(NULL) - e->last : 0;

	if (!e || e->failures < free_tries || since > FORGET_SECONDS)
		return 0;
	for (unsigned int i = free_tries; i < e->failures && wait < WAIT_MAX; i++)
		wait *= 2;
	wait = wait > WAIT_MAX ? WAIT_MAX : wait;
	return since < wait ? (unsigned int)(wait - since) : 0;
}

unsigned int login_limit_begin(struct login_limit *l, const char *username, const char *address)
{
	char account[120], peer[120];
	unsigned int a, b;

	make_keys(account, peer, username, address);
	pthread_mutex_lock(&l->lock);
	a = wait_of(l, account, FREE_PER_ACCOUNT);
	b = wait_of(l, peer, FREE_PER_ADDRESS);
	a = a > b ? a : b;
	if (a == 0 && l->hashing >= HASHING_MAX)
		a = 1;
	if (a == 0)
		l->hashing++;
	pthread_mutex_unlock(&l->lock);
	return a;
}

static void count_failure(struct login_limit *l, const char *key)
{
	struct entry *e = find(l, key), *oldest = &l->entries[0];

	for (size_t i = 0; !e && i < ENTRIES; i++)
		if (l->entries[i].last < oldest->last)
			oldest = &l->entries[i];
	if (!e || l->now(NULL) - e->last > FORGET_SECONDS) {
		e = e ? e : oldest;
		*e = (struct entry){ 0 };
		snprintf(e->key, sizeof(e->key), "%s", key);
	}
	e->failures++;
	e->last = l->now(NULL);
}

void login_limit_done(struct login_limit *l, const char *username, const char *address, int right)
{
	char account[120], peer[120];
	struct entry *e;

	make_keys(account, peer, username, address);
	pthread_mutex_lock(&l->lock);
	l->hashing--;
	if (!right) {
		count_failure(l, account);
		count_failure(l, peer);
	} else if ((e = find(l, account))) {
		*e = (struct entry){ 0 };
	}
	pthread_mutex_unlock(&l->lock);
}
