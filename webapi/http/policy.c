/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a browser may do with our answers (CSP3, RFC 6797, Fetch). Scripts come only from us; style elements
 * are allowed because the terminal widget makes them; nobody may frame the console.
 */
#include "http/policy.h"

#include <stddef.h>

static const struct {
	const char *name, *value;
} rows[] = {
	{ "Content-Security-Policy", "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
	  "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
	  "frame-ancestors 'none'" },
	{ "Strict-Transport-Security", "max-age=31536000" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
};

void policy_each_header(void (*add)(void *context, const char *name, const char *value), void *context)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		add(context, rows[i].name, rows[i].value);
}
