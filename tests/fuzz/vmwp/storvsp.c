/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile guest against the storage controller: handshakes in any order, SRBs that are almost right, CDBs of every command,
 * pages that are not there, while disks and media come and go and the channel is closed with requests under way. After each input
 * a driver that behaves must get its disk up and read what it wrote.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmbus/guest.h"
#include "partita/log.h"
#include "vmwp/vsp/storage.h"
#include "vmwp/vsp/storvsp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define DISK_BYTES	(4u << 20)
#define BUFFER_PAGES	6u		/* the first and the last are never named */

static const struct vmbus_guid scsi_class = VMBUS_GUID(0xba6163d9, 0x04a1, 0x4d29, 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f);
static struct guest_channel *channel;
static struct guest_packet packet;
static uint64_t buffer;

static void pump(void)
{
	while (sd_event_run(guest.machine->loop, 0) > 0)
		;
}

static void drain(void)
{
	while (guest_receive(channel, &packet))
		;
}

/* --- the host's side --- */

static void on_gone(void *context)
{
	(void)context;
}

static struct disk *disk_new(const char *format)
{
	struct disk *d = NULL;
	int fd = memfd_create("disk", 0);

	if (fd < 0 || ftruncate(fd, DISK_BYTES) < 0 || disk_open(format, fd, false, &d) < 0)
		abort();
	return d;
}

/* A disk in an even place, a DVD drive in an odd one: attached or taken away, its medium changed. */
static void change_units(void)
{
	struct device *storage = machine_device(guest.machine, &storage_model);
	struct storage_place place = { 0, below(4) };
	bool dvd = place.location & 1;
	struct disk *d = dvd && once_in(2) ? NULL : disk_new(dvd ? "iso" : "raw");

	machine_lock(guest.machine);
	if (dvd && once_in(2) && storage_set_media(storage, place, d) == 0)
		d = NULL;
	else if (storage_attach(storage, place, dvd, d, "fuzz") == 0)
		d = NULL;
	else
		storage_detach(storage, place, on_gone, NULL);
	machine_unlock(guest.machine);
	disk_close(d);
}

/* --- the guest's side --- */

static const uint8_t likely[] = {
	0x00, 0x03, 0x08, 0x0a, 0x12, 0x15, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0x2a, 0x2e, 0x2f, 0x35, 0x41, 0x42, 0x43, 0x46, 0x4a, 0x51,
	0x52, 0x55, 0x5a, 0x5c, 0x5e, 0x5f, 0x88, 0x8a, 0x8f, 0x91, 0x93, 0x9e, 0xa0, 0xa8, 0xac, 0xad, 0xbd, 0xbe,
};

static uint8_t mostly_zero(void)
{
	return once_in(4) ? (uint8_t)any() : 0;
}

static struct stor_packet random_packet(void)
{
	static const uint8_t operations[] = { 3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 1, 2, 12 };
	struct stor_packet p;

	for (size_t i = 0; i < sizeof(p); i++)
		((uint8_t *)&p)[i] = mostly_zero();
	if (!once_in(32))
		p.operation = operations[below(sizeof(operations))];
	if (p.operation != STOR_EXECUTE_SRB || once_in(8))
		return p;
	p.srb.path = p.srb.target = 0;
	p.srb.lun = (uint8_t)below(5);
	p.srb.cdb_bytes = once_in(16) ? (uint8_t)below(20) : 16;
	p.srb.sense_bytes = 20;
	p.srb.data_bytes = once_in(3) ? 512 * below(40) : below(17000);
	if (!once_in(8))
		p.srb.cdb_or_sense[0] = likely[below(sizeof(likely))];
	return p;
}

static void send_one(void)
{
	struct stor_packet p = random_packet();
	uint32_t bytes = once_in(16) ? 12 + 4 * below(14) : sizeof(p);
	uint64_t gpa = once_in(32) ? (uint64_t)any() << 12 : buffer + GUEST_PAGE + below(16);
	uint8_t *parameters = guest_at(buffer + GUEST_PAGE, 64);

	for (unsigned int i = 0; i < 64; i++)
		parameters[i] = mostly_zero();
	if (once_in(4))
		guest_send(channel, any(), &p, bytes);
	else
		guest_send_pages(channel, any(), gpa, 4 * GUEST_PAGE - 16, &p, bytes);
}

static struct stor_packet call(struct stor_packet p, uint64_t gpa, uint32_t bytes)
{
	struct stor_packet answer = { 0 };

