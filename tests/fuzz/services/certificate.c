/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and chains that somebody uploads: a key, a chain, or PEM with anything inside; a refusal says which field and why. */
#include "tests/fuzz/input.h"

#include "tls/certificate.h"

#include <mbedtls/pem.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 16384

/* The bytes as they come, or in the armour of PEM. */
static char *text_of(const char *begin, const char *end, const uint8_t *bytes, size_t size)
{
	static unsigned char pem[TEXT_MAX];
	size_t length;

	if (begin && mbedtls_pem_write_buffer(begin, end, bytes, size, pem, sizeof(pem), &length) == 0)
		return strdup((const char *)pem);
	return strndup(size ? (const char *)bytes : "", size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certificate_fault fault = { NULL, NULL };
	struct certificate *c = NULL;
	const uint8_t *rest;
	size_t length, cut;
	char *key, *chain;
	bool armour;

	input_begin(data, size);
	armour = below(2);
	cut = input_number(2);
	rest = input_rest(&length);
	if (cut > length)
		cut = length;
	key = text_of(armour ? "-----BEGIN PRIVATE KEY-----\n" : NULL, "-----END PRIVATE KEY-----\n", rest, cut);
	chain = text_of(armour ? "-----BEGIN CERTIFICATE-----\n" : NULL, "-----END CERTIFICATE-----\n", rest + cut, length - cut);
	if (certificate_from_pem(key, chain, &c, &fault) < 0 && (!fault.field || !fault.detail || c))
		abort();
	certificate_destroy(c);
	free(key);
	free(chain);
	return 0;
}
