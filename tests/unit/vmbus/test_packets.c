/* SPDX-License-Identifier: Apache-2.0 */
/* Packets through the rings: both directions, signals, a full ring, batches, and what a hostile guest writes there. */
#include "echo.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct guest_channel *c;
static struct guest_packet packet;

static int setup(void **state)
{
	(void)state;
	memset(&echo, 0, sizeof(echo));
	guest_boot_bare(2);
	echo_offer(&echo_device, 1);
	guest_connect(VMBUS_V5_3);
	c = guest_open(guest_offer(&echo_class, 0), 4, 1);
	guest_run();
	guest_signalled(c);
	return c ? 0 : -1;
}

static int setup_with_doorbells(void **state)
{
	int r;

	guest_signal_window = true;
	r = setup(state);
	guest_signal_window = false;
	return r;
}

static int teardown(void **state)
{
	(void)state;
	guest_shut_down();
	return 0;
}

static void a_packet_arrives_and_its_completion_too(void **state)
{
	(void)state;
	assert_true(guest_send(c, 0xfffffffffffffff0, "hello", 5));
	guest_run();
	assert_int_equal(echo.received, 1);
	assert_int_equal(echo.last.type, VMBUS_PACKET_INBAND);
	assert_true(echo.last.wants_completion);
	assert_int_equal(echo.last.size, 8);
	assert_string_equal((char *)echo.last_payload, "hello");
	assert_int_equal(guest_signalled(c), 1);
	assert_int_equal(fake.event_vp[c->relid], 0);
	assert_true(guest_receive(c, &packet));
	assert_int_equal(packet.descriptor.type, VMBUS_PACKET_COMPLETION);
	assert_true(packet.descriptor.transaction_id == 0xfffffffffffffff0);
	assert_string_equal((char *)packet.payload, "hello");
	assert_false(guest_receive(c, &packet));
	assert_int_equal(c->out->read_index, c->out->write_index);
	assert_int_equal(c->out->interrupt_mask, 0);
}

static void thousands_of_packets_of_all_sizes_wrap_around(void **state)
{
	uint8_t payload[4000];
	uint32_t seed = 1;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		uint32_t size;

		seed = seed * 1103515245 + 12345;
		size = (seed >> 8) % sizeof(payload);
		for (uint32_t k = 0; k < size; k++)
			payload[k] = (uint8_t)(seed + k);
		assert_true(guest_send(c, i, payload, size));
		guest_run();
		assert_true(guest_receive(c, &packet));
		assert_int_equal(packet.descriptor.transaction_id, i);
		assert_int_equal(packet.bytes, (size + 7) & ~7u);
		assert_memory_equal(packet.payload, payload, size);
	}
	assert_int_equal(echo.received, 5000);
}

static void ranges_of_guest_pages_become_memory(void **state)
{
	uint64_t gpa = guest_alloc(4);
	struct vmbus_range range;
	struct iovec iov[3];
	uint64_t pfns[2] = { gpa / 4096 + 3, gpa / 4096 };

	(void)state;
	echo.mute = true;
	assert_true(guest_send_pages(c, 5, gpa + 100, 3 * 4096, "command", 8));
	guest_run();
	assert_int_equal(echo.last.type, VMBUS_PACKET_GPA_DIRECT);
	assert_int_equal(echo.last.range_count, 1);
	assert_int_equal(echo.last_range.bytes, 3 * 4096);
	assert_int_equal(echo.last_range.offset, 100);
	assert_string_equal((char *)echo.last_payload, "command");
	range = (struct vmbus_range){ .bytes = 5000, .offset = 4000, .pfns = pfns };
	assert_int_equal(vmbus_range_iovec(guest.machine, &range, 0, 4192, iov, 3), 2);
	assert_ptr_equal(iov[0].iov_base, guest_at(gpa + 3 * 4096 + 4000, 1));
	assert_int_equal(iov[0].iov_len, 96);
	assert_ptr_equal(iov[1].iov_base, guest_at(gpa, 1));
	assert_int_equal(iov[1].iov_len, 4096);
	assert_int_equal(vmbus_range_iovec(guest.machine, &range, 0, 4192, iov, 1), -E2BIG);
	assert_int_equal(vmbus_range_iovec(guest.machine, &range, 4000, 1001, iov, 3), -ERANGE);
	pfns[1] = 0xa0;
	assert_int_equal(vmbus_range_iovec(guest.machine, &range, 0, 4192, iov, 3), -EFAULT);
	pfns[1] = UINT64_MAX;
	assert_int_equal(vmbus_range_iovec(guest.machine, &range, 0, 4192, iov, 3), -EFAULT);
}

