/* SPDX-License-Identifier: Apache-2.0 */
/* See net_frame.h. RFC 791, 8200, 9293, 1071; the hash is Microsoft's "RSS hashing functions". */
#include "vmwp/vsp/net_frame.h"

#include "vmwp/vsp/rndis.h"

#include <errno.h>
#include <string.h>

#define ETHERTYPE_IPV4	0x0800u
#define ETHERTYPE_IPV6	0x86ddu
#define ETHERTYPE_VLAN	0x8100u
#define IP_TCP		6u
#define IP_UDP		17u
#define IPV4_BYTES	20u
#define IPV6_BYTES	40u
#define TCP_BYTES	20u
#define UDP_BYTES	8u
#define TCP_CHECKSUM	16u		/* offsets within the headers */
#define UDP_CHECKSUM	6u
#define TCP_FIN_PSH	0x09u
#define TCP_CWR		0x80u
#define IPV6_EXTENSIONS_MAX 4u

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

/* --- headers --- */

static void parse_transport(const uint8_t *frame, size_t size, unsigned int protocol, struct net_headers *h)
{
	if (protocol == IP_UDP && h->l4 + UDP_BYTES <= size) {
		h->udp = true;
		h->payload = h->l4 + UDP_BYTES;
	} else if (protocol == IP_TCP && h->l4 + TCP_BYTES <= size) {
		unsigned int bytes = (frame[h->l4 + 12] >> 4) * 4u;

		h->tcp = bytes >= TCP_BYTES && h->l4 + bytes <= size;
		h->payload = h->l4 + bytes;
	}
}

static void parse_ipv4(const uint8_t *frame, size_t size, struct net_headers *h)
{
	const uint8_t *ip = frame + h->l3;
	unsigned int bytes;

	if (h->l3 + IPV4_BYTES > size || ip[0] >> 4 != 4)
		return;
	bytes = (ip[0] & 15) * 4u;
	if (bytes < IPV4_BYTES || h->l3 + bytes > size)
		return;
	h->ipv4 = true;
	h->l4 = h->l3 + bytes;
	h->fragment = (get16(ip + 6) & 0x3fff) != 0;
	if (!h->fragment)
		parse_transport(frame, size, ip[9], h);
}

static bool is_extension(unsigned int next)
{
	return next == 0 || next == 43 || next == 60;	/* hop-by-hop, routing, destination options */
}

static void parse_ipv6(const uint8_t *frame, size_t size, struct net_headers *h)
{
	const uint8_t *ip = frame + h->l3;
	unsigned int next;

	if (h->l3 + IPV6_BYTES > size || ip[0] >> 4 != 6)
		return;
	h->ipv6 = true;
	h->l4 = h->l3 + IPV6_BYTES;
	next = ip[6];
	for (unsigned int i = 0; i < IPV6_EXTENSIONS_MAX && is_extension(next); i++) {
		if (h->l4 + 8 > size)
			return;
		next = frame[h->l4];
		h->l4 += 8u + frame[h->l4 + 1] * 8u;
	}
	h->fragment = next == 44;
	parse_transport(frame, size, next, h);
}

void net_headers_parse(const uint8_t *frame, size_t size, struct net_headers *h)
{
	unsigned int type;

	*h = (struct net_headers){ .l3 = ETH_HEADER_BYTES };
	if (size < ETH_HEADER_BYTES)
		return;
	type = get16(frame + 12);
	if (type == ETHERTYPE_VLAN && size >= ETH_HEADER_BYTES + VLAN_TAG_BYTES) {
		type = get16(frame + 16);
		h->l3 += VLAN_TAG_BYTES;
	}
	if (type == ETHERTYPE_IPV4)
		parse_ipv4(frame, size, h);
	else if (type == ETHERTYPE_IPV6)
		parse_ipv6(frame, size, h);
}

/* --- checksums --- */

