/* SPDX-License-Identifier: Apache-2.0 */
/* /users: accounts and their passwords. */
#include "auth/users.h"

#include "auth/login_limit.h"
#include "auth/sessions.h"
#include "auth/tokens.h"
#include "banner.h"
#include "http/field.h"
#include "http/route.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_self(const struct request *req)
{
	return strcmp(req->param[0], req->who.user_id) == 0;
}

static bool may_see(const struct request *req, struct reply *rep)
{
	if (is_self(req) || req->who.role == ROLE_ADMINISTRATOR)
		return true;
	reply_error(rep, 403, "role_insufficient", NULL,
	            "Another user's account needs the role administrator.");
	return false;
}

static void reply_user(struct reply *rep, int status, const struct user *user)
{
	json_t *item = user_json(user);

	reply_json(rep, status, json_incref(item));
	reply_set_etag(rep, item);
	json_decref(item);
}

static void reply_store_error(struct reply *rep, int error)
{
	static const struct {
		int error, status;
		const char *code, *field, *detail;
	} rows[] = {
		{ -EEXIST, 409, "name_in_use", "username", "An account with this name exists." },
		{ -ENOENT, 404, "user_not_found", NULL, "No account has this id." },
		{ -ESTALE, 412, "stale_etag", NULL, "The account has changed since you read it." },
		{ -EPERM, 409, "last_administrator", NULL, "The last administrator must stay." },
		{ -ENOSPC, 507, "no_space", NULL, "No more accounts or tokens can be stored." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].error == error) {
			reply_problem(rep, rows[i].status, rows[i].code, rows[i].field, rows[i].detail, NULL);
			return;
		}
	reply_error(rep, 500, "internal_error", NULL, "The account could not be stored.");
}

static void append_user(void *array, const struct user *user)
{
	json_array_append_new(array, user_json(user));
}

static void users_list(struct request *req, struct reply *rep)
{
	json_t *array = json_array();

	users_each(req->api->users, append_user, array);
	reply_json(rep, 200, json_pack("{s:o}", "items", array));
}

static void user_get(struct request *req, struct reply *rep)
{
	struct user user;

	if (!may_see(req, rep))
		return;
	if (users_find(req->api->users, req->param[0], &user))
		reply_user(rep, 200, &user);
	else
		reply_store_error(rep, -ENOENT);
}

static enum role check_role(struct field_check *check, const char *text)
{
	enum role role = text ? role_from_name(text) : ROLE_NOBODY;

	if (text && role == ROLE_NOBODY)
		field_wrong(check, "role", "out_of_range",
		            "The role must be administrator, operator or viewer.");
	return role;
}

static void check_new_password(struct field_check *check, const char *password, const char *username)
{
	if (password && username && strcmp(password, username) == 0)
		field_wrong(check, "password", "out_of_range", "The password must not be the user name.");
}

static void user_post(struct request *req, struct reply *rep)
{
	struct field_check check = { .body = req->body };
	const char *username = need_string(&check, "username", 1, USERNAME_SIZE - 1);
	const char *password = need_string(&check, "password", PASSWORD_MIN, PASSWORD_MAX);
	struct user user = { .role = check_role(&check, need_string(&check, "role", 1, 32)), .password_change_required = true };
	int r;

	if (username && !username_is_valid(username))
		field_wrong(&check, "username", "out_of_range",
		            "A user name is a lower-case letter followed by lower-case letters, digits, '.', "
		            "'_' or '-'.");
	check_new_password(&check, password, username);
	no_other_fields(&check);
	if (field_reply(&check, rep))
		return;
	snprintf(user.username, sizeof(user.username), "%s", username);
	r = password_hash(password, user.hash);
	r = r ? r : users_add(req->api->users, &user);
	if (r < 0) {
		reply_store_error(rep, r);
		return;
	}
	reply_user(rep, 201, &user);
	reply_set_location(rep, API_PREFIX "/users/%s", user.id);
}

struct change {			/* what a PATCH asks for; NULL and ROLE_NOBODY: leave it */
	const char *current, *password;
	enum role role;
};

static bool parse_change(const struct request *req, const struct user *user, struct change *change,
                         struct reply *rep)
{
	struct field_check check = { .body = req->body };

	change->current = may_string(&check, "currentPassword", 1, PASSWORD_MAX);
	change->password = may_string(&check, "password", PASSWORD_MIN, PASSWORD_MAX);
	change->role = check_role(&check, may_string(&check, "role", 1, 32));
	check_new_password(&check, change->password, user->username);
	if (change->password && is_self(req) && !change->current)
		field_wrong(&check, "currentPassword", "missing_field",
		            "Your own password changes only with the current one.");
	if (change->password && change->current && strcmp(change->password, change->current) == 0)
		field_wrong(&check, "password", "out_of_range",
		            "The new password must differ from the current one.");
	no_other_fields(&check);
	return !field_reply(&check, rep);
}

