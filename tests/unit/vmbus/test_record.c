/* SPDX-License-Identifier: Apache-2.0 */
/* VMBus' state record: a guest goes on in another worker where it was, and a hostile record is refused. */
#include "echo.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RAM_FROM	(16u << 20)	/* where the fake guest keeps everything */
#define RAM_BYTES	(1u << 20)

static void *record;
static size_t record_size;
static uint8_t ram[RAM_BYTES];
static struct guest_packet packet;

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
	free(record);
	record = NULL;
	return 0;
}

static void save(void)
{
	struct state *s = state_save_begin();

	machine_lock(guest.machine);
	vmbus_pause(guest.machine->vmbus, true);
	vmbus_state(guest.machine->vmbus, s);
	machine_unlock(guest.machine);
	assert_int_equal(state_save_end(s, &record, &record_size), 0);
	memcpy(ram, guest_at(RAM_FROM, RAM_BYTES), RAM_BYTES);
}

/* The same guest in a new worker: its own memory of the world (struct guest) stays, all of the host's is new. */
static int load(unsigned int devices)
{
	struct guest before = guest;
	struct state *s;
	int r;

	guest_shut_down();
	memset(&echo, 0, sizeof(echo));
	guest_boot_bare(2);
	before.machine = guest.machine;
	for (unsigned int i = 0; i < GUEST_CHANNELS; i++)
		if (before.channels[i].used) {
			struct guest_channel *c = &before.channels[i];

			c->out = guest_at(c->pages, GUEST_PAGE);
			c->out_data = (uint8_t *)c->out + GUEST_PAGE;
			c->in = (void *)((uint8_t *)c->out + (size_t)c->out_pages * GUEST_PAGE);
			c->in_data = (uint8_t *)c->in + GUEST_PAGE;
			c->signals_seen = 0;
		}
	guest = before;
	memcpy(guest_at(RAM_FROM, RAM_BYTES), ram, RAM_BYTES);
	for (unsigned int i = 1; i <= devices; i++)
		echo_offer(&echo_device, (uint8_t)i);
	s = state_load_begin(record, record_size);
	machine_lock(guest.machine);
	vmbus_pause(guest.machine->vmbus, true);
	vmbus_state(guest.machine->vmbus, s);
	r = state_load_end(s);
	vmbus_pause(guest.machine->vmbus, false);
	machine_unlock(guest.machine);
	if (r == 0)
		guest_run();
	return r;
}

static struct guest_channel *connect_and_open(unsigned int devices)
{
	for (unsigned int i = 1; i <= devices; i++)
		echo_offer(&echo_device, (uint8_t)i);
	guest_connect(VMBUS_V5_3);
	return guest_open(guest_offer(&echo_class, 0), 4, 1);
}

static void an_open_channel_goes_on_with_its_rings_and_pages(void **state)
{
	struct guest_channel *c;
	struct vmbus_gpadl *g;
	uint32_t buffer;

	(void)state;
	c = connect_and_open(1);
	buffer = guest_make_gpadl(c->relid, guest_alloc(40), 40 * GUEST_PAGE);
	guest_send(c, 1, "before", 6);
	guest_run();
	echo.number = 4711;
	echo.busy = true;
	guest_send(c, 2, "unread", 6);
	guest_run();
	save();
	assert_int_equal(load(1), 0);
	assert_int_equal(echo.number, 4711);
	assert_int_equal(vmbus_version(guest.machine->vmbus), VMBUS_V5_3);
	assert_int_equal(echo.opened, 0);
	assert_int_equal(echo.received, 1);			/* what lay in the ring */
	assert_string_equal((char *)echo.last_payload, "unread");
	guest_send(c, 3, "after", 5);
	guest_run();
	for (uint64_t i = 1; i <= 3; i++) {
		assert_true(guest_receive(c, &packet));
		assert_int_equal(packet.descriptor.transaction_id, i);
	}
	guest_send(c, 4, "", 0);
	guest_run();
	g = vmbus_gpadl_get(echo.last_channel, buffer);
	assert_non_null(g);
	assert_int_equal(vmbus_gpadl_bytes(g), 40 * GUEST_PAGE);
	vmbus_gpadl_put(g);
	guest_close(c);
	assert_int_equal(echo.closed, 1);
	assert_non_null(guest_open(guest_offer(&echo_class, 0), 2, 2));
}

