/* SPDX-License-Identifier: Apache-2.0 */
/* The only caller of crypt(3). */
#include "auth/password.h"

#include "auth/secret.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hash_with(const char *password, const char *setting, char hash[PASSWORD_HASH_SIZE])
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *result = data ? crypt_r(password, setting, data) : NULL;
	int r = result && result[0] != '*' ? 0 : -EIO;

	if (r == 0)
		snprintf(hash, PASSWORD_HASH_SIZE, "%s", result);
	if (data)
		explicit_bzero(data, sizeof(*data));
	free(data);
	return r;
}

int password_hash(const char *password, char hash[PASSWORD_HASH_SIZE])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)))
		return -EIO;
	return hash_with(password, setting, hash);
}

bool password_matches(const char *password, const char *hash)
{
	char computed[PASSWORD_HASH_SIZE];

	if (!hash) {
		password_hash(password, computed);
		return false;
	}
	return hash_with(password, hash, computed) == 0 && secret_equal(computed, hash);
}
