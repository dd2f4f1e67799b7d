/* SPDX-License-Identifier: Apache-2.0 */
/* Integration services against a guest that answers as hv_utils and its daemons do, and against one that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_bus.h"
#include "vmwp/vsp/ic.h"
#include "vmwp/vsp/kvp_wire.h"
#include "vmwp/vsp/services.h"
#include "vmwp/vsp/utf16.h"

#define SECOND	1000000000ull

struct fixture { struct machine m; struct device *dev[SERVICES]; int calls, result; };

static int setup(void **state)
{
	static const struct device_model *const models[SERVICES] = {
		&shutdown_model, &time_sync_model, &heartbeat_model, &kvp_model, &vss_model, &fcopy_model,
	};
	struct fixture *f = calloc(1, sizeof(*f));

	for (unsigned int i = 0; i < SERVICES; i++)
		f->dev[i] = fake_add(&f->m, models[i]);
	f->m.now = 1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_clear(&f->m);
	free(f);
	return 0;
}

#pragma pack(push, 1)
struct ic_message {
	uint32_t framework;
	uint16_t type;
	uint32_t version;
	uint16_t size;
	uint32_t status;
	uint8_t transaction, flags;
	uint16_t reserved;
	uint8_t body[IC_BODY_MAX];
};
#pragma pack(pop)

static struct vmbus_channel *channel(struct fixture *f, enum service s)
{
	return fake_channel(f->dev[s]);
}

static int take(struct vmbus_channel *c, struct ic_message *m)
{
	memset(m, 0, sizeof(*m));
	return fake_pipe_take(c, m, sizeof(*m));
}

/* As Linux does: the same message back, with a status. */
static void answer(struct vmbus_channel *c, struct ic_message *m, uint32_t status)
{
	m->status = status;
	m->flags = 1 | 4;
	fake_pipe_send(c, m, 20u + m->size);
}

static void negotiate(struct vmbus_channel *c, uint32_t framework, uint32_t version)
{
	struct ic_message m;
	uint16_t *counts = (uint16_t *)(void *)m.body;
	uint32_t *list = (uint32_t *)(void *)(m.body + 8);
	unsigned int total;
	bool found = false;

	assert_int_equal(fake_open(c), 0);
	assert_true(take(c, &m) > 28);
	assert_int_equal(m.type, 0);
	assert_int_equal(m.flags, 3);
	total = counts[0] + counts[1];
	assert_int_equal(m.size, 8 + 4 * total);
	for (unsigned int i = counts[0]; i < total; i++)
		found |= list[i] == version;
	assert_true(found);
	counts[0] = counts[1] = 1;
	list[0] = framework;
	list[1] = version;
	m.size = 16;
	answer(c, &m, 0);
}

static struct vmbus_channel *ready(struct fixture *f, enum service s)
{
	static const uint32_t versions[SERVICES] = { IC_VERSION(3, 2), IC_VERSION(4, 0), IC_VERSION(3, 0), IC_VERSION(4, 0),
						     IC_VERSION(5, 0), IC_VERSION(1, 1) };
	struct vmbus_channel *c = channel(f, s);

	negotiate(c, IC_VERSION(3, 0), versions[s]);
	assert_false(c->faulted);
	return c;
}

static enum service_state state_of(struct fixture *f, enum service s)
{
	struct service_status status;

	service_get_status(&f->m, s, &status);
	return status.state;
}

/* --- framing --- */

static void the_host_speaks_first_and_remembers_what_was_agreed(void **state)
{
	struct fixture *f = *state;
	struct service_status status;

	assert_int_equal(state_of(f, SERVICE_SHUTDOWN), SERVICE_WAITING);
	ready(f, SERVICE_SHUTDOWN);
	service_get_status(&f->m, SERVICE_SHUTDOWN, &status);
	assert_int_equal(status.state, SERVICE_OK);
	assert_int_equal(status.major, 3);
	assert_int_equal(status.minor, 2);
	assert_true(status.seen_ns > 0);
	fake_close(channel(f, SERVICE_SHUTDOWN));
	assert_int_equal(state_of(f, SERVICE_SHUTDOWN), SERVICE_WAITING);
}

