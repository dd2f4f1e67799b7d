/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A DVD drive on the SCSI bus: the rows its bus needs, with the commands themselves in chipset/mmc.c, which the ATAPI
 * drive shares. Reads under way keep their medium, so that the guest or the host may change it at any time.
 */
#include "vmwp/vsp/scsi_internal.h"

static void dvd_eject(struct scsi_unit *u)
{
	struct scsi_medium *medium = u->medium;

	u->medium = NULL;
	scsi_medium_put(medium);
}

static void dvd_mmc(struct scsi_unit *u, struct scsi_request *r)
{
	struct mmc_reply reply;

	mmc_execute(&u->drive, u->medium ? u->medium->disk : NULL, r->cdb, &reply);
	if (reply.eject)
		dvd_eject(u);
	switch (reply.kind) {
	case MMC_DONE:
		scsi_good(r);
		break;
	case MMC_FAILED:
		scsi_fail(r, (struct scsi_sense) { reply.sense.key, reply.sense.asc, reply.sense.ascq });
		break;
	case MMC_ANSWER:
		scsi_answer(r, reply.data, reply.bytes, reply.allocation_length);
		break;
	case MMC_READ:
		scsi_transfer(r, false, reply.offset, reply.length);
		break;
	}
}

/* MODE SELECT (10), SET STREAMING: nothing that may be asked for would change anything, and nothing can be saved. */
static void dvd_accept(struct scsi_unit *u, struct scsi_request *r)
{
	(void)u;
	if (r->cdb[0] == 0x55 && (r->cdb[1] & 0x11) != 0x10)
		scsi_fail(r, sense_bad_field);
	else
		scsi_good(r);
}

static const struct scsi_command dvd_commands[256] = {
	[0x00] = { dvd_mmc, 0 },
	[0x03] = { scsi_request_sense, SCSI_PASSES_ATTENTION },
	[0x12] = { scsi_inquiry, SCSI_PASSES_ATTENTION },
	[0x1b] = { dvd_mmc, 0 },
	[0x1e] = { dvd_mmc, 0 },
	[0x25] = { dvd_mmc, 0 },
	[0x28] = { dvd_mmc, 0 },
	[0x2b] = { dvd_mmc, 0 },
	[0x43] = { dvd_mmc, 0 },
	[0x46] = { dvd_mmc, SCSI_PASSES_ATTENTION },
	[0x4a] = { dvd_mmc, SCSI_PASSES_ATTENTION },
	[0x51] = { dvd_mmc, 0 },
	[0x52] = { dvd_mmc, 0 },
	[0x55] = { dvd_accept, 0 },
	[0x5a] = { dvd_mmc, 0 },
	[0x5c] = { dvd_mmc, 0 },
	[0xa8] = { dvd_mmc, 0 },
	[0xac] = { dvd_mmc, 0 },
	[0xad] = { dvd_mmc, 0 },
	[0xb6] = { dvd_accept, 0 },
	[0xbb] = { dvd_mmc, 0 },
	[0xbd] = { dvd_mmc, 0 },
	[0xbe] = { dvd_mmc, 0 },
};

static const struct scsi_kind dvd_kind = {
	.commands = dvd_commands, .peripheral = 0x05, .identity = "Msft    Virtual DVD-ROM 1.0 ",
};

int scsi_dvd_create(struct disk_queue *q, struct scsi_medium *medium, const char *serial, struct scsi_unit **out)
{
	int r = scsi_unit_new(&dvd_kind, q, medium, serial, out);

	if (r == 0) {
		(*out)->block_bytes = MMC_BLOCK;
		(*out)->drive.interface = MMC_SCSI;
	}
	return r;
}

bool scsi_unit_is_dvd(const struct scsi_unit *u)
{
	return u->kind == &dvd_kind;
}

void scsi_dvd_set_medium(struct scsi_unit *u, struct scsi_medium *medium)
{
	dvd_eject(u);
	u->medium = medium;
	mmc_medium_changed(&u->drive, medium ? medium->disk : NULL);
	if (medium)
		scsi_attention(u, sense_medium_changed);
}
