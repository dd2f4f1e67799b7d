/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IDE driven by register accesses as a guest's driver makes them, on a disk and a CD in memfds with known
 * contents.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_machine.h"
#include "storage/formats.h"
#include "vmwp/chipset/ide.h"

#define DISK_BYTES	(8u << 20)
#define CD_BYTES	(1u << 20)
#define BASE		0x1f0
#define CD_BASE		0x170
#define BUS_MASTER	0xc000
#define PRD_TABLE	0x1000u
#define DATA		0x10000u
enum { ERR = 0x01, DRQ = 0x08, DRDY = 0x40, BSY = 0x80 };

struct fixture { struct machine m; struct device *ide; int disk_fd, cd_fd; };

static uint8_t pattern(uint64_t at) { return (uint8_t)(at * 7 + at / 512 * 13 + at / 65536); }

static int patterned(uint32_t bytes)
{
	int fd = memfd_create("disk", 0);
	uint8_t *p;

	assert_int_equal(ftruncate(fd, bytes), 0);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (uint32_t i = 0; i < bytes; i++)
		p[i] = pattern(i);
	munmap(p, bytes);
	return fd;
}

static struct disk *raw(int fd, bool read_only)
{
	struct disk *d;

	assert_int_equal(disk_open("raw", dup(fd), read_only, &d), 0);
	return d;
}

/* --- a volume that is full while the test says so --- */

static struct {
	int error, pipe[2];
	struct disk *disk;
	struct disk_ops ops;
	int (*map)(struct disk *, uint64_t, struct extent *);
} volume;

static int map_when_there_is_room(struct disk *d, uint64_t offset, struct extent *e)
{
	return volume.error ? volume.error : volume.map(d, offset, e);
}

static struct disk *on_volume(struct disk *d)
{
	volume.error = 0;
	volume.disk = d;
	volume.ops = *d->ops;
	volume.map = d->ops->map_write;
	volume.ops.map_write = map_when_there_is_room;
	d->ops = &volume.ops;
	return d;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->disk_fd = patterned(DISK_BYTES);
	f->cd_fd = patterned(CD_BYTES);
	f->ide = fake_add(&f->m, &ide_model);
	assert_int_equal(ide_attach_disk(f->ide, 0, on_volume(raw(f->disk_fd, false)), "SERIAL42"), 0);
	assert_int_equal(ide_attach_cd(f->ide, 2, raw(f->cd_fd, true)), 0);
	f->m.pci.bars[4].moved(f->ide, 4, BUS_MASTER, true);
	fake_out(&f->m, BASE + 6, 1, 0xe0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_clear(&f->m);
	close(f->disk_fd);
	close(f->cd_fd);
	free(f);
	return 0;
}

/* --- a small driver --- */

static uint8_t wait_idle(struct fixture *f, uint16_t base)
{
	for (int i = 0; i < 1000 && (fake_in(&f->m, base + 0x206, 1) & BSY); i++)
		fake_pump(&f->m, 100);
	return (uint8_t)fake_in(&f->m, base + 7, 1);		/* clears the interrupt */
}

static void lba28(struct fixture *f, uint32_t lba, uint8_t count)
{
	fake_out(&f->m, BASE + 2, 1, count);
	fake_out(&f->m, BASE + 3, 1, lba & 0xff);
	fake_out(&f->m, BASE + 4, 1, lba >> 8 & 0xff);
	fake_out(&f->m, BASE + 5, 1, lba >> 16 & 0xff);
	fake_out(&f->m, BASE + 6, 1, 0xe0 | lba >> 24);
}

static void lba48(struct fixture *f, uint64_t lba, uint16_t count)
{
	fake_out(&f->m, BASE + 2, 1, count >> 8);
	fake_out(&f->m, BASE + 3, 1, lba >> 24 & 0xff);
	fake_out(&f->m, BASE + 4, 1, lba >> 32 & 0xff);
	fake_out(&f->m, BASE + 5, 1, lba >> 40 & 0xff);
	lba28(f, lba & 0xffffff, count & 0xff);
}

static void command(struct fixture *f, uint16_t base, uint8_t code)
{
	fake_out(&f->m, base + 7, 1, code);
}

static void assert_pattern(const uint8_t *data, uint64_t from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (data[i] != pattern(from + i))
			fail_msg("byte %zu of the transfer from %llu is %02x, not %02x", i, (unsigned long long)from, data[i], pattern(from + i));
}

/* --- disk --- */

static void test_identify_names_the_disk_and_sums_to_zero(void **state)
{
	struct fixture *f = *state;
	uint8_t id[512], sum = 0;

	command(f, BASE, 0xec);
	assert_int_equal(wait_idle(f, BASE) & (DRQ | ERR), DRQ);
	assert_int_equal(fake_ins(&f->m, BASE, 2, id, 256), 256);
	assert_int_equal(wait_idle(f, BASE) & (DRQ | ERR | BSY), 0);
	for (int i = 0; i < 512; i++)
		sum += id[i];
	assert_int_equal(sum, 0);
	assert_memory_equal(id + 20, "ESIRLA24", 8);
	assert_int_equal(id[120] | id[121] << 8 | id[122] << 16, DISK_BYTES / 512);
	assert_int_equal(id[200] | id[201] << 8 | id[202] << 16, DISK_BYTES / 512);
}

static void test_pio_read_gives_each_sector_with_an_interrupt(void **state)
{
	struct fixture *f = *state;
	uint8_t data[512];
	unsigned int before = f->m.irq[14].raised;

	lba28(f, 1000, 200);			/* more than one buffer of read-ahead */
	command(f, BASE, 0x20);
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(wait_idle(f, BASE) & (DRQ | ERR), DRQ);
		fake_ins(&f->m, BASE, 4, data, 128);
		assert_pattern(data, (1000 + i) * 512ull, 512);
	}
	assert_int_equal(fake_in(&f->m, BASE + 0x206, 1), 0x50);
	assert_int_equal(f->m.irq[14].raised - before, 200);
}

