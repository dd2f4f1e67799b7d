/* SPDX-License-Identifier: Apache-2.0 */
/* See signing_request.h. */
#include "tls/signing_request.h"

#include "partita/file.h"
#include "tls/certificate.h"

#include <errno.h>
#include <mbedtls/x509_csr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_FILE	"request.pem"
#define REQUEST_MARK	"-----BEGIN CERTIFICATE REQUEST-----"
#define PEM_SIZE	16384u
#define COMMON_NAME_MAX	64u			/* X.520, ub-common-name */

void signing_request_clear(struct signing_request *r)
{
	if (r->key)
		explicit_bzero(r->key, strlen(r->key));
	free(r->key);
	free(r->pem);
	*r = (struct signing_request){ NULL, NULL };
}

/* The first host name; without one the authority goes by the alternative names alone. */
static int set_subject(mbedtls_x509write_csr *w, const struct names *names)
{
	char subject[4 + COMMON_NAME_MAX] = "O=Partita";

	for (size_t i = names->count; i-- > 0; ) {
		const mbedtls_x509_subject_alternative_name *n = &names->entry[i].node;

		if (n->type == MBEDTLS_X509_SAN_DNS_NAME && n->san.unstructured_name.len <= COMMON_NAME_MAX)
			snprintf(subject, sizeof(subject), "CN=%.*s", (int)n->san.unstructured_name.len, (const char *)n->san.unstructured_name.p);
	}
	return mbedtls_x509write_csr_set_subject_name(w, subject);
}

static int write_request(mbedtls_pk_context *key, struct names *names, char *pem)
{
	mbedtls_x509write_csr w;
	int r;

	mbedtls_x509write_csr_init(&w);
	mbedtls_x509write_csr_set_md_alg(&w, MBEDTLS_MD_SHA256);
	mbedtls_x509write_csr_set_key(&w, key);
	r = set_subject(&w, names);
	r = r ? r : mbedtls_x509write_csr_set_key_usage(&w, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	r = r ? r : mbedtls_x509write_csr_set_subject_alternative_name(&w, names->entry);
	r = r ? r : mbedtls_x509write_csr_pem(&w, (unsigned char *)pem, PEM_SIZE, certificate_random, NULL);
	mbedtls_x509write_csr_free(&w);
	return r;
}

static int save(int dir_fd, const struct signing_request *q)
{
	char *both = NULL;
	int r, size = asprintf(&both, "%s%s", q->key, q->pem);

	if (size < 0)
		return -ENOMEM;
	r = file_write(dir_fd, REQUEST_FILE, both, (size_t)size, 0600);
	explicit_bzero(both, (size_t)size);
	free(both);
	return r;
}

int signing_request_make(int dir_fd, struct names *names, struct signing_request *out)
{
	struct signing_request q = { calloc(1, PEM_SIZE), calloc(1, PEM_SIZE) };
	mbedtls_pk_context key;
	int r = -ENOMEM;

	mbedtls_pk_init(&key);
	if (q.key && q.pem)
		r = certificate_key_make(&key) || mbedtls_pk_write_key_pem(&key, (unsigned char *)q.key, PEM_SIZE) ||
		    write_request(&key, names, q.pem) ? -EIO : save(dir_fd, &q);
	mbedtls_pk_free(&key);
	if (r == 0)
		*out = q;
	else
		signing_request_clear(&q);
	return r;
}

int signing_request_load(int dir_fd, struct signing_request *out)
{
	char *both = NULL, *mark;
	size_t size = 0;
	int r = file_read(dir_fd, REQUEST_FILE, 2 * PEM_SIZE, &both, &size);

	if (r < 0)
		return r;
	mark = strstr(both, REQUEST_MARK);
	*out = (struct signing_request){ mark ? strndup(both, (size_t)(mark - both)) : NULL, mark ? strdup(mark) : NULL };
	explicit_bzero(both, size);
	free(both);
	if (out->key && out->pem)
		return 0;
	signing_request_clear(out);
	return mark ? -ENOMEM : -EBADMSG;
}

int signing_request_drop(int dir_fd)
{
	return file_remove(dir_fd, REQUEST_FILE);
}
