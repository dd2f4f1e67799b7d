/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: filled by auth/gate.c from a session cookie or a token, read by the resources. */
#ifndef WEBAPI_AUTH_IDENTITY_H
#define WEBAPI_AUTH_IDENTITY_H

#include <stdbool.h>

#define USER_ID_SIZE	37		/* UUID text */
#define USERNAME_SIZE	33
#define SECRET_SIZE	48		/* a random secret as base64url, and its SHA-256 likewise */

/* Each may do what those before may. */
enum role { ROLE_NOBODY, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMINISTRATOR };

struct identity {
	enum role role;			/* ROLE_NOBODY: not authenticated */
	char user_id[USER_ID_SIZE];
	char username[USERNAME_SIZE];
	bool password_change_required;
	bool by_session;		/* else by token */
	char session[SECRET_SIZE];	/* hash that names the session */
	char token_id[USER_ID_SIZE];
	char csrf_token[SECRET_SIZE];
};

const char *role_name(enum role role);
enum role role_from_name(const char *name);	/* ROLE_NOBODY when unknown */

#endif
