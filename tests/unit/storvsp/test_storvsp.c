/* SPDX-License-Identifier: Apache-2.0 */
/* The storage protocol as a guest speaks it, over the real VMBus server, io_uring queue and files. */
#include "storage/formats.h"
#include "tests/unit/vmbus/guest.h"
#include "vmwp/chipset/board.h"
#include "vmwp/vsp/storage.h"
#include "vmwp/vsp/storvsp.h"
#include "vmwp/vsp/vsp.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define DISK_BYTES	(4u << 20)
#define TID		0x1234567890abcdefull
#define PROCESSORS	4u

static const struct vmbus_guid scsi_class = VMBUS_GUID(0xba6163d9, 0x04a1, 0x4d29, 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f);
static const struct vmbus_guid ide_class = VMBUS_GUID(0x32412632, 0x86cb, 0x44a2, 0x9b, 0x5c, 0x50, 0xd1, 0x41, 0x73, 0x54, 0xf5);

static struct guest_packet packet;		/* the last one received */

/* --- the host's side --- */

static struct device *storage(void)
{
	return machine_device(guest.machine, &storage_model);
}

static struct disk *disk_new(const char *format, int *fd)
{
	struct disk *d;

	*fd = memfd_create("disk", 0);
	assert_true(*fd >= 0);
	assert_int_equal(ftruncate(*fd, DISK_BYTES), 0);
	assert_int_equal(disk_open(format, dup(*fd), false, &d), 0);
	return d;
}

static int attach(unsigned int controller, unsigned int location)
{
	int fd;
	struct disk *d = disk_new("raw", &fd);

	machine_lock(guest.machine);
	assert_int_equal(storage_attach(storage(), (struct storage_place) { controller, location }, false, d, "serial"), 0);
	machine_unlock(guest.machine);
	return fd;
}

static void on_gone(void *context)
{
	++*(unsigned int *)context;
}

static void detach(unsigned int controller, unsigned int location, unsigned int *gone)
{
	machine_lock(guest.machine);
	assert_int_equal(storage_detach(storage(), (struct storage_place) { controller, location }, on_gone, gone), 0);
	machine_unlock(guest.machine);
}

/* --- the guest's side --- */

static void receive(struct guest_channel *c)
{
	for (unsigned int i = 0; !guest_receive(c, &packet); i++) {
		assert_true(i < 1000);
		sd_event_run(guest.machine->loop, 100000);
	}
}

static struct stor_packet call_sized(struct guest_channel *c, struct stor_packet p, uint32_t bytes)
{
	struct stor_packet answer = { 0 };

	assert_true(guest_send(c, TID, &p, bytes));
	receive(c);
	assert_int_equal(packet.descriptor.type, VMBUS_PACKET_COMPLETION);
	assert_int_equal(packet.descriptor.transaction_id, TID);
	assert_true(packet.bytes <= sizeof(answer));
	memcpy(&answer, packet.payload, packet.bytes);
	assert_int_equal(answer.operation, STOR_COMPLETE_IO);
	return answer;
}

static uint32_t call(struct guest_channel *c, uint32_t operation, struct stor_packet *p)
{
	p->operation = operation;
	*p = call_sized(c, *p, sizeof(*p));
	return p->status;
}

static void initialise(struct guest_channel *c)
{
	struct stor_packet p = { 0 };

	assert_int_equal(call(c, STOR_BEGIN_INITIALIZATION, &p), STOR_SUCCESS);
	p.version.number = STOR_VERSION(6, 0);
	assert_int_equal(call(c, STOR_QUERY_PROTOCOL_VERSION, &p), STOR_SUCCESS);
	assert_int_equal(call(c, STOR_QUERY_PROPERTIES, &p), STOR_SUCCESS);
	assert_int_equal(call(c, STOR_END_INITIALIZATION, &p), STOR_SUCCESS);
}

static struct guest_channel *open_controller(void)
{
	struct guest_channel *c;

	guest_connect(VMBUS_V5_3);
	c = guest_open(guest_offer(&scsi_class, 0), 4, 4);
	assert_non_null(c);
	initialise(c);
	return c;
}

static struct stor_packet srb(uint8_t lun, const uint8_t *cdb, uint32_t bytes)
{
	struct stor_packet p = { .operation = STOR_EXECUTE_SRB, .flags = 1 };

	p.srb = (struct stor_srb) { .length = 52, .lun = lun, .cdb_bytes = 16, .sense_bytes = 20, .data_bytes = bytes };
	memcpy(p.srb.cdb_or_sense, cdb, 16);
	return p;
}

static struct stor_packet run(struct guest_channel *c, uint8_t lun, const uint8_t *cdb, uint64_t gpa, uint32_t bytes)
{
	struct stor_packet p = srb(lun, cdb, bytes), answer;

	if (!bytes)
		return call_sized(c, p, sizeof(p));
	assert_true(guest_send_pages(c, TID, gpa, bytes, &p, sizeof(p)));
	receive(c);
	assert_int_equal(packet.descriptor.transaction_id, TID);
	memcpy(&answer, packet.payload, sizeof(answer));
	return answer;
}

#define CDB(...)	(const uint8_t[16]) { __VA_ARGS__ }

