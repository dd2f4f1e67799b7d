/* SPDX-License-Identifier: Apache-2.0 */
/* The names a certificate is for, as mbedTLS wants them: DNS names and addresses (RFC 5280 §4.2.1.6). */
#ifndef WEBAPI_TLS_NAMES_H
#define WEBAPI_TLS_NAMES_H

#include <mbedtls/x509.h>
#include <stdbool.h>
#include <stddef.h>

#define NAMES_MAX	32
#define NAME_SIZE	256	/* of a DNS name, with its NUL */

struct names {
	mbedtls_x509_san_list entry[NAMES_MAX];		/* the list is entry[0] when count is not 0 */
	char text[NAMES_MAX][NAME_SIZE];		/* what the entries point to */
	size_t count;
};

/* A DNS name, perhaps with "*." in front, or an address. False: it is neither, or there are too many. */
bool names_add(struct names *n, const char *name);
void names_collect(struct names *n);			/* this machine's: host name, localhost, addresses */

#endif
