/* SPDX-License-Identifier: Apache-2.0 */
/* /host/certificate: what the appliance shows to browsers, and an administrator's own in its place. */
#include "banner.h"
#include "http/field.h"
#include "http/route.h"
#include "tls/store.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEM_MAX	65536	/* characters of a key, of a chain */

static json_t *time_json(const mbedtls_x509_time *t)
{
	return json_sprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", t->year, t->mon, t->day, t->hour, t->min, t->sec);
}

static json_t *name_json(const mbedtls_x509_name *name)
{
	char text[512];

	return json_string(mbedtls_x509_dn_gets(text, sizeof(text), name) > 0 ? text : "");
}

/* A DNS name or an address; NULL for the other kinds, which browsers do not look at. */
static json_t *alternative_json(const mbedtls_x509_buf *encoded)
{
	mbedtls_x509_subject_alternative_name san;
	char text[INET6_ADDRSTRLEN];
	json_t *name = NULL;

	if (mbedtls_x509_parse_subject_alt_name(encoded, &san))
		return NULL;
	if (san.type == MBEDTLS_X509_SAN_DNS_NAME)
		name = json_stringn((const char *)san.san.unstructured_name.p, san.san.unstructured_name.len);
	else if (san.type == MBEDTLS_X509_SAN_IP_ADDRESS &&
		 inet_ntop(san.san.unstructured_name.len == 16 ? AF_INET6 : AF_INET, san.san.unstructured_name.p, text, sizeof(text)))
		name = json_string(text);
	mbedtls_x509_free_subject_alt_name(&san);
	return name;
}

static json_t *names_json(const mbedtls_x509_crt *crt)
{
	json_t *names = json_array();

	for (const mbedtls_x509_sequence *n = &crt->subject_alt_names; n && n->buf.p; n = n->next) {
		json_t *name = alternative_json(&n->buf);

		if (name)
			json_array_append_new(names, name);
	}
	return names;
}

static json_t *certificate_json(const struct certificate *c)
{
	int chain = 0;

	for (const mbedtls_x509_crt *crt = &c->chain; crt; crt = crt->next)
		chain++;
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:i, s:i}", "uploaded", c->uploaded, "subject",
			 name_json(&c->chain.subject), "issuer", name_json(&c->chain.issuer), "names", names_json(&c->chain),
			 "validFrom", time_json(&c->chain.valid_from), "validTo", time_json(&c->chain.valid_to), "fingerprint",
			 c->fingerprint, "keyType", mbedtls_pk_can_do(&c->key, MBEDTLS_PK_RSA) ? "rsa" : "ec", "keyBits",
			 (int)mbedtls_pk_get_bitlen(&c->key), "chainLength", chain);
}

static void reply_current(struct request *req, struct reply *rep)
{
	struct tls_context *t = tls_store_get(req->api->tls);

	reply_json(rep, 200, certificate_json(t->certificate));
	tls_store_put(req->api->tls, t);
}

/* What was changed holds for new connections; the banner tells its fingerprint. */
static void reply_changed(struct request *req, struct reply *rep, int result)
{
	if (result < 0) {
		reply_error(rep, result == -ENOSPC ? 507 : 500, result == -ENOSPC ? "no_space" : "internal_error", NULL,
		            "The certificate could not be stored (%s); the one before stays in use.", strerror(-result));
		return;
	}
	banner_refresh(req->api->banner);
	reply_current(req, rep);
}

static void certificate_get(struct request *req, struct reply *rep)
{
	reply_current(req, rep);
}

static void certificate_put(struct request *req, struct reply *rep)
{
	struct field_check check = { .body = req->body };
	const char *chain = need_string(&check, "certificate", 1, PEM_MAX), *key = need_string(&check, "privateKey", 1, PEM_MAX);
	struct certificate_fault fault = { NULL, NULL };
	int r;

	no_other_fields(&check);
	if (field_reply(&check, rep))
		return;
	r = tls_store_replace(req->api->tls, key, chain, &fault);
	if (fault.detail)
		reply_problem(rep, 422, "certificate_invalid", fault.field, fault.detail, NULL);
	else
		reply_changed(req, rep, r);
}

static void certificate_delete(struct request *req, struct reply *rep)
{
	reply_changed(req, rep, tls_store_reset(req->api->tls));
}

const struct route host_certificate_routes[] = {
	{ "GET", "/host/certificate", ROLE_VIEWER, BODY_NONE, NULL, certificate_get, 0, NULL, NULL },
	{ "PUT", "/host/certificate", ROLE_ADMINISTRATOR, BODY_JSON, NULL, certificate_put, 0, NULL, NULL },
	{ "DELETE", "/host/certificate", ROLE_ADMINISTRATOR, BODY_NONE, NULL, certificate_delete, 0, NULL, NULL },
	{ 0 }
};
