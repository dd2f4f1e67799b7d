/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of an ATAPI CD drive: what a SCSI bus would do for the drive (INQUIRY, sense data, unit attention) is here,
 * the rest is mmc.c's, whose replies go to the guest by ide_atapi.c.
 */
#include "vmwp/chipset/ide_internal.h"

#include <string.h>

enum { REQUEST_SENSE = 0x03, INQUIRY = 0x12, GET_CONFIGURATION = 0x46, GET_EVENT = 0x4a };

static const struct mmc_sense sense_none = { 0, 0, 0 };
static const struct mmc_sense sense_bad_field = { 0x05, 0x24, 0x00 };
static const struct mmc_sense sense_medium_changed = { 0x06, 0x28, 0x00 };

static void request_sense(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = memset(d->buffer, 0, 18);

	if (d->sense.key == 0 && d->unit_attention) {
		d->sense = sense_medium_changed;
		d->unit_attention = false;
	}
	b[0] = 0x70;
	b[2] = d->sense.key;
	b[7] = 10;
	b[12] = d->sense.asc;
	b[13] = d->sense.ascq;
	d->sense = sense_none;
	atapi_answer(d, 18, cdb[4]);
}

static void inquiry(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = memset(d->buffer, 0, 36);

	if (cdb[1] & 1) {		/* vital product data: none */
		atapi_fail(d, sense_bad_field);
		return;
	}
	b[0] = 0x05;			/* CD/DVD */
	b[1] = 0x80;			/* removable */
	b[3] = 0x21;			/* ATAPI, response format 1 */
	b[4] = 31;
	memcpy(b + 8, "Partita Virtual DVD-ROM 1.0 ", 28);
	atapi_answer(d, 36, (uint32_t)cdb[3] << 8 | cdb[4]);
}

static void medium_let_go(struct ide_drive *d)
{
	disk_close(d->disk);
	d->disk = NULL;
}

static void reply_carry(struct ide_drive *d, const struct mmc_reply *reply)
{
	if (reply->eject)
		medium_let_go(d);
	switch (reply->kind) {
	case MMC_DONE:
		atapi_done(d);
		break;
	case MMC_FAILED:
		atapi_fail(d, reply->sense);
		break;
	case MMC_ANSWER:
		memcpy(d->buffer, reply->data, reply->bytes);
		atapi_answer(d, reply->bytes, reply->allocation_length);
		break;
	case MMC_READ:
		atapi_read(d, reply->offset, reply->length);
		break;
	}
}

/* SPC-3, 5.8.7: some commands run before a unit attention is told; a command nobody knows says only that. */
static bool passes_attention(uint8_t operation)
{
	return operation == GET_CONFIGURATION || operation == GET_EVENT || !mmc_knows(operation);
}

void mmc_command(struct ide_drive *d, const uint8_t *cdb)
{
	struct mmc_reply reply;

	if (cdb[0] == REQUEST_SENSE) {
		request_sense(d, cdb);
	} else if (cdb[0] == INQUIRY) {
		d->sense = sense_none;
		inquiry(d, cdb);
	} else if (d->unit_attention && !passes_attention(cdb[0])) {
		d->unit_attention = false;
		atapi_fail(d, sense_medium_changed);
	} else {
		d->sense = sense_none;
		mmc_execute(&d->mmc, d->disk, cdb, &reply);
		reply_carry(d, &reply);
	}
}
