/* SPDX-License-Identifier: Apache-2.0 */
/* The network adapter end to end: a fake guest's driver on one side, a wire on the other. */
#include "tests/unit/net/nic.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

static struct nic n;
static uint8_t got[NET_BATCH][2048];
static const struct virtio_net_hdr plain;

static int unplug(void **state)
{
	(void)state;
	if (guest.machine)
		nic_unplug(&n);
	return 0;
}

/* A frame from or to the adapter, with a recognizable payload. */
static uint8_t *frame_make(uint8_t *f, size_t size, bool outgoing)
{
	memset(f, 0, size);
	memcpy(f + (outgoing ? 6 : 0), nic_mac, 6);
	f[outgoing ? 0 : 6] = 2;
	f[12] = 0x88;
	f[13] = 0xb5;
	for (size_t i = 14; i < size; i++)
		f[i] = (uint8_t)i;
	return f;
}

static const uint8_t *frame_of(const uint8_t *message, uint32_t *size)
{
	uint32_t head[4];

	memcpy(head, message, sizeof(head));
	assert_int_equal(head[0], RNDIS_PACKET);
	*size = head[3];
	assert_true(8 + head[2] + head[3] <= head[1]);
	return message + 8 + head[2];
}

/* The value of a piece of information of a received frame; UINT64_MAX: it has none of that type. */
static uint64_t info_of(const uint8_t *message, uint32_t type)
{
	uint32_t head[11], at, info[4];

	memcpy(head, message, sizeof(head));
	for (at = head[7]; at < head[7] + head[8]; at += info[0]) {
		memcpy(info, message + 8 + at, sizeof(info));
		if (info[1] == type)
			return info[3];
	}
	return UINT64_MAX;
}

static void every_known_version_is_taken_and_no_other(void **state)
{
	static const struct { uint32_t version; bool taken; } rows[] = {
		{ 0x70000, false }, { 0x60002, false }, { NVSP_VERSION_61, true }, { NVSP_VERSION_6, true }, { NVSP_VERSION_5, true },
		{ NVSP_VERSION_4, true }, { NVSP_VERSION_2, true }, { NVSP_VERSION_1, true }, { 1, false },
	};

	(void)state;
	nic_plug(&n, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(nic_init(&n, rows[i].version), rows[i].taken);
		guest_close(n.channel);
		nic_open(&n);
	}
}

static void what_comes_out_of_order_closes_the_channel(void **state)
{
	static const struct { const char *rule; uint32_t message[7]; uint32_t size; } rows[] = {
		{ "a buffer before the version", { NVSP_SEND_RECEIVE_BUFFER, 1, NVSP_RECEIVE_BUFFER_ID }, 28 },
		{ "a packet before the version", { NVSP_SEND_RNDIS_PACKET, 0, NVSP_NO_SECTION, 0 }, 28 },
		{ "a message without its body", { NVSP_INIT }, 4 },
	};
	uint32_t answer[10];

	(void)state;
	nic_plug(&n, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (nic_call(&n, rows[i].message, rows[i].size, answer, sizeof(answer)) != 0)
			fail_msg("%s", rows[i].rule);
		guest_close(n.channel);
		nic_open(&n);
		assert_true(nic_init(&n, NVSP_VERSION_61));	/* and it comes back */
		guest_close(n.channel);
		nic_open(&n);
	}
}

static void frames_go_out_as_they_are(void **state)
{
	uint8_t f[1514], back[1600];
	struct virtio_net_hdr v;

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	assert_int_equal(nic_transmit(&n, frame_make(f, 1514, true), 1514, -1, 0), NVSP_STATUS_SUCCESS);
	assert_int_equal(nic_wire_read(&n, &v, back, sizeof(back)), 1514);
	assert_memory_equal(f, back, 1514);
	assert_int_equal(v.flags, 0);
	/* with a VLAN tag: priority 3, id 5 */
	assert_int_equal(nic_transmit(&n, f, 100, RNDIS_INFO_VLAN, 3 | 5 << 4), NVSP_STATUS_SUCCESS);
	assert_int_equal(nic_wire_read(&n, &v, back, sizeof(back)), 104);
	assert_memory_equal(back + 12, ((uint8_t[]){ 0x81, 0, 0x60, 5, 0x88, 0xb5 }), 6);
	assert_memory_equal(back + 18, f + 14, 86);
}

