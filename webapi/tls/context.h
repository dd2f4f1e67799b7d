/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate made ready to serve: what mbedTLS needs of it for each connection. */
#ifndef WEBAPI_TLS_CONTEXT_H
#define WEBAPI_TLS_CONTEXT_H

#include "tls/certificate.h"

#include <mbedtls/ssl_ticket.h>

struct tls_context {
	struct certificate *certificate;
	mbedtls_ssl_config config;
	mbedtls_ssl_ticket_context tickets;
	unsigned int users;		/* connections and the store; guarded by the store's lock */
};

int tls_context_create(struct certificate *c, struct tls_context **out);	/* takes c on success; 0 or negative errno */
void tls_context_destroy(struct tls_context *t);		/* accepts NULL */
/* Does what a browser would: a handshake in memory. False: nobody could connect with this certificate. */
bool tls_context_works(struct tls_context *t);

#endif
