/* SPDX-License-Identifier: Apache-2.0 */
/* /host/certificate: what the appliance shows to browsers, an administrator's own in its place, and the request to have one signed. */
#include "banner.h"
#include "http/field.h"
#include "http/route.h"
#include "tls/names.h"
#include "tls/signing_request.h"
#include "tls/store.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

static void replace(struct request *req, struct reply *rep, const char *key, const char *chain, bool requested)
{
	struct certificate_fault fault = { NULL, NULL };
	int r = tls_store_replace(req->api->tls, key, chain, &fault);

	if (r == 0 && requested)
		signing_request_drop(req->api->state_fd);	/* it is answered; the key is the certificate's now */
	if (fault.detail)
		reply_problem(rep, 422, "certificate_invalid", requested ? "certificate" : fault.field, fault.detail, NULL);
	else
		reply_changed(req, rep, r);
}

/* Without a key it is the answer to the signing request that was made here. */
static void certificate_put(struct request *req, struct reply *rep)
{
	struct field_check check = { .body = req->body };
	const char *chain = need_string(&check, "certificate", 1, PEM_MAX), *key = may_string(&check, "privateKey", 1, PEM_MAX);
	struct signing_request pending = { NULL, NULL };

	no_other_fields(&check);
	if (field_reply(&check, rep))
		return;
	if (!key && signing_request_load(req->api->state_fd, &pending) < 0)
		reply_problem(rep, 422, "missing_field", "privateKey", "This field is required while there is no signing request.", NULL);
	else
		replace(req, rep, key ? key : pending.key, chain, !key);
	signing_request_clear(&pending);
}

static void certificate_delete(struct request *req, struct reply *rep)
{
	reply_changed(req, rep, tls_store_reset(req->api->tls));
}

/* --- the request to have one signed --- */

static void reply_request(struct reply *rep, int status, const struct signing_request *r)
{
	reply_json(rep, status, json_pack("{s:s}", "signingRequest", r->pem));
}

static void request_get(struct request *req, struct reply *rep)
{
	struct signing_request r = { NULL, NULL };

	if (signing_request_load(req->api->state_fd, &r) < 0)
		reply_error(rep, 404, "not_found", NULL, "There is no signing request.");
	else
		reply_request(rep, 200, &r);
	signing_request_clear(&r);
}

static bool names_read(const json_t *body, struct names *names, struct reply *rep)
{
	const json_t *list = json_object_get(body, "names"), *name;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > NAMES_MAX || json_object_size(body) != 1) {
		reply_error(rep, 422, json_object_size(body) > 1 ? "unknown_field" : list ? "out_of_range" : "missing_field", "names",
			    "Give names, a list of 1 to %d host names and addresses, and nothing else.", NAMES_MAX);
		return false;
	}
	json_array_foreach(list, i, name)
		if (!json_is_string(name) || !names_add(names, json_string_value(name))) {
			reply_error(rep, 422, "out_of_range", "names", "Name %zu is neither a host name nor an address.", i + 1);
			return false;
		}
	return true;
}

static void request_post(struct request *req, struct reply *rep)
{
	struct signing_request r = { NULL, NULL };
	struct names *names = calloc(1, sizeof(*names));

	if (!names) {
		reply_error(rep, 500, "internal_error", NULL, "There is no memory for the names.");
	} else if (names_read(req->body, names, rep)) {
		if (signing_request_make(req->api->state_fd, names, &r) < 0)
			reply_error(rep, 500, "internal_error", NULL, "The key or the request could not be made or stored.");
		else
			reply_request(rep, 201, &r);
	}
	signing_request_clear(&r);
	free(names);
}

static void request_delete(struct request *req, struct reply *rep)
{
	if (signing_request_drop(req->api->state_fd) < 0)
		reply_error(rep, 500, "internal_error", NULL, "The signing request could not be removed.");
	else
		reply_empty(rep, 204);
}

const struct route host_certificate_routes[] = {
	{ "GET", "/host/certificate", ROLE_VIEWER, BODY_NONE, NULL, certificate_get, 0, NULL, NULL },
	{ "PUT", "/host/certificate", ROLE_ADMINISTRATOR, BODY_JSON, NULL, certificate_put, 0, NULL, NULL },
	{ "DELETE", "/host/certificate", ROLE_ADMINISTRATOR, BODY_NONE, NULL, certificate_delete, 0, NULL, NULL },
	{ "GET", "/host/certificate/request", ROLE_ADMINISTRATOR, BODY_NONE, NULL, request_get, 0, NULL, NULL },
	{ "POST", "/host/certificate/request", ROLE_ADMINISTRATOR, BODY_JSON, NULL, request_post, 0, NULL, NULL },
	{ "DELETE", "/host/certificate/request", ROLE_ADMINISTRATOR, BODY_NONE, NULL, request_delete, 0, NULL, NULL },
	{ 0 }
};
