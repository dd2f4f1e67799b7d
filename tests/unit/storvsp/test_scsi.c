/* SPDX-License-Identifier: Apache-2.0 */
/* SCSI disks and DVD drives on a disk in memory: every command's good and bad path, sense data, and what a flush means. */
#include "fake_disk.h"
#include "vmwp/vsp/scsi.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CDB(...)	(const uint8_t[16]) { __VA_ARGS__ }
#define SECTOR		512u
#define BLOCKS		(FAKE_DISK_BYTES / SECTOR)

static struct fake_disk *disk;
static struct scsi_unit *unit;
static uint8_t buffer[SCSI_TRANSFER_MAX];

/* --- a transport --- */

struct command {
	struct scsi_request r;
	unsigned int ended;
};

static void on_done(struct scsi_request *r)
{
	((struct command *)r)->ended++;
}

/* The buffer is cut into pieces of odd sizes: nothing may depend on where pages end. */
static void buffer_cut(struct scsi_request *r, uint8_t *data, uint32_t bytes)
{
	uint32_t at = 0, piece = 3;

	r->iov_count = 0;
	r->bytes = bytes;
	while (at < bytes) {
		uint32_t n = r->iov_count == SCSI_IOV_MAX - 1 || piece > bytes - at ? bytes - at : piece;

		r->iov[r->iov_count++] = (struct iovec) { data + at, n };
		at += n;
		piece = piece * 2 + 1;
	}
}

static void start(struct command *c, struct scsi_unit *u, const uint8_t *cdb, void *data, uint32_t bytes)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->r.cdb, cdb, 16);
	c->r.cdb_bytes = 16;
	c->r.done = on_done;
	buffer_cut(&c->r, data, bytes);
	scsi_unit_execute(u, &c->r);
}

static struct scsi_request *run_with(const uint8_t *cdb, void *data, uint32_t bytes)
{
	static struct command c;

	start(&c, unit, cdb, data, bytes);
	while (!c.ended)
		assert_true(fake_disk_run(fake_queue()) > 0);
	assert_int_equal(c.ended, 1);
	assert_int_equal(unit->running, 0);
	return &c.r;
}

static struct scsi_request *run(const uint8_t *cdb, uint32_t bytes)
{
	return run_with(cdb, buffer, bytes);
}

static void expect_good(const uint8_t *cdb, uint32_t bytes, uint32_t moved)
{
	struct scsi_request *r = run(cdb, bytes);

	if (r->status != SCSI_GOOD)
		fail_msg("command %02x: status %x, sense %x/%02x/%02x", cdb[0], r->status, r->sense.key, r->sense.asc, r->sense.ascq);
	assert_int_equal(r->moved, moved);
	assert_false(r->overrun);
}

static void expect_sense(const char *rule, const uint8_t *cdb, uint32_t bytes, uint32_t sense)
{
	struct scsi_request *r = run(cdb, bytes);
	uint32_t got = (uint32_t)r->sense.key << 16 | (uint32_t)r->sense.asc << 8 | r->sense.ascq;

	if (r->status != SCSI_CHECK_CONDITION || got != sense)
		fail_msg("%s: status %x, sense %06x instead of %06x", rule, r->status, got, sense);
	assert_int_equal(r->moved, 0);
}

static int disk_setup(void **state)
{
	struct scsi_medium *medium;

	(void)state;
	disk = fake_disk_new(SECTOR);
	assert_int_equal(scsi_medium_new(&disk->disk, false, &medium), 0);
	assert_int_equal(scsi_disk_create(fake_queue(), medium, "0b5d7a52-1f4e-4a44", &unit), 0);
	return 0;
}