static uint64_t add_with_carry(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/* RFC 1071: the sum of 16-bit words in the machine's byte order, eight bytes at a time; carries are folded at the end. */
static uint64_t sum_bytes(const uint8_t *p, size_t size, uint64_t sum)
{
	uint64_t words[4];

	for (; size >= sizeof(words); p += sizeof(words), size -= sizeof(words)) {
		memcpy(words, p, sizeof(words));
		sum = add_with_carry(add_with_carry(sum, words[0]), words[1]);
		sum = add_with_carry(add_with_carry(sum, words[2]), words[3]);
	}
	for (size_t part; size > 0; p += part, size -= part) {
		part = size < sizeof(words[0]) ? size : sizeof(words[0]);
		words[0] = 0;
		memcpy(words, p, part);
		sum = add_with_carry(sum, words[0]);
	}
	return sum;
}

static uint16_t fold(uint64_t sum)	/* big-endian value */
{
	uint16_t folded;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	folded = (uint16_t)sum;
	return get16((const uint8_t *)&folded);
}

/* Of the IP header's length, not the frame's, which may be padded. */
static uint16_t pseudo_sum(const uint8_t *frame, const struct net_headers *h)
{
	const uint8_t *ip = frame + h->l3;
	uint32_t bytes = h->ipv4 ? get16(ip + 2) : get16(ip + 4) + IPV6_BYTES;
	uint8_t tail[8] = { 0 };

	put32(tail, bytes - (h->l4 - h->l3));
	tail[7] = h->tcp ? IP_TCP : IP_UDP;
	return fold(sum_bytes(tail, sizeof(tail), h->ipv4 ? sum_bytes(ip + 12, 8, 0) : sum_bytes(ip + 8, 32, 0)));
}

static void ipv4_header_checksum(uint8_t *ip)
{
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~fold(sum_bytes(ip, (ip[0] & 15) * 4u, 0)));
}

bool net_checksum_complete(uint8_t *frame, size_t size, unsigned int start, unsigned int offset)
{
	uint16_t value;

	if (start >= size || (size_t)start + offset + 2 > size)
		return false;
	value = (uint16_t)~fold(sum_bytes(frame + start, size - start, 0));
	put16(frame + start + offset, value ? value : 0xffff);	/* zero means "none" in UDP, and equals 0xffff in TCP */
	return true;
}

/* --- to the tap --- */

static int set_ip_length(uint8_t *head, size_t frame_size, const struct net_headers *h)
{
	size_t bytes = frame_size - h->l3 - (h->ipv6 ? IPV6_BYTES : 0);

	if (bytes > 65535)
		return -EBADMSG;
	put16(head + h->l3 + (h->ipv4 ? 2 : 4), (uint16_t)bytes);
	return 0;
}

/* Guests may leave lengths and the IPv4 checksum of a large send at zero (NDIS, LSOv2); Linux' GSO wants them true. */
static int apply_lso(const struct net_offload *o, uint8_t *head, size_t frame_size, const struct net_headers *h, struct virtio_net_hdr *v)
{
	if (!h->tcp || o->mss == 0 || set_ip_length(head, frame_size, h) < 0)
		return -EBADMSG;
	if (frame_size - h->payload <= o->mss)
		return 0;			/* one segment: a checksum is all it needs */
	v->gso_type = h->ipv4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	v->gso_size = o->mss;
	v->hdr_len = (uint16_t)h->payload;
	return 0;
}

int net_offload_apply(const struct net_offload *o, uint8_t *head, size_t head_size, size_t frame_size, struct virtio_net_hdr *v)
{
	struct net_headers h;
	unsigned int field;

	*v = (struct virtio_net_hdr){ 0 };
	if (!o->lso && !o->tcp && !o->udp && !o->ip_header)
		return 0;
	net_headers_parse(head, head_size, &h);
	if (o->lso && apply_lso(o, head, frame_size, &h, v) < 0)
		return -EBADMSG;
	if (h.ipv4 && (o->lso || o->ip_header))
		ipv4_header_checksum(head + h.l3);
	if (!o->lso && !o->tcp && !o->udp)
		return h.ipv4 ? 0 : -EBADMSG;
	if (((o->tcp || o->lso) && !h.tcp) || (o->udp && !h.udp))
		return -EBADMSG;
	field = h.tcp ? TCP_CHECKSUM : UDP_CHECKSUM;
	put16(head + h.l4 + field, pseudo_sum(head, &h));
	v->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	v->csum_start = (uint16_t)h.l4;
	v->csum_offset = (uint16_t)field;
	return 0;
}

