/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CDBs of any kind, with parameters, on a disk or DVD drive of its own (FUZZ_TARGET scsi_disk or scsi_dvd) whose disk may fail. Every
 * command ends exactly once, moves no more than the buffer holds, and leaves a unit that still answers.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/storvsp/fake_disk.h"

#include "vmwp/vsp/scsi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DATA_MAX	40000u

struct command {
	struct scsi_request r;
	unsigned int ended;
};

static const uint8_t likely[] = {
	0x00, 0x03, 0x08, 0x0a, 0x12, 0x15, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0x2a, 0x2e, 0x2f, 0x35, 0x41, 0x42, 0x43, 0x46, 0x4a, 0x51,
	0x52, 0x55, 0x5a, 0x5c, 0x5e, 0x5f, 0x88, 0x8a, 0x8f, 0x91, 0x93, 0x9e, 0xa0, 0xa3, 0xa8, 0xac, 0xad, 0xbd, 0xbe,
};

static struct fake_disk *disk;
static struct scsi_unit *unit;

static void on_done(struct scsi_request *r)
{
	((struct command *)r)->ended++;
}

static void command_wait(struct command *c)
{
	while (!c->ended)
		if (!fake_disk_run(fake_queue()))
			abort();			/* it never ends */
	if (c->ended != 1 || c->r.moved > c->r.bytes)
		abort();
}

/* The buffer is in two pieces of the heap. */
static void execute(const uint8_t cdb[16], uint32_t bytes, const uint8_t *parameters, size_t parameter_bytes)
{
	static struct command c;
	uint32_t first = bytes ? below(bytes) : 0;
	uint8_t *pieces[2] = { calloc(1, first + 1), calloc(1, bytes - first + 1) };

	memset(&c, 0, sizeof(c));
	memcpy(c.r.cdb, cdb, 16);
	c.r.cdb_bytes = 16;
	c.r.done = on_done;
	c.r.bytes = bytes;
	if (first)
		c.r.iov[c.r.iov_count++] = (struct iovec){ pieces[0], first };
	if (bytes - first)
		c.r.iov[c.r.iov_count++] = (struct iovec){ pieces[1], bytes - first };
	for (uint32_t i = 0; i < bytes && i < parameter_bytes; i++)
		*(i < first ? pieces[0] + i : pieces[1] + (i - first)) = parameters[i];
	scsi_unit_execute(unit, &c.r);
	command_wait(&c);
	free(pieces[0]);
	free(pieces[1]);
}

static void any_command(void)
{
	uint8_t cdb[16] = { 0 }, parameters[64];
	size_t count = below(sizeof(parameters));
	uint32_t bytes = once_in(3) ? 512 * below(64) : below(DATA_MAX);

	cdb[0] = once_in(8) ? (uint8_t)any() : likely[below(sizeof(likely))];
	for (unsigned int i = 1; i < 16; i++)
		cdb[i] = below(4) ? 0 : (uint8_t)input_number(1);
	input_take(parameters, count);
	disk->error = once_in(16) ? (once_in(2) ? -ENOSPC : -EIO) : 0;
	execute(cdb, bytes, parameters, count);
}

static struct scsi_medium *medium_new(void)
{
	struct scsi_medium *medium = NULL;

	disk->closed = false;
	if (scsi_medium_new(&disk->disk, true, &medium) < 0)
		abort();
	return medium;
}

static void begin(bool dvd)
{
	if (!disk)
		disk = fake_disk_new(512);
	disk->disk.logical_sector = dvd ? 2048 : 512;
	disk->disk.read_only = dvd;
	disk->logged = 0;
	disk->error = 0;
	if ((dvd ? scsi_dvd_create : scsi_disk_create)(fake_queue(), medium_new(), "fuzz", &unit) < 0)
		abort();
	scsi_unit_power_on(unit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t request_sense[16] = { 3, 0, 0, 0, 18 };
	bool dvd = !strcmp(FUZZ_TARGET, "scsi_dvd");

	input_begin(data, size);
	begin(dvd);
	while (input_left()) {
		any_command();
		if (once_in(32))
			scsi_unit_reset(unit);
		if (dvd && once_in(16))
			scsi_dvd_set_medium(unit, once_in(2) ? NULL : medium_new());
		disk->logged = 0;
	}
	disk->error = 0;
	execute(request_sense, 18, request_sense, 0);
	scsi_unit_destroy(unit);
	return 0;
}
