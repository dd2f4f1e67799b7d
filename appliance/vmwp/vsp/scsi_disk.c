/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual disk as a direct-access block device (SBC-3): the command table, size, reads, writes and flushes. What takes
 * several disk requests (UNMAP, WRITE SAME, VERIFY) is in scsi_disk_steps.c.
 */
#include "vmwp/vsp/scsi_disk.h"

#include <errno.h>

#define PROTECT_MASK	0xe0u		/* RDPROTECT, WRPROTECT, VRPROTECT: no protection information here */
#define FUA		0x08u

struct scsi_extent scsi_extent_of(const struct scsi_request *r)
{
	const uint8_t *c = r->cdb;

	switch (c[0] >> 5) {
	case 0:	 return (struct scsi_extent) { scsi_get24(c + 1) & 0x1fffff, c[4] ? c[4] : 256, 0 };
	case 4:	 return (struct scsi_extent) { scsi_get64(c + 2), scsi_get32(c + 10), c[1] };
	case 5:	 return (struct scsi_extent) { scsi_get32(c + 2), scsi_get32(c + 6), c[1] };
	default: return (struct scsi_extent) { scsi_get32(c + 2), scsi_get16(c + 7), c[1] };
	}
}

bool scsi_extent_fits(const struct scsi_unit *u, uint64_t lba, uint64_t blocks)
{
	return lba <= scsi_blocks(u) && blocks <= scsi_blocks(u) - lba;
}

bool scsi_extent_check(struct scsi_unit *u, struct scsi_request *r, const struct scsi_extent *e)
{
	if (e->flags & PROTECT_MASK)
		scsi_fail(r, sense_bad_field);
	else if (!scsi_extent_fits(u, e->lba, e->blocks))
		scsi_fail(r, sense_bad_address);
	else
		return true;
	return false;
}

/* --- data --- */

static void disk_transfer(struct scsi_unit *u, struct scsi_request *r, bool write)
{
	struct scsi_extent e = scsi_extent_of(r);

	if (!scsi_extent_check(u, r, &e))
		return;
	r->force = r->force || (e.flags & FUA);
	scsi_transfer(r, write, e.lba * u->block_bytes, e.blocks * u->block_bytes);
}

static void disk_read_blocks(struct scsi_unit *u, struct scsi_request *r)
{
	disk_transfer(u, r, false);
}

static void disk_write_blocks(struct scsi_unit *u, struct scsi_request *r)
{
	disk_transfer(u, r, true);
}

/* What was written is on the disk before it counts as verified; comparing it is BYTCHK's business (refused). */
static void disk_write_and_verify(struct scsi_unit *u, struct scsi_request *r)
{
	if (r->cdb[1] & 0x06) {
		scsi_fail(r, sense_bad_field);
		return;
	}
	r->force = true;
	disk_transfer(u, r, true);
}

/* SYNCHRONIZE CACHE: all of it, whatever range was named; the end of the command is the promise, IMMED or not. */
static void disk_synchronize(struct scsi_unit *u, struct scsi_request *r)
{
	struct scsi_extent e = scsi_extent_of(r);

	if (!scsi_extent_fits(u, e.lba, e.blocks))
		scsi_fail(r, sense_bad_address);
	else
		scsi_submit(r, DISK_FLUSH, 0, NULL, 0, 0, scsi_end);
}

/* --- size and state --- */

static void disk_read_capacity10(struct scsi_unit *u, struct scsi_request *r)
{
	uint64_t last = scsi_blocks(u) - 1;
	uint8_t data[8];

	if ((r->cdb[8] & 1) || scsi_get32(r->cdb + 2) != 0) {		/* PMI, and the address that goes with it */
		scsi_fail(r, sense_bad_field);
		return;
	}
	scsi_put32(data, last > UINT32_MAX ? UINT32_MAX : last);
	scsi_put32(data + 4, u->block_bytes);
	scsi_answer(r, data, sizeof(data), sizeof(data));
}

static unsigned int log2_of(uint32_t n)
{
	unsigned int bits = 0;

	while (n > 1) {
		n >>= 1;
		bits++;
	}
	return bits;
}