static void test_read_multiple_uses_blocks(void **state)
{
	struct fixture *f = *state;
	uint8_t data[16 * 512];

	lba48(f, 5000, 40);
	command(f, BASE, 0x29);
	for (unsigned int left = 40, at = 5000; left;) {
		unsigned int n = left < 16 ? left : 16;

		assert_int_equal(wait_idle(f, BASE) & (DRQ | ERR), DRQ);
		assert_int_equal(fake_ins(&f->m, BASE, 2, data, n * 256), n * 256);
		assert_pattern(data, at * 512ull, n * 512);
		left -= n;
		at += n;
	}
	assert_int_equal(wait_idle(f, BASE) & (DRQ | ERR | BSY), 0);
}

static void test_pio_write_reaches_the_file(void **state)
{
	struct fixture *f = *state;
	uint8_t data[512], back[512];

	lba28(f, 77, 130);
	command(f, BASE, 0x30);
	for (unsigned int i = 0; i < 130; i++) {
		assert_int_equal(wait_idle(f, BASE) & (DRQ | ERR), DRQ);
		memset(data, (int)i, sizeof(data));
		fake_outs(&f->m, BASE, 2, data, 256);
	}
	assert_int_equal(wait_idle(f, BASE), 0x50);
	for (unsigned int i = 0; i < 130; i++) {
		assert_int_equal(pread(f->disk_fd, back, 512, (77 + i) * 512), 512);
		memset(data, (int)i, sizeof(data));
		assert_memory_equal(back, data, 512);
	}
	assert_int_equal(pread(f->disk_fd, back, 512, (77 + 130) * 512), 512);
	assert_pattern(back, (77 + 130) * 512, 512);
}

static void prd(struct fixture *f, unsigned int i, uint32_t address, uint16_t bytes, bool last)
{
	uint32_t entry[2] = { address, bytes | (last ? 0x80000000u : 0) };

	memcpy(f->m.ram + PRD_TABLE + 8 * i, entry, 8);
}

static void start_master(struct fixture *f, unsigned int channel, uint8_t direction)
{
	uint16_t base = (uint16_t)(BUS_MASTER + 8 * channel);

	fake_out(&f->m, base + 4, 4, PRD_TABLE);
	fake_out(&f->m, base + 2, 1, 0x06);
	fake_out(&f->m, base, 1, direction | 1);
}

