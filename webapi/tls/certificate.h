/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates with their keys: our own, made at the first start and kept in the state folder as tls.key and tls.crt, and
 * one that an administrator uploads.
 */
#ifndef WEBAPI_TLS_CERTIFICATE_H
#define WEBAPI_TLS_CERTIFICATE_H

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdbool.h>

#define CERTIFICATE_FINGERPRINT_SIZE	(32 * 3)

struct certificate {		/* not changed once it is made */
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
	char fingerprint[CERTIFICATE_FINGERPRINT_SIZE];		/* SHA-256 of the certificate, AA:BB:… */
	bool uploaded;			/* by an administrator; else made here */
};

struct certificate *certificate_new(void);		/* empty; NULL: no memory */
void certificate_destroy(struct certificate *c);	/* accepts NULL */
void certificate_set_fingerprint(struct certificate *c);
/*
 * Our own: loads both files from the folder, or makes them when one is missing or the certificate soon ends. 0 or
 * negative errno.
 */
int certificate_load(int dir_fd, struct certificate **out);

/* uploaded.c: an administrator's key and chain, both PEM text. Judged as browsers would; -EINVAL and the fault otherwise. */
struct certificate_fault { const char *field, *detail; };
int certificate_from_pem(const char *key, const char *chain, struct certificate **out, struct certificate_fault *fault);

int certificate_key_make(mbedtls_pk_context *key);	/* ECDSA P-256, into an initialized context; 0 or mbedTLS' error */

/* A generator for mbedTLS calls (f_rng): getrandom(2). */
int certificate_random(void *unused, unsigned char *out, size_t size);

#endif
