/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of channel messages: versions, offers, GPADLs, open and close, withdrawal, unload. */
#include "echo.h"

#include <hv_status.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	(void)state;
	memset(&echo, 0, sizeof(echo));
	guest_boot_bare(2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_shut_down();
	return 0;
}

static struct guest_channel *connect_and_open(void)
{
	if (!guest_offer(&echo_class, 0) && !guest.version) {
		echo_offer(&echo_device, 1);
		guest_connect(VMBUS_V5_3);
	}
	return guest_open(guest_offer(&echo_class, 0), 4, 4);
}

static void versions_of_the_table_are_accepted_and_no_others(void **state)
{
	static const struct { uint32_t version; bool accepted; } rows[] = {
		{ VMBUS_VERSION(0, 13), false }, { VMBUS_VERSION(1, 1), false }, { VMBUS_VERSION(2, 4), false },
		{ VMBUS_VERSION(3, 0), true }, { VMBUS_VERSION(4, 0), true }, { VMBUS_VERSION(4, 1), true }, { VMBUS_VERSION(5, 0), true },
		{ VMBUS_VERSION(5, 1), true }, { VMBUS_VERSION(5, 2), true }, { VMBUS_VERSION(5, 3), true }, { VMBUS_VERSION(5, 4), false },
		{ VMBUS_VERSION(6, 0), true }, { VMBUS_VERSION(6, 1), false }, { VMBUS_VERSION(7, 0), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(guest_contact(rows[i].version, 0), rows[i].accepted);
		assert_int_equal(vmbus_version(guest.machine->vmbus), rows[i].accepted ? rows[i].version : 0);
	}
}

static void the_response_has_the_size_of_its_version(void **state)
{
	static const struct { uint32_t version; unsigned int size; uint32_t selected; } rows[] = {
		{ VMBUS_VERSION(2, 4), 16, 0 }, { VMBUS_VERSION(4, 1), 16, VMBUS_VERSION(4, 1) }, { VMBUS_VERSION(5, 3), 16, VMBUS_CONNECTION_MULTI },
		{ VMBUS_VERSION(6, 0), 20, VMBUS_CONNECTION_MULTI },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned int slot = (fake.posted_first + fake.posted_count) % FAKE_MESSAGES;
		struct vmbus_msg_version_response response;

		guest_contact(rows[i].version, 1);
		memcpy(&response, fake.posted[slot].message.payload, sizeof(response));
		assert_int_equal(fake.posted[slot].message.header.payload_size, rows[i].size);
		assert_int_equal(fake.posted[slot].vp, 1);
		assert_int_equal(response.selected, rows[i].selected);
	}
}

static void a_contact_for_another_sint_or_trust_level_or_vp_is_refused(void **state)
{
	struct vmbus_msg_contact contact = { .header.type = VMBUS_MSG_INITIATE_CONTACT, .version = VMBUS_V5_3, .target.sint = 3 };
	struct vmbus_msg_version_response response;

	(void)state;
	guest_post(&contact, sizeof(contact));
	guest_expect(VMBUS_MSG_VERSION_RESPONSE, &response, 16);
	assert_false(response.supported);
	contact.target.sint = VMBUS_SINT;
	contact.target.vtl = 2;
	guest_post(&contact, sizeof(contact));
	guest_expect(VMBUS_MSG_VERSION_RESPONSE, &response, 16);
	assert_false(response.supported);
	contact.target.vtl = 0;
	contact.target_vp = 2;
	guest_post(&contact, sizeof(contact));
	guest_expect(VMBUS_MSG_VERSION_RESPONSE, &response, 16);
	assert_false(response.supported);
}

static void one_monitor_page_alone_fails_the_connection(void **state)
{
	struct vmbus_msg_contact contact = { .header.type = VMBUS_MSG_INITIATE_CONTACT, .version = VMBUS_VERSION(4, 1), .monitor_pages = { 0x5000, 0 } };
	struct vmbus_msg_version_response response;

	(void)state;
	guest_post(&contact, sizeof(contact));
	guest_expect(VMBUS_MSG_VERSION_RESPONSE, &response, 16);
	assert_true(response.supported);
	assert_int_equal(response.state, VMBUS_CONTACT_FAILED);
	assert_int_equal(vmbus_version(guest.machine->vmbus), 0);
}

static void offers_come_by_class_then_creation_and_say_what_they_are(void **state)
{
	const struct vmbus_msg_offer *offer;

	(void)state;
	assert_non_null(echo_offer(&echo_device, 1));
	assert_non_null(echo_offer(&other_device, 1));
	assert_non_null(echo_offer(&echo_device, 2));
	assert_null(echo_offer(&echo_device, 2));		/* the same again */
	guest_connect(VMBUS_V5_3);
	assert_int_equal(guest.offers[0].instance.bytes[0], 1);
	assert_memory_equal(&guest.offers[0].class, &other_class, 16);
	assert_memory_equal(&guest.offers[1].class, &echo_class, 16);
	assert_int_equal(guest.offers[1].instance.bytes[0], 1);
	assert_int_equal(guest.offers[2].instance.bytes[0], 2);
	offer = &guest.offers[0];
	assert_int_equal(offer->flags, VMBUS_OFFER_PIPE);
	assert_int_equal(offer->mmio_mib, 8);
	assert_int_equal(offer->user[0], VMBUS_PIPE_MESSAGE);
	assert_int_equal(offer->relid, 1);
	assert_int_equal(offer->dedicated_interrupt, 1);
	assert_int_equal(offer->monitor_allocated, 0);
	assert_int_equal(offer->connection_id, 0x2001);
}

static void offers_are_listed_once_per_connection(void **state)
{
	struct vmbus_msg_header request = { .type = VMBUS_MSG_REQUEST_OFFERS };

	(void)state;
	echo_offer(&echo_device, 1);
	guest_connect(VMBUS_V5_3);
	guest_post(&request, sizeof(request));
	assert_int_equal(fake.posted_count, 0);
	guest_connect(VMBUS_V5_3);
	assert_int_equal(guest.offers[1].relid, 1);
}

static void messages_before_contact_and_from_wrong_ports_do_nothing(void **state)
{
	struct vmbus_msg_header request = { .type = VMBUS_MSG_REQUEST_OFFERS };

	(void)state;
	guest_post(&request, sizeof(request));
	assert_int_equal(fake.posted_count, 0);
	assert_int_equal(guest_try_post(7, &request, sizeof(request)), HV_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(vmbus_guest_post_message(guest.machine->vmbus, 1, 2, &request, 8), HV_STATUS_INVALID_PARAMETER);
	assert_int_equal(vmbus_guest_signal_event(guest.machine->vmbus, 0x2001, 0), HV_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(vmbus_guest_signal_event(guest.machine->vmbus, 0x2800, 0), HV_STATUS_INVALID_CONNECTION_ID);
}

static void a_guest_that_posts_too_fast_is_told_to_retry(void **state)
{
	struct vmbus_msg_header request = { .type = VMBUS_MSG_REQUEST_OFFERS };
	unsigned int taken = 0;

	(void)state;
	while (guest_try_post(1, &request, sizeof(request)) == HV_STATUS_SUCCESS)
		assert_true(++taken <= 64);
	assert_int_equal(taken, 64);
	assert_int_equal(guest_try_post(1, &request, sizeof(request)), HV_STATUS_INSUFFICIENT_BUFFERS);
	guest_run();
	assert_int_equal(guest_try_post(1, &request, sizeof(request)), HV_STATUS_SUCCESS);
}

static void messages_wait_for_the_slot_and_keep_their_order(void **state)
{
	struct vmbus_msg_header request = { .type = VMBUS_MSG_REQUEST_OFFERS };

	(void)state;
	for (uint8_t i = 0; i < 20; i++)
		echo_offer(&echo_device, i);
	assert_true(guest_contact(VMBUS_V5_3, 0));
	fake.slot_busy = true;
	guest_post(&request, sizeof(request));
	assert_int_equal(fake.posted_count, 0);
	assert_int_equal(fake.deliverable_asked, 1 << VMBUS_SINT);
	fake.slot_busy = false;
	vmbus_message_slot_free(guest.machine->vmbus, 0, VMBUS_SINT);
	guest_run();
	assert_int_equal(fake.posted_count, 21);
	guest_offer(&echo_class, 0);
	assert_true(guest.all_delivered);
	for (uint8_t i = 0; i < 20; i++)
		assert_int_equal(guest.offers[i].instance.bytes[0], i);
}

static void a_guest_that_takes_no_replies_is_not_heard_for_ever(void **state)
{
	struct vmbus_msg_gpadl_header head = { .header.type = VMBUS_MSG_GPADL_HEADER, .relid = 1 };	/* no ranges: refused */
	unsigned int sent = 0;

	(void)state;
	echo_offer(&echo_device, 1);
	guest_connect(VMBUS_V5_3);
	fake.slot_busy = true;
	while (sent < 10000 && guest_try_post(4, &head, sizeof(head)) == HV_STATUS_SUCCESS) {
		guest_run();
		sent++;
	}
	assert_int_equal(sent, 512 + 64);
	fake.slot_busy = false;
	vmbus_message_slot_free(guest.machine->vmbus, 0, VMBUS_SINT);
	guest_run();
	assert_int_equal(fake.posted_count, sent);
}

/* --- GPADLs --- */

static void a_gpadl_of_many_messages_reads_and_writes_the_guests_pages(void **state)
{
	struct guest_channel *c;
	struct vmbus_gpadl *g;
	uint64_t gpa;
	uint8_t bytes[6000];
	struct iovec iov[4];
	uint32_t id;

	(void)state;
	c = connect_and_open();
	gpa = guest_alloc(300);
	id = guest_make_gpadl(c->relid, gpa + 100, 290 * GUEST_PAGE);
	assert_int_equal(guest_gpadl_status, 0);
	g = vmbus_gpadl_get(echo.channel, id);
	assert_non_null(g);
	assert_int_equal(vmbus_gpadl_bytes(g), 290 * GUEST_PAGE);
	memset(guest_at(gpa + 100 + 5000, 6000), 0x5a, 6000);
	assert_int_equal(vmbus_gpadl_read(g, 5000, bytes, 6000), 0);
	assert_int_equal(bytes[0], 0x5a);
	assert_int_equal(bytes[5999], 0x5a);
	assert_int_equal(vmbus_gpadl_write(g, 290 * GUEST_PAGE - 1, "x", 1), 0);
	assert_int_equal(*(char *)guest_at(gpa + 100 + 290 * GUEST_PAGE - 1, 1), 'x');
	assert_int_equal(vmbus_gpadl_write(g, 290 * GUEST_PAGE, "x", 1), -ERANGE);
	assert_int_equal(vmbus_gpadl_read(g, 290 * GUEST_PAGE - 5, bytes, 6), -ERANGE);
	assert_int_equal(vmbus_gpadl_iovec(g, 1, 20000, iov, 4), 1);	/* contiguous: merged */
	assert_ptr_equal(iov[0].iov_base, guest_at(gpa + 101, 1));
	assert_int_equal(iov[0].iov_len, 20000);
	vmbus_gpadl_put(g);
}

static void a_torn_down_gpadl_is_answered_when_nobody_holds_it(void **state)
{
	struct vmbus_msg_gpadl_torndown answer;
	struct guest_channel *c;
	struct vmbus_gpadl *g;
	uint32_t id;

	(void)state;
	c = connect_and_open();
	id = guest_make_gpadl(c->relid, guest_alloc(2), 2 * GUEST_PAGE);
	g = vmbus_gpadl_get(echo.channel, id);
	guest_teardown(c->relid, id);
	assert_int_equal(fake.posted_count, 0);
	assert_null(vmbus_gpadl_get(echo.channel, id));
	vmbus_gpadl_put(g);
	guest_expect(VMBUS_MSG_GPADL_TORNDOWN, &answer, sizeof(answer));
	assert_int_equal(answer.gpadl, id);
	guest_teardown(c->relid, id);			/* once only */
	assert_int_equal(fake.posted_count, 0);
}

static void impossible_gpadls_are_refused(void **state)
{
	static const struct { const char *why; uint16_t range_bytes, range_count; uint32_t bytes, offset; } rows[] = {
		{ "no range", 16, 0, 4096, 0 }, { "more ranges than described", 16, 2, 4096, 0 }, { "no bytes", 16, 1, 0, 0 },
		{ "an offset beyond the page", 16, 1, 4096, 4096 }, { "fewer page numbers than pages", 16, 1, 4097, 0 },
		{ "an odd description", 20, 1, 4096, 0 }, { "no page number", 8, 1, 4096, 0 }, { "4 GiB in a page", 16, 1, 0xffffffff, 4095 },
	};
	uint32_t id = 5;

	(void)state;
	connect_and_open();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct { struct vmbus_msg_gpadl_header head; struct vmbus_gpa_range range; uint64_t pfn[2]; } __attribute__((packed)) m = {
			.head = { .header.type = VMBUS_MSG_GPADL_HEADER, .relid = 1, .gpadl = id++, .range_bytes = rows[i].range_bytes,
				  .range_count = rows[i].range_count },
			.range = { rows[i].bytes, rows[i].offset }, .pfn = { 0x1000, 0x1001 },
		};
		struct vmbus_msg_gpadl_created created;

		guest_post(&m, sizeof(m));
		guest_expect(VMBUS_MSG_GPADL_CREATED, &created, sizeof(created));
		if (created.status == 0)
			fail_msg("accepted: %s", rows[i].why);
		assert_null(vmbus_gpadl_get(echo.channel, created.gpadl));
	}
}

static void padding_after_a_gpadl_is_not_believed(void **state)
{
	struct { struct vmbus_msg_gpadl_header head; struct vmbus_gpa_range range; uint64_t pfn[26]; } __attribute__((packed)) m = {
		.head = { .header.type = VMBUS_MSG_GPADL_HEADER, .relid = 1, .gpadl = 9, .range_bytes = 16, .range_count = 1 },
		.range = { 4096, 0 }, .pfn = { 0x1000, 0xffffffffffffffff, 1, 2, 3 },
	};
	struct vmbus_msg_gpadl_created created;
	struct vmbus_gpadl *g;

	(void)state;
	connect_and_open();
	_Static_assert(sizeof(m) <= VMBUS_MESSAGE_MAX, "one message");
	guest_post(&m, sizeof(m));
	guest_expect(VMBUS_MSG_GPADL_CREATED, &created, sizeof(created));
	assert_int_equal(created.status, 0);
	g = vmbus_gpadl_get(echo.channel, 9);
	assert_int_equal(vmbus_gpadl_bytes(g), 4096);
	vmbus_gpadl_put(g);
	guest_post(&m, sizeof(m));			/* the id is taken */
	guest_expect(VMBUS_MSG_GPADL_CREATED, &created, sizeof(created));
	assert_int_not_equal(created.status, 0);
}

static void pages_that_are_no_ram_fail_at_their_use(void **state)
{
	struct guest_channel *c;
	struct vmbus_gpadl *g;
	uint8_t byte;
	uint32_t id;

	(void)state;
	c = connect_and_open();
	id = guest_make_gpadl(c->relid, 0xa0000, GUEST_PAGE);
	assert_int_equal(guest_gpadl_status, 0);
	g = vmbus_gpadl_get(echo.channel, id);
	assert_int_equal(vmbus_gpadl_read(g, 0, &byte, 1), -EFAULT);
	vmbus_gpadl_put(g);
}

/* --- open and close --- */

static void impossible_opens_are_refused(void **state)
{
	static const struct { const char *why; uint32_t downstream, target_vp; bool good; } rows[] = {
		{ "as it should be", 3, 0, true }, { "no page for data to the host", 1, 0, false }, { "nor to the guest", 5, 0, false },
		{ "a split beyond the end", 7, 0, false }, { "no ring at all", 0, 0, false }, { "a VP that is not there", 3, 2, false },
		{ "no interrupts wanted", 3, 0xffffffff, true },
	};
	struct vmbus_msg_open open = { .header.type = VMBUS_MSG_OPEN, .relid = 1 };
	struct vmbus_msg_relid closing = { .header.type = VMBUS_MSG_CLOSE, .relid = 1 };

	(void)state;
	echo_offer(&echo_device, 1);
	guest_connect(VMBUS_V5_3);
	open.gpadl = guest_make_gpadl(1, guest_alloc(6), 6 * GUEST_PAGE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vmbus_msg_open_result result;

		open.downstream_page = rows[i].downstream;
		open.target_vp = rows[i].target_vp;
		guest_post(&open, sizeof(open));
		guest_expect(VMBUS_MSG_OPEN_RESULT, &result, sizeof(result));
		if ((result.status == 0) != rows[i].good)
			fail_msg("wrong answer to: %s", rows[i].why);
		guest_post(&closing, sizeof(closing));
	}
	assert_int_equal(echo.opened, 2);
	assert_int_equal(echo.closed, 2);
}

static void a_ring_outside_ram_cannot_be_opened(void **state)
{
	struct vmbus_msg_open open = { .header.type = VMBUS_MSG_OPEN, .relid = 1, .downstream_page = 2 };
	struct vmbus_msg_open_result result;

	(void)state;
	echo_offer(&echo_device, 1);
	guest_connect(VMBUS_V5_3);
	open.gpadl = guest_make_gpadl(1, 0x3ffe000, 6 * GUEST_PAGE);	/* its end lies beyond the 64 MiB */
	guest_post(&open, sizeof(open));
	guest_expect(VMBUS_MSG_OPEN_RESULT, &result, sizeof(result));
	assert_int_not_equal(result.status, 0);
	assert_int_equal(echo.opened, 0);
}

static void a_device_may_refuse_the_open(void **state)
{
	(void)state;
	echo.open_result = -EINVAL;
	assert_null(connect_and_open());
	assert_int_equal(echo.closed, 0);
	echo.open_result = 0;
	assert_non_null(connect_and_open());
}

static void the_guests_pages_come_back_after_the_device_let_go(void **state)
{
	struct vmbus_msg_gpadl_torndown torndown;
	struct guest_channel *c;

	(void)state;
	c = connect_and_open();
	echo.holds_pages = true;
	guest_close(c);
	assert_int_equal(echo.closed, 1);
	assert_false(vmbus_channel_is_open(echo.channel));
	assert_int_equal(fake.posted_count, 0);
	assert_int_equal(vmbus_complete(echo.channel, 1, "", 0), -ENOTCONN);
	vmbus_channel_released(echo.channel);
	guest_expect(VMBUS_MSG_GPADL_TORNDOWN, &torndown, sizeof(torndown));
	assert_int_equal(torndown.gpadl, c->gpadl);
	assert_non_null(connect_and_open());
}

static void an_open_during_the_close_waits_for_its_end(void **state)
{
	struct vmbus_msg_open open = { .header.type = VMBUS_MSG_OPEN, .relid = 1, .downstream_page = 3 };
	struct vmbus_msg_open_result result;
	struct guest_channel *c;

	(void)state;
	c = connect_and_open();
	echo.holds_pages = true;
	guest_close(c);
	open.gpadl = guest_make_gpadl(1, guest_alloc(6), 6 * GUEST_PAGE);
	guest_post(&open, sizeof(open));
	assert_int_equal(fake.posted_count, 0);
	vmbus_channel_released(echo.channel);
	guest_expect(VMBUS_MSG_OPEN_RESULT, &result, sizeof(result));
	assert_int_equal(result.status, 0);
	assert_int_equal(echo.opened, 2);
}

static void a_closed_channel_sends_and_receives_nothing(void **state)
{
	struct guest_channel *c;

	(void)state;
	c = connect_and_open();
	c->no_signal = true;
	guest_send(c, 1, "abc", 4);
	guest_close(c);
	guest_signal(c);
	guest_run();
	assert_int_equal(echo.received, 0);
}

/* --- reconnecting --- */

static void contact_takes_down_what_was_connected(void **state)
{
	struct vmbus_msg_contact contact = { .header.type = VMBUS_MSG_INITIATE_CONTACT, .version = VMBUS_V5_3, .target.sint = VMBUS_SINT };
	struct vmbus_msg_version_response response;
	struct vmbus_gpadl *g;

	(void)state;
	connect_and_open();
	g = vmbus_gpadl_get(echo.channel, guest_make_gpadl(1, guest_alloc(1), GUEST_PAGE));
	echo.holds_pages = true;
	guest_post(&contact, sizeof(contact));
	assert_int_equal(echo.closed, 1);
	assert_int_equal(fake.posted_count, 0);
	vmbus_channel_released(echo.channel);
	assert_int_equal(fake.posted_count, 0);		/* a page is still held */
	vmbus_gpadl_put(g);
	guest_expect(VMBUS_MSG_VERSION_RESPONSE, &response, 16);
	assert_int_equal(response.supported, 1);
	assert_int_equal(fake.posted_count, 0);		/* nothing is rescinded or torn down */
	memset(guest.offers, 0, sizeof(guest.offers));
	guest_connect(VMBUS_V5_3);
	assert_non_null(connect_and_open());
	assert_int_equal(echo.opened, 2);
}

static void unload_is_answered_when_every_page_is_back(void **state)
{
	struct vmbus_msg_header unload = { .type = VMBUS_MSG_UNLOAD }, response;

	(void)state;
	connect_and_open();
	echo.holds_pages = true;
	guest_post(&unload, sizeof(unload));
	assert_int_equal(fake.posted_count, 0);
	vmbus_channel_released(echo.channel);
	guest_expect(VMBUS_MSG_UNLOAD_RESPONSE, &response, sizeof(response));
	assert_int_equal(vmbus_version(guest.machine->vmbus), 0);
	assert_int_equal(vmbus_guest_signal_event(guest.machine->vmbus, 0x2001, 0), HV_STATUS_INVALID_CONNECTION_ID);
}

static void a_new_partition_starts_with_nothing(void **state)
{
	(void)state;
	connect_and_open();
	guest_reset();
	assert_int_equal(echo.closed, 1);
	assert_int_equal(vmbus_version(guest.machine->vmbus), 0);
	guest_connect(VMBUS_V5_3);
	assert_int_equal(guest.offers[0].relid, 1);
}

/* --- hot add and remove --- */

static void a_device_comes_and_goes_100_times(void **state)
{
	(void)state;
	guest_connect(VMBUS_V5_3);
	for (unsigned int i = 0; i < 100; i++) {
		struct vmbus_channel *device = echo_offer(&echo_device, 1);
		const struct vmbus_msg_offer *offer = guest_offer(&echo_class, 0);
		uint32_t relid = offer->relid;
		struct guest_channel *c = guest_open(offer, 2, 2);

		assert_non_null(c);
		vmbus_withdraw(device, echo_gone);
		assert_true(guest_is_rescinded(relid));
		assert_int_equal(echo.closed, i + 1);
		assert_int_equal(echo.gone, i);
		guest_close(c);
		guest_release(relid);
		assert_int_equal(echo.gone, i + 1);
		guest.next_page -= 6 * GUEST_PAGE;
	}
}

static void the_same_device_is_offered_again_after_the_release(void **state)
{
	struct vmbus_channel *first;
	uint32_t relid;

	(void)state;
	first = echo_offer(&echo_device, 1);
	guest_connect(VMBUS_V5_3);
	relid = guest_offer(&echo_class, 0)->relid;
	vmbus_withdraw(first, echo_gone);
	assert_non_null(echo_offer(&echo_device, 1));
	assert_null(guest_offer(&echo_class, 0));
	guest_release(relid);
	assert_int_equal(echo.gone, 1);
	assert_non_null(guest_offer(&echo_class, 0));
}

static void an_open_of_a_rescinded_channel_gets_no_answer(void **state)
{
	struct vmbus_msg_open open = { .header.type = VMBUS_MSG_OPEN, .relid = 1, .downstream_page = 3 };
	struct vmbus_channel *device;

	(void)state;
	device = echo_offer(&echo_device, 1);
	guest_connect(VMBUS_V5_3);
	vmbus_withdraw(device, echo_gone);
	assert_true(guest_is_rescinded(1));
	open.gpadl = guest_make_gpadl(1, guest_alloc(6), 6 * GUEST_PAGE);	/* still answered */
	assert_int_equal(guest_gpadl_status, 0);
	guest_post(&open, sizeof(open));
	assert_int_equal(fake.posted_count, 0);
	assert_int_equal(echo.opened, 0);
}

static void what_the_guest_does_not_know_is_gone_at_once(void **state)
{
	(void)state;
	vmbus_withdraw(echo_offer(&echo_device, 1), echo_gone);
	assert_int_equal(echo.gone, 1);
	guest_connect(VMBUS_V5_3);
	vmbus_withdraw(echo_offer(&echo_device, 1), echo_gone);
	guest_reset();
	assert_int_equal(echo.gone, 2);
}

/* --- sub-channels, target VP --- */

static void subchannels_live_and_die_with_their_primary(void **state)
{
	struct guest_channel *c, *sub;

	(void)state;
	c = connect_and_open();
	assert_int_equal(vmbus_offer_subchannels(echo.channel, 2), 0);
	assert_int_equal(guest_offer(&echo_class, 1)->relid, 2);
	assert_int_equal(guest_offer(&echo_class, 2)->relid, 3);
	sub = guest_open(guest_offer(&echo_class, 2), 2, 2);
	assert_non_null(sub);
	assert_int_equal(vmbus_channel_index(echo.channel), 2);
	assert_ptr_equal(vmbus_channel_context(echo.channel), &echo);
	assert_int_equal(vmbus_offer_subchannels(echo.channel, 1), -EINVAL);
	guest_send(sub, 1, "to the sub-channel", 19);
	guest_run();
	assert_int_equal(echo.received, 1);
	guest_close(c);
	assert_int_equal(echo.closed, 2);
	assert_true(guest_is_rescinded(2));
	assert_true(guest_is_rescinded(3));
	guest_close(sub);
	guest_release(2);
	guest_release(3);
	c = guest_open(guest_offer(&echo_class, 0), 2, 2);
	assert_int_equal(vmbus_offer_subchannels(echo.channel, 1), 0);
	assert_non_null(guest_offer(&echo_class, 1));
	guest_close(c);
}

static void the_target_vp_changes_with_a_reply_from_5_3_on(void **state)
{
	struct vmbus_msg_modify modify = { .header.type = VMBUS_MSG_MODIFY_CHANNEL, .relid = 1, .target_vp = 1 };
	struct vmbus_msg_modify_response response;
	struct guest_channel *c;

	(void)state;
	c = connect_and_open();
	guest_post(&modify, sizeof(modify));
	guest_expect(VMBUS_MSG_MODIFY_CHANNEL_RESPONSE, &response, sizeof(response));
	assert_int_equal(response.status, 0);
	assert_int_equal(vmbus_channel_target_vp(echo.channel), 1);
	guest_send(c, 1, "abc", 4);
	guest_run();
	assert_int_equal(fake.event_vp[1], 1);
	modify.target_vp = 2;
	guest_post(&modify, sizeof(modify));
	guest_expect(VMBUS_MSG_MODIFY_CHANNEL_RESPONSE, &response, sizeof(response));
	assert_int_not_equal(response.status, 0);
	assert_int_equal(vmbus_channel_target_vp(echo.channel), 1);
	memset(guest.offers, 0, sizeof(guest.offers));
	guest_connect(VMBUS_VERSION(5, 2));
	guest_open(guest_offer(&echo_class, 0), 2, 2);
	modify.target_vp = 1;
	guest_post(&modify, sizeof(modify));
	assert_int_equal(fake.posted_count, 0);
	assert_int_equal(vmbus_channel_target_vp(echo.channel), 1);
}

/* --- Hyper-V sockets --- */

static struct vmbus_connect asked;
static void on_connect(struct vmbus *bus, const struct vmbus_connect *connect, void *context)
{
	(void)bus;
	(*(unsigned int *)context)++;
	asked = *connect;
}

static void a_connect_request_reaches_who_registered_or_fails(void **state)
{
	struct vmbus_msg_connect request = { .header.type = VMBUS_MSG_TL_CONNECT_REQUEST, .endpoint = { { 1 } }, .service = { { 2 } } };
	struct vmbus_msg_connect_result result;
	unsigned int count = 0;

	(void)state;
	guest_connect(VMBUS_V5_3);
	guest_post(&request, sizeof(request));
	guest_expect(VMBUS_MSG_TL_CONNECT_RESULT, &result, sizeof(result));
	assert_int_equal(result.status, VMBUS_STATUS_CONNECTION_REFUSED);
	assert_memory_equal(&result.service, &request.service, 16);
	vmbus_on_connect(guest.machine->vmbus, on_connect, &count);
	guest_post(&request, sizeof(request));
	assert_int_equal(count, 1);
	assert_memory_equal(&asked.endpoint, &request.endpoint, 16);
	assert_int_equal(fake.posted_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(versions_of_the_table_are_accepted_and_no_others), TEST(the_response_has_the_size_of_its_version),
		TEST(a_contact_for_another_sint_or_trust_level_or_vp_is_refused), TEST(one_monitor_page_alone_fails_the_connection),
		TEST(offers_come_by_class_then_creation_and_say_what_they_are), TEST(offers_are_listed_once_per_connection),
		TEST(messages_before_contact_and_from_wrong_ports_do_nothing), TEST(a_guest_that_posts_too_fast_is_told_to_retry),
		TEST(messages_wait_for_the_slot_and_keep_their_order), TEST(a_guest_that_takes_no_replies_is_not_heard_for_ever),
		TEST(a_gpadl_of_many_messages_reads_and_writes_the_guests_pages), TEST(a_torn_down_gpadl_is_answered_when_nobody_holds_it),
		TEST(impossible_gpadls_are_refused), TEST(padding_after_a_gpadl_is_not_believed), TEST(pages_that_are_no_ram_fail_at_their_use),
		TEST(impossible_opens_are_refused), TEST(a_ring_outside_ram_cannot_be_opened), TEST(a_device_may_refuse_the_open),
		TEST(the_guests_pages_come_back_after_the_device_let_go), TEST(an_open_during_the_close_waits_for_its_end),
		TEST(a_closed_channel_sends_and_receives_nothing), TEST(contact_takes_down_what_was_connected),
		TEST(unload_is_answered_when_every_page_is_back), TEST(a_new_partition_starts_with_nothing),
		TEST(a_device_comes_and_goes_100_times), TEST(the_same_device_is_offered_again_after_the_release),
		TEST(an_open_of_a_rescinded_channel_gets_no_answer), TEST(what_the_guest_does_not_know_is_gone_at_once),
		TEST(subchannels_live_and_die_with_their_primary), TEST(the_target_vp_changes_with_a_reply_from_5_3_on),
		TEST(a_connect_request_reaches_who_registered_or_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