static void what_must_not_go_out_does_not(void **state)
{
	uint8_t f[2000], back[2048];
	struct virtio_net_hdr v;

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	nic_transmit(&n, frame_make(f, 1519, true), 1519, -1, 0);	/* longer than MTU, header and a tag */
	nic_transmit(&n, f, 13, -1, 0);
	f[11] ^= 1;							/* somebody else's address */
	nic_transmit(&n, f, 100, -1, 0);
	nic_transmit(&n, f, 100, RNDIS_INFO_CHECKSUM, RNDIS_TX_IPV4 | RNDIS_TX_TCP);	/* no TCP */
	assert_int_equal(nic_wire_read(&n, &v, back, sizeof(back)), -1);
	n.config.mac_spoofing = true;
	machine_lock(guest.machine);
	assert_int_equal(net_update(guest.machine, &n.config), 0);
	machine_unlock(guest.machine);
	nic_transmit(&n, f, 100, -1, 0);
	assert_int_equal(nic_wire_read(&n, &v, back, sizeof(back)), 100);
}

static void malformed_packets_are_answered_so(void **state)
{
	/* RNDIS words: type, length, data offset, data length, …, information offset (7), length (8) */
	static const struct { const char *rule; uint32_t words[15]; uint32_t section_bytes; } rows[] = {
		{ "a length beyond the section", { RNDIS_PACKET, 200, 36, 60 }, 100 },
		{ "a length below its header", { RNDIS_PACKET, 4, 36, 60 }, 100 },
		{ "data beyond the message", { RNDIS_PACKET, 100, 60, 60 }, 100 },
		{ "data that overflows", { RNDIS_PACKET, 100, 0xfffffff0, 60 }, 100 },
		{ "information beyond the message", { RNDIS_PACKET, 100, 36, 56, 0, 0, 0, 90, 16 }, 100 },
		{ "information with a size of zero", { RNDIS_PACKET, 104, 52, 44, 0, 0, 0, 36, 16 }, 104 },
		{ "a control message nobody knows", { 99, 100 }, 100 },
		{ "a query that is too short", { RNDIS_QUERY, 20 }, 20 },
		{ "nothing", { 0 }, 0 },
		{ "more than a section", { RNDIS_PACKET, 100, 36, 60 }, NET_SEND_SECTION_BYTES + 1 },
	};

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint32_t message[7] = { NVSP_SEND_RNDIS_PACKET, 0, 0, rows[i].section_bytes }, done[2] = { 0 };

		memset(guest_at(n.send, 256), 0, 256);
		memcpy(guest_at(n.send, 60), rows[i].words, 60);
		nic_call(&n, message, sizeof(message), done, sizeof(done));
		if (done[0] != NVSP_SEND_RNDIS_PACKET_COMPLETE || done[1] != NVSP_STATUS_BAD_RNDIS)
			fail_msg("%s", rows[i].rule);
	}
}

