/* SPDX-License-Identifier: Apache-2.0 */
/* TLS settings around a certificate, and the trial that shows that it can be served. */
#include "tls/context.h"

#include <errno.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#define TICKET_SECONDS	3600
#define PIPE_SIZE	32768

static int setup(struct tls_context *t)
{
	static const int suites[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
	                             MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
	                             MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
	                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	                             MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	                             MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	                             MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	                             0};
	static const char *protocols[] = { "http/1.1", NULL };

	if (psa_crypto_init() != PSA_SUCCESS ||
	    mbedtls_ssl_config_defaults(&t->config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
	                                MBEDTLS_SSL_PRESET_DEFAULT))
		return -EIO;
	mbedtls_ssl_conf_rng(&t->config, certificate_random, NULL);
	mbedtls_ssl_conf_min_tls_version(&t->config, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_ciphersuites(&t->config, suites);
	if (mbedtls_ssl_conf_alpn_protocols(&t->config, protocols) ||
	    mbedtls_ssl_conf_own_cert(&t->config, &t->certificate->chain, &t->certificate->key) ||
	    mbedtls_ssl_ticket_setup(&t->tickets, certificate_random, NULL, MBEDTLS_CIPHER_AES_256_GCM,
	                             TICKET_SECONDS))
		return -EIO;
	mbedtls_ssl_conf_session_tickets_cb(&t->config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse,
	                                    &t->tickets);
	return 0;
}

int tls_context_create(struct certificate *c, struct tls_context **out)
{
	struct tls_context *t = calloc(1, sizeof(*t));
	int r = -ENOMEM;

	if (!t)
		return r;
	mbedtls_ssl_config_init(&t->config);
	mbedtls_ssl_ticket_init(&t->tickets);
	t->certificate = c;
	r = setup(t);
	if (r < 0) {
		t->certificate = NULL;		/* still the caller's */
		tls_context_destroy(t);
		return r;
	}
	t->users = 1;
	*out = t;
	return 0;
}

void tls_context_destroy(struct tls_context *t)
{
	if (!t)
		return;
	mbedtls_ssl_config_free(&t->config);
	mbedtls_ssl_ticket_free(&t->tickets);
	certificate_destroy(t->certificate);
	free(t);
}

/* --- the trial --- */

struct pipe {
	size_t fill;
	unsigned char data[PIPE_SIZE];
};

struct end { struct pipe *in, *out; };

static int end_send(void *context, const unsigned char *data, size_t size)
{
	struct pipe *p = ((struct end *)context)->out;
	size_t room = PIPE_SIZE - p->fill;

	size = size < room ? size : room;
	if (size == 0)
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	memcpy(p->data + p->fill, data, size);
	p->fill += size;
	return (int)size;
}

static int end_receive(void *context, unsigned char *data, size_t size)
{
	struct pipe *p = ((struct end *)context)->in;

	size = size < p->fill ? size : p->fill;
	if (size == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	memcpy(data, p->data, size);
	p->fill -= size;
	memmove(p->data, p->data + size, p->fill);
	return (int)size;
}

struct trial {
	mbedtls_ssl_config client_config;
	mbedtls_ssl_context client, server;
	struct pipe up, down;
	struct end client_end, server_end;
};

static bool trial_setup(struct trial *x, struct tls_context *t)
{
	if (mbedtls_ssl_config_defaults(&x->client_config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
	                                MBEDTLS_SSL_PRESET_DEFAULT))
		return false;
	mbedtls_ssl_conf_rng(&x->client_config, certificate_random, NULL);
	mbedtls_ssl_conf_authmode(&x->client_config, MBEDTLS_SSL_VERIFY_OPTIONAL);	/* whom it trusts is not the question */
	mbedtls_ssl_conf_ca_chain(&x->client_config, &t->certificate->chain, NULL);
	if (mbedtls_ssl_setup(&x->client, &x->client_config) || mbedtls_ssl_set_hostname(&x->client, NULL) ||
	    mbedtls_ssl_setup(&x->server, &t->config))
		return false;
	x->client_end = (struct end){ &x->down, &x->up };
	x->server_end = (struct end){ &x->up, &x->down };
	mbedtls_ssl_set_bio(&x->client, &x->client_end, end_send, end_receive, NULL);
	mbedtls_ssl_set_bio(&x->server, &x->server_end, end_send, end_receive, NULL);
	return true;
}

static bool may_go_on(int result)
{
	return result == 0 || result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* Each round moves a flight; a handshake has no more than four, of which each may fill the pipe a few times. */
static bool trial_run(struct trial *x)
{
	for (int round = 0; round < 32; round++) {
		int client = mbedtls_ssl_is_handshake_over(&x->client) ? 0 : mbedtls_ssl_handshake(&x->client);
		int server = mbedtls_ssl_is_handshake_over(&x->server) ? 0 : mbedtls_ssl_handshake(&x->server);

		if (!may_go_on(client) || !may_go_on(server))
			return false;
		if (client == 0 && server == 0)
			return true;
	}
	return false;
}

bool tls_context_works(struct tls_context *t)
{
	struct trial *x = calloc(1, sizeof(*x));
	bool works;

	if (!x)
		return false;
	mbedtls_ssl_config_init(&x->client_config);
	mbedtls_ssl_init(&x->client);
	mbedtls_ssl_init(&x->server);
	works = trial_setup(x, t) && trial_run(x);
	mbedtls_ssl_free(&x->client);
	mbedtls_ssl_free(&x->server);
	mbedtls_ssl_config_free(&x->client_config);
	free(x);
	return works;
}