static void test_dma_read_scatters_over_the_table(void **state)
{
	struct fixture *f = *state;

	prd(f, 0, DATA, 0x600, false);
	prd(f, 1, DATA + 0x20000, 0x200, false);
	prd(f, 2, DATA + 0x40000, 0, true);		/* 0 is 64 KiB */
	lba28(f, 300, 132);				/* 0x600 + 0x200 + 0x10000 bytes */
	command(f, BASE, 0xc8);
	start_master(f, 0, 8);
	assert_int_equal(wait_idle(f, BASE), 0x50);
	assert_pattern(f->m.ram + DATA, 300 * 512, 0x600);
	assert_pattern(f->m.ram + DATA + 0x20000, 303 * 512, 0x200);
	assert_pattern(f->m.ram + DATA + 0x40000, 304 * 512, 0x10000);
	assert_int_equal(fake_in(&f->m, BUS_MASTER + 2, 1) & 7, 4);	/* interrupt, no error, not active */
}

static void test_dma_write_and_flush(void **state)
{
	struct fixture *f = *state;
	uint8_t back[1024];

	memset(f->m.ram + DATA, 0xa7, 1024);
	prd(f, 0, DATA, 1024, true);
	start_master(f, 0, 0);				/* the engine first, then the command: also allowed */
	lba48(f, 16000, 2);
	command(f, BASE, 0x35);
	assert_int_equal(wait_idle(f, BASE), 0x50);
	command(f, BASE, 0xea);
	assert_int_equal(wait_idle(f, BASE), 0x50);
	assert_int_equal(pread(f->disk_fd, back, 1024, 16000 * 512), 1024);
	assert_memory_equal(back, f->m.ram + DATA, 1024);
}

static const struct { const char *what; uint32_t address; uint16_t bytes; bool last; } bad_tables[] = {
	{ "memory that is not RAM", FAKE_RAM - 256, 512, true },
	{ "a table that ends too early", DATA, 256, true },
};

static void test_dma_with_a_bad_table_fails_the_command(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		prd(f, 0, bad_tables[i].address, bad_tables[i].bytes, bad_tables[i].last);
		lba28(f, 0, 1);
		command(f, BASE, 0xc8);
		start_master(f, 0, 8);
		assert_int_equal(wait_idle(f, BASE) & ERR, ERR);
		assert_int_equal(fake_in(&f->m, BUS_MASTER + 2, 1) & 3, 2);
		fake_out(&f->m, BUS_MASTER, 1, 0);
	}
}

static void test_sectors_beyond_the_end_are_not_found(void **state)
{
	struct fixture *f = *state;

	lba28(f, DISK_BYTES / 512 - 1, 2);
	command(f, BASE, 0x20);
	assert_int_equal(wait_idle(f, BASE) & (ERR | DRQ), ERR);
	assert_int_equal(fake_in(&f->m, BASE + 1, 1), 0x10);
}

static void test_unknown_commands_are_aborted(void **state)
{
	struct fixture *f = *state;
	static const uint8_t codes[] = { 0xb0, 0x00, 0xa0, 0xa1, 0x08, 0xfb };

	for (size_t i = 0; i < sizeof(codes); i++) {
		command(f, BASE, codes[i]);
		assert_int_equal(wait_idle(f, BASE) & ERR, ERR);
		assert_int_equal(fake_in(&f->m, BASE + 1, 1), 0x04);
	}
}

static void test_soft_reset_shows_signatures(void **state)
{
	struct fixture *f = *state;

	fake_out(&f->m, 0x376, 1, 4);
	assert_int_equal(fake_in(&f->m, 0x376, 1) & BSY, BSY);
	fake_out(&f->m, 0x376, 1, 0);
	assert_int_equal(fake_in(&f->m, CD_BASE + 4, 1), 0x14);
	assert_int_equal(fake_in(&f->m, CD_BASE + 5, 1), 0xeb);
	fake_out(&f->m, CD_BASE + 6, 1, 0xb0);		/* no slave */
	assert_int_equal(fake_in(&f->m, CD_BASE + 7, 1), 0);
	fake_out(&f->m, CD_BASE + 2, 1, 0x55);
	assert_int_equal(fake_in(&f->m, CD_BASE + 2, 1), 0);
}

