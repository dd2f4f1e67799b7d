/* SPDX-License-Identifier: Apache-2.0 */
/* /sessions: log in, who am I, log out. */
#include "auth/sessions.h"

#include "auth/login_limit.h"
#include "auth/password.h"
#include "auth/users.h"
#include "http/field.h"
#include "http/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COOKIE_ATTRIBUTES	"Path=/; Secure; HttpOnly; SameSite=Strict"

static json_t *session_json(const struct user *user, enum role role, const char *csrf_token)
{
	return json_pack("{s:o, s:s, s:s?, s:b}", "user", user_json(user), "role", role_name(role),
	                 "csrfToken", csrf_token, "passwordChangeRequired", user->password_change_required);
}

static void start_session(struct request *req, struct reply *rep, const struct user *user)
{
	char secret[SECRET_SIZE], csrf[SECRET_SIZE];

	if (sessions_start(req->api->sessions, user->id, secret) < 0) {
		reply_error(rep, 500, "internal_error", NULL, "The session could not be started.");
		return;
	}
	session_csrf_token(secret, csrf);
	reply_json(rep, 201, session_json(user, user->role, csrf));
	reply_set_location(rep, API_PREFIX "/sessions/current");
	if (asprintf(&rep->cookie, "__Host-partita=%s; " COOKIE_ATTRIBUTES, secret) < 0)
		rep->cookie = NULL;
	explicit_bzero(secret, sizeof(secret));
}

static void refuse_for_now(struct reply *rep, unsigned int seconds)
{
	reply_error(rep, 429, "too_many_attempts", NULL, "Too many failed attempts. Try again in %u seconds.",
	            seconds);
	rep->retry_after = seconds;
}

static void sessions_post(struct request *req, struct reply *rep)
{
	struct field_check check = { .body = req->body };
	const char *username = need_string(&check, "username", 1, 64);
	const char *password = need_string(&check, "password", 1, PASSWORD_MAX);
	struct user user = { 0 };
	unsigned int wait;
	bool known, right;

	no_other_fields(&check);
	if (field_reply(&check, rep))
		return;
	wait = login_limit_begin(req->api->login_limit, username, req->address);
	if (wait) {
		refuse_for_now(rep, wait);
		return;
	}
	known = users_find_name(req->api->users, username, &user);
	right = password_matches(password, known ? user.hash : NULL);
	login_limit_done(req->api->login_limit, username, req->address, right);
	snprintf(req->who.username, sizeof(req->who.username), "%s", username);		/* for the audit log */
	if (right)
		start_session(req, rep, &user);
	else
		reply_error(rep, 401, "wrong_credentials", NULL, "The user name or the password is wrong.");
	explicit_bzero(&user, sizeof(user));
}

static void session_get(struct request *req, struct reply *rep)
{
	struct user user;

	if (!users_find(req->api->users, req->who.user_id, &user))
		reply_error(rep, 401, "not_authenticated", NULL, "This account is gone.");
	else
		reply_json(
		    rep, 200,
		    session_json(&user, req->who.role, req->who.by_session ? req->who.csrf_token : NULL));
}

static void session_delete(struct request *req, struct reply *rep)
{
	if (req->who.by_session)
		sessions_end(req->api->sessions, req->who.session);
	reply_empty(rep, 204);
	rep->cookie = strdup("__Host-partita=; Max-Age=0; " COOKIE_ATTRIBUTES);
}

const struct route session_routes[] = {
	{ "POST", "/sessions", ROLE_NOBODY, BODY_JSON, NULL, sessions_post, ROUTE_NOT_REPEATABLE, NULL, NULL },
	{ "GET", "/sessions/current", ROLE_VIEWER, BODY_NONE, NULL, session_get, ROUTE_BEFORE_PASSWORD_CHANGE, NULL, NULL },
	{ "DELETE", "/sessions/current", ROLE_VIEWER, BODY_NONE, NULL, session_delete, ROUTE_BEFORE_PASSWORD_CHANGE, NULL, NULL },
	{ 0 }
};