static void disk_service_action_in(struct scsi_unit *u, struct scsi_request *r)
{
	uint8_t data[32] = { 0 };

	if ((r->cdb[1] & 0x1f) != 0x10) {	/* READ CAPACITY (16) is the one we have */
		scsi_fail(r, sense_bad_field);
		return;
	}
	scsi_put64(data, scsi_blocks(u) - 1);
	scsi_put32(data + 8, u->block_bytes);
	data[13] = (uint8_t)log2_of(u->medium->disk->physical_sector / u->block_bytes);
	data[14] = u->medium->disk->read_only ? 0 : 0x80;	/* LBPME: blocks can be unmapped */
	scsi_answer(r, data, sizeof(data), scsi_get32(r->cdb + 10));
}

static void disk_nothing(struct scsi_unit *u, struct scsi_request *r)
{
	(void)u;
	scsi_good(r);
}

/* A disk that cannot be taken out cannot be ejected; spinning it up or down changes nothing. */
static void disk_start_stop(struct scsi_unit *u, struct scsi_request *r)
{
	(void)u;
	if (r->cdb[4] & 0x02)
		scsi_fail(r, sense_bad_field);
	else
		scsi_good(r);
}

static void disk_poll(struct scsi_unit *u)
{
	if (u->medium->disk->size_bytes == u->size_known)
		return;
	u->size_known = u->medium->disk->size_bytes;
	scsi_attention(u, sense_capacity_changed);
}

static const struct scsi_command disk_commands[256] = {
	[0x00] = { disk_nothing, 0 },				/* TEST UNIT READY */
	[0x03] = { scsi_request_sense, SCSI_PASSES_ATTENTION },
	[0x04] = { disk_nothing, SCSI_WRITES },			/* FORMAT UNIT: it is formatted */
	[0x08] = { disk_read_blocks, 0 },
	[0x0a] = { disk_write_blocks, SCSI_WRITES },
	[0x12] = { scsi_inquiry, SCSI_PASSES_ATTENTION },
	[0x15] = { scsi_mode_select, 0 },
	[0x16] = { disk_nothing, 0 },				/* RESERVE (6): one initiator */
	[0x17] = { disk_nothing, 0 },				/* RELEASE (6) */
	[0x1a] = { scsi_mode_sense, 0 },
	[0x1b] = { disk_start_stop, 0 },
	[0x1d] = { disk_nothing, 0 },				/* SEND DIAGNOSTIC */
	[0x25] = { disk_read_capacity10, 0 },
	[0x28] = { disk_read_blocks, 0 },
	[0x2a] = { disk_write_blocks, SCSI_WRITES },
	[0x2e] = { disk_write_and_verify, SCSI_WRITES },
	[0x2f] = { scsi_disk_verify, 0 },
	[0x35] = { disk_synchronize, 0 },
	[0x41] = { scsi_disk_write_same, SCSI_WRITES },
	[0x42] = { scsi_disk_unmap, SCSI_WRITES },
	[0x55] = { scsi_mode_select, 0 },
	[0x5a] = { scsi_mode_sense, 0 },
	[0x5e] = { scsi_reserve_in, 0 },
	[0x5f] = { scsi_reserve_out, 0 },
	[0x88] = { disk_read_blocks, 0 },
	[0x8a] = { disk_write_blocks, SCSI_WRITES },
	[0x8e] = { disk_write_and_verify, SCSI_WRITES },
	[0x8f] = { scsi_disk_verify, 0 },
	[0x91] = { disk_synchronize, 0 },
	[0x93] = { scsi_disk_write_same, SCSI_WRITES },
	[0x9e] = { disk_service_action_in, 0 },
	[0xa8] = { disk_read_blocks, 0 },
	[0xaa] = { disk_write_blocks, SCSI_WRITES },
	[0xae] = { disk_write_and_verify, SCSI_WRITES },
	[0xaf] = { scsi_disk_verify, 0 },
};

static const struct scsi_kind disk_kind = {
	.commands = disk_commands, .peripheral = 0x00, .identity = "Msft    Virtual Disk    1.0 ", .poll = disk_poll,
};

int scsi_disk_create(struct disk_queue *q, struct scsi_medium *medium, const char *serial, struct scsi_unit **out)
{
	int r;

	if (!medium || medium->disk->size_bytes < medium->disk->logical_sector)
		return -EINVAL;
	r = scsi_unit_new(&disk_kind, q, medium, serial, out);
	if (r == 0)
		(*out)->block_bytes = medium->disk->logical_sector;
	return r;
}