static void a_guest_without_a_common_version_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = channel(f, SERVICE_HEARTBEAT);
	struct ic_message m;

	fake_open(c);
	take(c, &m);
	memset(m.body, 0, 4);
	m.size = 16;
	answer(c, &m, 0);
	assert_false(c->faulted);
	assert_int_equal(state_of(f, SERVICE_HEARTBEAT), SERVICE_UNUSABLE);
	fake_advance(&f->m, 20 * SECOND);
	assert_int_equal(c->count, 0);
}

static void nonsense_closes_the_channel_and_late_answers_do_not(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = ready(f, SERVICE_SHUTDOWN);
	struct ic_message m;

	assert_int_equal(shutdown_request(&f->m, SHUTDOWN_POWER_OFF), 0);
	take(c, &m);
	m.transaction--;
	answer(c, &m, 0);
	assert_false(c->faulted);
	assert_int_equal(shutdown_request(&f->m, SHUTDOWN_POWER_OFF), -EBUSY);
	m.transaction++;
	m.type = 2;
	answer(c, &m, 0);			/* an answer of another kind */
	assert_true(c->faulted);
	c = ready(f, SERVICE_SHUTDOWN);
	fake_pipe_send(c, &m, 19);
	assert_true(c->faulted);
	c = ready(f, SERVICE_SHUTDOWN);
	m.size = 5000;				/* more than there is */
	m.flags = 5;
	fake_pipe_send(c, &m, 100);
	assert_true(c->faulted);
	c = ready(f, SERVICE_SHUTDOWN);
	fake_send(c, "not a pipe message", 16);
	assert_true(c->faulted);
}

static void a_version_that_was_not_offered_is_refused(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = channel(f, SERVICE_SHUTDOWN);
	struct ic_message m;

	fake_open(c);
	take(c, &m);
	memcpy(m.body, (uint16_t[]){ 1, 1, 0, 0, 3, 0, 9, 9 }, 16);
	m.size = 16;
	answer(c, &m, 0);
	assert_true(c->faulted);
}

static void a_service_that_is_switched_off_is_withdrawn(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = ready(f, SERVICE_HEARTBEAT);

	assert_int_equal(service_set_enabled(&f->m, SERVICE_HEARTBEAT, false), 0);
	assert_true(c->withdrawn);
	assert_int_equal(state_of(f, SERVICE_HEARTBEAT), SERVICE_OFF);
	assert_null(channel(f, SERVICE_HEARTBEAT));
	fake_advance(&f->m, 10 * SECOND);
	assert_int_equal(service_set_enabled(&f->m, SERVICE_HEARTBEAT, true), 0);
	ready(f, SERVICE_HEARTBEAT);
	assert_int_equal(state_of(f, SERVICE_HEARTBEAT), SERVICE_OK);
}

/* --- shutdown, heartbeat, time --- */

static void shutdown_sends_the_whole_body_linux_wants(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c;
	struct ic_message m;

	assert_int_equal(shutdown_request(&f->m, SHUTDOWN_POWER_OFF), -ENOTCONN);
	c = ready(f, SERVICE_SHUTDOWN);
	assert_int_equal(shutdown_request(&f->m, SHUTDOWN_RESTART), 0);
	assert_int_equal(take(c, &m), 20 + 2060);
	assert_int_equal(m.type, 3);
	assert_int_equal(m.size, 2060);
	assert_int_equal(m.body[8], 3);		/* restart, by force */
	answer(c, &m, 0);
	assert_int_equal(shutdown_request(&f->m, SHUTDOWN_POWER_OFF), 0);
}

