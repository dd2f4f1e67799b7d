/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile guest against the VMBus server: messages that are almost right, rings full of nonsense, at any time, while the
 * devices come and go and let go of pages late. The sanitizers judge memory; after each input a guest that behaves must be able
 * to connect, open a channel and get an answer. FUZZ_TARGET: vmbus does mostly messages, vmbus_ring mostly packets in rings.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmbus/echo.h"

#include "partita/log.h"

#include <hv_status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES		4u
#define CHANNELS	6u		/* relids that are tried: devices and sub-channels */
#define RING_GPA	(16ull << 20)
#define RING_PAGES	6u

static struct vmbus_channel *devices[DEVICES];

/* A number that a field might hold: small, at an edge, or anything. */
static uint32_t number(void)
{
	static const uint32_t edges[] = { 0, 1, 2, 7, 8, 15, 16, 4095, 4096, 4097, 8192, 65535, 65536, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff };

	return edge(edges, sizeof(edges) / sizeof(edges[0]));
}

static uint64_t ring_page(uint32_t relid, size_t i)
{
	return RING_GPA / 4096 + relid * RING_PAGES + i;
}

static uint8_t *ring_memory(uint32_t relid, size_t i)
{
	return guest_memory(guest.machine, ring_page(relid, i) * 4096, (RING_PAGES - i) * 4096);
}

/* --- messages --- */

static void fill_random(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i += 4) {
		uint32_t n = number();

		memcpy(bytes + i, &n, size - i < 4 ? size - i : 4);
	}
}

static size_t make_gpadl(uint8_t *bytes)
{
	struct vmbus_msg_gpadl_header head = { .header.type = VMBUS_MSG_GPADL_HEADER, .relid = 1 + below(CHANNELS),
					       .range_bytes = (uint16_t)(once_in(8) ? number() : 8 * (1 + RING_PAGES)),
					       .range_count = (uint16_t)(once_in(10) ? number() : 1) };
	struct vmbus_gpa_range range = { once_in(8) ? number() : RING_PAGES * 4096, once_in(10) ? number() : 0 };
	uint64_t pfns[20];

	head.gpadl = once_in(4) ? below(12) : head.relid;
	for (size_t i = 0; i < 20; i++)
		pfns[i] = once_in(100) ? (uint64_t)any() << 32 | any() : ring_page(head.relid, i % RING_PAGES);
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), &range, sizeof(range));
	memcpy(bytes + sizeof(head) + sizeof(range), pfns, sizeof(pfns));
	return sizeof(head) + sizeof(range) + sizeof(pfns);
}

static size_t make_body(uint8_t *bytes)
{
	struct vmbus_msg_gpadl_body body = { .header.type = VMBUS_MSG_GPADL_BODY, .number = number(), .gpadl = below(12) };

	fill_random(bytes, VMBUS_MESSAGE_MAX);
	memcpy(bytes, &body, sizeof(body));
	return sizeof(body) + below(225);
}

static size_t make_open(uint8_t *bytes)
{
	struct vmbus_msg_open open = { .header.type = VMBUS_MSG_OPEN, .relid = 1 + below(CHANNELS), .open_id = any(),
				       .target_vp = once_in(8) ? number() : below(2), .downstream_page = once_in(6) ? number() : 3 };

	open.gpadl = once_in(5) ? below(12) : open.relid;

	memcpy(bytes, &open, sizeof(open));
	return sizeof(open);
}

static size_t make_contact(uint8_t *bytes)
{
	struct vmbus_msg_contact contact = { .header.type = VMBUS_MSG_INITIATE_CONTACT, .version = once_in(3) ? number() : VMBUS_V5_3,
					     .target_vp = once_in(4) ? number() : 0, .target.sint = (uint8_t)(once_in(5) ? number() : VMBUS_SINT) };

	if (once_in(4))
		contact.monitor_pages[below(2)] = number();
	memcpy(bytes, &contact, sizeof(contact));
	return sizeof(contact);
}

static size_t make_short(uint8_t *bytes)
{
	static const uint32_t types[] = { VMBUS_MSG_REQUEST_OFFERS, VMBUS_MSG_CLOSE, VMBUS_MSG_GPADL_TEARDOWN, VMBUS_MSG_RELID_RELEASED,
					  VMBUS_MSG_UNLOAD, VMBUS_MSG_MODIFY_CHANNEL, VMBUS_MSG_TL_CONNECT_REQUEST };
	uint32_t words[14] = { types[below(7)], 0, 1 + below(CHANNELS), once_in(2) ? below(7) : number() };

	if ((words[0] == VMBUS_MSG_UNLOAD || words[0] == VMBUS_MSG_RELID_RELEASED) && !once_in(20))
		words[0] = VMBUS_MSG_REQUEST_OFFERS;		/* those end too much to be frequent */
	memcpy(bytes, words, sizeof(words));
	return sizeof(words);
}