/* The current password is a guess like a login: the same limit holds. */
static bool current_password_is_right(const struct request *req, const struct user *user, const char *current,
                                      struct reply *rep)
{
	unsigned int wait = login_limit_begin(req->api->login_limit, user->username, req->address);
	bool right;

	if (wait) {
		reply_error(rep, 429, "too_many_attempts", NULL,
		            "Too many failed attempts. Try again in %u seconds.", wait);
		rep->retry_after = wait;
		return false;
	}
	right = password_matches(current, user->hash);
	login_limit_done(req->api->login_limit, user->username, req->address, right);
	if (!right)
		reply_problem(rep, 422, "wrong_credentials", "currentPassword",
		              "The current password is wrong.", NULL);
	return right;
}

static bool change_is_permitted(const struct request *req, const struct user *user,
                                const struct change *change, struct reply *rep)
{
	if (change->role != ROLE_NOBODY && req->who.role != ROLE_ADMINISTRATOR) {
		reply_error(rep, 403, "role_insufficient", "role", "Only an administrator changes roles.");
		return false;
	}
	if (change->role != ROLE_NOBODY && req->who.password_change_required) {
		reply_error(rep, 403, "password_change_required", NULL,
		            "The one-time password must be changed first.");
		return false;
	}
	return !change->password || !is_self(req) || current_password_is_right(req, user, change->current, rep);
}

static int apply_change(struct request *req, struct user *user, const struct change *change)
{
	int r = 0;

	if (change->role != ROLE_NOBODY)
		user->role = change->role;
	if (change->password) {
		r = password_hash(change->password, user->hash);
		user->password_change_required = !is_self(req);
	}
	if (r == 0)
		r = users_update(req->api->users, user);
	if (r == 0 && change->password) {
		sessions_end_of_user(req->api->sessions, user->id,
		                     is_self(req) && req->who.by_session ? req->who.session : NULL);
		banner_password_changed(req->api, user->username);
	}
	return r;
}

static bool etag_matches(const struct request *req, const struct user *user, struct reply *rep)
{
	char *wanted = request_if_match(req), current[16];
	bool same;

	user_etag(user, current);
	same = !wanted || strcmp(wanted, current) == 0;
	free(wanted);
	if (!same)
		reply_store_error(rep, -ESTALE);
	return same;
}

static void user_patch(struct request *req, struct reply *rep)
{
	struct change change;
	struct user user;
	int r;

	if (!may_see(req, rep))
		return;
	if (!users_find(req->api->users, req->param[0], &user)) {
		reply_store_error(rep, -ENOENT);
		return;
	}
	if (!etag_matches(req, &user, rep) || !parse_change(req, &user, &change, rep) ||
	    !change_is_permitted(req, &user, &change, rep))
		return;
	r = apply_change(req, &user, &change);
	if (r < 0)
		reply_store_error(rep, r);
	else
		reply_user(rep, 200, &user);
	explicit_bzero(&user, sizeof(user));
}

static void user_delete(struct request *req, struct reply *rep)
{
	char *etag = request_if_match(req);
	int r = users_remove(req->api->users, req->param[0], etag);

	free(etag);
	if (r < 0) {
		reply_store_error(rep, r);
		return;
	}
	sessions_end_of_user(req->api->sessions, req->param[0], NULL);
	tokens_remove_of_user(req->api->tokens, req->param[0]);
	reply_empty(rep, 204);
}

const struct route user_routes[] = {
	{ "GET", "/users", ROLE_ADMINISTRATOR, BODY_NONE, NULL, users_list, 0, NULL, NULL },
	{ "POST", "/users", ROLE_ADMINISTRATOR, BODY_JSON, NULL, user_post, 0, NULL, NULL },
	{ "GET", "/users/{id}", ROLE_VIEWER, BODY_NONE, NULL, user_get, 0, NULL, NULL },
	{ "PATCH", "/users/{id}", ROLE_VIEWER, BODY_MERGE_PATCH, NULL, user_patch, ROUTE_BEFORE_PASSWORD_CHANGE, NULL, NULL },
	{ "DELETE", "/users/{id}", ROLE_ADMINISTRATOR, BODY_NONE, NULL, user_delete, 0, NULL, NULL },
	{ 0 }
};