static void a_large_send_from_guest_pages_is_left_to_the_kernel(void **state)
{
	static uint8_t back[70000];
	uint32_t bytes = 30000, message[7] = { NVSP_SEND_RNDIS_PACKET, 0, NVSP_NO_SECTION, 0 }, done[2];
	uint32_t head[15] = { RNDIS_PACKET, 60 + bytes, 52, bytes, 0, 0, 0, 36, 16, 0, 0, 16, RNDIS_INFO_LSO, 12, 1460 | 34 << 20 | 1u << 30 };
	struct virtio_net_hdr v;
	uint64_t gpa;
	uint8_t *f;

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	gpa = guest_alloc(16) + 100;
	memcpy(guest_at(gpa, sizeof(head)), head, sizeof(head));
	f = guest_at(gpa + 60, bytes);
	frame_make(f, bytes, true);
	memcpy(f + 12, (uint8_t[]){ 8, 0, 0x45, 0, 0, 0 }, 6);
	f[23] = 6;
	f[20] = f[21] = 0;
	f[46] = 0x50;
	assert_true(guest_send_pages(n.channel, 5, gpa, 60 + bytes, message, sizeof(message)));
	guest_run();
	{
		static struct guest_packet p;

		assert_true(guest_receive(n.channel, &p));
		memcpy(done, p.payload, sizeof(done));
		assert_int_equal(done[1], NVSP_STATUS_SUCCESS);
	}
	assert_int_equal(nic_wire_read(&n, &v, back, sizeof(back)), bytes);
	assert_int_equal(v.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(v.gso_size, 1460);
	assert_int_equal(back[16] << 8 | back[17], bytes - 14);
	assert_memory_equal(back + 60, f + 60, bytes - 60);
}

static void received_frames_arrive_and_buffers_come_back(void **state)
{
	uint8_t f[1514];
	uint32_t size;

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	for (unsigned int round = 0; round < 1000; round++) {	/* many times the number of sub-allocations */
		size_t bytes = 60 + round % 1455;

		nic_wire_write(&n, &plain, frame_make(f, bytes, false), bytes);
		assert_int_equal(nic_receive(n.channel, &n, got, 1, true), 1);
		assert_memory_equal(frame_of(got[0], &size), f, bytes);
		assert_int_equal(size, bytes);
		assert_true(info_of(got[0], RNDIS_INFO_CHECKSUM) == UINT64_MAX);
	}
	assert_int_equal(guest.machine->adapters->receive.free_count, n.sub_allocations);
}

static void only_wanted_frames_arrive(void **state)
{
	static const struct { const char *what; uint8_t to[6]; uint32_t filter; bool wanted; } rows[] = {
		{ "own address", { 0x00, 0x15, 0x5d, 1, 2, 3 }, NDIS_FILTER_DIRECTED, true },
		{ "another's", { 0x00, 0x15, 0x5d, 1, 2, 4 }, NDIS_FILTER_DIRECTED | NDIS_FILTER_BROADCAST | NDIS_FILTER_ALL_MULTICAST, false },
		{ "another's, promiscuous", { 0x00, 0x15, 0x5d, 1, 2, 4 }, NDIS_FILTER_PROMISCUOUS, true },
		{ "broadcast", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, NDIS_FILTER_BROADCAST, true },
		{ "broadcast not wanted", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, NDIS_FILTER_DIRECTED, false },
		{ "a group of the list", { 1, 0, 0x5e, 0, 0, 1 }, NDIS_FILTER_MULTICAST, true },
		{ "a group not of the list", { 1, 0, 0x5e, 0, 0, 2 }, NDIS_FILTER_MULTICAST, false },
		{ "all groups", { 1, 0, 0x5e, 0, 0, 2 }, NDIS_FILTER_ALL_MULTICAST, true },
	};
	uint8_t f[100];

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	assert_int_equal(nic_set(&n, OID_802_3_MULTICAST_LIST, (uint8_t[]){ 1, 0, 0x5e, 0, 0, 1 }, 6), NDIS_STATUS_SUCCESS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(nic_set(&n, OID_GEN_CURRENT_PACKET_FILTER, &rows[i].filter, 4), NDIS_STATUS_SUCCESS);
		memcpy(frame_make(f, 100, false), rows[i].to, 6);
		nic_wire_write(&n, &plain, f, 100);
		if ((nic_receive(n.channel, &n, got, 1, true) == 1) != rows[i].wanted)
			fail_msg("%s", rows[i].what);
	}
}

static void a_guest_that_returns_nothing_is_not_flooded(void **state)
{
	unsigned int lent = 0;
	uint8_t f[100];
	uint32_t size = 4, value;

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	frame_make(f, 100, false);
	for (unsigned int i = 0; i < 2 * n.sub_allocations; i++) {
		struct iovec iov[2] = { { (void *)(uintptr_t)&plain, sizeof(plain) }, { f, 100 } };

		if (writev(n.wire, iov, 2) < 0)
			break;
		guest_run();
		lent += nic_receive(n.channel, &n, got, NET_BATCH, false);
	}
	assert_int_equal(lent, n.sub_allocations - NET_RESERVE);
	assert_false(guest.machine->adapters->watching);
	assert_int_equal(nic_query(&n, OID_GEN_MEDIA_CONNECT_STATUS, &value, &size), NDIS_STATUS_SUCCESS);	/* control still works */
}

static void a_buffer_returned_twice_closes_the_channel(void **state)
{
	uint32_t done[7] = { NVSP_SEND_RNDIS_PACKET_COMPLETE, NVSP_STATUS_SUCCESS }, answer[10];

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	assert_true(guest_send_packet(n.channel, VMBUS_PACKET_COMPLETION, false, 3, "", 0, done, 28));
	guest_run();
	assert_int_equal(nic_call(&n, (uint32_t[7]){ NVSP_SEND_NDIS_VERSION, 6, 30 }, 28, answer, sizeof(answer)), 0);
}

static void a_large_frame_from_the_wire_is_cut_and_summed(void **state)
{
	static uint8_t f[54 + 4000];
	struct virtio_net_hdr v = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1460,
				    .hdr_len = 54, .csum_start = 34, .csum_offset = 16 };
	unsigned int count;
	uint32_t size, sum = 0;

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	frame_make(f, sizeof(f), false);
	memcpy(f + 12, (uint8_t[]){ 8, 0, 0x45, 0, 0x0f, 0xc8 }, 6);	/* 4,040 bytes of IPv4 */
	f[20] = f[21] = 0;
	f[23] = 6;
	f[46] = 0x50;
	nic_wire_write(&n, &v, f, sizeof(f));
	count = nic_receive(n.channel, &n, got, NET_BATCH, true);
	assert_int_equal(count, 3);
	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *part = frame_of(got[i], &size);

		assert_memory_equal(part + 54, f + 54 + sum, size - 54);
		sum += size - 54;
		assert_int_equal(info_of(got[i], RNDIS_INFO_CHECKSUM), RNDIS_RX_TCP_GOOD);
	}
	assert_int_equal(sum, 4000);
}