static void copied_ranges_outlive_the_packet(void **state)
{
	uint64_t pfns[2] = { 1, 2 };
	struct vmbus_range range[2] = { { 4096, 0, pfns }, { 10, 4090, pfns } };
	struct vmbus_packet p = { .ranges = range, .range_count = 2 };
	struct vmbus_range *copy = vmbus_ranges_copy(&p);

	(void)state;
	pfns[0] = pfns[1] = 0;
	assert_int_equal(copy[0].pfns[0], 1);
	assert_int_equal(copy[1].pfns[1], 2);
	assert_int_equal(copy[1].offset, 4090);
	free(copy);
}

static void a_full_ring_is_written_when_the_guest_has_read(void **state)
{
	uint8_t payload[3000] = { 0 };
	struct iovec iov = { payload, sizeof(payload) };

	(void)state;
	assert_int_equal(vmbus_send(echo.channel, 1, false, &iov, 1), 0);
	assert_int_equal(vmbus_send(echo.channel, 2, false, &iov, 1), -EAGAIN);	/* the ring has 4096 bytes */
	assert_int_equal(c->in->pending_send_size, 3024);
	guest_run();
	assert_int_equal(echo.writable, 0);
	assert_true(guest_receive(c, &packet));				/* signals, as the size asks for */
	guest_run();
	assert_int_equal(echo.writable, 1);
	assert_int_equal(c->in->pending_send_size, 0);
	assert_int_equal(vmbus_send(echo.channel, 2, false, &iov, 1), 0);
	assert_int_equal(vmbus_send(echo.channel, 3, false, &(struct iovec){ payload, 5000 }, 1), -EMSGSIZE);
}

static void the_device_may_hold_packets_back(void **state)
{
	(void)state;
	echo.busy = true;
	for (uint64_t i = 1; i <= 3; i++)
		assert_true(guest_send(c, i, "x", 1));
	guest_run();
	guest_signal(c);
	guest_run();
	assert_int_equal(echo.received, 0);
	echo.busy = false;
	vmbus_channel_resume(echo.channel);
	guest_run();
	assert_int_equal(echo.received, 3);
	assert_int_equal(c->out->interrupt_mask, 0);
}

static void completions_that_find_no_room_are_retried_in_order(void **state)
{
	uint8_t payload[1000] = { 0 };
	unsigned int sent = 0, back = 0;

	(void)state;
	while (sent < 12) {
		payload[0] = (uint8_t)sent;
		assert_true(guest_send(c, sent++, payload, sizeof(payload)));
	}
	guest_run();
	assert_int_equal(echo.received, 3);		/* 4096 bytes of answers */
	while (back < sent) {
		assert_true(guest_receive(c, &packet));
		assert_int_equal(packet.payload[0], back++);
		guest_run();
	}
	assert_false(guest_receive(c, &packet));
}

static void signals_are_sent_only_when_the_guest_sleeps(void **state)
{
	struct iovec iov = { (void *)(uintptr_t)"abcdefg", 8 };

	(void)state;
	vmbus_send(echo.channel, 1, false, &iov, 1);
	assert_int_equal(guest_signalled(c), 1);
	vmbus_send(echo.channel, 2, false, &iov, 1);		/* not empty before */
	assert_int_equal(guest_signalled(c), 0);
	while (guest_receive(c, &packet))
		;
	c->in->interrupt_mask = 1;
	vmbus_send(echo.channel, 3, false, &iov, 1);
	assert_int_equal(guest_signalled(c), 0);
}

