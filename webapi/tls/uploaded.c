/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges a certificate that an administrator brings, before anybody depends on it: what browsers refuse is refused here, with
 * the reason. RFC 5280; the order of a chain as in RFC 8446 §4.4.2.
 */
#include "tls/certificate.h"

#include <errno.h>
#include <mbedtls/oid.h>
#include <string.h>

#define RSA_BITS_MIN	2048u

static bool key_is_strong(struct certificate *c)
{
	return mbedtls_pk_can_do(&c->key, MBEDTLS_PK_ECKEY) ||
	       (mbedtls_pk_can_do(&c->key, MBEDTLS_PK_RSA) && mbedtls_pk_get_bitlen(&c->key) >= RSA_BITS_MIN);
}

static bool key_belongs(struct certificate *c)
{
	return mbedtls_pk_check_pair(&c->chain.pk, &c->key, certificate_random, NULL) == 0;
}

static bool has_begun(struct certificate *c)
{
	return !mbedtls_x509_time_is_future(&c->chain.valid_from);
}

static bool has_not_ended(struct certificate *c)
{
	return !mbedtls_x509_time_is_past(&c->chain.valid_to);
}

static bool is_for_servers(struct certificate *c)
{
	return mbedtls_x509_crt_check_extended_key_usage(&c->chain, MBEDTLS_OID_SERVER_AUTH,
							 MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) == 0;
}

/* The last certificate is taken as the anchor: whether the client trusts it is the client's affair. */
static bool chain_holds(struct certificate *c)
{
	mbedtls_x509_crt *last = &c->chain;
	uint32_t flags = 0;

	while (last->next)
		last = last->next;
	return last == &c->chain || mbedtls_x509_crt_verify(&c->chain, last, NULL, NULL, &flags, NULL, NULL) == 0;
}

static const struct {
	bool (*holds)(struct certificate *c);
	struct certificate_fault fault;
} rules[] = {
	{ key_is_strong, { "privateKey", "The key must be an elliptic curve key or an RSA key of at least 2048 bits." } },
	{ key_belongs, { "privateKey", "The private key does not belong to the first certificate; the server's own certificate comes first." } },
	{ has_begun, { "certificate", "The certificate is not valid yet. Is the appliance's clock right?" } },
	{ has_not_ended, { "certificate", "The certificate has expired." } },
	{ is_for_servers, { "certificate", "The certificate's extended key usage does not permit servers." } },
	{ chain_holds, { "certificate", "The chain does not hold: each certificate must be signed by the one after it, and none may have expired." } },
};

static int refuse(struct certificate_fault *fault, const char *field, const char *detail)
{
	*fault = (struct certificate_fault){ field, detail };
	return -EINVAL;
}

static int read_pem(struct certificate *c, const char *key, const char *chain, struct certificate_fault *fault)
{
	int r = mbedtls_pk_parse_key(&c->key, (const unsigned char *)key, strlen(key) + 1, NULL, 0, certificate_random, NULL);

	if (r == MBEDTLS_ERR_PK_PASSWORD_REQUIRED)
		return refuse(fault, "privateKey", "The private key is encrypted with a password; decrypt it first.");
	if (r != 0)
		return refuse(fault, "privateKey", "This is not a private key in PEM form.");
	if (mbedtls_x509_crt_parse(&c->chain, (const unsigned char *)chain, strlen(chain) + 1) != 0)
		return refuse(fault, "certificate", "This is not a list of certificates in PEM form, or one of them cannot be read.");
	return 0;
}

static int judge(struct certificate *c, struct certificate_fault *fault)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (!rules[i].holds(c))
			return refuse(fault, rules[i].fault.field, rules[i].fault.detail);
	return 0;
}

int certificate_from_pem(const char *key, const char *chain, struct certificate **out, struct certificate_fault *fault)
{
	struct certificate *c = certificate_new();
	int r = c ? read_pem(c, key, chain, fault) : -ENOMEM;

	if (r == 0)
		r = judge(c, fault);
	if (r < 0) {
		certificate_destroy(c);
		return r;
	}
	c->uploaded = true;
	certificate_set_fingerprint(c);
	*out = c;
	return 0;
}