static void a_tag_from_the_wire_becomes_information(void **state)
{
	uint8_t f[100] = { 0 };
	const uint8_t *back;
	uint32_t size;

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	frame_make(f, 100, false);
	memcpy(f + 12, (uint8_t[]){ 0x81, 0, 0xa0, 7, 0x88, 0xb5 }, 6);
	nic_wire_write(&n, &plain, f, 100);
	assert_int_equal(nic_receive(n.channel, &n, got, 1, true), 1);
	back = frame_of(got[0], &size);
	assert_int_equal(size, 96);
	assert_memory_equal(back, f, 12);
	assert_memory_equal(back + 12, f + 16, 84);
	assert_int_equal(info_of(got[0], RNDIS_INFO_VLAN), 5 | 7 << 4);
}

/* --- objects --- */

static void offloads_are_what_linux_asks_for(void **state)
{
	static const struct { uint32_t version; uint8_t revision; uint16_t size; } rows[] = {
		{ NVSP_VERSION_61, 3, 156 }, { NVSP_VERSION_5, 3, 156 }, { NVSP_VERSION_4, 2, 144 }, { NVSP_VERSION_2, 1, 112 },
	};

	(void)state;
	nic_plug(&n, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ndis_offload o = { 0 };
		uint32_t size = sizeof(o);

		nic_up(&n, rows[i].version);
		assert_int_equal(nic_query(&n, OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, &o, &size), NDIS_STATUS_SUCCESS);
		assert_int_equal(size, rows[i].size);
		assert_int_equal(o.header.type, NDIS_OBJECT_OFFLOAD);
		assert_int_equal(o.header.revision, rows[i].revision);
		assert_int_equal(o.header.size, rows[i].size);
		assert_int_equal(o.checksum4.tx & 0x14, 0x14);
		assert_int_equal(o.checksum6.tx & 0x15, 0x15);
		assert_int_equal(o.lso6.options & 5, 5);
		guest_close(n.channel);
		nic_open(&n);
	}
}