static void a_batch_is_seen_whole_and_signalled_once(void **state)
{
	struct iovec iov = { (void *)(uintptr_t)"abcdefg", 8 };

	(void)state;
	vmbus_batch_begin(echo.channel);
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(vmbus_send(echo.channel, i, false, &iov, 1), 0);
	assert_int_equal(guest_signalled(c), 0);
	assert_false(guest_receive(c, &packet));
	vmbus_batch_end(echo.channel);
	assert_int_equal(guest_signalled(c), 1);
	for (uint64_t i = 0; i < 5; i++) {
		assert_true(guest_receive(c, &packet));
		assert_int_equal(packet.descriptor.transaction_id, i);
	}
}

static void what_is_answered_in_one_look_is_signalled_once(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 10; i++)
		guest_send(c, i, "abc", 4);
	guest_run();
	assert_int_equal(echo.received, 10);
	assert_int_equal(echo.turn_most, 10);
	assert_int_equal(guest_signalled(c), 1);
	for (unsigned int i = 1; i <= 10; i++) {
		assert_true(guest_receive(c, &packet));
		assert_int_equal(packet.descriptor.transaction_id, i);
	}
}

static void a_guest_waiting_for_room_is_signalled(void **state)
{
	uint8_t payload[2000] = { 0 };

	(void)state;
	echo.mute = echo.busy = true;
	while (guest_send(c, 1, payload, sizeof(payload)))
		;
	c->out->pending_send_size = 2024;
	guest_run();
	guest_signalled(c);
	echo.busy = false;
	vmbus_channel_resume(echo.channel);
	guest_run();
	assert_int_equal(guest_signalled(c), 1);
}

static void transfer_pages_carry_their_ranges(void **state)
{
	struct vmbus_transfer_range ranges[2] = { { 100, 0 }, { 200, 1600 } };
	struct vmbus_transfer_header head;

	(void)state;
	assert_int_equal(vmbus_send_transfer_pages(echo.channel, 7, 0xcafe, ranges, 2, "nvsp", 4), 0);
	assert_true(guest_receive(c, &packet));
	assert_int_equal(packet.descriptor.type, VMBUS_PACKET_TRANSFER_PAGES);
	assert_int_equal(packet.descriptor.flags, 1);
	memcpy(&head, packet.head, sizeof(head));
	assert_int_equal(head.page_set, 0xcafe);
	assert_int_equal(head.range_count, 2);
	assert_memory_equal(packet.head + sizeof(head), ranges, sizeof(ranges));
	assert_string_equal((char *)packet.payload, "nvsp");
}

static void pipes_frame_their_messages(void **state)
{
	const struct { struct vmbus_pipe_header head; char text[8]; } good = { { 1, 5 }, "pipes" }, long_one = { { 1, 9 }, "" }, other = { { 2, 5 }, "" };
	struct vmbus_packet p = { .payload = (const uint8_t *)&good, .size = sizeof(good) };
	const uint8_t *message;
	uint32_t bytes;
	char text[16];

	(void)state;
	assert_int_equal(vmbus_pipe_message(&p, &message), 5);
	assert_memory_equal(message, "pipes", 5);
	p.payload = (const uint8_t *)&long_one;
	assert_int_equal(vmbus_pipe_message(&p, &message), -EBADMSG);
	p.payload = (const uint8_t *)&other;
	assert_int_equal(vmbus_pipe_message(&p, &message), -EBADMSG);
	p.size = 7;
	assert_int_equal(vmbus_pipe_message(&p, &message), -EBADMSG);
	assert_int_equal(vmbus_pipe_send(echo.channel, "to the guest", 13), 0);
	assert_true(guest_pipe_receive(c, text, sizeof(text), &bytes));
	assert_int_equal(bytes, 13);
	assert_string_equal(text, "to the guest");
}

static void rings_are_left_alone_while_paused(void **state)
{
	(void)state;
	machine_lock(guest.machine);
	vmbus_pause(guest.machine->vmbus, true);
	machine_unlock(guest.machine);
	guest_send(c, 1, "abc", 4);
	guest_run();
	assert_int_equal(echo.received, 0);
	assert_int_equal(vmbus_complete(echo.channel, 1, "", 0), -EAGAIN);
	machine_lock(guest.machine);
	vmbus_pause(guest.machine->vmbus, false);
	machine_unlock(guest.machine);
	guest_run();
	assert_int_equal(echo.received, 1);
	assert_int_equal(echo.writable, 1);
}

