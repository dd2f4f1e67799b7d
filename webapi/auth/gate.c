/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function per rule, in the order in which they are told: 401, then the password, then CSRF, then the
 * role.
 */
#include "auth/gate.h"

#include "auth/secret.h"
#include "auth/sessions.h"
#include "auth/tokens.h"
#include "auth/users.h"
#include "http/route.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COOKIE_NAME	"__Host-partita"

bool gate_origin_is_ours(const struct request *req)
{
	const char *origin = req->header[HEADER_ORIGIN], *host = req->header[HEADER_HOST];

	if (!origin)
		return true;
	return host && strncmp(origin, "https://", 8) == 0 && strcasecmp(origin + 8, host) == 0;
}

bool gate_still_holds(struct webapi *api, const struct identity *who)
{
	struct token token;

	return who->by_session ? sessions_touch(api->sessions, who->session, false)
	                       : tokens_find(api->tokens, who->token_id, &token);
}

static bool identify_by_token(struct request *req)
{
	const char *text = req->header[HEADER_AUTHORIZATION];
	struct token token;

	if (strncasecmp(text, "Bearer ", 7) != 0 || !tokens_find_secret(req->api->tokens, text + 7, &token))
		return false;
	memcpy(req->who.user_id, token.user_id, sizeof(req->who.user_id));
	memcpy(req->who.token_id, token.id, sizeof(req->who.token_id));
	req->who.role = token.role;
	return true;
}

static bool identify_by_session(struct request *req)
{
	char *cookie = request_cookie(req, COOKIE_NAME);
	bool found = cookie && sessions_find(req->api->sessions, cookie, &req->who);

	free(cookie);
	req->who.by_session = found;
	req->who.role = ROLE_ADMINISTRATOR;	/* capped by the user's own role */
	return found;
}

static bool identify(struct request *req)
{
	struct user user;
	bool known = req->header[HEADER_AUTHORIZATION] ? identify_by_token(req) : identify_by_session(req);

	if (!known || !users_find(req->api->users, req->who.user_id, &user)) {
		req->who = (struct identity){ 0 };
		return false;
	}
	memcpy(req->who.username, user.username, sizeof(req->who.username));
	req->who.password_change_required = user.password_change_required;
	if (req->who.role > user.role)
		req->who.role = user.role;
	explicit_bzero(&user, sizeof(user));
	return true;
}

static bool check_csrf(const struct request *req, struct reply *rep)
{
	if (!request_is_unsafe(req) || !req->who.by_session)
		return true;
	if (!req->header[HEADER_CSRF]) {
		reply_error(rep, 403, "csrf_token_missing", NULL,
		            "Send the session's CSRF token as X-CSRF-Token.");
		return false;
	}
	if (!secret_equal(req->header[HEADER_CSRF], req->who.csrf_token)) {
		reply_error(rep, 403, "csrf_token_wrong", NULL, "X-CSRF-Token is not this session's token.");
		return false;
	}
	return true;
}

static bool check_origin(const struct request *req, struct reply *rep)
{
	bool matters = request_is_unsafe(req) || req->route->open;

	if (!matters || gate_origin_is_ours(req))
		return true;
	reply_error(rep, 403, "wrong_origin", NULL, "Pages of another origin may not do this.");
	return false;
}

static bool check_query(const struct request *req, struct reply *rep)
{
	char name[64];

	if (!request_query_has_other(req, req->route->query ? req->route->query : "", name, sizeof(name)))
		return true;
	reply_problem(rep, 422, "unknown_field", name, "This query parameter is not known here.", NULL);
	return false;
}

bool gate_admit(struct request *req, struct reply *rep)
{
	const struct route *route = req->route;

	if (req->malformed) {
		reply_error(rep, 400, "malformed_request", NULL, "A header that may come once came twice.");
		return false;
	}
	if (!check_origin(req, rep))
		return false;
	if (route->role == ROLE_NOBODY)
		return check_query(req, rep);
	if (!identify(req)) {
		reply_error(rep, 401, "not_authenticated", NULL, "Log in first, or send a valid token.");
		return false;
	}
	if (req->who.password_change_required && !(route->flags & ROUTE_BEFORE_PASSWORD_CHANGE)) {
		reply_error(rep, 403, "password_change_required", NULL,
		            "The one-time password must be changed first.");
		return false;
	}
	if (!check_csrf(req, rep))
		return false;
	if (req->who.role < route->role) {
		reply_error(rep, 403, "role_insufficient", NULL, "This needs the role %s.",
		            role_name(route->role));
		return false;
	}
	return check_query(req, rep);
}
