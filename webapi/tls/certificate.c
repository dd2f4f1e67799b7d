/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A self-signed ECDSA P-256 certificate whose subjectAltName lists the host name and every address of this
 * machine at the time it was made (RFC 5280 §4.2.1.6). Renewed at a start when it ends within 30 days.
 */
#include "tls/certificate.h"
#include "tls/names.h"

#include "partita/file.h"

#include <errno.h>
#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/sha256.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define VALID_DAYS	825	/* the longest that browsers accept of a certificate trusted by hand */
#define RENEW_DAYS	30
#define PEM_SIZE	8192

int certificate_random(void *unused, unsigned char *out, size_t size)
{
	(void)unused;
	while (size) {
		ssize_t n = getrandom(out, size, 0);

		if (n < 0)
			return MBEDTLS_ERR_PK_ALLOC_FAILED;
		out += n;
		size -= (size_t)n;
	}
	return 0;
}

static int set_validity(mbedtls_x509write_cert *w)
{
	time_t from = time(NULL) - 86400,
	       to = from + (time_t)VALID_DAYS * 86400; /* a client's clock may be behind */
	char not_before[16], not_after[16];
	struct tm tm;

	strftime(not_before, sizeof(not_before), "%Y%m%d%H%M%S", gmtime_r(&from, &tm));
	strftime(not_after, sizeof(not_after), "%Y%m%d%H%M%S", gmtime_r(&to, &tm));
	return mbedtls_x509write_crt_set_validity(w, not_before, not_after);
}

static int set_content(mbedtls_x509write_cert *w, mbedtls_pk_context *key, struct names *names)
{
	static const mbedtls_asn1_sequence server_auth = {
		.buf = { MBEDTLS_ASN1_OID, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH), (unsigned char *)MBEDTLS_OID_SERVER_AUTH },
	};
	unsigned char serial[16];
	int r = certificate_random(NULL, serial, sizeof(serial));

	serial[0] = (serial[0] & 0x3f) | 0x40;		/* positive and of full length */
	mbedtls_x509write_crt_set_version(w, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(w, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(w, key);
	mbedtls_x509write_crt_set_issuer_key(w, key);
	r = r ? r : mbedtls_x509write_crt_set_serial_raw(w, serial, sizeof(serial));
	r = r ? r : mbedtls_x509write_crt_set_subject_name(w, "CN=Partita appliance");
	r = r ? r : mbedtls_x509write_crt_set_issuer_name(w, "CN=Partita appliance");
	r = r ? r : set_validity(w);
	r = r ? r : mbedtls_x509write_crt_set_basic_constraints(w, 0, -1);
	r = r ? r : mbedtls_x509write_crt_set_key_usage(w, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	r = r ? r : mbedtls_x509write_crt_set_ext_key_usage(w, &server_auth);
	return r ? r : mbedtls_x509write_crt_set_subject_alternative_name(w, names->entry);
}

static int write_pem(int dir_fd, const char *name, const unsigned char *pem, mode_t mode)
{
	return file_write(dir_fd, name, pem, strlen((const char *)pem), mode);
}

int certificate_key_make(mbedtls_pk_context *key)
{
	int r = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));

	return r ? r : mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), certificate_random, NULL);
}

static int certificate_make(int dir_fd)
{
	mbedtls_x509write_cert w;
	mbedtls_pk_context key;
	struct names *names = calloc(1, sizeof(*names));
	unsigned char pem[PEM_SIZE] = "";
	int r = -ENOMEM;

	mbedtls_x509write_crt_init(&w);
	mbedtls_pk_init(&key);
	if (!names)
		goto out;
	names_collect(names);
	r = -EIO;
	if (certificate_key_make(&key) || set_content(&w, &key, names) || mbedtls_pk_write_key_pem(&key, pem, sizeof(pem)))
		goto out;
	r = write_pem(dir_fd, "tls.key", pem, 0600);
	if (r == 0)
		r = mbedtls_x509write_crt_pem(&w, pem, sizeof(pem), certificate_random, NULL) ? -EIO : 0;
	if (r == 0)
		r = write_pem(dir_fd, "tls.crt", pem, 0644);
out:
	explicit_bzero(pem, sizeof(pem));
	mbedtls_pk_free(&key);
	mbedtls_x509write_crt_free(&w);
	free(names);
	return r;
}

static bool certificate_ends_soon(const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_time *t = &crt->valid_to;
	struct tm end = { .tm_year = t->year - 1900, .tm_mon = t->mon - 1, .tm_mday = t->day };

	return timegm(&end) - time(NULL) < (time_t)RENEW_DAYS * 86400;
}

struct certificate *certificate_new(void)
{
	struct certificate *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	mbedtls_x509_crt_init(&c->chain);
	mbedtls_pk_init(&c->key);
	return c;
}

void certificate_destroy(struct certificate *c)
{
	if (!c)
		return;
	mbedtls_x509_crt_free(&c->chain);
	mbedtls_pk_free(&c->key);
	free(c);
}

void certificate_set_fingerprint(struct certificate *c)
{
	unsigned char hash[32];

	mbedtls_sha256(c->chain.raw.p, c->chain.raw.len, hash, 0);
	for (size_t i = 0; i < sizeof(hash); i++)
		sprintf(c->fingerprint + i * 3, "%02X%s", hash[i], i + 1 < sizeof(hash) ? ":" : "");
}

static int parse_files(struct certificate *c, int dir_fd)
{
	char *key = NULL, *chain = NULL;
	size_t key_size = 0, chain_size = 0;
	int r = file_read(dir_fd, "tls.key", PEM_SIZE, &key, &key_size);

	if (r == 0)
		r = file_read(dir_fd, "tls.crt", PEM_SIZE, &chain, &chain_size);
	if (r == 0 && (mbedtls_pk_parse_key(&c->key, (unsigned char *)key, key_size + 1, NULL, 0,
	                                    certificate_random, NULL) ||
	               mbedtls_x509_crt_parse(&c->chain, (unsigned char *)chain, chain_size + 1) ||
	               mbedtls_pk_check_pair(&c->chain.pk, &c->key, certificate_random, NULL)))
		r = -EINVAL;
	if (r == 0)
		certificate_set_fingerprint(c);
	if (key)
		explicit_bzero(key, key_size);
	free(key);
	free(chain);
	return r;
}

static int load_files(int dir_fd, struct certificate **out)
{
	struct certificate *c = certificate_new();
	int r = c ? parse_files(c, dir_fd) : -ENOMEM;

	if (r == 0)
		*out = c;
	else
		certificate_destroy(c);
	return r;
}

int certificate_load(int dir_fd, struct certificate **out)
{
	struct certificate *c = NULL;
	int r = load_files(dir_fd, &c);

	if (r < 0 || certificate_ends_soon(&c->chain)) {
		certificate_destroy(c);
		r = certificate_make(dir_fd);
		if (r == 0)
			r = load_files(dir_fd, &c);
	}
	if (r == 0)
		*out = c;
	return r;
}