static size_t make_garbage(uint8_t *bytes)
{
	uint32_t type = below(30);

	fill_random(bytes, VMBUS_MESSAGE_MAX);
	memcpy(bytes, &type, sizeof(type));
	return VMBUS_MESSAGE_MAX;
}

static void post_something(void)
{
	static size_t (*const makers[])(uint8_t *bytes) = {
		make_gpadl, make_gpadl, make_gpadl, make_body, make_open, make_open, make_open, make_short, make_short, make_garbage, make_contact,
	};
	uint32_t which = below(once_in(16) ? 11 : 10);
	uint8_t bytes[VMBUS_MESSAGE_MAX] = { 0 };
	size_t size = makers[which](bytes);

	if (once_in(12))
		bytes[below((uint32_t)size)] ^= (uint8_t)(1u << below(8));
	if (once_in(15))
		size = below(VMBUS_MESSAGE_MAX + 1);
	(void)vmbus_guest_post_message(guest.machine->vmbus, once_in(20) ? number() : VMBUS_CONNECTION_MULTI, once_in(30) ? number() : 1, bytes, size);
}

static void post(const void *message, size_t size)
{
	(void)vmbus_guest_post_message(guest.machine->vmbus, VMBUS_CONNECTION_MULTI, 1, message, size);
	guest_run();
}

/* Nothing wrong with it: so that what follows reaches the depth. */
static void open_properly(void)
{
	uint32_t relid = 1 + below(CHANNELS);
	struct vmbus_msg_relid closing = { .header.type = VMBUS_MSG_CLOSE, .relid = relid };
	struct vmbus_msg_gpadl_teardown teardown = { .header.type = VMBUS_MSG_GPADL_TEARDOWN, .relid = relid, .gpadl = relid };
	struct { struct vmbus_msg_gpadl_header head; struct vmbus_gpa_range range; uint64_t pfns[RING_PAGES]; } __attribute__((packed)) gpadl = {
		.head = { .header.type = VMBUS_MSG_GPADL_HEADER, .relid = relid, .gpadl = relid, .range_bytes = 8 * (1 + RING_PAGES), .range_count = 1 },
		.range = { RING_PAGES * 4096, 0 },
	};
	struct vmbus_msg_open open = { .header.type = VMBUS_MSG_OPEN, .relid = relid, .gpadl = relid, .downstream_page = 3 };

	for (size_t i = 0; i < RING_PAGES; i++)
		gpadl.pfns[i] = ring_page(relid, i);
	post(&closing, sizeof(closing));
	post(&teardown, sizeof(teardown));
	memset(ring_memory(relid, 0), 0, RING_PAGES * 4096);
	post(&gpadl, sizeof(gpadl));
	post(&open, sizeof(open));
}

/* --- rings: channel N's lie at a place of its own, three pages each way --- */

static uint32_t make_packet(uint8_t bytes[512])
{
	struct vmbus_descriptor d = { .type = (uint16_t)(once_in(12) ? number() : once_in(2) ? 6 : 9), .header_qwords = 2,
				      .flags = (uint16_t)below(2), .transaction_id = any() };
	uint32_t payload = below(16), words[60];

	fill_random((uint8_t *)words, sizeof(words));
	if (d.type == 9) {
		uint32_t ranges = 1 + below(2);

		words[1] = once_in(8) ? number() : ranges;
		for (uint32_t i = 0; i < ranges; i++) {
			words[2 + 4 * i] = once_in(8) ? number() : 1 + below(4096);		/* bytes */
			words[3 + 4 * i] = once_in(8) ? number() : 0;				/* offset */
		}
		d.header_qwords = (uint16_t)(3 + 2 * ranges);
	}
	d.total_qwords = (uint16_t)(d.header_qwords + payload);
	if (once_in(12))
		d.header_qwords = (uint16_t)number();
	if (once_in(12))
		d.total_qwords = (uint16_t)number();
	memcpy(bytes, &d, sizeof(d));
	memcpy(bytes + sizeof(d), words, sizeof(words));
	return 8 * (d.header_qwords + payload + 1u) & 0x1f8;
}

static void append_packet(uint32_t relid)
{
	struct vmbus_ring_control *ring = (void *)ring_memory(relid, 0);
	uint32_t at = ring->write_index % (2 * 4096) & ~7u, bytes;
	uint8_t packet[512] = { 0 };

	bytes = make_packet(packet);
	for (uint32_t i = 0; i < bytes; i++)
		((uint8_t *)ring)[4096 + (at + i) % (2 * 4096)] = packet[i];
	ring->write_index = once_in(25) ? number() : (at + bytes) % (2 * 4096);
}