static void beat_once(struct fixture *f, struct vmbus_channel *c)
{
	struct ic_message m;
	uint64_t sequence;

	fake_advance(&f->m, 2 * SECOND);
	assert_int_equal(take(c, &m), 60);
	memcpy(&sequence, m.body, 8);
	sequence++;
	memcpy(m.body, &sequence, 8);
	answer(c, &m, 0);
}

static void the_heart_beats_and_is_lost_after_ten_silent_seconds(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = ready(f, SERVICE_HEARTBEAT);
	struct ic_message m;

	for (unsigned int i = 0; i < 10; i++)
		beat_once(f, c);
	assert_int_equal(heartbeat_count(&f->m), 10);
	fake_advance(&f->m, 9 * SECOND);
	assert_int_equal(state_of(f, SERVICE_HEARTBEAT), SERVICE_OK);
	fake_advance(&f->m, 4 * SECOND);
	assert_int_equal(state_of(f, SERVICE_HEARTBEAT), SERVICE_LOST);
	assert_int_equal(c->count, 1);		/* one question waits, not six */
	take(c, &m);
	m.body[0]++;
	answer(c, &m, 0);
	assert_int_equal(state_of(f, SERVICE_HEARTBEAT), SERVICE_OK);
	beat_once(f, c);
}

static void time_is_set_once_and_sampled_after_that(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c;
	struct ic_message m;
	uint64_t reference;

	f->m.reference_time = 0x123456789abcull;
	c = ready(f, SERVICE_TIME_SYNC);
	assert_int_equal(take(c, &m), 20 + 22);
	memcpy(&reference, m.body + 8, 8);
	assert_int_equal(reference, 0x123456789abcull);
	assert_int_equal(m.body[16], 1);
	answer(c, &m, 0);
	fake_advance(&f->m, 5 * SECOND);
	take(c, &m);
	assert_int_equal(m.body[16], 2);
	answer(c, &m, 0);
	f->m.reference_time -= 20000000;	/* the machine stood still for two seconds */
	fake_advance(&f->m, 5 * SECOND);
	take(c, &m);
	assert_int_equal(m.body[16], 1);
}

/* --- key-value exchange --- */

static void done(void *context, int result)
{
	struct fixture *f = context;

	f->calls++;
	f->result = result;
}

static void kvp_reply(struct vmbus_channel *c, struct ic_message *m, const char *key, const char *value)
{
	struct kvp_wire_enumerate e;
	uint16_t text[KVP_VALUE_MAX];

	memcpy(&e, m->body, sizeof(e));
	e.data.type = KVP_STRING;
	e.data.key_size = 2 * (uint32_t)utf16_from_utf8(text, KVP_KEY_MAX, key);
	memcpy(e.data.key, text, sizeof(e.data.key));
	e.data.value_size = 2 * (uint32_t)utf16_from_utf8(text, KVP_VALUE_MAX, value);
	memcpy(e.data.value.text, text, sizeof(e.data.value.text));
	memcpy(m->body, &e, sizeof(e));
	answer(c, m, 0);
}

/* Answers a round about both pools: `count` pairs in the first, none in the second. */
static void kvp_round(struct vmbus_channel *c, const char *const (*pairs)[2], unsigned int count)
{
	struct ic_message m;

	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(take(c, &m), 20 + 2580);
		assert_int_equal(m.body[0], KVP_ENUMERATE);
		assert_int_equal(m.body[1], KVP_POOL_AUTO);
		assert_int_equal(m.body[4], i);
		kvp_reply(c, &m, pairs[i][0], pairs[i][1]);
	}
	take(c, &m);
	answer(c, &m, IC_NO_MORE_ITEMS);
	take(c, &m);
	assert_int_equal(m.body[1], KVP_POOL_GUEST);
	answer(c, &m, IC_NO_MORE_ITEMS);
	assert_int_equal(c->count, 0);
}