static void test_nien_masks_the_interrupt(void **state)
{
	struct fixture *f = *state;

	fake_out(&f->m, 0x3f6, 1, 2);
	command(f, BASE, 0xec);
	assert_false(f->m.irq[14].level);
	fake_out(&f->m, 0x3f6, 1, 0);
	assert_true(f->m.irq[14].level);
	fake_in(&f->m, BASE + 7, 1);
	assert_false(f->m.irq[14].level);
}

/* --- CD --- */

static uint8_t packet(struct fixture *f, uint8_t feature, uint16_t limit, const uint8_t *cdb)
{
	fake_out(&f->m, CD_BASE + 6, 1, 0xa0);
	fake_out(&f->m, CD_BASE + 1, 1, feature);
	fake_out(&f->m, CD_BASE + 4, 1, limit & 0xff);
	fake_out(&f->m, CD_BASE + 5, 1, limit >> 8);
	command(f, CD_BASE, 0xa0);
	assert_int_equal(wait_idle(f, CD_BASE) & (DRQ | ERR), DRQ);
	fake_outs(&f->m, CD_BASE, 2, cdb, 6);
	return wait_idle(f, CD_BASE);
}

/* All data of a PIO packet command; its length. */
static size_t packet_in(struct fixture *f, uint16_t limit, const uint8_t *cdb, uint8_t *to, size_t room)
{
	size_t bytes = 0;
	uint8_t status = packet(f, 0, limit, cdb);

	while (status & DRQ) {
		unsigned int n = fake_in(&f->m, CD_BASE + 4, 1) | fake_in(&f->m, CD_BASE + 5, 1) << 8;

		assert_int_equal(fake_in(&f->m, CD_BASE + 2, 1), 2);
		assert_true(n && n <= limit && bytes + n <= room);
		fake_ins(&f->m, CD_BASE, 2, to + bytes, (n + 1) / 2);
		bytes += n;
		status = wait_idle(f, CD_BASE);
	}
	assert_int_equal(fake_in(&f->m, CD_BASE + 2, 1), 3);
	return status & ERR ? 0 : bytes;
}

static unsigned int sense(struct fixture *f)
{
	uint8_t b[18];

	assert_int_equal(packet_in(f, 18, (uint8_t[12]) { 0x03, 0, 0, 0, 18 }, b, sizeof(b)), 18);
	return (unsigned int)b[2] << 16 | b[12] << 8 | b[13];
}

static void test_read10_by_pio_and_dma(void **state)
{
	struct fixture *f = *state;
	static uint8_t data[100 * 2048];

	assert_int_equal(packet_in(f, 2048, (uint8_t[12]) { 0x28, 0, 0, 0, 0, 17, 0, 0, 100 }, data, sizeof(data)), sizeof(data));
	assert_pattern(data, 17 * 2048, sizeof(data));
	assert_int_equal(packet_in(f, 0xfffe, (uint8_t[12]) { 0xa8, 0, 0, 0, 0, 3, 0, 0, 0, 64 }, data, sizeof(data)), 64 * 2048);
	assert_pattern(data, 3 * 2048, 64 * 2048);

	prd(f, 0, DATA, 4096, true);
	start_master(f, 1, 8);
	assert_int_equal(packet(f, 1, 0, (uint8_t[12]) { 0x28, 0, 0, 0, 0, 9, 0, 0, 2 }) & (ERR | DRQ), 0);
	assert_pattern(f->m.ram + DATA, 9 * 2048, 4096);
}

static const struct { const char *what; uint8_t cdb[12]; size_t bytes; } answers[] = {
	{ "INQUIRY", { 0x12, 0, 0, 0, 36 }, 36 },
	{ "INQUIRY, cut short", { 0x12, 0, 0, 0, 5 }, 5 },
	{ "READ CAPACITY", { 0x25 }, 8 },
	{ "READ TOC", { 0x43, 0, 0, 0, 0, 0, 0, 0, 200 }, 20 },
	{ "READ TOC, MSF, one track", { 0x43, 2, 0, 0, 0, 0, 0xaa, 0, 200 }, 12 },
	{ "READ TOC, sessions", { 0x43, 0, 1, 0, 0, 0, 0, 0, 200 }, 12 },
	{ "MODE SENSE capabilities", { 0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 200 }, 28 },
	{ "GET CONFIGURATION", { 0x46, 0, 0, 0, 0, 0, 0, 0, 200 }, 8 + 12 + 12 + 8 + 12 },
	{ "GET EVENT STATUS", { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 }, 8 },
	{ "READ DISC INFORMATION", { 0x51, 0, 0, 0, 0, 0, 0, 0, 200 }, 34 },
	{ "MECHANISM STATUS", { 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 200 }, 8 },
};