static int setup(void **state)
{
	(void)state;
	guest_boot(PROCESSORS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_shut_down();
	return 0;
}

/* --- the protocol --- */

static void test_the_first_controller_is_always_there(void **state)
{
	(void)state;
	guest_connect(VMBUS_V5_3);
	assert_non_null(guest_offer(&scsi_class, 0));
	assert_null(guest_offer(&ide_class, 0));
}

static void test_steps_out_of_order_are_refused(void **state)
{
	struct guest_channel *c;
	struct stor_packet p = { 0 };

	(void)state;
	attach(0, 0);
	guest_connect(VMBUS_V5_3);
	c = guest_open(guest_offer(&scsi_class, 0), 4, 4);
	assert_int_equal(call(c, STOR_QUERY_PROPERTIES, &p), STOR_INVALID_STATE);
	assert_int_equal(call(c, STOR_END_INITIALIZATION, &p), STOR_INVALID_STATE);
	assert_int_equal(call(c, STOR_EXECUTE_SRB, &p), STOR_INVALID_REQUEST);
	assert_int_equal(call(c, STOR_RESET_BUS, &p), STOR_INVALID_STATE);
	assert_int_equal(call(c, STOR_BEGIN_INITIALIZATION, &p), STOR_SUCCESS);
	assert_int_equal(call(c, STOR_BEGIN_INITIALIZATION, &p), STOR_INVALID_STATE);
	assert_int_equal(call(c, STOR_CREATE_SUB_CHANNELS, &p), STOR_INVALID_STATE);
	assert_int_equal(call(c, 0, &p), STOR_INVALID_REQUEST);
	assert_int_equal(call(c, 2, &p), STOR_INVALID_REQUEST);
	assert_int_equal(call(c, 0xffffffff, &p), STOR_INVALID_REQUEST);
	p.version.number = STOR_VERSION(6, 0);
	assert_int_equal(call(c, STOR_QUERY_PROTOCOL_VERSION, &p), STOR_SUCCESS);
	assert_int_equal(call_sized(c, (struct stor_packet) { .operation = STOR_QUERY_PROPERTIES }, 16).status, STOR_INVALID_PARAMETER);
}

static void test_each_version_but_no_other_is_agreed_on(void **state)
{
	static const struct { uint16_t version; uint32_t want; } rows[] = {
		{ STOR_VERSION(6, 2), STOR_REVISION_MISMATCH }, { STOR_VERSION(6, 0), STOR_SUCCESS },
		{ STOR_VERSION(5, 1), STOR_SUCCESS }, { STOR_VERSION(4, 2), STOR_SUCCESS }, { STOR_VERSION(2, 0), STOR_SUCCESS },
		{ 0, STOR_REVISION_MISMATCH }, { 0xffff, STOR_REVISION_MISMATCH },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stor_packet p = { 0 };
		struct guest_channel *c;

		guest_reset();
		guest_connect(VMBUS_V5_3);
		c = guest_open(guest_offer(&scsi_class, 0), 4, 4);
		call(c, STOR_BEGIN_INITIALIZATION, &p);
		p.version.number = rows[i].version;
		assert_int_equal(call(c, STOR_QUERY_PROTOCOL_VERSION, &p), rows[i].want);
		p.version.number = STOR_VERSION(6, 0);		/* after a mismatch it may ask again */
		assert_int_equal(call(c, STOR_QUERY_PROTOCOL_VERSION, &p), rows[i].want == STOR_SUCCESS ? STOR_INVALID_STATE : STOR_SUCCESS);
		if (rows[i].want == STOR_SUCCESS)
			assert_int_equal(call_sized(c, (struct stor_packet) { .operation = STOR_QUERY_PROPERTIES }, 48).status, STOR_SUCCESS);
		else
			assert_int_equal(call(c, STOR_QUERY_PROPERTIES, &p), STOR_SUCCESS);
		assert_int_equal(packet.bytes, rows[i].want == STOR_SUCCESS ? 48 : 64);
	}
}

static void test_properties_promise_what_is_kept(void **state)
{
	struct guest_channel *c;
	struct stor_packet p = { 0 };

	(void)state;
	guest_connect(VMBUS_V5_3);
	c = guest_open(guest_offer(&scsi_class, 0), 4, 4);
	call(c, STOR_BEGIN_INITIALIZATION, &p);
	p.version.number = STOR_VERSION(6, 0);
	call(c, STOR_QUERY_PROTOCOL_VERSION, &p);
	call(c, STOR_QUERY_PROPERTIES, &p);
	assert_int_equal(p.properties.sub_channels_max, PROCESSORS - 1);
	assert_int_equal(p.properties.flags, STOR_MULTI_CHANNEL);
	assert_int_equal(p.properties.transfer_bytes_max, SCSI_TRANSFER_MAX);
}

/* --- sub-channels --- */

static void test_requests_are_answered_where_they_came_from(void **state)
{
	struct guest_channel *primary, *sub[3];
	struct stor_packet p = { 0 };
	uint64_t gpa;

	(void)state;
	attach(0, 0);
	primary = open_controller();
	p.sub_channels = PROCESSORS;
	assert_int_equal(call(primary, STOR_CREATE_SUB_CHANNELS, &p), STOR_INVALID_PARAMETER);
	p.sub_channels = 3;
	assert_int_equal(call(primary, STOR_CREATE_SUB_CHANNELS, &p), STOR_SUCCESS);
	p.sub_channels = 1;
	assert_int_equal(call(primary, STOR_CREATE_SUB_CHANNELS, &p), STOR_INVALID_STATE);
	guest_run();
	gpa = guest_alloc(1);
	(void)guest_next_message(VMBUS_MSG_VERSION_RESPONSE, &p, 0);	/* notes the offers */
	for (unsigned int i = 0; i < 3; i++) {
		sub[i] = guest_open(guest_offer(&scsi_class, i + 1), 4, 4);
		assert_non_null(sub[i]);
		assert_int_equal(call(sub[i], STOR_BEGIN_INITIALIZATION, &p), STOR_INVALID_STATE);
		assert_int_equal(run(sub[i], 0, CDB(0x28, [8] = 1), gpa, 512).status, STOR_SUCCESS);
	}
	assert_false(guest_receive(primary, &packet));
	guest_close(primary);				/* takes them with it */
	guest_run();
}

/* --- SRBs --- */

static void test_data_reaches_the_file_and_comes_back(void **state)
{
	int fd;
	struct guest_channel *c;
	uint64_t gpa;
	uint8_t *bytes, copy[65536];
	struct stor_packet p;

	(void)state;
	fd = attach(0, 5);
	c = open_controller();
	gpa = guest_alloc(17) + 1000;			/* not where a sector or a page begins */
	bytes = guest_at(gpa, 65536);
	for (unsigned int i = 0; i < 65536; i++)
		bytes[i] = (uint8_t)(i * 13 + i / 509);
	p = run(c, 5, CDB(0x2a, 0, 0, 0, 0x10, 0, 0, 0, 128), gpa, 65536);
	assert_int_equal(p.srb.srb_status, SRB_SUCCESS);
	assert_int_equal(p.srb.data_bytes, 65536);
	assert_int_equal(pread(fd, copy, sizeof(copy), 0x1000 * 512), sizeof(copy));
	assert_memory_equal(copy, bytes, sizeof(copy));
	memset(bytes, 0, 65536);
	p = run(c, 5, CDB(0x28, 0, 0, 0, 0x10, 0, 0, 0, 128), gpa, 65536);
	assert_int_equal(p.srb.srb_status, SRB_SUCCESS);
	assert_memory_equal(copy, bytes, sizeof(copy));
	p = run(c, 5, CDB(0x35), 0, 0);
	assert_int_equal(p.srb.srb_status, SRB_SUCCESS);
}

static void expect_enumerate(struct guest_channel *c)
{
	struct stor_packet p;

	receive(c);
	memcpy(&p, packet.payload, sizeof(p));
	assert_int_equal(packet.descriptor.type, VMBUS_PACKET_INBAND);
	assert_int_equal(packet.descriptor.transaction_id, 0);
	assert_int_equal(p.operation, STOR_ENUMERATE_BUS);
}

/* Commands against the real library: data, FUA, zeros by WRITE SAME, UNMAP and a flush, for each format of a hard disk. */
static void test_every_format_serves_every_kind_of_request(void **state)
{
	static const char *const formats[] = { "raw", "vhd", "vhdx" };
	struct guest_channel *c;
	uint64_t gpa;
	uint8_t *b;

	(void)state;
	c = open_controller();
	gpa = guest_alloc(2);
	b = guest_at(gpa, 8192);
	for (uint8_t i = 0; i < 3; i++) {
		int fd = memfd_create("disk", 0);
		struct disk *d = NULL;

		assert_int_equal(disk_create(formats[i], fd, 16 << 20), 0);
		assert_int_equal(disk_open(formats[i], fd, false, &d), 0);
		machine_lock(guest.machine);
		assert_int_equal(storage_attach(storage(), (struct storage_place) { 0, i }, false, d, formats[i]), 0);
		machine_unlock(guest.machine);
		expect_enumerate(c);
		memset(b, 0x40 + i, 4096);
		assert_int_equal(run(c, i, CDB(0x2a, 0x08, [5] = 100, [8] = 8), gpa, 4096).srb.srb_status, SRB_SUCCESS);
		memset(b, 0, 4096);
		assert_int_equal(run(c, i, CDB(0x28, 0, [5] = 100, [8] = 8), gpa, 4096).srb.srb_status, SRB_SUCCESS);
		assert_true(b[0] == 0x40 + i && b[4095] == 0x40 + i);
		memset(b, 0, 512);
		assert_int_equal(run(c, i, CDB(0x41, 0, [5] = 100, [8] = 4), gpa, 512).srb.srb_status, SRB_SUCCESS);
		memset(b, 0, 24);
		b[1] = 22, b[3] = 16, b[15] = 104, b[19] = 2;	/* UNMAP of 104 and 105 */
		assert_int_equal(run(c, i, CDB(0x42, 0, [8] = 24), gpa, 24).srb.srb_status, SRB_SUCCESS);
		assert_int_equal(run(c, i, CDB(0x35), 0, 0).srb.srb_status, SRB_SUCCESS);
		assert_int_equal(run(c, i, CDB(0x28, 0, [5] = 100, [8] = 8), gpa, 4096).srb.srb_status, SRB_SUCCESS);
		assert_true(b[0] == 0 && b[2047] == 0);
		assert_true(b[3072] == 0x40 + i && b[4095] == 0x40 + i);
	}
}

static void test_sense_data_comes_with_the_failure(void **state)
{
	struct guest_channel *c;
	struct stor_packet p;

	(void)state;
	attach(0, 0);
	c = open_controller();
	p = run(c, 0, CDB(0x28, 0, 255, 255, 255, 255, 0, 0, 1), guest_alloc(1), 512);
	assert_int_equal(p.status, STOR_IO_ERROR);
	assert_int_equal(p.srb.srb_status, SRB_ERROR | SRB_SENSE_VALID);
	assert_int_equal(p.srb.scsi_status, SCSI_CHECK_CONDITION);
	assert_int_equal(p.srb.data_bytes, 0);
	assert_int_equal(p.srb.sense_bytes, 18);
	assert_int_equal(p.srb.cdb_or_sense[2], 5);
	assert_int_equal(p.srb.cdb_or_sense[12], 0x21);
	p = srb(0, CDB(0xff), 0);
	p.srb.sense_bytes = 0;				/* the guest wants none */
	p = call_sized(c, p, sizeof(p));
	assert_int_equal(p.srb.srb_status, SRB_ERROR);
	assert_int_equal(p.srb.sense_bytes, 0);
}

static void test_what_is_no_request_is_answered_as_such(void **state)
{
	static const struct { const char *rule; uint32_t bytes, data; uint8_t cdb_bytes; } rows[] = {
		{ "no CDB", 4096, 0, 0 }, { "a CDB too long", 4096, 0, 17 }, { "more than fits the range", 4096, 4097, 16 },
		{ "more than may be moved", 4096, SCSI_TRANSFER_MAX + 1, 16 },
	};
	struct guest_channel *c;
	struct stor_packet p, answer;
	uint64_t gpa;

	(void)state;
	attach(0, 0);
	c = open_controller();
	gpa = guest_alloc(1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = srb(0, CDB(0x28, [8] = 1), rows[i].data);
		p.srb.cdb_bytes = rows[i].cdb_bytes;
		assert_true(guest_send_pages(c, TID, gpa, rows[i].bytes, &p, sizeof(p)));
		receive(c);
		memcpy(&answer, packet.payload, sizeof(answer));
		if (answer.srb.srb_status != SRB_INVALID_REQUEST)
			fail_msg("%s", rows[i].rule);
	}
	answer = call_sized(c, srb(0, CDB(0x28, [8] = 1), 512), 64);	/* data without pages */
	assert_int_equal(answer.srb.srb_status, SRB_INVALID_REQUEST);
	p = srb(0, CDB(0x28, [8] = 1), 512);
	assert_true(guest_send_pages(c, TID, 1ull << 40, 512, &p, sizeof(p)));	/* no RAM there */
	receive(c);
	memcpy(&answer, packet.payload, sizeof(answer));
	assert_int_equal(answer.srb.srb_status, SRB_INVALID_REQUEST);
	answer = call_sized(c, srb(0, CDB(0x00), 0), 40);
	assert_int_equal(answer.status, STOR_INVALID_REQUEST);
	assert_true(run(c, 0, CDB(0x00), 0, 0).status == STOR_SUCCESS);
}

static void test_empty_places_say_so(void **state)
{
	struct guest_channel *c;
	struct stor_packet p;
	uint64_t gpa;
	uint8_t *b;

	(void)state;
	attach(0, 3);
	attach(0, 40);
	c = open_controller();
	gpa = guest_alloc(1);
	b = guest_at(gpa, 4096);
	p = run(c, 0, CDB(0x12, 0, 0, 0, 36), gpa, 36);
	assert_int_equal(p.srb.srb_status, SRB_SUCCESS);
	assert_int_equal(b[0], 0x7f);
	p = run(c, 0, CDB(0x12, 1, 0x80, 0, 36), gpa, 36);
	assert_int_equal(p.srb.srb_status, SRB_INVALID_REQUEST);
	p = run(c, 0, CDB(0x00), 0, 0);
	assert_int_equal(p.srb.srb_status, SRB_INVALID_LUN);
	assert_int_equal(p.status, STOR_NO_SUCH_DEVICE);
	p = run(c, 64, CDB(0x00), 0, 0);
	assert_int_equal(p.srb.srb_status, SRB_INVALID_LUN);
	p = run(c, 0, CDB(0xa0, [8] = 16, [9] = 0), gpa, 4096);
	assert_int_equal(p.srb.data_bytes, 24);
	assert_int_equal(b[3], 16);
	assert_int_equal(b[8 + 1], 3);
	assert_int_equal(b[16 + 1], 40);
	p = srb(3, CDB(0x00), 0);
	p.srb.target = 1;
	assert_int_equal(call_sized(c, p, sizeof(p)).srb.srb_status, SRB_INVALID_LUN);
}

static void test_a_reset_leaves_an_attention_on_its_units(void **state)
{
	struct guest_channel *c;
	struct stor_packet p = { 0 };

	(void)state;
	attach(0, 0);
	attach(0, 1);
	c = open_controller();
	p.srb.lun = 1;
	assert_int_equal(call(c, STOR_RESET_LUN, &p), STOR_SUCCESS);
	assert_int_equal(run(c, 0, CDB(0x00), 0, 0).status, STOR_SUCCESS);
	assert_int_equal(run(c, 1, CDB(0x00), 0, 0).srb.cdb_or_sense[12], 0x29);
	assert_int_equal(call(c, STOR_RESET_BUS, &p), STOR_SUCCESS);
	assert_int_equal(run(c, 0, CDB(0x00), 0, 0).srb.cdb_or_sense[12], 0x29);
	assert_int_equal(run(c, 0, CDB(0x00), 0, 0).status, STOR_SUCCESS);
}

/* --- hot add and remove --- */

static void test_units_come_and_go_while_the_guest_runs(void **state)
{
	struct guest_channel *c;
	unsigned int gone = 0;

	(void)state;
	c = open_controller();
	for (unsigned int i = 0; i < 100; i++) {
		close(attach(0, 7));
		expect_enumerate(c);
		assert_int_equal(run(c, 7, CDB(0x00), 0, 0).status, STOR_SUCCESS);
		detach(0, 7, &gone);
		assert_int_equal(gone, i + 1);
		expect_enumerate(c);
		assert_int_equal(run(c, 7, CDB(0x00), 0, 0).srb.srb_status, SRB_INVALID_LUN);
	}
}

static void test_a_second_controller_comes_with_its_first_unit(void **state)
{
	struct vmbus_guid first;

	(void)state;
	guest_connect(VMBUS_V5_3);
	memcpy(&first, &guest_offer(&scsi_class, 0)->instance, sizeof(first));
	attach(2, 63);
	guest_run();
	struct vmbus_msg_offer offer;
	guest_expect(VMBUS_MSG_OFFER, &offer, sizeof(offer));
	assert_memory_equal(&offer.class, &scsi_class, sizeof(scsi_class));
	assert_memory_not_equal(&offer.instance, &first, sizeof(first));
}

static void test_places_are_checked(void **state)
{
	int fd;
	struct disk *d = disk_new("raw", &fd);
	const struct storage_place bad[] = { { 4, 0 }, { 0, 64 } };

	(void)state;
	machine_lock(guest.machine);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(storage_attach(storage(), bad[i], false, d, ""), -EINVAL);
	assert_int_equal(storage_detach(storage(), (struct storage_place) { 0, 9 }, NULL, NULL), -ENOENT);
	assert_int_equal(storage_detach(storage(), (struct storage_place) { 3, 0 }, NULL, NULL), -ENOENT);
	assert_int_equal(storage_set_media(storage(), (struct storage_place) { 0, 9 }, NULL), -ENODEV);
	assert_int_equal(storage_attach(storage(), (struct storage_place) { 0, 9 }, false, d, ""), 0);
	assert_int_equal(storage_attach(storage(), (struct storage_place) { 0, 9 }, true, NULL, ""), -EBUSY);
	assert_int_equal(storage_set_media(storage(), (struct storage_place) { 0, 9 }, NULL), -ENODEV);
	machine_unlock(guest.machine);
	close(fd);
}

/* --- load --- */

/* Many requests at once, more than may be in flight, in a ring that holds few answers; each is answered once. */
static void test_every_request_of_a_flood_is_answered_once(void **state)
{
	enum { COUNT = 3000 };
	static uint8_t seen[COUNT];
	struct guest_channel *c;
	struct stor_packet p = srb(0, CDB(0x28, [8] = 8), 4096);
	unsigned int sent = 0, ended = 0;
	uint64_t gpa;

	(void)state;
	memset(seen, 0, sizeof(seen));
	attach(0, 0);
	guest_connect(VMBUS_V5_3);
	c = guest_open(guest_offer(&scsi_class, 0), 32, 2);
	initialise(c);
	gpa = guest_alloc(1);
	while (ended < COUNT) {
		while (sent < COUNT && guest_send_pages(c, sent + 1, gpa, 4096, &p, sizeof(p)))
			sent++;
		sd_event_run(guest.machine->loop, 100000);
		for (unsigned int i = 0; i < 5 && guest_receive(c, &packet); i++) {
			uint64_t id = packet.descriptor.transaction_id - 1;

			assert_true(id < COUNT && !seen[id]);
			seen[id] = 1;
			ended++;
		}
	}
	assert_false(guest_receive(c, &packet));
}

/* The answer comes when the last disk request has ended, however long that takes. */
static void close_and_unload(struct guest_channel *c)
{
	struct vmbus_msg_relid close = { .header.type = VMBUS_MSG_CLOSE, .relid = c->relid };
	struct vmbus_msg_header unload = { .type = VMBUS_MSG_UNLOAD }, response;

	guest_try_post(guest.connection_id, &close, sizeof(close));
	guest_try_post(guest.connection_id, &unload, sizeof(unload));
	for (unsigned int i = 0; !guest_next_message(VMBUS_MSG_UNLOAD_RESPONSE, &response, sizeof(response)); i++) {
		assert_true(i < 1000);
		sd_event_run(guest.machine->loop, 100000);
	}
}

static void test_closing_and_reset_wait_for_what_is_under_way(void **state)
{
	struct stor_packet p = srb(0, CDB(0x28, [8] = 128), 65536);

	(void)state;
	attach(0, 0);
	for (unsigned int i = 0; i < 50; i++) {
		struct guest_channel *c = open_controller();
		uint64_t gpa = guest_alloc(16);

		for (unsigned int j = 0; j < 20; j++)
			guest_send_pages(c, j + 1, gpa, 65536, &p, sizeof(p));
		sd_event_run(guest.machine->loop, 0);
		if (i % 2) {
			close_and_unload(c);
		} else {
			machine_lock(guest.machine);
			storage_model.reset(storage());
			machine_unlock(guest.machine);
		}
		guest_reset();
	}
}

/* A disk whose reads wait until give_later() gives them bytes. */
static struct { int pipe[2]; _Atomic bool given; } slow;

static void *give_later(void *data)
{
	static const uint8_t sector[512] = { 0x77 };

	usleep(20000);
	atomic_store(&slow.given, true);
	(void)!write(slow.pipe[1], sector, sizeof(sector));
	return data;
}

static void attach_slow(void)
{
	int fd;
	struct disk *d = disk_new("raw", &fd);

	close(fd);
	assert_int_equal(pipe(slow.pipe), 0);
	assert_true(dup2(slow.pipe[0], d->fd) >= 0);
	atomic_store(&slow.given, false);
	machine_lock(guest.machine);
	assert_int_equal(storage_attach(storage(), (struct storage_place) { 0, 0 }, false, d, "serial"), 0);
	machine_unlock(guest.machine);
}

static void test_after_a_reset_no_read_of_before_writes_into_memory(void **state)
{
	struct stor_packet p = srb(0, CDB(0x28, [8] = 1), 512);
	struct guest_channel *c;
	pthread_t giver;
	uint64_t gpa;

	(void)state;
	attach_slow();
	c = open_controller();
	gpa = guest_alloc(1);
	guest_send_pages(c, 1, gpa, 512, &p, sizeof(p));
	sd_event_run(guest.machine->loop, 0);
	assert_false(guest_receive(c, &packet));
	assert_int_equal(pthread_create(&giver, NULL, give_later, NULL), 0);
	machine_lock(guest.machine);
	storage_model.reset(storage());
	machine_unlock(guest.machine);
	assert_true(atomic_load(&slow.given));		/* else it would still be on its way */
	assert_int_equal(*(uint8_t *)guest_memory(guest.machine, gpa, 1), 0x77);
	guest_reset();
	pthread_join(giver, NULL);
	close(slow.pipe[0]);
	close(slow.pipe[1]);
}

static void test_the_machine_may_end_with_requests_under_way(void **state)
{
	struct stor_packet p = srb(0, CDB(0x28, [8] = 128), 65536);
	struct guest_channel *c;
	uint64_t gpa;

	(void)state;
	attach(0, 0);
	c = open_controller();
	gpa = guest_alloc(16);
	for (unsigned int j = 0; j < 20; j++)
		guest_send_pages(c, j + 1, gpa, 65536, &p, sizeof(p));
	sd_event_run(guest.machine->loop, 0);		/* the teardown is the test */
}

/* --- a full volume --- */

static struct { bool full; unsigned int asked; struct disk_ops ops; int (*prepare)(struct disk *, uint64_t, bool); } volume;

static int prepare_when_there_is_room(struct disk *d, uint64_t offset, bool write)
{
	volume.asked += write;
	return write && volume.full ? -ENOSPC : volume.prepare(d, offset, write);
}

/* A disk whose new blocks find no space while volume.full says so. */
static struct guest_channel *open_full_volume(uint8_t location)
{
	int fd = memfd_create("disk", 0);
	struct guest_channel *c;
	struct disk *d = NULL;

	assert_int_equal(disk_create("vhdx", fd, 256 << 20), 0);
	assert_int_equal(disk_open("vhdx", fd, false, &d), 0);
	volume.full = true;
	volume.asked = 0;
	volume.ops = *d->ops;
	volume.prepare = d->ops->prepare;
	volume.ops.prepare = prepare_when_there_is_room;
	d->ops = &volume.ops;
	machine_lock(guest.machine);
	assert_int_equal(storage_attach(storage(), (struct storage_place) { 0, location }, false, d, "full"), 0);
	machine_unlock(guest.machine);
	c = open_controller();
	return c;
}

/* `count` writes that are not answered. */
static void write_in_vain(struct guest_channel *c, uint8_t location, uint64_t gpa, unsigned int count)
{
	struct stor_packet p;

	for (unsigned int i = 0; i < count; i++) {
		p = srb(location, CDB(0x2a, [3] = (uint8_t)i, [8] = 8), 4096);
		assert_true(guest_send_pages(c, TID + i, gpa, 4096, &p, sizeof(p)));
	}
	guest_wait(100);
	assert_true(volume.asked > 0);
	assert_false(guest_receive(c, &packet));
}

static void resume(void)
{
	machine_lock(guest.machine);
	storage_model.resumed(storage());
	machine_unlock(guest.machine);
}

static void test_a_write_without_space_waits_for_it_and_then_succeeds(void **state)
{
	struct guest_channel *c = open_full_volume(3);
	uint64_t gpa = guest_alloc(1);
	uint8_t *b = guest_at(gpa, 4096);
	struct stor_packet answer;
	bool seen[5] = { 0 };
	unsigned int asked;

	(void)state;
	memset(b, 0x5a, 4096);
	write_in_vain(c, 3, gpa, 5);
	assert_non_null(strstr(guest.machine->request.pause_reason, "no-space: "));
	assert_non_null(strstr(guest.machine->request.pause_reason, "SCSI controller 0, location 3"));
	assert_int_equal(run(c, 3, CDB(0x00), 0, 0).srb.srb_status, SRB_SUCCESS);	/* others are served */
	asked = volume.asked;
	resume();						/* too early */
	guest_wait(100);
	assert_true(volume.asked > asked);
	assert_false(guest_receive(c, &packet));
	volume.full = false;
	resume();
	for (unsigned int i = 0; i < 5; i++) {
		receive(c);
		memcpy(&answer, packet.payload, sizeof(answer));
		assert_int_equal(answer.srb.srb_status, SRB_SUCCESS);
		assert_true(packet.descriptor.transaction_id - TID < 5 && !seen[packet.descriptor.transaction_id - TID]);
		seen[packet.descriptor.transaction_id - TID] = true;
	}
	memset(b, 0, 4096);
	assert_int_equal(run(c, 3, CDB(0x28, [3] = 4, [8] = 8), gpa, 4096).srb.srb_status, SRB_SUCCESS);
	assert_true(b[0] == 0x5a && b[4095] == 0x5a);
	asked = volume.asked;
	resume();
	guest_wait(20);
	assert_int_equal(volume.asked, asked);			/* nothing is submitted twice */
	assert_false(guest_receive(c, &packet));
}

static void test_closing_and_reset_do_not_wait_for_space(void **state)
{
	struct guest_channel *c = open_full_volume(0);

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		write_in_vain(c, 0, guest_alloc(1), 3);
		if (i % 2) {
			close_and_unload(c);
		} else {
			machine_lock(guest.machine);
			storage_model.reset(storage());
			machine_unlock(guest.machine);
		}
		guest_reset();
		volume.asked = 0;
		c = open_controller();
		resume();
		guest_wait(20);
		assert_int_equal(volume.asked, 0);
	}
	write_in_vain(c, 0, guest_alloc(1), 3);			/* and neither does the end of the machine */
}