static void the_guest_is_asked_for_its_items_round_after_round(void **state)
{
	static const char *const pairs[][2] = { { "FullyQualifiedDomainName", "wéb01" }, { "OSName", "Debian GNU/Linux 13 (trixie)" } };
	struct fixture *f = *state;
	struct vmbus_channel *c = ready(f, SERVICE_KEY_VALUE);
	const struct kvp_list *items = kvp_guest_items(&f->m, KVP_POOL_AUTO);

	assert_int_equal(items->count, 0);
	kvp_round(c, pairs, 2);
	assert_int_equal(items->count, 2);
	assert_string_equal(items->pairs[0].value, "wéb01");
	assert_string_equal(items->pairs[1].key, "OSName");
	fake_advance(&f->m, 16 * SECOND);
	kvp_round(c, pairs + 1, 1);
	assert_int_equal(items->count, 1);
	assert_string_equal(items->pairs[0].value, "Debian GNU/Linux 13 (trixie)");
	fake_close(c);
	assert_int_equal(items->count, 0);
}

static void pairs_of_the_host_are_told_and_told_again_to_a_guest_that_restarts(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c;
	struct ic_message m;

	assert_int_equal(kvp_set_item(&f->m, KVP_POOL_AUTO_EXTERNAL, "HostName", "partita"), 0);
	assert_int_equal(kvp_set_item(&f->m, KVP_POOL_EXTERNAL, "\xff", "x"), -EINVAL);
	assert_int_equal(kvp_set_item(&f->m, KVP_POOL_EXTERNAL, "", "x"), -EINVAL);
	for (unsigned int i = 0; i < 2; i++) {
		char key[32] = { 0 };

		c = ready(f, SERVICE_KEY_VALUE);
		assert_int_equal(take(c, &m), 20 + 2576);
		assert_int_equal(m.body[0], KVP_SET);
		assert_int_equal(m.body[1], KVP_POOL_AUTO_EXTERNAL);
		for (unsigned int k = 0; k < 8; k++)
			key[k] = (char)m.body[16 + 2 * k];
		assert_string_equal(key, "HostName");
		answer(c, &m, 0);
		kvp_round(c, NULL, 0);
		fake_close(c);
	}
	c = ready(f, SERVICE_KEY_VALUE);
	take(c, &m);
	assert_int_equal(kvp_set_item(&f->m, KVP_POOL_AUTO_EXTERNAL, "HostName", NULL), 0);	/* while it is being told */
	answer(c, &m, 0);
	assert_int_equal(take(c, &m), 20 + 520);
	assert_int_equal(m.body[0], KVP_DELETE);
	answer(c, &m, 0);
	kvp_round(c, NULL, 0);
}

static void addresses_are_set_inside_the_guest(void **state)
{
	struct kvp_addresses a = { .adapter = "{F8615163-0000-1000-2000-00155D000001}", .ipv4 = true, .addresses = "10.1.2.3",
				   .masks = "255.255.255.0", .gateways = "10.1.2.1", .dns = "10.1.2.1;9.9.9.9" };
	struct fixture *f = *state;
	struct vmbus_channel *c;
	struct ic_message m;

	assert_int_equal(kvp_set_addresses(&f->m, &a, done, f), -ENOTCONN);
	c = ready(f, SERVICE_KEY_VALUE);
	assert_int_equal(kvp_set_addresses(&f->m, &a, done, f), 0);
	assert_int_equal(kvp_set_addresses(&f->m, &a, done, f), -EBUSY);
	take(c, &m);				/* the question that was under way comes first */
	answer(c, &m, IC_NO_MORE_ITEMS);
	assert_int_equal(take(c, &m), 20 + 7428);
	assert_int_equal(m.body[0], KVP_SET_IP);
	assert_int_equal(m.body[2], '{');
	assert_int_equal(m.body[258], 1);
	assert_int_equal(m.body[260], '1');
	assert_int_equal(f->calls, 0);
	answer(c, &m, IC_FAILED);
	assert_int_equal(f->calls, 1);
	assert_int_equal(f->result, -EIO);
	assert_int_equal(kvp_set_addresses(&f->m, &a, done, f), 0);
	take(c, &m);
	answer(c, &m, IC_NO_MORE_ITEMS);
	fake_advance(&f->m, 61 * SECOND);
	assert_int_equal(f->calls, 2);
	assert_int_equal(f->result, -ETIMEDOUT);
	kvp_set_addresses(&f->m, &a, done, f);
	fake_close(c);
	assert_int_equal(f->calls, 3);
	assert_int_equal(f->result, -ENOTCONN);
}

