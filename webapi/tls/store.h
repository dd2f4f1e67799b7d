/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate in use and how it is replaced while connections go on: those that exist keep the old one, new ones get the
 * new one. Thread-safe. An uploaded certificate is one file, uploaded.pem, so that a power cut leaves the old or the new.
 */
#ifndef WEBAPI_TLS_STORE_H
#define WEBAPI_TLS_STORE_H

#include "tls/context.h"

struct tls_store;
/* An uploaded certificate that cannot be loaded any more is left alone and our own one served: the door stays open. */
int tls_store_open(int dir_fd, struct tls_store **out);
void tls_store_close(struct tls_store *s);		/* when no connection is left; accepts NULL */

struct tls_context *tls_store_get(struct tls_store *s);	/* give it back */
void tls_store_put(struct tls_store *s, struct tls_context *t);

/* 0, or -EINVAL and the fault, or another negative errno; then everything is as it was. */
int tls_store_replace(struct tls_store *s, const char *key, const char *chain, struct certificate_fault *fault);
int tls_store_reset(struct tls_store *s);		/* our own certificate again */

#endif