static void test_a_unit_leaves_without_waiting_for_space(void **state)
{
	struct guest_channel *c = open_full_volume(1);
	struct stor_packet answer;
	unsigned int gone = 0, answered = 0;

	(void)state;
	write_in_vain(c, 1, guest_alloc(1), 3);
	detach(0, 1, &gone);
	assert_int_equal(gone, 1);
	while (answered < 3) {					/* the guest tries again, and finds nobody */
		receive(c);
		if (packet.descriptor.type != VMBUS_PACKET_COMPLETION)
			continue;
		memcpy(&answer, packet.payload, sizeof(answer));
		assert_int_equal(answer.srb.srb_status, SRB_BUSY);
		answered++;
	}
	assert_int_equal(run(c, 1, CDB(0x00), 0, 0).srb.srb_status, SRB_INVALID_LUN);
}

/* --- the IDE accelerator --- */

static void test_an_ide_disk_has_a_second_way_in(void **state)
{
	struct disk *d;
	struct guest_channel *c;
	struct stor_packet p = { 0 };
	const struct vmbus_msg_offer *offer;
	uint8_t byte = 0x5a;
	uint64_t gpa;
	int fd;

	(void)state;
	d = disk_new("raw", &fd);
	assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
	machine_lock(guest.machine);
	assert_int_equal(storage_accelerate_ide(storage(), 1, 0, d, "serial"), 0);
	assert_int_equal(storage_accelerate_ide(storage(), 1, 0, d, "serial"), -EBUSY);
	assert_int_equal(storage_accelerate_ide(storage(), 2, 0, d, "serial"), -EINVAL);
	machine_unlock(guest.machine);
	guest_connect(VMBUS_V5_3);
	offer = guest_offer(&ide_class, 0);
	assert_non_null(offer);
	assert_memory_equal(&offer->instance, ((uint8_t[]) { 1, 0, 0, 0, 0, 0, 0x99, 0x88, 0, 0, 0, 0, 0, 0, 0, 0 }), 16);
	assert_memory_equal(offer->user, ((uint8_t[]) { 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0 }), 12);
	c = guest_open(offer, 4, 4);
	initialise(c);
	gpa = guest_alloc(1);
	assert_int_equal(run(c, 0, CDB(0x28, [8] = 1), gpa, 512).status, STOR_SUCCESS);
	assert_int_equal(*(uint8_t *)guest_at(gpa, 1), 0x5a);
	p.sub_channels = 1;
	assert_int_equal(call(c, STOR_CREATE_SUB_CHANNELS, &p), STOR_INVALID_PARAMETER);
	guest_shut_down();				/* the disk outlives it */
	assert_int_equal(disk_read(d, 0, &(uint8_t[512]) { 0 }, 512), 0);
	disk_close(d);
	close(fd);
	guest_boot(PROCESSORS);
}