static void every_open_channel_has_a_doorbell(void **state)
{
	(void)state;
	assert_int_not_equal(fake.doorbell[c->relid], 0);
	guest_send(c, 1, "abc", 4);
	guest_send(c, 2, "abc", 4);
	guest_run();
	assert_int_equal(echo.received, 2);
	guest_close(c);
	assert_int_equal(fake.doorbell[c->relid], 0);
	c = guest_open(guest_offer(&echo_class, 0), 4, 1);
	assert_int_not_equal(fake.doorbell[c->relid], 0);
	guest_unload();
	assert_int_equal(fake.doorbell[c->relid], 0);
}

/* --- hostile rings --- */

struct wrong { const char *what; uint16_t type, header_qwords, total_qwords; uint32_t write_index; };
static const struct wrong wrongs[] = {
	{ "no descriptor", 6, 2, 2, 8 }, { "a header smaller than the descriptor", 6, 1, 4, 40 }, { "a header beyond the packet", 6, 5, 4, 40 },
	{ "a packet beyond the ring's content", 6, 2, 5, 40 }, { "a packet of nothing", 6, 0, 0, 40 }, { "an unknown type", 8, 2, 4, 40 },
	{ "no type", 0, 2, 4, 40 }, { "pages without their count", 9, 2, 4, 40 }, { "an odd write index", 6, 2, 4, 41 },
	{ "a write index beyond the end", 6, 2, 4, 16384 }, { "no room for the trailer", 6, 2, 4, 32 },
	{ "a transfer without its header", 7, 2, 4, 40 },
};

static void a_malformed_packet_closes_only_its_channel(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *w = &wrongs[i];
		struct vmbus_descriptor d = { .type = w->type, .header_qwords = w->header_qwords, .total_qwords = w->total_qwords };

		memcpy(c->out_data, &d, sizeof(d));
		c->out->write_index = w->write_index;
		guest_signal(c);
		guest_run();
		if (echo.received || echo.closed != i + 1)
			fail_msg("accepted: %s", w->what);
		guest_close(c);
		c = guest_open(guest_offer(&echo_class, 0), 4, 1);
	}
	guest_send(c, 1, "still there", 12);
	guest_run();
	assert_int_equal(echo.received, 1);
}