static void objects_are_answered(void **state)
{
	uint8_t value[1024];
	uint32_t size = sizeof(value), number = 4;

	(void)state;
	nic_plug(&n, 2);
	nic_up(&n, NVSP_VERSION_61);
	assert_int_equal(nic_query(&n, OID_802_3_PERMANENT_ADDRESS, value, &size), NDIS_STATUS_SUCCESS);
	assert_int_equal(size, 6);
	assert_memory_equal(value, nic_mac, 6);
	size = sizeof(value);
	assert_int_equal(nic_query(&n, OID_GEN_FRIENDLY_NAME, value, &size), NDIS_STATUS_SUCCESS);
	assert_int_equal(size, 10);
	assert_memory_equal(value, "L\0A\0N\0 \0\x42\x30", 10);
	size = sizeof(value);
	assert_int_equal(nic_query(&n, OID_GEN_RECEIVE_SCALE_CAPABILITIES, value, &size), NDIS_STATUS_SUCCESS);
	assert_int_equal(size, 18);
	memcpy(&number, value + 12, 4);
	assert_int_equal(number, 2);
	size = sizeof(value);
	assert_int_equal(nic_query(&n, OID_GEN_SUPPORTED_LIST, value, &size), NDIS_STATUS_SUCCESS);
	for (uint32_t i = 0; i < size; i += 4) {	/* what is listed is known, one way or the other */
		uint8_t scratch[1024];
		uint32_t oid, bytes = sizeof(scratch);

		memcpy(&oid, value + i, 4);
		if (nic_query(&n, oid, scratch, &bytes) != NDIS_STATUS_SUCCESS)
			assert_int_not_equal(nic_set(&n, oid, scratch, 0), NDIS_STATUS_NOT_SUPPORTED);
	}
	size = sizeof(value);
	assert_int_equal(nic_query(&n, 0x12345678, value, &size), NDIS_STATUS_NOT_SUPPORTED);
}

static void the_address_changes_only_where_that_is_allowed(void **state)
{
	uint8_t value[20 + 28 + 24] = { 0 };
	uint32_t head[5] = { 20, 28, RNDIS_PARAMETER_STRING, 48, 24 };
	uint8_t mac[6];
	uint32_t size = 6;

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	memcpy(value, head, 20);
	for (unsigned int i = 0; i < 14; i++)
		value[20 + 2 * i] = (uint8_t)"NetworkAddress"[i];
	for (unsigned int i = 0; i < 12; i++)
		value[48 + 2 * i] = (uint8_t)"02aabbCCdd05"[i];
	assert_int_equal(nic_set(&n, OID_GEN_RNDIS_CONFIG_PARAMETER, value, sizeof(value)), NDIS_STATUS_FAILURE);
	guest.machine->adapters->config.mac_spoofing = true;
	assert_int_equal(nic_set(&n, OID_GEN_RNDIS_CONFIG_PARAMETER, value, sizeof(value)), NDIS_STATUS_SUCCESS);
	assert_int_equal(nic_query(&n, OID_802_3_CURRENT_ADDRESS, mac, &size), NDIS_STATUS_SUCCESS);
	assert_memory_equal(mac, ((uint8_t[]){ 2, 0xaa, 0xbb, 0xcc, 0xdd, 5 }), 6);
	value[48] = 'x';
	assert_int_equal(nic_set(&n, OID_GEN_RNDIS_CONFIG_PARAMETER, value, sizeof(value)), NDIS_STATUS_INVALID_DATA);
	value[4] = 0xff;
	assert_int_equal(nic_set(&n, OID_GEN_RNDIS_CONFIG_PARAMETER, value, sizeof(value)), NDIS_STATUS_INVALID_DATA);
}