static void subchannels_and_closed_channels_come_back(void **state)
{
	struct guest_channel *c, *sub;

	(void)state;
	c = connect_and_open(2);
	vmbus_offer_subchannels(echo.channel, 1);
	sub = guest_open(guest_offer(&echo_class, 1), 2, 2);
	save();
	assert_int_equal(load(2), 0);
	guest_send(sub, 1, "sub", 3);
	guest_send(c, 1, "primary", 7);
	guest_run();
	assert_int_equal(echo.received, 2);
	guest_close(c);
	assert_int_equal(echo.closed, 2);
	assert_true(guest_is_rescinded(sub->relid));
	assert_non_null(guest_open(&guest.offers[1], 2, 2));
}

static void what_waited_for_the_device_is_answered_after_loading(void **state)
{
	struct vmbus_msg_open open = { .header.type = VMBUS_MSG_OPEN, .relid = 1, .downstream_page = 3 };
	struct vmbus_msg_gpadl_torndown torndown;
	struct vmbus_msg_open_result result;
	struct guest_channel *c;

	(void)state;
	c = connect_and_open(1);
	echo.holds_pages = true;
	guest_close(c);
	open.gpadl = guest_make_gpadl(1, guest_alloc(6), 6 * GUEST_PAGE);
	guest_post(&open, sizeof(open));
	assert_int_equal(fake.posted_count, 0);
	save();
	assert_int_equal(load(1), 0);
	guest_expect(VMBUS_MSG_GPADL_TORNDOWN, &torndown, sizeof(torndown));
	assert_int_equal(torndown.gpadl, c->gpadl);
	guest_expect(VMBUS_MSG_OPEN_RESULT, &result, sizeof(result));
	assert_int_equal(result.status, 0);
}

static void messages_on_their_way_arrive(void **state)
{
	struct vmbus_msg_header request = { .type = VMBUS_MSG_REQUEST_OFFERS };

	(void)state;
	echo_offer(&echo_device, 1);
	assert_true(guest_contact(VMBUS_V5_3, 1));
	fake.slot_busy = true;
	guest_post(&request, sizeof(request));
	request.type = VMBUS_MSG_UNLOAD;
	guest_try_post(4, &request, sizeof(request));		/* not looked at before the save */
	save();
	assert_int_equal(load(1), 0);
	guest_take_all();
	assert_int_equal(guest.offers[0].relid, 1);
	assert_true(guest.all_delivered);
	assert_int_equal(vmbus_version(guest.machine->vmbus), 0);
}

static void a_withdrawn_device_stays_known_until_its_release(void **state)
{
	struct vmbus_channel *device;

	(void)state;
	device = echo_offer(&echo_device, 1);
	guest_connect(VMBUS_V5_3);
	vmbus_withdraw(device, NULL);
	assert_true(guest_is_rescinded(1));
	save();
	assert_int_equal(load(1), 0);		/* the same device is back, but the guest must release the old relid first */
	assert_null(guest_offer(&echo_class, 0));
	guest_release(1);
	assert_non_null(guest_offer(&echo_class, 0));
}

static void a_record_of_other_devices_is_refused(void **state)
{
	(void)state;
	connect_and_open(2);
	save();
	assert_int_equal(load(1), -EBADMSG);
}

static void no_changed_or_missing_byte_does_harm(void **state)
{
	struct guest_channel *c;
	uint8_t *good;
	size_t size;

	(void)state;
	c = connect_and_open(1);
	vmbus_offer_subchannels(echo.channel, 1);
	guest_open(guest_offer(&echo_class, 1), 2, 2);
	vmbus_withdraw(echo_offer(&echo_device, 9), NULL);
	fake.slot_busy = true;
	guest_post(&(struct vmbus_msg_gpadl_header){ .header.type = VMBUS_MSG_GPADL_HEADER, .relid = c->relid, .gpadl = 5, .range_bytes = 64,
						     .range_count = 1 }, sizeof(struct vmbus_msg_gpadl_header));
	save();
	good = record;
	size = record_size;
	for (size_t i = 0; i < size; i++) {
		record = malloc(size);
		memcpy(record, good, size);
		((uint8_t *)record)[i] ^= (uint8_t)(1u << i * 5 % 8);
		record_size = size;
		load(1);				/* whatever the answer: the sanitizer and the next load judge */
		free(record);
	}
	for (size_t cut = 0; cut < size; cut += 37) {
		record = malloc(cut ? cut : 1);
		memcpy(record, good, cut);
		record_size = cut;
		assert_int_equal(load(1), -EBADMSG);
		free(record);
	}
	record = good;
	record_size = size;
	assert_int_equal(load(1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_open_channel_goes_on_with_its_rings_and_pages), TEST(subchannels_and_closed_channels_come_back),
		TEST(what_waited_for_the_device_is_answered_after_loading), TEST(messages_on_their_way_arrive),
		TEST(a_withdrawn_device_stays_known_until_its_release), TEST(a_record_of_other_devices_is_refused),
		TEST(no_changed_or_missing_byte_does_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