static int dvd_setup(void **state)
{
	struct scsi_medium *medium;

	(void)state;
	disk = fake_disk_new(2048);
	disk->disk.read_only = true;
	for (uint32_t i = 0; i < FAKE_DISK_BYTES; i++)
		disk->bytes[i] = (uint8_t)(i / 2048 + i);
	assert_int_equal(scsi_medium_new(&disk->disk, false, &medium), 0);
	assert_int_equal(scsi_dvd_create(fake_queue(), medium, "dvd", &unit), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scsi_unit_destroy(unit);
	assert_true(disk->closed);
	free(disk);
	return 0;
}

static void put32(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, v >> 32);
	put32(p + 4, v);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void fill(uint8_t seed, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		buffer[i] = (uint8_t)(seed + i * 7 + i / 251);
}

/* --- identification --- */

static void test_inquiry_names_the_disk_as_hyper_v_does(void **state)
{
	(void)state;
	expect_good(CDB(0x12, 0, 0, 0, 96), 96, 36);
	assert_int_equal(buffer[0], 0);
	assert_int_equal(buffer[2], 5);
	assert_int_equal(buffer[3] & 0x0f, 2);
	assert_memory_equal(buffer + 8, "Msft    Virtual Disk    1.0 ", 28);
	memset(buffer, 0xee, 64);
	expect_good(CDB(0x12, 0, 0, 0, 5), 96, 5);	/* the allocation length */
	assert_int_equal(buffer[5], 0xee);
	expect_good(CDB(0x12, 0, 0, 0, 96), 7, 7);	/* the buffer */
}

static void test_each_page_that_is_listed_can_be_read(void **state)
{
	uint8_t list[32], n;

	(void)state;
	expect_good(CDB(0x12, 1, 0x00, 0, 255), 255, 10);
	n = buffer[3];
	memcpy(list, buffer + 4, n);
	assert_memory_equal(list, ((uint8_t[]) { 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2 }), 6);
	for (uint8_t i = 0; i < n; i++) {
		struct scsi_request *r = run(CDB(0x12, 1, list[i], 0, 255), 255);

		assert_int_equal(r->status, SCSI_GOOD);
		assert_int_equal(buffer[1], list[i]);
		assert_int_equal(r->moved, 4 + (buffer[2] << 8 | buffer[3]));
	}
	expect_sense("no other page", CDB(0x12, 1, 0xc0, 0, 255), 255, 0x052400);
	expect_sense("a page code needs EVPD", CDB(0x12, 0, 0x80, 0, 255), 255, 0x052400);
}

static void test_serial_and_name_follow_the_disk(void **state)
{
	uint8_t name[16];
	struct scsi_medium *medium;

	(void)state;
	expect_good(CDB(0x12, 1, 0x80, 0, 255), 255, 4 + 18);
	assert_memory_equal(buffer + 4, "0b5d7a52-1f4e-4a44", 18);
	expect_good(CDB(0x12, 1, 0x83, 0, 255), 255, 4 + 12 + 18 + 20);
	assert_memory_equal(buffer + 4 + 12 + 18, ((uint8_t[]) { 1, 3, 0, 16 }), 4);
	memcpy(name, buffer + 4 + 12 + 18 + 4, 16);
	assert_int_equal(get32(name) >> 4, 0x6002248);
	scsi_unit_destroy(unit);
	free(disk);
	disk = fake_disk_new(SECTOR);
	assert_int_equal(scsi_medium_new(&disk->disk, false, &medium), 0);
	assert_int_equal(scsi_disk_create(fake_queue(), medium, "0b5d7a52-1f4e-4a45", &unit), 0);
	run(CDB(0x12, 1, 0x83, 0, 255), 255);
	assert_memory_not_equal(name, buffer + 4 + 12 + 18 + 4, 16);
}

static void test_capacity_by_both_commands(void **state)
{
	(void)state;
	expect_good(CDB(0x25), 8, 8);
	assert_int_equal(get32(buffer), BLOCKS - 1);
	assert_int_equal(get32(buffer + 4), SECTOR);
	expect_good(CDB(0x9e, 0x10, [13] = 32), 32, 32);
	assert_int_equal(get32(buffer), 0);
	assert_int_equal(get32(buffer + 4), BLOCKS - 1);
	assert_int_equal(buffer[13], 3);		/* 4096-byte physical sectors */
	assert_int_equal(buffer[14], 0x80);
	disk->disk.size_bytes = 3ull << 40;
	run(CDB(0x00), 0);				/* takes the unit attention */
	expect_good(CDB(0x25), 8, 8);
	assert_int_equal(get32(buffer), UINT32_MAX);	/* "ask the longer command" */
}

static void test_a_disk_of_large_sectors_counts_in_them(void **state)
{
	struct scsi_medium *medium;

	(void)state;
	scsi_unit_destroy(unit);
	free(disk);
	disk = fake_disk_new(4096);
	assert_int_equal(scsi_medium_new(&disk->disk, false, &medium), 0);
	assert_int_equal(scsi_disk_create(fake_queue(), medium, "4k", &unit), 0);
	expect_good(CDB(0x9e, 0x10, [13] = 32), 32, 32);
	assert_int_equal(get32(buffer + 4), FAKE_DISK_BYTES / 4096 - 1);
	assert_int_equal(get32(buffer + 8), 4096);
	assert_int_equal(buffer[13], 0);
	memset(buffer, 0x7c, 4096);
	expect_good(CDB(0x2a, [5] = 3, [8] = 1), 4096, 4096);
	assert_int_equal(disk->bytes[3 * 4096 + 4095], 0x7c);
	expect_sense("beyond the end", CDB(0x28, 0, 0, 0, 0x10, 0, 0, 0, 1), 4096, 0x052100);
	expect_good(CDB(0x41, [5] = 3, [8] = 2), 4096, 4096);
	assert_int_equal(disk->bytes[4 * 4096 + 4095], 0x7c);
}

static void test_a_new_size_is_told_once(void **state)
{
	(void)state;
	disk->disk.size_bytes /= 2;
	expect_good(CDB(0x12, 0, 0, 0, 36), 36, 36);	/* INQUIRY passes */
	expect_sense("capacity has changed", CDB(0x28, [8] = 1), SECTOR, 0x062a09);
	expect_good(CDB(0x28, [8] = 1), SECTOR, SECTOR);
}

/* --- data --- */

static void test_each_length_of_read_and_write_moves_the_same_blocks(void **state)
{
	static const struct { uint8_t write[16], read[16]; uint32_t lba, blocks; } rows[] = {
		{ { 0x0a, 0x00, 0x12, 0x34, 3 }, { 0x08, 0x00, 0x12, 0x34, 3 }, 0x1234, 3 },
		{ { 0x0a, 0x00, 0x00, 0x05, 0 }, { 0x08, 0x00, 0x00, 0x05, 0 }, 5, 256 },
		{ { 0x2a, 0, 0, 0, 0x20, 0x01, 0, 0, 8 }, { 0x28, 0, 0, 0, 0x20, 0x01, 0, 0, 8 }, 0x2001, 8 },
		{ { 0xaa, 0, 0, 0, 0x30, 0x01, 0, 0, 0, 9 }, { 0xa8, 0, 0, 0, 0x30, 0x01, 0, 0, 0, 9 }, 0x3001, 9 },
		{ { 0x8a, 0, [8] = 0x40, 0x01, 0, 0, 0, 10 }, { 0x88, 0, [8] = 0x40, 0x01, 0, 0, 0, 10 }, 0x4001, 10 },
		{ { 0x2e, 0, 0, 0, 0x50, 0x01, 0, 0, 2 }, { 0x28, 0, 0, 0, 0x50, 0x01, 0, 0, 2 }, 0x5001, 2 },
		{ { 0xae, 0, 0, 0, 0x60, 0x01, 0, 0, 0, 2 }, { 0xa8, 0, 0, 0, 0x60, 0x01, 0, 0, 0, 2 }, 0x6001, 2 },
		{ { 0x8e, 0, [8] = 0x70, 0x01, 0, 0, 0, 2 }, { 0x88, 0, [8] = 0x70, 0x01, 0, 0, 0, 2 }, 0x7001, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t bytes = rows[i].blocks * SECTOR;
		uint8_t *copy = malloc(bytes);

		fill((uint8_t)(i + 1), bytes);
		memcpy(copy, buffer, bytes);
		expect_good(rows[i].write, bytes, bytes);
		assert_memory_equal(disk->bytes + rows[i].lba * SECTOR, copy, bytes);
		memset(buffer, 0, bytes);
		expect_good(rows[i].read, bytes + 40, bytes);	/* a longer buffer than needed is fine */
		assert_memory_equal(buffer, copy, bytes);
		free(copy);
	}
}

static void test_a_buffer_shorter_than_the_transfer_is_an_overrun(void **state)
{
	struct scsi_request *r;

	(void)state;
	disk->bytes[0] = 1;
	r = run(CDB(0x2a, [8] = 2), SECTOR);
	assert_true(r->overrun);
	assert_int_equal(r->moved, 0);
	assert_int_equal(disk->logged, 0);
}

static void test_bad_fields_and_addresses_get_their_sense(void **state)
{
	static const struct { const char *rule; uint8_t cdb[16]; uint32_t bytes, sense; } rows[] = {
		{ "an operation nobody has",		{ 0xff }, 0, 0x052000 },
		{ "a reserved group",			{ 0x7f }, 0, 0x052000 },
		{ "NACA",				{ 0x00, 0, 0, 0, 0, 4 }, 0, 0x052400 },
		{ "NACA of ten bytes",			{ 0x28, [8] = 1, [9] = 4 }, 512, 0x052400 },
		{ "RDPROTECT",				{ 0x28, 0x20, [8] = 1 }, 512, 0x052400 },
		{ "WRPROTECT",				{ 0x2a, 0x20, [8] = 1 }, 512, 0x052400 },
		{ "the block after the last",		{ 0x28, 0, 0, 0, 0x80, 0x00, 0, 0, 1 }, 512, 0x052100 },
		{ "a range over the end",		{ 0x28, 0, 0, 0, 0x7f, 0xff, 0, 0, 2 }, 1024, 0x052100 },
		{ "no block beyond the end, too",	{ 0x28, 0, 0, 0, 0x80, 0x01, 0, 0, 0 }, 0, 0x052100 },
		{ "an address that wraps",		{ 0x88, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 2 }, 1024, 0x052100 },
		{ "a write over the end",		{ 0x2a, 0, 0, 0, 0x7f, 0xff, 0, 0, 2 }, 1024, 0x052100 },
		{ "a flush beyond the end",		{ 0x35, 0, 0, 0, 0x80, 0x01, 0, 0, 1 }, 0, 0x052100 },
		{ "PMI",				{ 0x25, [8] = 1 }, 8, 0x052400 },
		{ "an address without PMI",		{ 0x25, [5] = 1 }, 8, 0x052400 },
		{ "a service action we lack",		{ 0x9e, 0x12, [13] = 32 }, 32, 0x052400 },
		{ "a disk cannot be ejected",		{ 0x1b, 0, 0, 0, 2 }, 0, 0x052400 },
		{ "saved mode pages",			{ 0x1a, 0, 0xc8, 0, 64 }, 64, 0x053900 },
		{ "a mode page we lack",		{ 0x1a, 0, 0x1c, 0, 64 }, 64, 0x052400 },
		{ "a subpage",				{ 0x1a, 0, 0x08, 1, 64 }, 64, 0x052400 },
		{ "mode pages cannot be saved",		{ 0x15, 0x11, 0, 0, 4 }, 4, 0x052400 },
		{ "a mode list shorter than its header", { 0x15, 0x10, 0, 0, 3 }, 4, 0x051a00 },
		{ "a mode list beyond the buffer",	{ 0x15, 0x10, 0, 0, 24 }, 20, 0x051a00 },
		{ "UNMAP with ANCHOR",			{ 0x42, 1, [8] = 24 }, 24, 0x052400 },
		{ "an UNMAP list without a header",	{ 0x42, 0, [8] = 7 }, 24, 0x051a00 },
		{ "an UNMAP list beyond the buffer",	{ 0x42, 0, [8] = 24 }, 23, 0x051a00 },
		{ "WRITE SAME of zero blocks",		{ 0x41 }, 512, 0x052400 },
		{ "WRITE SAME of more than it may",	{ 0x93, 0, [12] = 0x40, 1 }, 512, 0x052400 },
		{ "WRITE SAME with LBDATA",		{ 0x41, 0x02, [8] = 1 }, 512, 0x052400 },
		{ "WRITE SAME over the end",		{ 0x41, 0, 0, 0, 0x7f, 0xff, 0, 0, 2 }, 512, 0x052100 },
		{ "VERIFY over the end",		{ 0x2f, 0, 0, 0, 0x7f, 0xff, 0, 0, 2 }, 0, 0x052100 },
		{ "VERIFY of one repeated block",	{ 0x2f, 0x06, [8] = 2 }, 512, 0x052400 },
		{ "VERIFY of more than it may",		{ 0xaf, [8] = 0x40, 1 }, 0, 0x052400 },
		{ "descriptor sense",			{ 0x03, 1, 0, 0, 18 }, 18, 0x052400 },
		{ "a reservation action we lack",	{ 0x5e, 4, [8] = 64 }, 64, 0x052400 },
		{ "a reservation action out we lack",	{ 0x5f, 7, [8] = 24 }, 24, 0x052400 },
		{ "a reservation's scope",		{ 0x5f, 1, 0x11, [8] = 24 }, 24, 0x052400 },
		{ "a reservation's type",		{ 0x5f, 1, 0x02, [8] = 24 }, 24, 0x052400 },
		{ "a reservation's parameters",		{ 0x5f, 0, 0, [8] = 23 }, 24, 0x051a00 },
	};

	(void)state;
	memset(buffer, 0, 4096);
	disk->disk.size_bytes = FAKE_DISK_BYTES;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_sense(rows[i].rule, rows[i].cdb, rows[i].bytes, rows[i].sense);
	assert_int_equal(disk->logged, 0);
}

static void test_a_short_cdb_is_refused(void **state)
{
	static struct command c;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.r.cdb[0] = 0x28;
	c.r.cdb_bytes = 9;
	c.r.done = on_done;
	scsi_unit_execute(unit, &c.r);
	assert_int_equal(c.ended, 1);
	assert_int_equal(c.r.sense.asc, 0x24);
}

static void test_errors_of_the_disk_become_sense_data(void **state)
{
	(void)state;
	disk->error = -EIO;
	expect_sense("read error", CDB(0x28, [8] = 1), SECTOR, 0x031100);
	expect_sense("write error", CDB(0x2a, [8] = 1), SECTOR, 0x030c00);
	expect_sense("flush error", CDB(0x35), 0, 0x030c00);
	disk->error = -ENOSPC;
	expect_sense("no space", CDB(0x2a, [8] = 1), SECTOR, 0x072707);
	disk->error = 0;
	disk->submit_error = -EBUSY;
	assert_int_equal(run(CDB(0x2a, [8] = 1), SECTOR)->status, SCSI_BUSY);
	disk->submit_error = 0;
	disk->disk.read_only = true;
	expect_sense("write protected", CDB(0x2a, [8] = 1), SECTOR, 0x072700);
	expect_sense("UNMAP of a protected disk", CDB(0x42, [8] = 8), 8, 0x072700);
	expect_good(CDB(0x1a, 0, 0x3f, 0, 64), 64, 4 + 20 + 12);
	assert_int_equal(buffer[2], 0x90);		/* WP, DPOFUA */
}

/* --- flushes --- */

static void write_block(uint32_t lba, uint8_t flags, uint8_t value)
{
	uint8_t cdb[16] = { 0x2a, flags, 0, 0, (uint8_t)(lba >> 8), (uint8_t)lba, 0, 0, 1 };

	memset(buffer, value, SECTOR);
	expect_good(cdb, SECTOR, SECTOR);
}

static void test_what_was_flushed_or_forced_survives_a_power_cut(void **state)
{
	(void)state;
	write_block(1, 0, 0x11);
	expect_good(CDB(0x35), 0, 0);
	write_block(2, 0x08, 0x22);			/* FUA */
	write_block(3, 0, 0x33);
	fake_disk_power_cut(disk);
	assert_int_equal(disk->bytes[1 * SECTOR], 0x11);
	assert_int_equal(disk->bytes[2 * SECTOR], 0x22);
	assert_int_equal(disk->bytes[3 * SECTOR], 0);
	write_block(4, 0, 0x44);
	expect_good(CDB(0x91), 0, 0);			/* the longer flush */
	fake_disk_power_cut(disk);
	assert_int_equal(disk->bytes[4 * SECTOR], 0x44);
}

static void select_cache(uint8_t wce)
{
	memset(buffer, 0, 24);
	buffer[4] = 0x08;
	buffer[5] = 18;
	buffer[6] = wce;
	expect_good(CDB(0x15, 0x10, 0, 0, 24), 24, 24);
}

static void test_without_a_write_cache_every_write_is_forced(void **state)
{
	(void)state;
	write_block(1, 0, 0x11);
	select_cache(0);
	expect_good(CDB(0x1a, 8, 0x08, 0, 24), 24, 24);
	assert_int_equal(buffer[6] & 4, 0);
	write_block(2, 0, 0x22);
	memset(buffer, 0, SECTOR);
	expect_good(CDB(0x41, 0, 0, 0, 0, 9, 0, 0, 8), SECTOR, SECTOR);
	assert_int_equal(disk->log[disk->logged - 1].op, DISK_WRITE_ZEROES);
	assert_int_equal(disk->log[disk->logged - 1].flags, DISK_FUA);
	fake_disk_power_cut(disk);
	assert_int_equal(disk->bytes[1 * SECTOR], 0x11);	/* written before the cache was off */
	assert_int_equal(disk->bytes[2 * SECTOR], 0x22);
	select_cache(4);
	write_block(3, 0, 0x33);
	fake_disk_power_cut(disk);
	assert_int_equal(disk->bytes[3 * SECTOR], 0);
}

static void test_a_mode_page_may_change_nothing_else(void **state)
{
	static const struct { uint8_t at, value; } rows[] = { { 3, 8 }, { 4, 0x0b }, { 5, 17 }, { 6, 0x05 }, { 8, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(buffer, 0, 24);
		buffer[4] = 0x08;
		buffer[5] = 18;
		buffer[6] = 4;
		buffer[rows[i].at] = rows[i].value;
		expect_sense("a bad list", CDB(0x15, 0x10, 0, 0, 24), 24, 0x052600);
	}
	memset(buffer, 0, 28);
	expect_good(CDB(0x5a, 8, 0x48, 0, 0, 0, 0, 0, 28), 28, 28);	/* changeable: the cache bit alone */
	assert_int_equal(buffer[10], 4);
	expect_good(CDB(0x1a, 8, 0x0a, 0, 24), 24, 16);
}

/* --- lists --- */

static void test_unmap_does_all_of_its_list_or_nothing(void **state)
{
	(void)state;
	memset(disk->bytes, 0xaa, FAKE_DISK_BYTES);
	memset(buffer, 0, 56);
	buffer[1] = 54;
	buffer[3] = 48;
	put64(buffer + 8, 10);
	put32(buffer + 16, 2);
	put64(buffer + 24, 20);				/* none */
	put64(buffer + 40, BLOCKS - 1);
	put32(buffer + 48, 1);
	expect_good(CDB(0x42, [8] = 56), 56, 56);
	assert_int_equal(disk->logged, 2);
	assert_int_equal(disk->log[0].op, DISK_TRIM);
	assert_int_equal(disk->bytes[10 * SECTOR], 0);
	assert_int_equal(disk->bytes[12 * SECTOR - 1], 0);
	assert_int_equal(disk->bytes[12 * SECTOR], 0xaa);
	assert_int_equal(disk->bytes[(BLOCKS - 1) * SECTOR], 0);
	put32(buffer + 48, 2);				/* over the end: nothing of it is done */
	expect_sense("an extent over the end", CDB(0x42, [8] = 56), 56, 0x052100);
	assert_int_equal(disk->logged, 2);
	buffer[3] = 64;
	expect_sense("more descriptors than the list holds", CDB(0x42, [8] = 56), 56, 0x051a00);
	expect_good(CDB(0x42), 0, 0);
}

static void test_write_same_repeats_its_block(void **state)
{
	(void)state;
	fill(9, SECTOR);
	expect_good(CDB(0x41, 0, 0, 0, 0, 100, 0, 1, 44), SECTOR, SECTOR);	/* 300 blocks: several steps */
	for (uint32_t i = 100; i < 400; i++)
		assert_memory_equal(disk->bytes + i * SECTOR, buffer, SECTOR);
	assert_int_equal(disk->bytes[400 * SECTOR], 0);
	memset(buffer, 0, SECTOR);
	disk->logged = 0;
	expect_good(CDB(0x93, 0, [9] = 100, 0, 0, 0, 4), SECTOR, SECTOR);
	assert_int_equal(disk->log[0].op, DISK_WRITE_ZEROES);
	assert_int_equal(disk->log[0].bytes, 4 * SECTOR);
	expect_good(CDB(0x93, 8, [9] = 104, 0, 0, 0, 4), SECTOR, SECTOR);
	assert_int_equal(disk->log[1].op, DISK_TRIM);
	expect_good(CDB(0x93, 1, [9] = 108, 0, 0, 0, 4), 0, 0);	/* no data: zeros */
	assert_int_equal(disk->bytes[111 * SECTOR], 0);
	assert_true(run(CDB(0x41, 0, [8] = 1), 100)->overrun);
}

static void test_verify_compares_with_the_guests_data(void **state)
{
	uint32_t bytes = 300 * SECTOR;

	(void)state;
	fill(3, bytes);
	memcpy(disk->bytes + 7 * SECTOR, buffer, bytes);
	expect_good(CDB(0x2f, 2, 0, 0, 0, 7, 0, 1, 44), bytes, bytes);
	buffer[bytes - 1] ^= 1;
	expect_sense("the last byte differs", CDB(0x2f, 2, 0, 0, 0, 7, 0, 1, 44), bytes, 0x0e1d00);
	expect_good(CDB(0x8f, 0, [9] = 7, 0, 0, 1, 44), 0, 0);
	disk->error = -EIO;
	expect_sense("cannot be read", CDB(0x8f, 0, [9] = 7, 0, 0, 1, 44), 0, 0x031100);
}

/* --- reservations --- */

static struct scsi_request *reserve(uint8_t action, uint8_t type, uint64_t key, uint64_t service_key)
{
	uint8_t cdb[16] = { 0x5f, action, type, [8] = 24 };

	memset(buffer, 0, 24);
	put64(buffer, key);
	put64(buffer + 8, service_key);
	return run(cdb, 24);
}

static void test_reservations_follow_their_rules(void **state)
{
	enum { REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, ABORT, IGNORE };
	static const struct { const char *rule; uint8_t action, type; uint64_t key, service; enum scsi_status want; } rows[] = {
		{ "no reservation without a key",	RESERVE, 1, 5, 0, SCSI_RESERVATION_CONFLICT },
		{ "no registration under a wrong key",	REGISTER, 0, 5, 7, SCSI_RESERVATION_CONFLICT },
		{ "a first registration",		REGISTER, 0, 0, 5, SCSI_GOOD },
		{ "it stands",				REGISTER, 0, 0, 6, SCSI_RESERVATION_CONFLICT },
		{ "reserve",				RESERVE, 1, 5, 0, SCSI_GOOD },
		{ "again",				RESERVE, 1, 5, 0, SCSI_GOOD },
		{ "not with another type",		RESERVE, 3, 5, 0, SCSI_RESERVATION_CONFLICT },
		{ "not with another key",		RELEASE, 1, 6, 0, SCSI_RESERVATION_CONFLICT },
		{ "not as another type",		RELEASE, 3, 5, 0, SCSI_CHECK_CONDITION },
		{ "release",				RELEASE, 1, 5, 0, SCSI_GOOD },
		{ "nothing to release",			RELEASE, 3, 5, 0, SCSI_GOOD },
		{ "a new key",				IGNORE, 0, 99, 8, SCSI_GOOD },
		{ "preempt nobody",			PREEMPT, 5, 8, 9, SCSI_RESERVATION_CONFLICT },
		{ "preempt without a name",		PREEMPT, 5, 8, 0, SCSI_CHECK_CONDITION },
		{ "preempt itself",			ABORT, 5, 8, 8, SCSI_GOOD },
		{ "clear",				CLEAR, 0, 8, 0, SCSI_GOOD },
		{ "nothing is left",			CLEAR, 0, 8, 0, SCSI_RESERVATION_CONFLICT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (reserve(rows[i].action, rows[i].type, rows[i].key, rows[i].service)->status != rows[i].want)
			fail_msg("%s", rows[i].rule);
	reserve(REGISTER, 0, 0, 0x1122);
	reserve(RESERVE, 8, 0x1122, 0);
	expect_good(CDB(0x5e, 0, [8] = 64), 64, 16);
	assert_int_equal(get32(buffer + 12), 0x1122);
	expect_good(CDB(0x5e, 1, [8] = 64), 64, 24);
	assert_int_equal(buffer[21], 8);
	expect_good(CDB(0x5e, 2, [8] = 64), 64, 8);
	assert_int_equal(buffer[3], 0x80);
	expect_good(CDB(0x5e, 3, [8] = 64), 64, 56);
	assert_int_equal(buffer[20], 1);
	memset(buffer, 0, 24);
	buffer[20] = 1;
	expect_sense("nothing outlives the power", CDB(0x5f, 6, [8] = 24), 24, 0x052600);
	reserve(REGISTER, 0, 0x1122, 0);		/* unregisters, and releases with it */
	expect_good(CDB(0x5e, 1, [8] = 64), 64, 8);
}

/* --- life --- */

static void idle(struct scsi_unit *u, void *context)
{
	assert_ptr_equal(u, unit);
	++*(unsigned int *)context;
}

static void test_a_drain_waits_for_every_request(void **state)
{
	static struct command a, b;
	unsigned int idles = 0;

	(void)state;
	disk->hold = true;
	start(&a, unit, CDB(0x28, [8] = 1), buffer, SECTOR);
	start(&b, unit, CDB(0x2a, [5] = 9, [8] = 1), buffer, SECTOR);
	scsi_unit_drain(unit, idle, &idles);
	assert_int_equal(idles, 0);
	disk->hold = false;
	assert_int_equal(fake_disk_run(fake_queue()), 2);
	assert_int_equal(a.ended + b.ended, 2);
	assert_int_equal(idles, 1);
	scsi_unit_drain(unit, idle, &idles);
	assert_int_equal(idles, 2);
}

static void test_state_goes_round(void **state)
{
	struct scsi_unit *other;
	struct scsi_medium *medium;
	struct fake_disk *copy = fake_disk_new(SECTOR);
	struct state *s;
	void *data;
	size_t size;

	(void)state;
	select_cache(0);
	reserve(0, 0, 0, 77);
	reserve(1, 6, 77, 0);
	scsi_unit_reset(unit);				/* the cache is on again, an attention waits */
	s = state_save_begin();
	scsi_unit_state(unit, s);
	assert_int_equal(state_save_end(s, &data, &size), 0);
	assert_int_equal(scsi_medium_new(&copy->disk, false, &medium), 0);
	assert_int_equal(scsi_disk_create(fake_queue(), medium, "x", &other), 0);
	s = state_load_begin(data, size);
	scsi_unit_state(other, s);
	assert_int_equal(state_load_end(s), 0);
	assert_memory_equal(&other->reservation, &unit->reservation, sizeof(unit->reservation));
	assert_int_equal(other->write_cache, unit->write_cache);
	assert_int_equal(other->attentions, unit->attentions);
	for (size_t cut = 0; cut < size; cut++) {
		s = state_load_begin(data, cut);
		scsi_unit_state(other, s);
		assert_int_not_equal(state_load_end(s), 0);
	}
	scsi_unit_destroy(other);
	free(copy);
	free(data);
}

/* --- DVD --- */

static void test_a_dvd_is_read_and_never_written(void **state)
{
	(void)state;
	expect_good(CDB(0x12, 0, 0, 0, 36), 36, 36);
	assert_int_equal(buffer[0], 5);
	assert_int_equal(buffer[1], 0x80);
	assert_memory_equal(buffer + 16, "Virtual DVD-ROM ", 16);
	expect_good(CDB(0x25), 8, 8);
	assert_int_equal(get32(buffer), FAKE_DISK_BYTES / 2048 - 1);
	assert_int_equal(get32(buffer + 4), 2048);
	expect_good(CDB(0x28, [5] = 3, [8] = 2), 4096, 4096);
	assert_memory_equal(buffer, disk->bytes + 3 * 2048, 4096);
	expect_good(CDB(0xa8, [5] = 4, [9] = 1), 2048, 2048);
	assert_memory_equal(buffer, disk->bytes + 4 * 2048, 2048);
	expect_sense("no writing", CDB(0x2a, [8] = 1), 2048, 0x052000);
	expect_sense("beyond the end", CDB(0x28, 0, 0, 0, 0x20, 0, 0, 0, 1), 2048, 0x052100);
	expect_good(CDB(0x46, 0, [8] = 96), 96, 52);
	assert_int_equal(buffer[8 + 12 + 7], 1);	/* the core feature: SCSI */
}

static const uint8_t poll_media[16] = { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 };

static void test_media_come_and_go(void **state)
{
	struct fake_disk *next = fake_disk_new(2048);
	struct scsi_medium *medium;

	(void)state;
	scsi_dvd_set_medium(unit, NULL);
	assert_true(disk->closed);
	expect_sense("empty", CDB(0x00), 0, 0x023a00);
	expect_good(poll_media, 8, 8);
	assert_int_equal(buffer[4], 3);			/* removal */
	assert_int_equal(scsi_medium_new(&next->disk, false, &medium), 0);
	scsi_dvd_set_medium(unit, medium);
	expect_good(poll_media, 8, 8);
	assert_int_equal(buffer[4], 2);			/* new media */
	expect_sense("told once", CDB(0x00), 0, 0x062800);
	expect_good(CDB(0x00), 0, 0);
	expect_good(CDB(0x1e, 0, 0, 0, 1), 0, 0);	/* locked */
	expect_sense("locked", CDB(0x1b, 0, 0, 0, 2), 0, 0x055302);
	expect_good(CDB(0x1e), 0, 0);
	expect_good(CDB(0x1b, 0, 0, 0, 2), 0, 0);	/* the guest ejects */
	assert_true(next->closed);
	expect_sense("tray open", CDB(0x00), 0, 0x023a02);
	free(next);
}

static void test_an_eject_waits_for_no_read(void **state)
{
	static struct command c, eject;

	(void)state;
	disk->hold = true;
	start(&c, unit, CDB(0x28, [5] = 5, [8] = 1), buffer, 2048);
	start(&eject, unit, CDB(0x1b, 0, 0, 0, 2), buffer, 0);
	assert_int_equal(eject.ended, 1);
	assert_false(disk->closed);
	disk->hold = false;
	fake_disk_run(fake_queue());
	assert_int_equal(c.ended, 1);
	assert_int_equal(c.r.status, SCSI_GOOD);
	assert_memory_equal(buffer, disk->bytes + 5 * 2048, 2048);
	assert_true(disk->closed);
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

/* Random commands with random parameter lists: each ends once, moves no more than the buffer, stays within the disk. */
static void noise(unsigned int rounds)
{
	static struct command c;
	static const uint8_t likely[] = { 0x00, 0x03, 0x08, 0x0a, 0x12, 0x15, 0x1a, 0x1b, 0x25, 0x28, 0x2a, 0x2f, 0x35, 0x41, 0x42,
					  0x43, 0x46, 0x4a, 0x55, 0x5a, 0x5e, 0x5f, 0x88, 0x8a, 0x8f, 0x93, 0x9e, 0xa8, 0xad, 0xbe };

	for (unsigned int i = 0; i < rounds; i++) {
		uint8_t cdb[16];
		uint32_t bytes = (uint32_t)(random_next() % 4 ? random_next() % 8192 : random_next() % sizeof(buffer));

		for (unsigned int j = 0; j < 16; j++)
			cdb[j] = random_next() % 3 ? 0 : (uint8_t)random_next();
		if (random_next() % 8)
			cdb[0] = likely[random_next() % sizeof(likely)];
		for (unsigned int j = 0; j < 64; j++)
			buffer[j] = random_next() % 3 ? 0 : (uint8_t)random_next();
		start(&c, unit, cdb, buffer, bytes);
		c.r.cdb_bytes = 16;
		while (!c.ended)
			assert_true(fake_disk_run(fake_queue()) > 0);
		assert_int_equal(c.ended, 1);
		assert_true(c.r.moved <= bytes);
	}
}

static void test_noise_leaves_a_disk_that_works(void **state)
{
	(void)state;
	noise(200000);
	scsi_unit_power_on(unit);
	expect_good(CDB(0x28, [8] = 1), SECTOR, SECTOR);
}

static void test_noise_leaves_a_drive_that_works(void **state)
{
	struct scsi_medium *medium;

	(void)state;
	noise(100000);
	disk->closed = false;
	assert_int_equal(scsi_medium_new(&disk->disk, false, &medium), 0);
	if (unit->medium)
		free(medium);
	else
		scsi_dvd_set_medium(unit, medium);
	scsi_unit_power_on(unit);
	expect_good(CDB(0x28, [8] = 1), 2048, 2048);
}

int main(void)
{
#define DISK(test)	cmocka_unit_test_setup_teardown(test, disk_setup, teardown)
#define DVD(test)	cmocka_unit_test_setup_teardown(test, dvd_setup, teardown)
	const struct CMUnitTest tests[] = {
		DISK(test_inquiry_names_the_disk_as_hyper_v_does), DISK(test_each_page_that_is_listed_can_be_read),
		DISK(test_serial_and_name_follow_the_disk), DISK(test_capacity_by_both_commands), DISK(test_a_new_size_is_told_once),
		DISK(test_a_disk_of_large_sectors_counts_in_them),
		DISK(test_each_length_of_read_and_write_moves_the_same_blocks),
		DISK(test_a_buffer_shorter_than_the_transfer_is_an_overrun), DISK(test_bad_fields_and_addresses_get_their_sense),
		DISK(test_a_short_cdb_is_refused), DISK(test_errors_of_the_disk_become_sense_data),
		DISK(test_what_was_flushed_or_forced_survives_a_power_cut), DISK(test_without_a_write_cache_every_write_is_forced),
		DISK(test_a_mode_page_may_change_nothing_else), DISK(test_unmap_does_all_of_its_list_or_nothing),
		DISK(test_write_same_repeats_its_block), DISK(test_verify_compares_with_the_guests_data),
		DISK(test_reservations_follow_their_rules), DISK(test_a_drain_waits_for_every_request), DISK(test_state_goes_round),
		DVD(test_a_dvd_is_read_and_never_written), DVD(test_media_come_and_go), DVD(test_an_eject_waits_for_no_read),
		DISK(test_noise_leaves_a_disk_that_works), DVD(test_noise_leaves_a_drive_that_works),
	};

	return cmocka_run_group_tests_name("scsi", tests, NULL, NULL);
}
