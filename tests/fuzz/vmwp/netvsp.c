/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile guest, and a hostile wire, against the network adapter: NVSP and RNDIS that are almost right, any object with any
 * value, per-packet information, pages that are not there, buffers returned twice, and frames of every shape from the tap.
 * After each input a driver that behaves must get its adapter up and a frame each way. FUZZ_TARGET: netvsp, rndis or net_wire.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/net/nic.h"

#include "partita/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cmocka.h>

#define INPUTS_MAX	1000u		/* of one machine */

static struct nic n;
static uint64_t first_free_page;

static uint32_t number(void)
{
	static const uint32_t edges[] = { 0, 1, 4, 8, 11, 12, 13, 14, 20, 28, 36, 44, 52, 60, 1500, 1514, 1518, 4096, 6144, 65535, 0x7fffffff, 0xfffffff8, ~0u };

	return edge(edges, sizeof(edges) / sizeof(*edges));
}

static void pump(void)
{
	while (sd_event_run(guest.machine->loop, 0) > 0)
		;
}

/* --- what goes in --- */

static const uint32_t oids[] = {
	OID_GEN_SUPPORTED_LIST, OID_GEN_CURRENT_PACKET_FILTER, OID_GEN_RECEIVE_SCALE_PARAMETERS, OID_802_3_MULTICAST_LIST,
	OID_GEN_RNDIS_CONFIG_PARAMETER, OID_TCP_OFFLOAD_PARAMETERS, OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, OID_GEN_FRIENDLY_NAME,
	OID_GEN_LINK_STATE, OID_802_3_CURRENT_ADDRESS, OID_OFFLOAD_ENCAPSULATION, OID_GEN_RECEIVE_SCALE_CAPABILITIES,
};

static void fill(uint32_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		words[i] = number();
}

static uint32_t make_control(uint32_t *w)
{
	uint32_t size = 28 + 4 * below(80);

	fill(w, 128);
	w[0] = once_in(8) ? number() : once_in(3) ? RNDIS_QUERY : once_in(10) ? 2 + below(7) : RNDIS_SET;
	w[1] = once_in(10) ? number() : size;
	w[3] = once_in(10) ? any() : oids[below(sizeof(oids) / sizeof(*oids))];
	w[4] = once_in(10) ? number() : size - 28;
	w[5] = once_in(10) ? number() : 20;
	if (w[3] == OID_GEN_RECEIVE_SCALE_PARAMETERS && !once_in(4)) {	/* a sound head, to get further */
		struct ndis_rss_parameters p = { .header = { NDIS_OBJECT_RSS_PARAMETERS, 2, 40 }, .hash = any(), .table_bytes = (uint16_t)number(),
						 .table_offset = number(), .key_bytes = 40, .key_offset = number() };

		memcpy(w + 7, &p, sizeof(p));
	}
	return size;
}

static uint32_t make_frame(uint8_t *f, uint32_t most)
{
	static const uint8_t ip4[] = { 8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6 }, ip6[] = { 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 6, 64 },
			     tag[] = { 0x81, 0, 0, 5 };
	uint32_t size = once_in(6) ? below(80) : below(most), at = 12;

	for (uint32_t i = 0; i < size; i++)
		f[i] = (uint8_t)any();
	if (size < 120)
		return size;
	memcpy(f + 6, nic_mac, 6);
	memcpy(f, once_in(3) ? nic_mac : (const uint8_t *)"\xff\xff\xff\xff\xff\xff", 6);
	if (once_in(4)) {
		memcpy(f + at, tag, sizeof(tag));
		at += 4;
	}
	if (once_in(2))
		memcpy(f + at, ip4, sizeof(ip4));
	else
		memcpy(f + at, ip6, sizeof(ip6));
	if (once_in(4))
		f[at + 2] = (uint8_t)any();
	if (once_in(4))
		f[at + (f[at] == 8 ? 11 : 8)] = once_in(2) ? 17 : (uint8_t)any();
	f[at + 34] = 0x50;
	return size;
}