static void the_largest_frame_is_what_the_guest_negotiated(void **state)
{
	static const struct { uint32_t mtu, want; } rows[] = { { 1514, 1514 }, { 600, 1514 }, { 4014, 4014 }, { 9014, 9014 }, { 65535, 9014 } };

	(void)state;
	nic_plug(&n, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint32_t config[7] = { NVSP_SEND_NDIS_CONFIG, rows[i].mtu }, answer[10];

		assert_true(nic_init(&n, NVSP_VERSION_61));
		nic_call(&n, config, 28, answer, sizeof(answer));
		assert_int_equal(guest.machine->adapters->frame_bytes, rows[i].want);
		if (rows[i].want == 1514) {
			guest_close(n.channel);
			nic_open(&n);
			continue;
		}
		{	/* a buffer for it: at least 64 frames */
			uint32_t message[7] = { NVSP_SEND_RECEIVE_BUFFER, 0, NVSP_RECEIVE_BUFFER_ID };
			struct nvsp_receive_buffer_complete done;

			message[1] = guest_make_gpadl(n.channel->relid, guest_alloc(160), 160 * GUEST_PAGE);
			nic_call(&n, message, 28, &done, sizeof(done));
			assert_int_equal(done.status, NVSP_STATUS_SUCCESS);
			assert_true(done.sub_allocation_bytes >= rows[i].want + 44);
			assert_true((uint64_t)done.sub_allocation_bytes * done.sub_allocations <= 160 * GUEST_PAGE);
		}
		guest_close(n.channel);
		nic_open(&n);
	}
}

/* --- queues --- */

static struct guest_channel *queues[4];

static uint32_t table[26];		/* what the host sends when the last queue is open */

static void queues_open(unsigned int count)
{
	static struct guest_packet p;
	struct nvsp_subchannel_complete done;

	nic_call(&n, (uint32_t[7]){ NVSP_SUBCHANNEL, NVSP_SUBCHANNEL_ALLOCATE, count }, 28, &done, sizeof(done));
	assert_int_equal(done.status, NVSP_STATUS_SUCCESS);
	assert_int_equal(done.count, count);
	queues[0] = n.channel;
	for (unsigned int i = 1; i <= count; i++) {
		queues[i] = guest_open(guest_offer(&nic_class, i), 4, 4);
		assert_non_null(queues[i]);
	}
	assert_true(guest_receive(n.channel, &p));
	memcpy(table, p.payload, sizeof(table));
	assert_int_equal(table[0], NVSP_SEND_INDIRECTION_TABLE);
}

static uint32_t rss_set(uint32_t highest)
{
	struct ndis_rss_parameters p = { .header = { NDIS_OBJECT_RSS_PARAMETERS, 2, sizeof(p) }, .hash = NDIS_HASH_TOEPLITZ | NDIS_RSS_TYPES,
					 .table_bytes = 64, .table_offset = sizeof(p), .key_bytes = 40, .key_offset = sizeof(p) + 64 };
	uint8_t value[sizeof(p) + 64 + 40];

	memcpy(value, &p, sizeof(p));
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t queue = i % (highest + 1);

		memcpy(value + sizeof(p) + 4 * i, &queue, 4);
	}
	memset(value + sizeof(p) + 64, 0x5a, 40);
	value[sizeof(p) + 70] = 0x31;
	return nic_set(&n, OID_GEN_RECEIVE_SCALE_PARAMETERS, value, sizeof(value));
}

