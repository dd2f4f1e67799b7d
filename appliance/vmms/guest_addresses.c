/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key-value exchange takes lists joined by ";", an IPv4 mask in dots and the length of an IPv6 prefix as a number. The adapter's id
 * is in lower case: Linux' daemon compares it byte by byte with the device_id that its kernel shows.
 */
#include "guest_addresses.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES_MAX	16u
#define LIST_SIZE	1024u

struct list { char text[LIST_SIZE]; };

static void list_add(struct list *l, const char *text)
{
	size_t used = strlen(l->text);

	snprintf(l->text + used, sizeof(l->text) - used, "%s%s", used ? ";" : "", text);
}

static bool is_address(const char *text)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static void mask_text(bool six, unsigned int length, char *out, size_t size)
{
	struct in_addr mask = { .s_addr = htonl(length ? ~0u << (32 - length) : 0) };

	if (six)
		snprintf(out, size, "%u", length);
	else
		inet_ntop(AF_INET, &mask, out, (socklen_t)size);
}

/* "192.0.2.5/24" */
static bool split_prefix(const char *text, char *address, size_t size, unsigned int *length)
{
	const char *slash = strchr(text, '/');
	char *end;
	unsigned long n;

	if (!slash || (size_t)(slash - text) >= size || !isdigit((unsigned char)slash[1]))
		return false;
	snprintf(address, size, "%.*s", (int)(slash - text), text);
	n = strtoul(slash + 1, &end, 10);
	*length = (unsigned int)n;
	return !*end && is_address(address) && n <= (strchr(address, ':') ? 128 : 32);
}

struct wanted { struct list addresses, masks, gateways, dns; };

static bool add_address(struct wanted *w, const char *text)
{
	char address[INET6_ADDRSTRLEN], mask[INET_ADDRSTRLEN];
	unsigned int length;

	if (!split_prefix(text, address, sizeof(address), &length))
		return false;
	mask_text(strchr(address, ':') != NULL, length, mask, sizeof(mask));
	list_add(&w->addresses, address);
	list_add(&w->masks, mask);
	return true;
}

static bool add_gateway(struct wanted *w, const char *text)
{
	if (is_address(text))
		list_add(&w->gateways, text);
	return is_address(text);
}

static bool add_dns(struct wanted *w, const char *text)
{
	if (is_address(text))
		list_add(&w->dns, text);
	return is_address(text);
}

static void read_list(struct fields *f, const char *name, bool (*add)(struct wanted *w, const char *text), struct wanted *w)
{
	const json_t *array = field_array(f, name, ADDRESSES_MAX);
	const json_t *value;
	size_t i;

	if (!array)
		return;
	json_array_foreach((json_t *)array, i, value)
		if (!json_is_string(value) || !add(w, json_string_value(value)))
			problem_set(f->problem, PROBLEM_OUT_OF_RANGE, name, "%s has an entry that is no %s.", name,
				    add == add_address ? "address with a prefix, like 192.0.2.5/24" : "address");
}

json_t *guest_addresses_parse(const char *adapter_id, const json_t *body, struct problem *p)
{
	struct wanted w = { .addresses.text = "" };
	bool dhcp = false;
	struct fields f;

	fields_begin(&f, body, "", p);
	field_bool(&f, "dhcp", &dhcp);
	read_list(&f, "addresses", add_address, &w);
	read_list(&f, "gateways", add_gateway, &w);
	read_list(&f, "dnsServers", add_dns, &w);
	if (fields_end(&f) < 0)
		return NULL;
	if (dhcp == (w.addresses.text[0] != 0)) {
		problem_set(p, PROBLEM_OUT_OF_RANGE, "addresses", "Either dhcp is true, or there is at least one address.");
		return NULL;
	}
	return json_pack("{s:o, s:b, s:s, s:s, s:s, s:s}", "adapter", json_sprintf("{%s}", adapter_id), "dhcp", dhcp, "addresses",
			 w.addresses.text, "masks", w.masks.text, "gateways", w.gateways.text, "dns", w.dns.text);
}