static uint32_t make_packet(uint8_t *to)
{
	uint32_t infos = below(3) * 16, w[11] = { 0 }, size;

	size = make_frame(to + 44 + infos, 5000);
	w[0] = RNDIS_PACKET;
	w[1] = once_in(12) ? number() : 44 + infos + size;
	w[2] = once_in(12) ? number() : 36 + infos;
	w[3] = once_in(12) ? number() : size;
	w[7] = once_in(12) ? number() : 36;
	w[8] = once_in(12) ? number() : infos;
	memcpy(to, w, sizeof(w));
	for (uint32_t i = 0; i < infos; i += 16) {
		uint32_t info[4] = { once_in(12) ? number() : 16, once_in(4) ? number() : 2 * below(5), once_in(12) ? number() : 12, any() };

		memcpy(to + 44 + i, info, sizeof(info));
	}
	return 44 + infos + size;
}

/* --- the actions --- */

static void send_nvsp(void)
{
	uint32_t w[10];

	fill(w, 10);
	w[0] = once_in(6) ? number() : once_in(3) ? NVSP_SUBCHANNEL : 100 + below(36);
	if (w[0] == NVSP_INIT || w[0] == NVSP_REVOKE_RECEIVE_BUFFER)
		w[0] = NVSP_SEND_NDIS_CONFIG;
	guest_send_packet(n.channel, VMBUS_PACKET_INBAND, !once_in(4), any(), "", 0, w, once_in(10) ? below(40) : 40);
}

static void send_section(bool control)
{
	uint8_t *to = guest_at(n.send, 8192);
	uint32_t size, message[7] = { NVSP_SEND_RNDIS_PACKET, control };

	if (control)
		size = make_control((void *)to);
	else
		size = make_packet(to);
	if (once_in(5) && size + 64 < 6000) {			/* a second one behind it */
		uint32_t at = (size + 7) & ~7u;

		size = at + (once_in(2) ? make_control((void *)(to + at)) : 44);
	}
	message[2] = once_in(12) ? number() : 0;
	message[3] = once_in(12) ? number() : size;
	guest_send_packet(n.channel, VMBUS_PACKET_INBAND, true, any(), "", 0, message, sizeof(message));
}

static void send_pages(void)
{
	uint32_t message[7] = { NVSP_SEND_RNDIS_PACKET, 0, once_in(3) ? 0 : NVSP_NO_SECTION, once_in(2) ? 60 : number() };
	uint64_t head[12];
	uint32_t ranges = 1 + below(3), at = 1;

	make_packet(guest_at(n.send, 8192));
	for (uint32_t i = 0; i < ranges; i++) {
		uint32_t offset = below(4096), bytes = below(8000 - offset);

		head[at++] = (uint64_t)offset << 32 | bytes;
		for (uint32_t page = 0; page < (offset + bytes + 4095) / 4096; page++)
			head[at++] = once_in(20) ? any() : n.send / 4096 + page;
	}
	head[0] = (uint64_t)ranges << 32;
	guest_send_packet(n.channel, VMBUS_PACKET_GPA_DIRECT, true, any(), head, at * 8, message, sizeof(message));
}

static void complete(void)
{
	uint32_t done[7] = { NVSP_SEND_RNDIS_PACKET_COMPLETE, 1 };

	guest_send_packet(n.channel, VMBUS_PACKET_COMPLETION, false, once_in(3) ? any() : below(200), "", 0, done, 28);
}

static void from_wire(void)
{
	static uint8_t f[NET_FRAME_MAX];
	struct virtio_net_hdr v = { .flags = (uint8_t)below(4), .gso_type = once_in(3) ? (uint8_t)below(6) : 0, .gso_size = (uint16_t)number(),
				    .csum_start = (uint16_t)number(), .csum_offset = (uint16_t)(once_in(2) ? 16 : number()) };
	struct iovec iov[2] = { { &v, sizeof(v) }, { f, 0 } };

	iov[1].iov_len = make_frame(f, once_in(4) ? 60000 : 3000);
	(void)sendmsg(n.wire, &(struct msghdr){ .msg_iov = iov, .msg_iovlen = 2 }, MSG_DONTWAIT);
}