static void a_guest_that_names_items_without_end_is_not_listened_to(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = ready(f, SERVICE_KEY_VALUE);
	struct ic_message m;

	for (unsigned int i = 0; i < 64; i++) {
		take(c, &m);
		memset(m.body + 8, 0xff, 2572);
		answer(c, &m, 0);
	}
	take(c, &m);
	answer(c, &m, 0);
	assert_true(kvp_guest_items(&f->m, KVP_POOL_AUTO)->count <= 64);
	take(c, &m);
	assert_int_equal(m.body[1], KVP_POOL_GUEST);
}

/* --- backup --- */

static void expect_vss(struct vmbus_channel *c, uint8_t operation, uint32_t status)
{
	struct ic_message m;

	assert_int_equal(take(c, &m), 20 + 12);
	assert_int_equal(m.type, 5);
	assert_int_equal(m.body[0], operation);
	answer(c, &m, status);
}

static void a_guest_is_frozen_and_thawed(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c;

	assert_int_equal(vss_freeze(&f->m, done, f), -ENOTCONN);
	c = ready(f, SERVICE_BACKUP);
	assert_int_equal(vss_thaw(&f->m, done, f), -EALREADY);
	assert_int_equal(vss_freeze(&f->m, done, f), 0);
	assert_int_equal(vss_freeze(&f->m, done, f), -EBUSY);
	expect_vss(c, 2, 0);
	assert_int_equal(f->calls, 0);
	expect_vss(c, 5, 0);
	assert_int_equal(f->calls, 1);
	assert_int_equal(f->result, 0);
	assert_int_equal(vss_thaw(&f->m, done, f), 0);
	expect_vss(c, 6, 0);
	assert_int_equal(f->calls, 2);
	assert_int_equal(f->result, 0);
	fake_advance(&f->m, 1000 * SECOND);
	assert_int_equal(c->count, 0);
}

static void every_path_ends_in_a_thaw(void **state)
{
	struct fixture *f = *state;
	struct vmbus_channel *c = ready(f, SERVICE_BACKUP);
	struct ic_message m;

	vss_freeze(&f->m, done, f);		/* the guest has nothing that can be frozen */
	expect_vss(c, 2, IC_FAILED);
	assert_int_equal(f->result, -EIO);
	assert_int_equal(c->count, 0);
	vss_freeze(&f->m, done, f);		/* the freeze fails */
	expect_vss(c, 2, 0);
	expect_vss(c, 5, IC_FAILED);
	assert_int_equal(f->result, -EIO);
	expect_vss(c, 6, 0);
	vss_freeze(&f->m, done, f);		/* it hangs */
	expect_vss(c, 2, 0);
	take(c, &m);
	fake_advance(&f->m, 61 * SECOND);
	assert_int_equal(f->result, -ETIMEDOUT);
	answer(c, &m, 0);			/* late: it is frozen now, and the thaw is already there */
	expect_vss(c, 6, 0);
	vss_freeze(&f->m, done, f);		/* the host forgets */
	expect_vss(c, 2, 0);
	expect_vss(c, 5, 0);
	fake_advance(&f->m, 61 * SECOND);
	expect_vss(c, 6, 0);
	assert_int_equal(c->count, 0);
}

/* --- file copy --- */