static void test_answers_have_their_length(void **state)
{
	struct fixture *f = *state;
	uint8_t b[256];

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		size_t n = packet_in(f, 254, answers[i].cdb, b, sizeof(b));

		if (n != answers[i].bytes)
			fail_msg("%s: %zu bytes, not %zu", answers[i].what, n, answers[i].bytes);
	}
}

static const struct { const char *what; uint8_t cdb[12]; unsigned int sense; } refusals[] = {
	{ "an unknown opcode", { 0xff }, 0x052000 },
	{ "READ(10) beyond the end", { 0x28, 0, 0, 0, 1, 255, 0, 0, 2 }, 0x052100 },
	{ "READ(12) of a count that wraps", { 0xa8, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff }, 0x052100 },
	{ "MODE SENSE of an unknown page", { 0x5a, 0, 0x05, 0, 0, 0, 0, 0, 200 }, 0x052400 },
	{ "asynchronous event status", { 0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8 }, 0x052400 },
	{ "vital product data", { 0x12, 1, 0, 0, 36 }, 0x052400 },
};

static void test_refused_packets_leave_their_sense(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		assert_int_equal(packet(f, 0, 254, refusals[i].cdb) & (ERR | DRQ), ERR);
		if (sense(f) != refusals[i].sense)
			fail_msg("%s left another sense", refusals[i].what);
		assert_int_equal(sense(f), 0);
	}
}

static void test_media_change_is_told_once(void **state)
{
	struct fixture *f = *state;
	static const uint8_t ready[12] = { 0 };
	uint8_t b[8];

	assert_int_equal(packet(f, 0, 0, ready) & ERR, 0);
	assert_int_equal(ide_set_media(f->ide, 2, NULL), 0);
	assert_int_equal(packet(f, 0, 0, ready) & ERR, ERR);
	assert_int_equal(sense(f), 0x023a00);
	assert_int_equal(ide_set_media(f->ide, 2, raw(f->disk_fd, true)), 0);
	assert_int_equal(packet(f, 0, 0, ready) & ERR, ERR);
	assert_int_equal(sense(f), 0x062800);
	assert_int_equal(packet(f, 0, 0, ready) & ERR, 0);
	assert_int_equal(packet_in(f, 8, (uint8_t[12]) { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 }, b, 8), 8);
	assert_int_equal(b[4], 2);
	assert_int_equal(b[5], 2);
	assert_int_equal(packet_in(f, 8, (uint8_t[12]) { 0x25 }, b, 8), 8);
	assert_int_equal(b[2] << 8 | b[3], DISK_BYTES / 2048 - 1);
	assert_int_equal(ide_set_media(f->ide, 0, NULL), -19);		/* a disk has no tray */
}

static void test_a_medium_taken_in_mid_transfer_ends_it(void **state)
{
	struct fixture *f = *state;
	static uint8_t data[2048];

	assert_int_equal(packet(f, 0, 2048, (uint8_t[12]) { 0x28, 0, 0, 0, 0, 0, 0, 0, 200 }) & DRQ, DRQ);
	fake_ins(&f->m, CD_BASE, 2, data, 1024);
	assert_int_equal(ide_set_media(f->ide, 2, NULL), 0);
	assert_int_equal(wait_idle(f, CD_BASE) & (ERR | DRQ), ERR);
	for (int i = 0; i < 100; i++)
		fake_ins(&f->m, CD_BASE, 2, data, 1024);
	assert_int_equal(sense(f), 0x031100);
	prd(f, 0, DATA, 4096, true);
	assert_int_equal(ide_set_media(f->ide, 2, raw(f->cd_fd, true)), 0);
	assert_int_equal(packet(f, 0, 0, (uint8_t[12]) { 0 }) & ERR, ERR);	/* the medium changed */
	assert_int_equal(packet(f, 1, 0, (uint8_t[12]) { 0x28, 0, 0, 0, 0, 9, 0, 0, 2 }) & DRQ, DRQ);
	assert_int_equal(ide_set_media(f->ide, 2, NULL), 0);
	start_master(f, 1, 8);						/* DMA that had not begun */
	assert_int_equal(wait_idle(f, CD_BASE) & (ERR | DRQ), ERR);
}