	if (!(bytes ? guest_send_pages(channel, 7, gpa, bytes, &p, sizeof(p)) : guest_send(channel, 7, &p, sizeof(p))))
		abort();
	for (unsigned int i = 0; answer.operation != STOR_COMPLETE_IO && i < 1000; i++) {
		sd_event_run(guest.machine->loop, 10000);
		if (guest_receive(channel, &packet))
			memcpy(&answer, packet.payload, sizeof(answer));
	}
	return answer;
}

static void open_well(void)
{
	static const struct stor_packet steps[] = {
		{ .operation = STOR_BEGIN_INITIALIZATION }, { .operation = STOR_QUERY_PROTOCOL_VERSION, .version = { STOR_VERSION(6, 0), 0 } },
		{ .operation = STOR_QUERY_PROPERTIES }, { .operation = STOR_END_INITIALIZATION },
	};

	guest_connect(VMBUS_V5_3);
	channel = guest_open(guest_offer(&scsi_class, 0), 8, 4);
	buffer = guest_alloc(BUFFER_PAGES);
	memset(guest_at(buffer, BUFFER_PAGES * GUEST_PAGE), 0xa5, BUFFER_PAGES * GUEST_PAGE);
	for (size_t i = 0; i < 4; i++)
		if (call(steps[i], 0, 0).status != STOR_SUCCESS)
			abort();
}

static struct stor_packet srb(uint8_t operation, uint32_t bytes)
{
	struct stor_packet p = { .operation = STOR_EXECUTE_SRB, .srb = { .length = 52, .lun = 60, .cdb_bytes = 16, .sense_bytes = 20, .data_bytes = bytes } };

	p.srb.cdb_or_sense[0] = operation;
	p.srb.cdb_or_sense[8] = (uint8_t)(bytes / 512);
	return p;
}

/* What came before must not have hurt: a disk of its own is written and read back. */
static void behave(void)
{
	struct device *storage = machine_device(guest.machine, &storage_model);
	struct storage_place place = { 0, 60 };
	uint64_t gpa = buffer + GUEST_PAGE;

	machine_lock(guest.machine);
	if (storage_attach(storage, place, false, disk_new("raw"), "good") < 0)
		abort();
	machine_unlock(guest.machine);
	pump();
	drain();
	memset(guest_at(gpa, 4096), 0x5a, 4096);
	if (call(srb(0x2a, 4096), gpa, 4096).srb.srb_status != SRB_SUCCESS)
		abort();
	memset(guest_at(gpa, 4096), 0xee, 4096);
	if (call(srb(0x28, 4096), gpa, 4096).srb.srb_status != SRB_SUCCESS || *(uint8_t *)guest_at(gpa, 1) != 0x5a)
		abort();
	machine_lock(guest.machine);
	storage_detach(storage, place, on_gone, NULL);
	machine_unlock(guest.machine);
	pump();
	drain();
}

static void guards_hold(void)
{
	const uint8_t *first = guest_at(buffer, GUEST_PAGE), *last = guest_at(buffer + 5 * GUEST_PAGE, GUEST_PAGE);

	for (unsigned int i = 0; i < GUEST_PAGE; i++)
		if (first[i] != 0xa5 || last[i] != 0xa5)
			abort();
}

static void attach(uint8_t location)
{
	struct device *storage = machine_device(guest.machine, &storage_model);
	struct storage_place place = { 0, location };
	bool dvd = location & 1;
	struct disk *d = disk_new(dvd ? "iso" : "raw");

	machine_lock(guest.machine);
	storage_detach(storage, place, on_gone, NULL);		/* of the input before */
	if (storage_attach(storage, place, dvd, d, "fuzz") < 0)
		disk_close(d);
	machine_unlock(guest.machine);
}

static void begin(void)
{
	if (!guest.machine) {
		log_threshold(LOG_LEVEL_ERROR);
		guest_boot(2);
	}
	guest_reset();
	machine_lock(guest.machine);
	storage_model.reset(machine_device(guest.machine, &storage_model));
	machine_unlock(guest.machine);
	pump();
	attach(0);
	attach(1);
	open_well();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input_begin(data, size);
	begin();
	while (input_left()) {
		send_one();
		if (once_in(32))
			change_units();
		if (once_in(3))
			pump();
		if (once_in(8))
			drain();
	}
	pump();
	guards_hold();
	begin();			/* a new guest, whatever is still under way */
	behave();
	return 0;
}
