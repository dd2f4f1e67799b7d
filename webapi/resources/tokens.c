/* SPDX-License-Identifier: Apache-2.0 */
/* /tokens: one's own API tokens. */
#include "auth/tokens.h"

#include "http/field.h"
#include "http/route.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct own_list {
	json_t *array;
	const char *user_id;
};

static void append_own(void *context, const struct token *token)
{
	struct own_list *list = context;

	if (strcmp(token->user_id, list->user_id) == 0)
		json_array_append_new(list->array, token_json(token));
}

static void tokens_list(struct request *req, struct reply *rep)
{
	struct own_list list = { json_array(), req->who.user_id };

	tokens_each(req->api->tokens, append_own, &list);
	reply_json(rep, 200, json_pack("{s:o}", "items", list.array));
}

static enum role asked_role(struct field_check *check, const struct request *req)
{
	const char *text = may_string(check, "role", 1, 32);
	enum role role = text ? role_from_name(text) : req->who.role;

	if (role == ROLE_NOBODY || role > req->who.role)
		field_wrong(check, "role", "out_of_range", "The role must be one that you have yourself.");
	return role;
}

static void token_post(struct request *req, struct reply *rep)
{
	struct field_check check = { .body = req->body };
	const char *name = need_string(&check, "name", 1, 64);
	struct token token = { .role = asked_role(&check, req) };
	char secret[SECRET_SIZE];
	json_t *item;

	no_other_fields(&check);
	if (field_reply(&check, rep))
		return;
	snprintf(token.name, sizeof(token.name), "%s", name);
	memcpy(token.user_id, req->who.user_id, sizeof(token.user_id));
	if (tokens_add(req->api->tokens, &token, secret) < 0) {
		reply_error(rep, 507, "no_space", NULL, "The token could not be stored (at most %d are).",
		            TOKENS_MAX);
		return;
	}
	item = token_json(&token);
	json_object_set_new(item, "token", json_string(secret));
	reply_json(rep, 201, item);
	reply_set_location(rep, API_PREFIX "/tokens/%s", token.id);
	explicit_bzero(secret, sizeof(secret));
}

static bool find_own(const struct request *req, struct reply *rep, struct token *token)
{
	if (tokens_find(req->api->tokens, req->param[0], token) &&
	    strcmp(token->user_id, req->who.user_id) == 0)
		return true;
	reply_error(rep, 404, "token_not_found", NULL, "You have no token with this id.");
	return false;
}

static void token_get(struct request *req, struct reply *rep)
{
	struct token token;

	if (find_own(req, rep, &token))
		reply_json(rep, 200, token_json(&token));
}

static void token_delete(struct request *req, struct reply *rep)
{
	struct token token;

	if (!find_own(req, rep, &token))
		return;
	tokens_remove(req->api->tokens, token.id);
	reply_empty(rep, 204);
}

const struct route token_routes[] = {
	{ "GET", "/tokens", ROLE_VIEWER, BODY_NONE, NULL, tokens_list, 0, NULL, NULL },
	{ "POST", "/tokens", ROLE_VIEWER, BODY_JSON, NULL, token_post, 0, NULL, NULL },
	{ "GET", "/tokens/{id}", ROLE_VIEWER, BODY_NONE, NULL, token_get, 0, NULL, NULL },
	{ "DELETE", "/tokens/{id}", ROLE_VIEWER, BODY_NONE, NULL, token_delete, 0, NULL, NULL },
	{ 0 }
};