static int file_of(size_t size)
{
	int fd = memfd_create("file", 0);
	uint8_t *bytes = malloc(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(write(fd, bytes, size), size);
	free(bytes);
	return fd;
}

static void a_file_arrives_byte_for_byte(void **state)
{
	struct fixture *f = *state;
	struct fcopy_request r = { "/root/in", "data.bin", false, true, file_of(20000), 20000 };
	struct vmbus_channel *c = ready(f, SERVICE_FILE_COPY);
	struct ic_message m;
	uint64_t offset = 0, at, sent, total;
	uint32_t length;

	assert_false(fcopy_progress(&f->m, &sent, &total));
	assert_int_equal(fcopy_start(&f->m, &r, done, f), 0);
	assert_int_equal(take(c, &m), 20 + 1088);
	assert_int_equal(m.body[36], 'd');
	assert_int_equal(m.body[36 + 520], '/');
	assert_int_equal(m.body[36 + 520 + 2 * 8], '/');	/* "/root/in/": Linux makes folders up to the last slash */
	assert_int_equal(m.body[36 + 520 + 2 * 9], 0);
	assert_int_equal(m.body[36 + 1040], 2);
	assert_int_equal(fcopy_start(&f->m, &r, done, f), -EBUSY);
	answer(c, &m, 0);
	while (offset < 20000) {
		assert_int_equal(take(c, &m), 20 + 6196);
		memcpy(&at, m.body + 40, 8);
		memcpy(&length, m.body + 48, 4);
		assert_int_equal(at, offset);
		for (uint32_t i = 0; i < length; i++)
			if (m.body[52 + i] != (uint8_t)((at + i) * 7 + (at + i) / 256))
				fail_msg("byte %llu", (unsigned long long)(at + i));
		offset += length;
		assert_true(fcopy_progress(&f->m, &sent, &total));
		assert_int_equal(sent, offset);
		assert_int_equal(total, 20000);
		answer(c, &m, 0);
	}
	assert_int_equal(offset, 20000);
	take(c, &m);
	assert_int_equal(m.body[0], 2);
	assert_int_equal(f->calls, 0);
	answer(c, &m, 0);
	assert_int_equal(f->calls, 1);
	assert_int_equal(f->result, 0);
	assert_false(fcopy_progress(&f->m, &sent, &total));
}

static void a_copy_ends_as_the_guest_says(void **state)
{
	struct fixture *f = *state;
	struct fcopy_request r = { "/root", "data.bin", false, false, file_of(20000), 20000 };
	struct vmbus_channel *c = ready(f, SERVICE_FILE_COPY);
	struct ic_message m;

	fcopy_start(&f->m, &r, done, f);
	take(c, &m);
	answer(c, &m, IC_EXISTS);
	assert_int_equal(f->result, -EEXIST);
	r.fd = file_of(20000);
	fcopy_start(&f->m, &r, done, f);
	take(c, &m);
	answer(c, &m, 0);
	take(c, &m);
	answer(c, &m, IC_DISK_FULL);
	assert_int_equal(f->calls, 1);
	take(c, &m);
	assert_int_equal(m.body[0], 3);		/* cancel */
	answer(c, &m, 0);
	assert_int_equal(f->calls, 2);
	assert_int_equal(f->result, -ENOSPC);
	r.fd = file_of(10);			/* shorter than promised */
	fcopy_start(&f->m, &r, done, f);
	take(c, &m);
	answer(c, &m, 0);
	take(c, &m);
	answer(c, &m, 0);
	take(c, &m);
	assert_int_equal(m.body[0], 3);
	answer(c, &m, 0);
	assert_int_equal(f->result, -EIO);
	r.fd = file_of(20000);
	fcopy_start(&f->m, &r, done, f);
	fake_close(c);
	assert_int_equal(f->calls, 4);
	assert_int_equal(f->result, -ENOTCONN);
}

/* --- text --- */

static void text_goes_both_ways_and_nonsense_does_not(void **state)
{
	static const char *const good[] = { "", "a", "wéb", "日本語", "\xf0\x9f\x8e\xb9 key", NULL };
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe6\x97", "\xff", NULL };
	uint16_t units[16], lone[] = { 0xdc00, 'x', 0xd800, 0x1b, 0 };
	char *text;

	(void)state;
	for (unsigned int i = 0; good[i]; i++) {
		assert_true(utf16_from_utf8(units, 16, good[i]) > 0);
		text = utf16_to_utf8(units, sizeof(units));
		assert_string_equal(text, good[i]);
		free(text);
	}
	for (unsigned int i = 0; bad[i]; i++)
		assert_int_equal(utf16_from_utf8(units, 16, bad[i]), -EINVAL);
	assert_int_equal(utf16_from_utf8(units, 3, "abc"), -E2BIG);
	assert_int_equal(utf16_from_utf8(units, 4, "abc"), 4);
	text = utf16_to_utf8(lone, sizeof(lone));
	assert_string_equal(text, "\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd");
	free(text);
}

/* --- state --- */

static void services_survive_save_and_restore(void **state)
{
	struct fixture *f = *state, *other;
	struct state *s = state_save_begin();
	struct vmbus_channel *c;
	struct ic_message m;
	void *fresh, *data;
	size_t size;

	for (unsigned int i = 0; i < SERVICES; i++)
		ready(f, i);
	take(channel(f, SERVICE_TIME_SYNC), &m);
	answer(channel(f, SERVICE_TIME_SYNC), &m, 0);
	beat_once(f, channel(f, SERVICE_HEARTBEAT));
	vss_freeze(&f->m, done, f);
	expect_vss(channel(f, SERVICE_BACKUP), 2, 0);
	expect_vss(channel(f, SERVICE_BACKUP), 5, 0);
	for (unsigned int i = 0; i < SERVICES; i++)
		channel(f, i)->kind->state(channel(f, i), s);
	assert_int_equal(state_save_end(s, &data, &size), 0);
	setup(&fresh);
	other = fresh;
	s = state_load_begin(data, size);
	for (unsigned int i = 0; i < SERVICES; i++) {
		c = channel(other, i);
		c->open = true;
		c->kind->state(c, s);
		assert_int_equal(state_of(other, i), SERVICE_OK);
	}
	assert_int_equal(state_load_end(s), 0);
	assert_int_equal(heartbeat_count(&other->m), 1);
	beat_once(other, channel(other, SERVICE_HEARTBEAT));
	expect_vss(channel(other, SERVICE_BACKUP), 6, 0);	/* whoever froze it is gone */
	take(channel(other, SERVICE_TIME_SYNC), &m);
	assert_int_equal(m.body[16], 1);			/* its clock stood still */
	teardown(&fresh);
	free(data);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_host_speaks_first_and_remembers_what_was_agreed),
		TEST(a_guest_without_a_common_version_is_left_alone),
		TEST(nonsense_closes_the_channel_and_late_answers_do_not),
		TEST(a_version_that_was_not_offered_is_refused),
		TEST(a_service_that_is_switched_off_is_withdrawn),
		TEST(shutdown_sends_the_whole_body_linux_wants),
		TEST(the_heart_beats_and_is_lost_after_ten_silent_seconds),
		TEST(time_is_set_once_and_sampled_after_that),
		TEST(the_guest_is_asked_for_its_items_round_after_round),
		TEST(pairs_of_the_host_are_told_and_told_again_to_a_guest_that_restarts),
		TEST(addresses_are_set_inside_the_guest),
		TEST(a_guest_that_names_items_without_end_is_not_listened_to),
		TEST(a_guest_is_frozen_and_thawed),
		TEST(every_path_ends_in_a_thaw),
		TEST(a_file_arrives_byte_for_byte),
		TEST(a_copy_ends_as_the_guest_says),
		TEST(text_goes_both_ways_and_nonsense_does_not),
		TEST(services_survive_save_and_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