static void flows_are_spread_over_the_queues(void **state)
{
	unsigned int seen[4] = { 0 };
	uint8_t f[100];

	(void)state;
	nic_plug(&n, 4);
	nic_up(&n, NVSP_VERSION_61);
	assert_int_equal(rss_set(3), NDIS_STATUS_INVALID_DATA);		/* there is one queue */
	queues_open(3);
	assert_int_equal(table[1], 16);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(table[table[2] / 4 + i], i % 4);
	assert_int_equal(rss_set(3), NDIS_STATUS_SUCCESS);
	for (unsigned int flow = 0; flow < 64; flow++) {
		frame_make(f, 100, false);
		memcpy(f + 12, (uint8_t[]){ 8, 0, 0x45 }, 3);
		f[20] = f[21] = 0;
		f[23] = 6;
		f[46] = 0x50;
		f[35] = (uint8_t)flow;
		nic_wire_write(&n, &plain, f, 100);
		for (unsigned int q = 0; q < 4; q++)
			if (nic_receive(queues[q], &n, got, 1, true) == 1) {
				seen[q]++;
				assert_true(info_of(got[0], RNDIS_INFO_HASH) % 16 % 4 == q);
			}
	}
	assert_int_equal(seen[0] + seen[1] + seen[2] + seen[3], 64);
	assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
}

static void closing_a_queue_frees_what_it_held(void **state)
{
	uint8_t f[100];

	(void)state;
	nic_plug(&n, 2);
	nic_up(&n, NVSP_VERSION_61);
	queues_open(1);
	assert_int_equal(rss_set(1), NDIS_STATUS_SUCCESS);
	for (unsigned int flow = 0; flow < 32; flow++) {
		frame_make(f, 100, false);
		memcpy(f + 12, (uint8_t[]){ 8, 0, 0x45 }, 3);
		f[20] = f[21] = 0;
		f[23] = 6;
		f[46] = 0x50;
		f[35] = (uint8_t)flow;
		nic_wire_write(&n, &plain, f, 100);
		nic_receive(queues[1], &n, got, 1, false);
	}
	assert_true(guest.machine->adapters->receive.free_count < n.sub_allocations);
	guest_close(queues[1]);
	while (nic_receive(queues[0], &n, got, NET_BATCH, true))
		;
	assert_int_equal(guest.machine->adapters->receive.free_count, n.sub_allocations);
}

/* --- link, plugging, state --- */

static void a_changed_link_is_told(void **state)
{
	uint32_t words[3], value, size = 4;

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	assert_int_equal(nic_query(&n, OID_GEN_MEDIA_CONNECT_STATUS, &value, &size), NDIS_STATUS_SUCCESS);
	assert_int_equal(value, 0);
	guest.machine->adapters->link_told_ns = 0;		/* long ago */
	n.config.link_up = false;
	machine_lock(guest.machine);
	assert_int_equal(net_update(guest.machine, &n.config), 0);
	machine_unlock(guest.machine);
	assert_int_equal(nic_receive(n.channel, &n, got, 1, true), 1);
	memcpy(words, got[0], sizeof(words));
	assert_int_equal(words[0], RNDIS_INDICATE);
	assert_int_equal(words[2], NDIS_STATUS_MEDIA_DISCONNECT);
	n.config.link_up = true;				/* too soon: it waits for the timer */
	machine_lock(guest.machine);
	assert_int_equal(net_update(guest.machine, &n.config), 0);
	machine_unlock(guest.machine);
	assert_int_equal(nic_receive(n.channel, &n, got, 1, true), 0);
}