/* Reads what came; usually returns the buffers. */
static void read_ring(void)
{
	static struct guest_packet p;
	uint32_t done[7] = { NVSP_SEND_RNDIS_PACKET_COMPLETE, 1 };

	while (guest_receive(n.channel, &p))
		if (p.descriptor.type == VMBUS_PACKET_TRANSFER_PAGES && !once_in(10))
			guest_send_packet(n.channel, VMBUS_PACKET_COMPLETION, false, p.descriptor.transaction_id, "", 0, done, 28);
}

static void read_wire(void)
{
	static uint8_t f[NET_FRAME_MAX + 100];
	struct virtio_net_hdr v;

	while (nic_wire_read(&n, &v, f, sizeof(f)) >= 0)
		;
}

static void send_control(void) { send_section(true); }
static void send_data(void) { send_section(false); }

static const struct { const char *target; void (*actions[4])(void); } targets[] = {
	{ "netvsp", { send_nvsp, send_nvsp, send_pages, complete } },
	{ "rndis", { send_control, send_control, send_data, send_pages } },
	{ "net_wire", { from_wire, from_wire, from_wire, send_data } },
};

static void act(void)
{
	unsigned int row = 0, what = below(6);

	while (strcmp(targets[row].target, FUZZ_TARGET))
		row++;
	if (what < 4)
		targets[row].actions[what]();
	else
		read_ring();
	if (once_in(4))
		pump();
	if (once_in(50))
		read_wire();
}

/* --- an input --- */


static void up(void)
{
	static const uint32_t versions[] = { NVSP_VERSION_61, NVSP_VERSION_6, NVSP_VERSION_5, NVSP_VERSION_4, NVSP_VERSION_2, NVSP_VERSION_1 };

	nic_up(&n, versions[below(6)]);
}

static void reopen(void)
{
	uint32_t relid = n.channel->relid;

	guest_close(n.channel);
	guest_teardown(relid, n.receive_gpadl);
	guest_teardown(relid, n.send_gpadl);
	guest_take_all();
	guest.next_page = first_free_page;		/* the fake guest does not give memory back by itself */
	nic_open(&n);
	up();
}

static bool is_up(void)
{
	return guest.machine->adapters->queues[0].channel != NULL;
}

static void behave(void)
{
	static uint8_t f[100], got[NET_BATCH][2048];
	static const struct virtio_net_hdr plain;
	struct virtio_net_hdr v;

	guest.machine->adapters->config.mac_spoofing = false;
	reopen();
	read_wire();
	memcpy(f + 6, nic_mac, 6);
	assert_int_equal(nic_transmit(&n, f, sizeof(f), -1, 0), NVSP_STATUS_SUCCESS);
	assert_int_equal(nic_wire_read(&n, &v, f, sizeof(f)), sizeof(f));
	while (nic_receive(n.channel, &n, got, NET_BATCH, true))
		;
	memcpy(f, nic_mac, 6);
	nic_wire_write(&n, &plain, f, sizeof(f));
	assert_int_equal(nic_receive(n.channel, &n, got, NET_BATCH, true), 1);
}

static void begin(void)
{
	static unsigned int inputs;

	if (inputs++ % INPUTS_MAX == 0) {
		if (n.channel)
			nic_unplug(&n);
		log_threshold(LOG_LEVEL_ERROR);
		nic_plug(&n, 2);
		first_free_page = guest.next_page;
	}
	reopen();
	guest.machine->adapters->config.mac_spoofing = below(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input_begin(data, size);
	begin();
	while (input_left()) {
		act();
		if (!is_up())
			reopen();
	}
	pump();
	read_ring();
	behave();
	return 0;
}