/* --- state --- */

static void state_go_round(struct machine *from, void **data, size_t *size)
{
	struct state *s = state_save_begin();

	machine_lock(from);
	vmbus_state(from->vmbus, s);
	machine_unlock(from);
	assert_int_equal(state_save_end(s, data, size), 0);
}

static void test_state_keeps_the_connection(void **state)
{
	struct guest_channel *c;
	struct state *s;
	void *data;
	size_t size;
	int loaded;
	enum { REQUESTS = 8 };
	struct stor_packet p = srb(2, CDB(0x28, [8] = 8), 4096);
	uint32_t seen = 0;
	uint64_t gpa;

	(void)state;
	close(attach(0, 2));
	c = open_controller();
	gpa = guest_alloc(1);
	for (unsigned int i = 0; i < REQUESTS; i++)
		assert_true(guest_send_pages(c, i + 1, gpa, 4096, &p, sizeof(p)));
	sd_event_run(guest.machine->loop, 100000);	/* they are on their way to the disk */
	machine_lock(guest.machine);
	vmbus_pause(guest.machine->vmbus, true);
	machine_unlock(guest.machine);
	state_go_round(guest.machine, &data, &size);
	s = state_load_begin(data, size);
	machine_lock(guest.machine);
	vmbus_power_on(guest.machine->vmbus);
	vmbus_state(guest.machine->vmbus, s);
	loaded = state_load_end(s);
	vmbus_pause(guest.machine->vmbus, false);
	machine_unlock(guest.machine);
	free(data);
	assert_int_equal(loaded, 0);
	for (unsigned int i = 0; i < REQUESTS; i++) {	/* each is answered, once, on either side of it */
		receive(c);
		assert_true(packet.descriptor.transaction_id <= REQUESTS);
		seen |= 1u << packet.descriptor.transaction_id;
	}
	assert_int_equal(seen, 0x1fe);
	assert_int_equal(run(c, 2, CDB(0x00), 0, 0).status, STOR_SUCCESS);	/* no handshake is needed */
}

