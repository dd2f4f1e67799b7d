/* SPDX-License-Identifier: Apache-2.0 */
/* The appliance's certificate: made at the first start, kept in the state folder as tls.key and tls.crt. */
#ifndef WEBAPI_TLS_CERTIFICATE_H
#define WEBAPI_TLS_CERTIFICATE_H

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#define CERTIFICATE_FINGERPRINT_SIZE	(32 * 3)

struct certificate {
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
	char fingerprint[CERTIFICATE_FINGERPRINT_SIZE];		/* SHA-256 of the certificate, AA:BB:… */
};

/*
 * Loads both files from the folder, or makes them when one is missing or the certificate soon ends. 0 or
 * negative errno.
 */
int certificate_load(struct certificate *c, int dir_fd);
void certificate_clear(struct certificate *c);		/* accepts a zeroed one */

/* A generator for mbedTLS calls (f_rng): getrandom(2). */
int certificate_random(void *unused, unsigned char *out, size_t size);

#endif
