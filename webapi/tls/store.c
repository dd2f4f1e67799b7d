/* SPDX-License-Identifier: Apache-2.0 */
/* Judge, try, store, then serve: a step that fails leaves what was there before. */
#include "tls/store.h"

#include "partita/file.h"
#include "partita/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPLOADED_FILE	"uploaded.pem"
#define UPLOADED_MAX	(256u << 10)

struct tls_store {
	int dir_fd;
	pthread_mutex_t change;		/* one replacement at a time */
	pthread_mutex_t lock;		/* guards current and every context's users */
	struct tls_context *current;
};

static int load_uploaded(int dir_fd, struct certificate **out)
{
	struct certificate_fault fault = { NULL, NULL };
	char *pem = NULL;
	size_t size = 0;
	int r = file_read(dir_fd, UPLOADED_FILE, UPLOADED_MAX, &pem, &size);

	if (r == 0)
		r = certificate_from_pem(pem, pem, out, &fault);
	if (r < 0 && r != -ENOENT)
		log_error("the uploaded certificate is not used: %s", fault.detail ? fault.detail : strerror(-r));
	if (pem)
		explicit_bzero(pem, size);
	free(pem);
	return r;
}

static int make_context(struct certificate *c, struct tls_context **out)
{
	int r = tls_context_create(c, out);

	if (r < 0)
		certificate_destroy(c);
	return r;
}

static int load_own(int dir_fd, struct tls_context **out)
{
	struct certificate *c = NULL;
	int r = certificate_load(dir_fd, &c);

	return r < 0 ? r : make_context(c, out);
}

int tls_store_open(int dir_fd, struct tls_store **out)
{
	struct tls_store *s = calloc(1, sizeof(*s));
	struct certificate *c = NULL;
	int r = -ENOMEM;

	if (!s)
		return r;
	s->dir_fd = dir_fd;
	pthread_mutex_init(&s->change, NULL);
	pthread_mutex_init(&s->lock, NULL);
	r = load_uploaded(dir_fd, &c);
	r = r == 0 ? make_context(c, &s->current) : load_own(dir_fd, &s->current);
	if (r == 0)
		*out = s;
	else
		tls_store_close(s);
	return r;
}

void tls_store_close(struct tls_store *s)
{
	if (!s)
		return;
	tls_context_destroy(s->current);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->change);
	free(s);
}

struct tls_context *tls_store_get(struct tls_store *s)
{
	struct tls_context *t;

	pthread_mutex_lock(&s->lock);
	t = s->current;
	t->users++;
	pthread_mutex_unlock(&s->lock);
	return t;
}

void tls_store_put(struct tls_store *s, struct tls_context *t)
{
	bool last;

	pthread_mutex_lock(&s->lock);
	last = --t->users == 0;
	pthread_mutex_unlock(&s->lock);
	if (last)
		tls_context_destroy(t);
}

static void serve(struct tls_store *s, struct tls_context *next)
{
	struct tls_context *before;

	pthread_mutex_lock(&s->lock);
	before = s->current;
	s->current = next;
	pthread_mutex_unlock(&s->lock);
	log_info("new connections get the certificate %s", next->certificate->fingerprint);
	tls_store_put(s, before);
}

static int save(struct tls_store *s, const char *key, const char *chain)
{
	char *pem = NULL;
	int r, size = asprintf(&pem, "%s\n%s\n", key, chain);

	if (size < 0)
		return -ENOMEM;
	r = file_write(s->dir_fd, UPLOADED_FILE, pem, (size_t)size, 0600);
	explicit_bzero(pem, (size_t)size);
	free(pem);
	return r;
}

static int prepare(const char *key, const char *chain, struct tls_context **out, struct certificate_fault *fault)
{
	struct certificate *c = NULL;
	int r = certificate_from_pem(key, chain, &c, fault);

	if (r == 0)
		r = make_context(c, out);
	if (r < 0 || tls_context_works(*out))
		return r;
	tls_context_destroy(*out);
	*fault = (struct certificate_fault){ "certificate", "No browser could connect with this certificate: a trial connection failed." };
	return -EINVAL;
}

int tls_store_replace(struct tls_store *s, const char *key, const char *chain, struct certificate_fault *fault)
{
	struct tls_context *next = NULL;
	int r = prepare(key, chain, &next, fault);

	if (r < 0)
		return r;
	pthread_mutex_lock(&s->change);
	r = save(s, key, chain);
	if (r == 0)
		serve(s, next);
	else
		tls_context_destroy(next);
	pthread_mutex_unlock(&s->change);
	return r;
}

int tls_store_reset(struct tls_store *s)
{
	struct tls_context *own = NULL;
	int r;

	pthread_mutex_lock(&s->change);
	r = load_own(s->dir_fd, &own);
	if (r == 0)
		r = file_remove(s->dir_fd, UPLOADED_FILE);
	if (r == 0)
		serve(s, own);
	else
		tls_context_destroy(own);
	pthread_mutex_unlock(&s->change);
	return r;
}