/* --- noise --- */

static uint64_t random_state = 88172645463325252ull;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void random_packet(struct stor_packet *p)
{
	uint8_t *b = (uint8_t *)p;
	static const uint8_t operations[] = { 3, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13 };

	for (size_t i = 0; i < sizeof(*p); i++)
		b[i] = random_next() % 4 ? 0 : (uint8_t)random_next();
	if (random_next() % 16)
		p->operation = operations[random_next() % sizeof(operations)];
	if (random_next() % 4 == 0 || p->operation != STOR_EXECUTE_SRB)
		return;
	p->srb.path = p->srb.target = 0;
	p->srb.lun = (uint8_t)(random_next() % 3);
	p->srb.cdb_bytes = 16;
	p->srb.sense_bytes = 20;
	p->srb.data_bytes = (uint32_t)(random_next() % 16384);
}

/* Any packet: the worker lives, the channel answers what wants an answer, and no page outside the ranges is written. */
static void test_noise_leaves_a_controller_that_works(void **state)
{
	struct guest_channel *c;
	struct stor_packet p;
	uint64_t gpa;
	uint8_t *guard;
	unsigned int rounds = getenv("STORVSP_NOISE") ? (unsigned int)atoi(getenv("STORVSP_NOISE")) : 20000;

	(void)state;
	close(attach(0, 0));
	machine_lock(guest.machine);
	assert_int_equal(storage_attach(storage(), (struct storage_place) { 0, 1 }, true, NULL, ""), 0);
	machine_unlock(guest.machine);
	c = open_controller();
	gpa = guest_alloc(6);
	guard = guest_at(gpa, 6 * 4096);
	memset(guard, 0xa5, 4096);
	memset(guard + 5 * 4096, 0xa5, 4096);
	for (unsigned int i = 0; i < rounds; i++) {
		uint32_t bytes = (uint32_t)(12 + 4 * (random_next() % 14));

		random_packet(&p);
		if (random_next() % 8)
			bytes = sizeof(p);
		while (!(random_next() % 4 ? guest_send_pages(c, i, gpa + 4096, 16384, &p, bytes) : guest_send(c, i, &p, bytes)))
			sd_event_run(guest.machine->loop, 100000);
		sd_event_run(guest.machine->loop, 0);
		while (guest_receive(c, &packet))
			;
	}
	for (unsigned int i = 0; i < 4096; i++)
		assert_true(guard[i] == 0xa5 && guard[5 * 4096 + i] == 0xa5);
	guest_reset();
	c = open_controller();
	run(c, 0, CDB(0x00), 0, 0);
	assert_true(run(c, 0, CDB(0x28, [8] = 1), gpa, 512).srb.srb_status != 0);
}