static void an_adapter_can_be_unplugged_and_plugged_again(void **state)
{
	uint32_t relid;

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	relid = n.channel->relid;
	machine_lock(guest.machine);
	assert_int_equal(net_detach(guest.machine, NIC_ID), 0);
	assert_int_equal(net_detach(guest.machine, NIC_ID), -ENOENT);
	machine_unlock(guest.machine);
	guest_run();
	assert_true(guest_is_rescinded(relid));
	guest_close(n.channel);
	guest_release(relid);
	assert_null(guest.machine->adapters);
	assert_int_equal(recv(n.wire, got, 1, MSG_DONTWAIT), 0);	/* the tap is closed */
}

static void the_state_record_round_trips(void **state)
{
	void *first = NULL, *second = NULL;
	size_t first_size, second_size;
	struct net_adapter *a;
	struct state *s;
	uint8_t f[100];

	(void)state;
	nic_plug(&n, 1);
	nic_up(&n, NVSP_VERSION_61);
	nic_wire_write(&n, &plain, frame_make(f, 100, false), 100);
	assert_int_equal(nic_receive(n.channel, &n, got, 1, false), 1);	/* one buffer is with the guest */
	a = guest.machine->adapters;
	s = state_save_begin();
	net_channel_state(a->offer, s);
	assert_int_equal(state_save_end(s, &first, &first_size), 0);
	net_rx_buffer_drop(a);					/* what a new worker would not have */
	vmbus_gpadl_put(a->send);
	a->send = NULL;
	a->version = a->filter = 0;
	a->initialized = false;
	s = state_load_begin(first, first_size);
	net_channel_state(a->offer, s);
	assert_int_equal(state_load_end(s), 0);
	assert_int_equal(a->version, NVSP_VERSION_61);
	assert_int_equal(a->receive.free_count, n.sub_allocations - 1);
	s = state_save_begin();
	net_channel_state(a->offer, s);
	assert_int_equal(state_save_end(s, &second, &second_size), 0);
	assert_int_equal(first_size, second_size);
	assert_memory_equal(first, second, first_size);
	nic_wire_write(&n, &plain, f, 100);			/* and it works on */
	assert_int_equal(nic_receive(n.channel, &n, got, 1, true), 1);
	net_rx_buffer_drop(a);
	for (size_t i = 0; i < first_size; i++) {		/* a hostile file may be refused or taken, nothing else */
		uint8_t old = ((uint8_t *)first)[i];

		((uint8_t *)first)[i] ^= 0xff;
		vmbus_gpadl_put(a->send);
		a->send = NULL;
		net_rx_buffer_drop(a);
		s = state_load_begin(first, first_size);
		net_channel_state(a->offer, s);
		(void)state_load_end(s);
		((uint8_t *)first)[i] = old;
	}
	free(first);
	free(second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, unplug)
	const struct CMUnitTest tests[] = {
		TEST(every_known_version_is_taken_and_no_other),
		TEST(what_comes_out_of_order_closes_the_channel),
		TEST(frames_go_out_as_they_are),
		TEST(what_must_not_go_out_does_not),
		TEST(malformed_packets_are_answered_so),
		TEST(a_large_send_from_guest_pages_is_left_to_the_kernel),
		TEST(received_frames_arrive_and_buffers_come_back),
		TEST(only_wanted_frames_arrive),
		TEST(a_guest_that_returns_nothing_is_not_flooded),
		TEST(a_buffer_returned_twice_closes_the_channel),
		TEST(a_large_frame_from_the_wire_is_cut_and_summed),
		TEST(a_tag_from_the_wire_becomes_information),
		TEST(offloads_are_what_linux_asks_for),
		TEST(objects_are_answered),
		TEST(the_address_changes_only_where_that_is_allowed),
		TEST(the_largest_frame_is_what_the_guest_negotiated),
		TEST(flows_are_spread_over_the_queues),
		TEST(closing_a_queue_frees_what_it_held),
		TEST(a_changed_link_is_told),
		TEST(an_adapter_can_be_unplugged_and_plugged_again),
		TEST(the_state_record_round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
