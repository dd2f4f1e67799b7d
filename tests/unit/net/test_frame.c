/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: headers, checksums, offloads, segments, and the published vectors of the RSS hash. */
#include "vmwp/vsp/net_frame.h"

#include "vmwp/vsp/rndis.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define L3	14u
#define L4	34u
#define DATA	54u

/* Microsoft, "Verifying the RSS hash calculation" */
static const uint8_t rss_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static size_t make_tcp(uint8_t *f, size_t payload)
{
	memset(f, 0, DATA);
	f[12] = 0x08;
	f[L3] = 0x45;
	f[L3 + 8] = 64;
	f[L3 + 9] = 6;
	memcpy(f + L3 + 12, (uint8_t[]){ 10, 0, 0, 1, 10, 0, 0, 2 }, 8);
	f[L3 + 2] = (uint8_t)((40 + payload) >> 8);
	f[L3 + 3] = (uint8_t)(40 + payload);
	memcpy(f + L4, (uint8_t[]){ 0x12, 0x34, 0, 80, 0, 0, 1, 0, 0, 0, 0, 0, 0x50, 0x19, 1, 0 }, 16);	/* FIN, PSH, ACK */
	for (size_t i = 0; i < payload; i++)
		f[DATA + i] = (uint8_t)(i * 7 + i / 256);
	return DATA + payload;
}