int main(void)
{
#define T(test)	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_the_first_controller_is_always_there), T(test_steps_out_of_order_are_refused),
		T(test_each_version_but_no_other_is_agreed_on), T(test_properties_promise_what_is_kept),
		T(test_requests_are_answered_where_they_came_from), T(test_data_reaches_the_file_and_comes_back),
		T(test_every_format_serves_every_kind_of_request), T(test_sense_data_comes_with_the_failure), T(test_what_is_no_request_is_answered_as_such), T(test_empty_places_say_so),
		T(test_a_reset_leaves_an_attention_on_its_units), T(test_units_come_and_go_while_the_guest_runs),
		T(test_a_second_controller_comes_with_its_first_unit), T(test_places_are_checked),
		T(test_every_request_of_a_flood_is_answered_once), T(test_closing_and_reset_wait_for_what_is_under_way),
		T(test_after_a_reset_no_read_of_before_writes_into_memory),
		T(test_the_machine_may_end_with_requests_under_way), T(test_an_ide_disk_has_a_second_way_in),
		T(test_a_write_without_space_waits_for_it_and_then_succeeds), T(test_closing_and_reset_do_not_wait_for_space),
		T(test_a_unit_leaves_without_waiting_for_space), T(test_state_keeps_the_connection), T(test_noise_leaves_a_controller_that_works),
	};

	return cmocka_run_group_tests_name("storvsp", tests, NULL, NULL);
}
