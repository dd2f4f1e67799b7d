/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Browser sessions. The cookie is a random secret; we keep its hash, so that neither memory nor
 * sessions.json holds what a thief could use. Idle and absolute time-outs. Survive a restart of webapi.
 * Thread-safe.
 */
#ifndef WEBAPI_AUTH_SESSIONS_H
#define WEBAPI_AUTH_SESSIONS_H

#include "auth/identity.h"

#include <time.h>

#define SESSION_IDLE_SECONDS		(30 * 60)
#define SESSION_ABSOLUTE_SECONDS	(12 * 3600)
#define SESSIONS_MAX			256

struct sessions;
int sessions_open(int dir_fd, time_t (*now)(time_t *),
                  struct sessions **out);               /* now: time(2), or a test's clock */
void sessions_close(struct sessions *s);		/* writes what is not yet on disk */
/* Starts one; when all places are taken the one idle longest ends. */
int sessions_start(struct sessions *s, const char *user_id, char secret[SECRET_SIZE]);
/* Finds by cookie and counts as use. Fills session and csrf_token and user_id of `who`. */
bool sessions_find(struct sessions *s, const char *secret, struct identity *who);
bool sessions_touch(struct sessions *s, const char *session, bool used);	/* false: it has ended */
void sessions_end(struct sessions *s, const char *session);
void sessions_end_of_user(struct sessions *s, const char *user_id,
                          const char *except_session); /* except may be NULL */
void session_csrf_token(const char *secret, char out[SECRET_SIZE]);

#endif