static void write_ring(void)
{
	uint32_t relid = 1 + below(CHANNELS);
	struct vmbus_ring_control *in = (void *)ring_memory(relid, 0), *out = (void *)ring_memory(relid, 3);

	switch (below(12)) {
	case 0: in->pending_send_size = number(); break;
	case 1: out->read_index = once_in(4) ? number() : out->write_index; break;
	case 2: out->interrupt_mask = below(2); break;
	case 3: *(uint32_t *)(void *)(ring_memory(relid, below(RING_PAGES)) + below(512) * 8) = number(); break;
	default:
		append_packet(relid);
		if (once_in(2))
			(void)vmbus_guest_signal_event(guest.machine->vmbus, VMBUS_CONNECTION_SIGNAL + relid, 0);
	}
}

static void signal_something(void)
{
	(void)vmbus_guest_signal_event(guest.machine->vmbus, VMBUS_CONNECTION_SIGNAL + below(once_in(10) ? 3000 : 8), (uint16_t)(once_in(20) ? number() : 0));
}

/* --- devices --- */

static void release_all(void)
{
	while (echo.closing_count)
		vmbus_channel_released(echo.closing[--echo.closing_count]);
}

static void device_acts(void)
{
	struct vmbus_channel *c = devices[below(DEVICES)];
	uint8_t payload[512] = { 0 };

	echo.busy = once_in(6);
	echo.holds_pages = once_in(4);
	echo.fault = once_in(20);
	if (!c)
		return;
	switch (below(6)) {
	case 0: (void)vmbus_offer_subchannels(c, 1 + below(2)); break;
	case 1: vmbus_channel_resume(c); break;
	case 2: release_all(); break;
	case 3: (void)vmbus_complete(c, any(), payload, below(sizeof(payload))); break;
	case 4: (void)vmbus_pipe_send(c, payload, below(sizeof(payload))); break;
	case 5: vmbus_gpadl_put(vmbus_gpadl_get(c, below(12))); break;
	}
}

static void device_comes_or_goes(void)
{
	uint32_t i = below(DEVICES);

	if (devices[i]) {
		vmbus_withdraw(devices[i], NULL);
		devices[i] = NULL;
	} else {
		devices[i] = echo_offer(&echo_device, (uint8_t)(i + 1));
	}
}

static void slot_changes(void)
{
	fake.slot_busy = !fake.slot_busy;
	if (!fake.slot_busy)
		vmbus_message_slot_free(guest.machine->vmbus, 0, VMBUS_SINT);
}

static const struct { const char *target; uint8_t open, post, ring, signal, device, plug; } shares[] = {
	{ "vmbus", 6, 60, 68, 76, 92, 97 }, { "vmbus_ring", 8, 10, 70, 92, 98, 99 },	/* of a hundred actions, up to here */
};

static void act(void)
{
	size_t row = strcmp(FUZZ_TARGET, shares[0].target) ? 1 : 0;
	uint32_t what = below(100);

	if (what < shares[row].open)
		open_properly();
	else if (what < shares[row].post)
		post_something();
	else if (what < shares[row].ring)
		write_ring();
	else if (what < shares[row].signal)
		signal_something();
	else if (what < shares[row].device)
		device_acts();
	else if (what < shares[row].plug)
		device_comes_or_goes();
	else
		slot_changes();
	if (once_in(3))
		guest_run();
	if (fake.posted_count > FAKE_MESSAGES / 2)
		fake.posted_count = 0;
}

/* --- an input --- */


static void let_go(void)
{
	echo.busy = echo.holds_pages = echo.fault = fake.slot_busy = false;
	release_all();
	vmbus_message_slot_free(guest.machine->vmbus, 0, VMBUS_SINT);
	guest_run();
}

static bool a_good_guest_still_works(void)
{
	struct guest_packet *p = calloc(1, sizeof(*p));
	struct guest_channel *c;
	bool good;

	let_go();
	memset(&guest.offers, 0, sizeof(guest.offers));
	memset(guest.channels, 0, sizeof(guest.channels));
	fake.posted_count = 0;
	guest.next_page = 20u << 20;
	guest_connect(VMBUS_V5_3);
	if (!devices[0])
		devices[0] = echo_offer(&echo_device, 1);
	guest_run();
	c = guest_open(guest_offer(&echo_class, 0), 4, 4);
	good = c && guest_send(c, 42, "hello", 5);
	guest_run();
	good = good && guest_receive(c, p) && p->descriptor.transaction_id == 42;
	free(p);
	return good;
}

static void begin(void)
{
	if (!guest.machine) {
		log_threshold(LOG_LEVEL_ERROR);
		guest_boot_bare(2);
	}
	guest_reset();
	let_go();
	memset(guest_at(RING_GPA, (CHANNELS + 1) * RING_PAGES * 4096), 0, (CHANNELS + 1) * RING_PAGES * 4096);
	for (unsigned int i = 0; i < DEVICES; i++)
		if (!devices[i])
			devices[i] = echo_offer(&echo_device, (uint8_t)(i + 1));
	guest_connect(VMBUS_V5_3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input_begin(data, size);
	begin();
	while (input_left())
		act();
	if (!a_good_guest_still_works())
		abort();
	return 0;
}