static void impossible_page_lists_close_the_channel(void **state)
{
	static const struct { const char *what; uint64_t head[4]; uint32_t bytes; } rows[] = {
		{ "no range", { 0, 4096, 1 }, 24 }, { "more ranges than there are", { 2ull << 32, 4096, 1 }, 24 },
		{ "an offset beyond the page", { 1ull << 32, 4096ull << 32 | 1, 1 }, 24 }, { "fewer pages than bytes", { 1ull << 32, 8193, 1, 2 }, 32 },
		{ "4 billion ranges", { 0xffffffffull << 32, 4096, 1 }, 24 }, { "4 GiB in one page", { 1ull << 32, 4095ull << 32 | 0xffffffff, 1 }, 24 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		guest_send_packet(c, VMBUS_PACKET_GPA_DIRECT, true, 1, rows[i].head, rows[i].bytes, "abcdefg", 8);
		guest_run();
		if (echo.received || echo.closed != i + 1)
			fail_msg("accepted: %s", rows[i].what);
		guest_close(c);
		c = guest_open(guest_offer(&echo_class, 0), 4, 1);
	}
}

static void a_nonsensical_read_index_closes_the_channel_later(void **state)
{
	(void)state;
	c->in->read_index = 0x1003;
	assert_int_equal(vmbus_complete(echo.channel, 1, "", 0), -EAGAIN);
	assert_int_equal(echo.closed, 0);		/* not inside a call of the device */
	guest_run();
	assert_int_equal(echo.closed, 1);
}

static void a_device_may_fault_its_channel_while_it_receives(void **state)
{
	(void)state;
	echo.fault = true;
	guest_send(c, 1, "abc", 4);
	guest_send(c, 2, "abc", 4);
	guest_run();
	assert_int_equal(echo.received, 1);
	assert_int_equal(echo.closed, 1);
	echo.fault = false;
	guest_close(c);
	c = guest_open(guest_offer(&echo_class, 0), 4, 1);
	guest_send(c, 1, "abc", 4);
	guest_run();
	assert_int_equal(echo.received, 2);
}

static void the_ring_may_lie_anywhere_in_ram(void **state)
{
	struct vmbus_msg_open open = { .header.type = VMBUS_MSG_OPEN, .relid = c->relid, .downstream_page = 3, .open_id = 1 };
	struct { struct vmbus_msg_gpadl_header head; struct vmbus_gpa_range range; uint64_t pfn[6]; } __attribute__((packed)) m = {
		.head = { .header.type = VMBUS_MSG_GPADL_HEADER, .relid = c->relid, .gpadl = 77, .range_bytes = 56, .range_count = 1 },
		.range = { 6 * 4096, 0 },
	};
	uint64_t gpa = guest_alloc(12) / 4096;
	struct vmbus_msg_open_result result;
	struct vmbus_descriptor d = { .type = 6, .header_qwords = 2, .total_qwords = 514 };

	(void)state;
	guest_close(c);
	for (unsigned int i = 0; i < 6; i++)
		m.pfn[i] = gpa + 10 - 2 * i;		/* backwards, with holes */
	guest_post(&m, sizeof(m));
	open.gpadl = 77;
	guest_post(&open, sizeof(open));
	guest_expect(VMBUS_MSG_OPEN_RESULT, &result, sizeof(result));
	assert_int_equal(result.status, 0);
	memcpy(guest_at(m.pfn[1] * 4096, 16), &d, sizeof(d));		/* 4096 bytes of payload: over the page's end */
	memset(guest_at(m.pfn[1] * 4096 + 16, 4080), 'a', 4080);
	memset(guest_at(m.pfn[2] * 4096, 16), 'a', 16);
	*(uint32_t *)guest_at(m.pfn[0] * 4096, 4) = 4112 + 8;
	guest_signal(c);
	guest_run();
	assert_int_equal(echo.received, 1);
	assert_int_equal(echo.last.size, 4096);
	assert_int_equal(echo.last_payload[255], 'a');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define DOORBELL_TEST(name) { "with doorbells: " #name, name, setup_with_doorbells, teardown, NULL }
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_packet_arrives_and_its_completion_too), TEST(thousands_of_packets_of_all_sizes_wrap_around),
		TEST(ranges_of_guest_pages_become_memory), TEST(copied_ranges_outlive_the_packet), TEST(a_full_ring_is_written_when_the_guest_has_read),
		TEST(the_device_may_hold_packets_back), TEST(completions_that_find_no_room_are_retried_in_order),
		TEST(signals_are_sent_only_when_the_guest_sleeps), TEST(a_batch_is_seen_whole_and_signalled_once),
		TEST(what_is_answered_in_one_look_is_signalled_once), TEST(a_guest_waiting_for_room_is_signalled), TEST(transfer_pages_carry_their_ranges), TEST(pipes_frame_their_messages),
		TEST(rings_are_left_alone_while_paused), TEST(a_malformed_packet_closes_only_its_channel),
		TEST(impossible_page_lists_close_the_channel), TEST(a_nonsensical_read_index_closes_the_channel_later),
		TEST(a_device_may_fault_its_channel_while_it_receives), TEST(the_ring_may_lie_anywhere_in_ram),
		DOORBELL_TEST(every_open_channel_has_a_doorbell), DOORBELL_TEST(thousands_of_packets_of_all_sizes_wrap_around),
		DOORBELL_TEST(a_full_ring_is_written_when_the_guest_has_read), DOORBELL_TEST(completions_that_find_no_room_are_retried_in_order),
		DOORBELL_TEST(rings_are_left_alone_while_paused), DOORBELL_TEST(a_malformed_packet_closes_only_its_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
