/* SPDX-License-Identifier: Apache-2.0 */
/* See names.h. */
#include "tls/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LABEL_MAX	63u

static bool names_put(struct names *n, int type, const void *bytes, size_t size)
{
	mbedtls_x509_san_list *e = &n->entry[n->count];

	if (n->count == NAMES_MAX)
		return false;
	memcpy(n->text[n->count], bytes, size);
	e->node.type = type;
	e->node.san.unstructured_name.p = (unsigned char *)n->text[n->count];
	e->node.san.unstructured_name.len = size;
	if (n->count > 0)
		n->entry[n->count - 1].next = e;
	n->count++;
	return true;
}

static bool label_is_sound(const char *label, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!isalnum((unsigned char)label[i]) && (label[i] != '-' || i == 0 || i == size - 1))
			return false;
	return size > 0 && size <= LABEL_MAX;
}

/* RFC 1123 §2.1; a wildcard takes the place of the first label (RFC 6125 §6.4.3). */
static bool is_dns_name(const char *name)
{
	if (strlen(name) >= NAME_SIZE)
		return false;
	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	for (;; name++) {
		size_t size = strcspn(name, ".");

		if (!label_is_sound(name, size))
			return false;
		name += size;
		if (!*name)
			return true;
	}
}

bool names_add(struct names *n, const char *name)
{
	unsigned char address[16];

	if (inet_pton(AF_INET, name, address) == 1)
		return names_put(n, MBEDTLS_X509_SAN_IP_ADDRESS, address, 4);
	if (inet_pton(AF_INET6, name, address) == 1)
		return names_put(n, MBEDTLS_X509_SAN_IP_ADDRESS, address, 16);
	return is_dns_name(name) && names_put(n, MBEDTLS_X509_SAN_DNS_NAME, name, strlen(name));
}

static void names_add_address(struct names *n, const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		names_put(n, MBEDTLS_X509_SAN_IP_ADDRESS, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
	else if (address->sa_family == AF_INET6)
		names_put(n, MBEDTLS_X509_SAN_IP_ADDRESS, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
}

void names_collect(struct names *n)
{
	struct ifaddrs *list = NULL;
	char host[NAME_SIZE] = "";

	if (gethostname(host, sizeof(host) - 1) == 0 && host[0])
		names_put(n, MBEDTLS_X509_SAN_DNS_NAME, host, strlen(host));
	names_add(n, "localhost");
	if (getifaddrs(&list) < 0)
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		if (i->ifa_addr)
			names_add_address(n, i->ifa_addr);
	freeifaddrs(list);
}