/* --- from the tap: large TCP frames --- */

int net_segments_begin(struct net_segments *s, const uint8_t *frame, size_t size, unsigned int mss)
{
	*s = (struct net_segments){ .frame = frame, .size = size, .mss = mss };
	net_headers_parse(frame, size, &s->h);
	return s->h.tcp && mss > 0 && s->h.payload <= NET_HEADERS_MAX ? 0 : -EBADMSG;
}

static void segment_fix_ip(const struct net_segments *s, uint8_t *to, size_t bytes)
{
	uint8_t *ip = to + s->h.l3;

	(void)set_ip_length(to, bytes, &s->h);		/* shorter than the frame, so it fits */
	if (s->h.ipv4) {
		put16(ip + 4, (uint16_t)(get16(ip + 4) + s->index));
		ipv4_header_checksum(ip);
	}
}

size_t net_segments_next(struct net_segments *s, uint8_t *to, size_t room)
{
	size_t all = s->size - s->h.payload, part = all - s->done;
	uint8_t *tcp = to + s->h.l4;
	bool last;

	if (part > s->mss)
		part = s->mss;
	if (part == 0 || s->h.payload + part > room)
		return 0;
	memcpy(to, s->frame, s->h.payload);
	memcpy(to + s->h.payload, s->frame + s->h.payload + s->done, part);
	last = s->done + part == all;
	put32(tcp + 4, get32(tcp + 4) + (uint32_t)s->done);
	if (!last)
		tcp[13] &= (uint8_t)~TCP_FIN_PSH;
	if (s->index > 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
	segment_fix_ip(s, to, s->h.payload + part);
	put16(tcp + TCP_CHECKSUM, pseudo_sum(to, &s->h));
	(void)net_checksum_complete(to, s->h.payload + part, s->h.l4, TCP_CHECKSUM);
	s->done += part;
	s->index++;
	return s->h.payload + part;
}

/* --- the Toeplitz hash --- */

/* For every set bit of the input the 32 key bits that begin at its position are added (XOR). */
static uint32_t toeplitz(const uint8_t *key, const uint8_t *input, size_t size)
{
	uint64_t window = (uint64_t)get32(key) << 32 | get32(key + 4);
	uint32_t hash = 0;

	for (size_t i = 0; i < size; i++) {
		for (unsigned int bit = 0x80; bit; bit >>= 1) {
			if (input[i] & bit)
				hash ^= (uint32_t)(window >> 32);
			window <<= 1;
		}
		window |= key[(i + 8) % 40];	/* bits that the eight shifts freed */
	}
	return hash;
}

bool net_hash(const uint8_t key[40], uint32_t types, const uint8_t *frame, const struct net_headers *h, uint32_t *hash)
{
	bool ports = h->tcp && types & (h->ipv4 ? NDIS_HASH_TCP_IPV4 : NDIS_HASH_TCP_IPV6);
	size_t addresses = h->ipv4 ? 8 : 32;
	uint8_t input[36];

	if (!h->ipv4 && !h->ipv6)
		return false;
	if (!ports && !(types & (h->ipv4 ? NDIS_HASH_IPV4 : NDIS_HASH_IPV6)))
		return false;
	memcpy(input, frame + h->l3 + (h->ipv4 ? 12 : 8), addresses);
	if (ports)
		memcpy(input + addresses, frame + h->l4, 4);
	*hash = toeplitz(key, input, addresses + (ports ? 4 : 0));
	return true;
}