static void test_a_locked_tray_stays_shut(void **state)
{
	struct fixture *f = *state;
	static const uint8_t eject[12] = { 0x1b, 0, 0, 0, 2 };

	assert_int_equal(packet(f, 0, 0, (uint8_t[12]) { 0x1e, 0, 0, 0, 1 }) & ERR, 0);
	assert_int_equal(packet(f, 0, 0, eject) & ERR, ERR);
	assert_int_equal(sense(f), 0x055302);
	assert_int_equal(packet(f, 0, 0, (uint8_t[12]) { 0x1e }) & ERR, 0);
	assert_int_equal(packet(f, 0, 0, eject) & ERR, 0);
	assert_int_equal(packet(f, 0, 0, (uint8_t[12]) { 0 }) & ERR, ERR);
	assert_int_equal(sense(f), 0x023a02);
}

/* --- no space --- */

static void begin_write_without_space(struct fixture *f, bool dma, int error)
{
	uint8_t data[512];

	volume.error = error;
	f->m.pauses_requested = 0;
	memset(data, 0xa7, sizeof(data));
	memset(f->m.ram + DATA, 0xa7, 512);
	fake_out(&f->m, BUS_MASTER, 1, 0);
	lba28(f, 5, 1);
	command(f, BASE, dma ? 0xca : 0x30);
	if (dma) {
		prd(f, 0, DATA, 512, true);
		start_master(f, 0, 0);
	} else {
		assert_int_equal(wait_idle(f, BASE) & (DRQ | ERR), DRQ);
		fake_outs(&f->m, BASE, 2, data, 256);
	}
	fake_pump(&f->m, 20);
	assert_int_equal(fake_in(&f->m, BASE + 0x206, 1) & (BSY | DRQ | ERR), BSY);
	assert_int_equal(f->m.pauses_requested, 1);
	assert_string_equal(f->m.pause_reason, "no-space: the volume of the disk at IDE channel 0, drive 0 is full");
}

static void test_a_write_without_space_waits_for_it_and_then_succeeds(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++) {
		uint8_t back[512], before;
		unsigned int raised;

		assert_int_equal(pwrite(f->disk_fd, memset(back, 0, 512), 512, 5 * 512), 512);
		begin_write_without_space(f, i & 1, i & 2 ? -ENOSPC : -EDQUOT);
		raised = f->m.irq[14].raised;
		ide_model.resumed(f->ide);				/* too early */
		fake_pump(&f->m, 20);
		assert_int_equal(f->m.pauses_requested, 2);
		assert_int_equal(fake_in(&f->m, BASE + 0x206, 1) & BSY, BSY);
		assert_int_equal(f->m.irq[14].raised, raised);
		assert_int_equal(pread(f->disk_fd, &before, 1, 5 * 512), 1);
		assert_int_equal(before, 0);
		volume.error = 0;
		ide_model.resumed(f->ide);
		assert_int_equal(wait_idle(f, BASE), 0x50);
		assert_int_equal(f->m.irq[14].raised, raised + 1);
		assert_int_equal(pread(f->disk_fd, back, 512, 5 * 512), 512);
		assert_true(back[0] == 0xa7 && back[511] == 0xa7);
		ide_model.resumed(f->ide);				/* nothing is submitted twice */
		assert_int_equal(f->m.pauses_requested, 2);
	}
}

static void test_a_reset_does_not_wait_for_space(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++) {
		begin_write_without_space(f, i & 1, -ENOSPC);
		if (i & 2) {
			fake_out(&f->m, 0x3f6, 1, 4);
			fake_out(&f->m, 0x3f6, 1, 0);
		} else {
			ide_model.reset(f->ide);
		}
		ide_model.resumed(f->ide);
		assert_int_equal(f->m.pauses_requested, 1);
		fake_out(&f->m, BASE + 6, 1, 0xe0);
		test_identify_names_the_disk_and_sums_to_zero(state);
	}
	begin_write_without_space(f, true, -ENOSPC);			/* and neither does the end of the machine */
}