/* An independent sum: RFC 1071 over bytes, big-endian, one at a time. */
static uint16_t sum16(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static bool tcp_is_right(const uint8_t *f, size_t size)
{
	size_t l4 = size - L4;
	uint32_t pseudo = sum16(f + L3 + 12, 8, 6u + (uint32_t)l4);

	return sum16(f + L3, 20, 0) == 0xffff && sum16(f + L4, l4, pseudo) == 0xffff;
}

static void headers_that_do_not_fit_are_not_seen(void **state)
{
	uint8_t f[200];
	size_t size = make_tcp(f, 4);
	struct net_headers h;

	(void)state;
	net_headers_parse(f, size, &h);
	assert_true(h.ipv4 && h.tcp && h.l4 == L4 && h.payload == DATA);
	for (size_t cut = 0; cut < DATA; cut++) {
		net_headers_parse(f, cut, &h);
		assert_false(h.tcp);
	}
	f[L3 + 6] = 0x20;		/* more fragments follow */
	net_headers_parse(f, size, &h);
	assert_true(h.fragment && !h.tcp);
	f[L3 + 6] = 0;
	f[L4 + 12] = 0x40;		/* a TCP header of 16 bytes */
	net_headers_parse(f, size, &h);
	assert_false(h.tcp);
	f[L3] = 0x44;
	net_headers_parse(f, size, &h);
	assert_false(h.ipv4);
}

static void a_tag_and_ipv6_extensions_move_the_headers(void **state)
{
	uint8_t f[128] = { 0 };
	struct net_headers h;

	(void)state;
	memcpy(f + 12, (uint8_t[]){ 0x81, 0, 0, 5, 0x86, 0xdd, 0x60 }, 7);
	f[18 + 6] = 0;			/* hop-by-hop, then UDP */
	f[18 + 40] = 17;
	net_headers_parse(f, 18 + 40 + 8 + 8, &h);
	assert_true(h.ipv6 && h.udp);
	assert_int_equal(h.l4, 18 + 48);
	net_headers_parse(f, 18 + 40 + 8 + 7, &h);
	assert_false(h.udp);
}

static void a_large_send_gets_true_lengths_and_sums(void **state)
{
	static uint8_t f[DATA + 4000];
	size_t size = make_tcp(f, 4000);
	struct net_offload o = { .lso = true, .mss = 1460 };
	struct virtio_net_hdr v;

	(void)state;
	f[L3 + 2] = f[L3 + 3] = 0;	/* as Linux leaves it */
	assert_int_equal(net_offload_apply(&o, f, 128, size, &v), 0);
	assert_int_equal(v.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(v.gso_size, 1460);
	assert_int_equal(v.hdr_len, DATA);
	assert_int_equal(f[L3 + 2] << 8 | f[L3 + 3], 4040);
	assert_int_equal(sum16(f + L3, 20, 0), 0xffff);
	assert_true(net_checksum_complete(f, size, v.csum_start, v.csum_offset));
	assert_true(tcp_is_right(f, size));
	o.mss = 4000;			/* one segment: no GSO */
	assert_int_equal(net_offload_apply(&o, f, 128, size, &v), 0);
	assert_int_equal(v.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	assert_int_equal(v.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
}

static void an_offload_that_does_not_fit_the_frame_is_refused(void **state)
{
	static const struct { const char *rule; struct net_offload o; uint8_t protocol; } cases[] = {
		{ "TCP asked for a UDP frame", { .tcp = true }, 17 },
		{ "UDP asked for a TCP frame", { .udp = true }, 6 },
		{ "large send of UDP", { .lso = true, .mss = 1000 }, 17 },
		{ "large send without a segment size", { .lso = true }, 6 },
		{ "a protocol that is neither", { .tcp = true }, 1 },
	};
	uint8_t f[256];
	struct virtio_net_hdr v;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t size = make_tcp(f, 100);

		f[L3 + 9] = cases[i].protocol;
		if (net_offload_apply(&cases[i].o, f, size, size, &v) != -EBADMSG)
			fail_msg("%s", cases[i].rule);
	}
	memset(f, 0, sizeof(f));
	assert_int_equal(net_offload_apply(&(struct net_offload){ .ip_header = true }, f, 60, 60, &v), -EBADMSG);
}

static void segments_add_up_to_the_frame(void **state)
{
	static uint8_t f[DATA + 5000], to[2000], all[5000];
	size_t size = make_tcp(f, 5000), bytes, sum = 0;
	struct net_segments s;
	unsigned int count = 0;

	(void)state;
	assert_int_equal(net_segments_begin(&s, f, size, 1448), 0);
	while ((bytes = net_segments_next(&s, to, sizeof(to))) > 0) {
		assert_true(tcp_is_right(to, bytes));
		assert_int_equal(to[L4 + 7] | to[L4 + 6] << 8, (0x100 + sum) & 0xffff);	/* sequence */
		assert_int_equal(to[L3 + 5], count);						/* identification */
		memcpy(all + sum, to + DATA, bytes - DATA);
		sum += bytes - DATA;
		assert_int_equal(to[L4 + 13] & 0x09, sum == 5000 ? 0x09 : 0);			/* FIN and PSH on the last */
		count++;
	}
	assert_int_equal(count, 4);
	assert_int_equal(sum, 5000);
	assert_memory_equal(all, f + DATA, 5000);
	assert_int_equal(net_segments_begin(&s, f, 40, 1448), -EBADMSG);
	assert_int_equal(net_segments_begin(&s, f, size, 0), -EBADMSG);
}

static void a_checksum_outside_of_the_frame_is_refused(void **state)
{
	uint8_t f[64] = { 0 };

	(void)state;
	assert_false(net_checksum_complete(f, 64, 64, 0));
	assert_false(net_checksum_complete(f, 64, 60, 3));
	assert_false(net_checksum_complete(f, 64, 0xffff, 0xffff));
	assert_true(net_checksum_complete(f, 64, 60, 2));
}

static void the_hash_is_that_of_the_published_vectors(void **state)
{
	static const struct { uint8_t source[4], destination[4], ports[4]; uint32_t ip, tcp; } v4[] = {
		{ { 66, 9, 149, 187 }, { 161, 142, 100, 80 }, { 0x0a, 0xea, 0x06, 0xe6 }, 0x323e8fc2, 0x51ccc178 },
		{ { 199, 92, 111, 2 }, { 65, 69, 140, 83 }, { 0x37, 0x96, 0x12, 0x83 }, 0xd718262a, 0xc626b0ea },
		{ { 24, 19, 198, 95 }, { 12, 22, 207, 184 }, { 0x32, 0x62, 0x94, 0x88 }, 0xd2d0a5de, 0x5c2b394a },
	};
	uint8_t f[128];
	struct net_headers h;
	uint32_t hash;

	(void)state;
	for (size_t i = 0; i < sizeof(v4) / sizeof(*v4); i++) {
		size_t size = make_tcp(f, 0);

		memcpy(f + L3 + 12, v4[i].source, 4);
		memcpy(f + L3 + 16, v4[i].destination, 4);
		memcpy(f + L4, v4[i].ports, 4);
		net_headers_parse(f, size, &h);
		assert_true(net_hash(rss_key, NDIS_HASH_TCP_IPV4, f, &h, &hash));
		assert_int_equal(hash, v4[i].tcp);
		assert_true(net_hash(rss_key, NDIS_HASH_IPV4, f, &h, &hash));
		assert_int_equal(hash, v4[i].ip);
		assert_false(net_hash(rss_key, NDIS_HASH_IPV6, f, &h, &hash));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_that_do_not_fit_are_not_seen),
		cmocka_unit_test(a_tag_and_ipv6_extensions_move_the_headers),
		cmocka_unit_test(a_large_send_gets_true_lengths_and_sums),
		cmocka_unit_test(an_offload_that_does_not_fit_the_frame_is_refused),
		cmocka_unit_test(segments_add_up_to_the_frame),
		cmocka_unit_test(a_checksum_outside_of_the_frame_is_refused),
		cmocka_unit_test(the_hash_is_that_of_the_published_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
