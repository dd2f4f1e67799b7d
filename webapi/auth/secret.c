/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets are made here and nowhere else, from getrandom(2). */
#include "auth/secret.h"

#include <errno.h>
#include <mbedtls/base64.h>
#include <mbedtls/sha256.h>
#include <string.h>
#include <sys/random.h>

static void to_base64url(const unsigned char digest[32], char out[SECRET_SIZE])
{
	size_t size = 0;

	mbedtls_base64_encode((unsigned char *)out, SECRET_SIZE, &size, digest, 32);
	for (char *c = out; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? '\0' : *c;
}

int secret_new(char out[SECRET_SIZE])
{
	unsigned char random[32];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	to_base64url(random, out);
	explicit_bzero(random, sizeof(random));
	return 0;
}

void secret_hash(const char *purpose, const char *secret, char out[SECRET_SIZE])
{
	mbedtls_sha256_context sha;
	unsigned char digest[32];

	mbedtls_sha256_init(&sha);
	mbedtls_sha256_starts(&sha, 0);
	mbedtls_sha256_update(&sha, (const unsigned char *)purpose, strlen(purpose));
	mbedtls_sha256_update(&sha, (const unsigned char *)":", 1);
	mbedtls_sha256_update(&sha, (const unsigned char *)secret, strlen(secret));
	mbedtls_sha256_finish(&sha, digest);
	mbedtls_sha256_free(&sha);
	to_base64url(digest, out);
}

bool secret_equal(const char *a, const char *b)
{
	size_t size = a ? strlen(a) : 0;
	volatile unsigned char difference = 0;

	if (!a || !b || strlen(b) != size)
		return false;
	for (size_t i = 0; i < size; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return difference == 0;
}

int secret_readable(char *out, unsigned int groups)
{
	static const char letters[33] =
	    "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 of them: no bias; no l, o, 0, 1 */
	unsigned char random[64];
	size_t n = 0;

	if (groups * 4 > sizeof(random) || getrandom(random, groups * 4, 0) != (ssize_t)groups * 4)
		return -EIO;
	for (unsigned int i = 0; i < groups * 4; i++) {
		out[n++] = letters[random[i] & 31];
		if (i % 4 == 3)
			out[n++] = '-';
	}
	out[n - 1] = '\0';
	return 0;
}