/* The disk is a pipe: a read ends when this has written. */
static void *give_later(void *data)
{
	static const uint8_t sector[512] = { 0x77 };
	_Atomic bool *given = data;

	usleep(20000);
	atomic_store(given, true);
	(void)!write(volume.pipe[1], sector, sizeof(sector));
	return NULL;
}

static void test_after_a_reset_no_read_of_before_writes_into_memory(void **state)
{
	struct fixture *f = *state;
	_Atomic bool given = false;
	pthread_t giver;

	assert_int_equal(pipe(volume.pipe), 0);
	assert_true(dup2(volume.pipe[0], volume.disk->fd) >= 0);
	prd(f, 0, DATA, 512, true);
	lba28(f, 0, 1);
	command(f, BASE, 0xc8);
	start_master(f, 0, 8);
	assert_int_equal(fake_in(&f->m, BASE + 0x206, 1) & BSY, BSY);
	assert_int_equal(pthread_create(&giver, NULL, give_later, &given), 0);
	ide_model.reset(f->ide);
	assert_true(atomic_load(&given));
	assert_int_equal(f->m.irq[14].level, 0);		/* nobody is told of it */
	pthread_join(giver, NULL);
	close(volume.pipe[0]);
	close(volume.pipe[1]);
}

/*
 * Register noise, half of it a plausible packet: nothing may crash, hang or write beyond the buffers (run
 * under valgrind too).
 */
static void test_noise_leaves_a_drive_that_resets(void **state)
{
	struct fixture *f = *state;
	uint32_t x = 12345;

	for (int i = 0; i < 60000; i++) {
		uint16_t base = (x & 8) ? BASE : CD_BASE;
		uint8_t buffer[700];

		x = x * 1664525 + 1013904223;
		switch (x >> 28) {
		case 0: fake_ins(&f->m, base, 2, buffer, x >> 8 & 255); break;
		case 1: fake_outs(&f->m, base, 2, buffer, 6); break;
		case 2: fake_out(&f->m, BUS_MASTER + (x >> 8 & 15), 1, x >> 16 & 255); break;
		case 3: fake_out(&f->m, base + 7, 1, 0xa0); break;
		case 4: fake_pump(&f->m, 0); break;
		case 5: fake_out(&f->m, base, 4, x); break;
		case 6: memcpy(buffer, &x, 4); memcpy(buffer + 4, f->m.ram + (x >> 8 & 0xffff), 8); buffer[0] = (uint8_t)(x >> 4 & 0x7f);
			fake_outs(&f->m, base, 2, buffer, 6); break;
		case 7: if (x >> 8 & 15) break;
			assert_int_equal(ide_set_media(f->ide, 2, x & 4096 ? NULL : raw(f->cd_fd, true)), 0); break;
		default: fake_out(&f->m, base + (x >> 8 & 7), 1, x >> 16 & 255); break;
		}
	}
	fake_out(&f->m, 0x3f6, 1, 4);
	fake_out(&f->m, 0x3f6, 1, 0);
	fake_out(&f->m, BASE + 6, 1, 0xe0);
	test_identify_names_the_disk_and_sums_to_zero(state);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_identify_names_the_disk_and_sums_to_zero),
		T(test_pio_read_gives_each_sector_with_an_interrupt),
		T(test_read_multiple_uses_blocks),
		T(test_pio_write_reaches_the_file),
		T(test_dma_read_scatters_over_the_table),
		T(test_dma_write_and_flush),
		T(test_a_write_without_space_waits_for_it_and_then_succeeds),
		T(test_a_reset_does_not_wait_for_space),
		T(test_after_a_reset_no_read_of_before_writes_into_memory),
		T(test_dma_with_a_bad_table_fails_the_command),
		T(test_sectors_beyond_the_end_are_not_found),
		T(test_unknown_commands_are_aborted),
		T(test_soft_reset_shows_signatures),
		T(test_nien_masks_the_interrupt),
		T(test_read10_by_pio_and_dma),
		T(test_answers_have_their_length),
		T(test_refused_packets_leave_their_sense),
		T(test_media_change_is_told_once),
		T(test_a_medium_taken_in_mid_transfer_ends_it),
		T(test_a_locked_tray_stays_shut),
		T(test_noise_leaves_a_drive_that_resets),
	};

	return cmocka_run_group_tests_name("ide", tests, NULL, NULL);
}
