/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCSI commands of a CD/DVD-ROM drive (SPC-3, MMC-5) as a table. Answers are built in the drive's buffer;
 * reads go to the disk.
 */
#include "vmwp/chipset/ide_internal.h"

#include <string.h>

/* SPC-3, 5.8.7: some commands run before a unit attention is told. */
enum mmc_flags { NEEDS_MEDIUM = 1, PASSES_ATTENTION = 2 };

struct mmc_row {
	void (*run)(struct ide_drive *d, const uint8_t *cdb);
	uint8_t flags;
};

static const struct mmc_sense sense_none = { 0, 0, 0 };
static const struct mmc_sense sense_no_medium = { 0x02, 0x3a, 0x00 };
static const struct mmc_sense sense_no_medium_open = { 0x02, 0x3a, 0x02 };
static const struct mmc_sense sense_bad_opcode = { 0x05, 0x20, 0x00 };
static const struct mmc_sense sense_bad_address = { 0x05, 0x21, 0x00 };
static const struct mmc_sense sense_bad_field = { 0x05, 0x24, 0x00 };
static const struct mmc_sense sense_removal_prevented = { 0x05, 0x53, 0x02 };
static const struct mmc_sense sense_medium_changed = { 0x06, 0x28, 0x00 };

#define CD_BLOCKS_MAX	(80u * 60 * 75)		/* beyond 80 minutes it must be a DVD */
#define PROFILE_CD_ROM	0x0008u
#define PROFILE_DVD_ROM	0x0010u

static uint32_t get16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t get32(const uint8_t *p) { return get16(p) << 16 | get16(p + 2); }

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t blocks_of(const struct ide_drive *d)
{
	uint64_t blocks = d->disk ? d->disk->size_bytes / IDE_CD_BLOCK : 0;

	return blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)blocks;
}

static uint32_t profile_of(const struct ide_drive *d)
{
	if (!d->disk)
		return 0;
	return blocks_of(d) > CD_BLOCKS_MAX ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

static uint8_t *answer_begin(struct ide_drive *d, uint32_t bytes)
{
	memset(d->buffer, 0, bytes);
	return d->buffer;
}

static void mmc_test_unit_ready(struct ide_drive *d, const uint8_t *cdb)
{
	(void)cdb;
	atapi_done(d);
}

static void mmc_request_sense(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(d, 18);

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

static void mmc_inquiry(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(d, 36);

	if (cdb[1] & 1) {		/* vital product data: none */
		atapi_fail(d, sense_bad_field);
		return;
	}
	b[0] = 0x05;			/* CD/DVD */
	b[1] = 0x80;			/* removable */
	b[3] = 0x21;			/* ATAPI, response format 1 */
	b[4] = 31;
	memcpy(b + 8, "Partita Virtual DVD-ROM 1.0 ", 28);
	atapi_answer(d, 36, get16(cdb + 3));
}

static void mmc_start_stop(struct ide_drive *d, const uint8_t *cdb)
{
	bool load_eject = cdb[4] & 2, start = cdb[4] & 1;

	if (load_eject && !start && d->locked) {
		atapi_fail(d, sense_removal_prevented);
		return;
	}
	if (load_eject && !start && d->disk) {
		disk_close(d->disk);
		d->disk = NULL;
		d->eject_event = true;
	}
	if (load_eject)
		d->tray_open = !start;
	atapi_done(d);
}

static void mmc_prevent_removal(struct ide_drive *d, const uint8_t *cdb)
{
	d->locked = cdb[4] & 1;
	atapi_done(d);
}

static void mmc_read_capacity(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(d, 8);

	(void)cdb;
	put32(b, blocks_of(d) - 1);
	put32(b + 4, IDE_CD_BLOCK);
	atapi_answer(d, 8, 8);
}

static void read_blocks(struct ide_drive *d, uint32_t first, uint32_t count)
{
	if (first > blocks_of(d) || count > blocks_of(d) - first)
		atapi_fail(d, sense_bad_address);
	else if (count == 0)
		atapi_done(d);
	else
		atapi_read(d, (uint64_t)first * IDE_CD_BLOCK, (uint64_t)count * IDE_CD_BLOCK);
}

static void mmc_read10(struct ide_drive *d, const uint8_t *cdb)
{
	read_blocks(d, get32(cdb + 2), get16(cdb + 7));
}

static void mmc_read12(struct ide_drive *d, const uint8_t *cdb)
{
	read_blocks(d, get32(cdb + 2), get32(cdb + 6));
}

/* READ CD: the user data of data sectors is all that an ISO image has. */
static void mmc_read_cd(struct ide_drive *d, const uint8_t *cdb)
{
	uint32_t count = (uint32_t)cdb[6] << 16 | get16(cdb + 7);
	uint8_t wanted = cdb[9] & 0xf8;

	if (wanted == 0)
		read_blocks(d, get32(cdb + 2), 0);
	else if (wanted != 0x10 || (cdb[10] & 7))
		atapi_fail(d, sense_bad_field);
	else
		read_blocks(d, get32(cdb + 2), count);
}

static void mmc_seek(struct ide_drive *d, const uint8_t *cdb)
{
	read_blocks(d, get32(cdb + 2), 0);
}

static void put_address(uint8_t *p, uint32_t block, bool msf)
{
	uint32_t frames = block + 150;		/* two seconds of lead-in */

	if (msf)
		put32(p, (frames / (60 * 75)) << 16 | (frames / 75 % 60) << 8 | frames % 75);
	else
		put32(p, block);
}

static uint32_t toc_tracks(struct ide_drive *d, uint8_t *b, uint8_t first_track, bool msf)
{
	uint8_t *p = b + 4;

	b[2] = b[3] = 1;
	if (first_track <= 1) {
		p[1] = 0x14;			/* a data track, digital copy prohibited */
		p[2] = 1;
		put_address(p + 4, 0, msf);
		p += 8;
	}
	p[1] = 0x16;
	p[2] = 0xaa;				/* lead-out */
	put_address(p + 4, blocks_of(d), msf);
	return (uint32_t)(p + 8 - b);
}

static uint32_t toc_sessions(uint8_t *b, bool msf)
{
	b[2] = b[3] = 1;
	b[5] = 0x14;
	b[6] = 1;
	put_address(b + 8, 0, msf);
	return 12;
}

static void mmc_read_toc(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(d, 32), format = cdb[2] & 0x0f;
	bool msf = cdb[1] & 2;
	uint32_t bytes;

	if (format == 0)
		format = cdb[9] >> 6;		/* where SFF-8020i put it */
	if (format > 1 || (cdb[6] > 1 && cdb[6] != 0xaa)) {
		atapi_fail(d, sense_bad_field);
		return;
	}
	bytes = format == 0 ? toc_tracks(d, b, cdb[6], msf) : toc_sessions(b, msf);
	put16(b, bytes - 2);
	atapi_answer(d, bytes, get16(cdb + 7));
}

/* One feature descriptor; its length. */
static uint32_t put_feature(uint8_t *p, uint32_t code, uint8_t flags, const uint8_t *data, uint8_t length)
{
	put16(p, code);
	p[2] = flags;
	p[3] = length;
	memcpy(p + 4, data, length);
	return 4u + length;
}

static const struct mmc_feature {
	uint16_t code;
	uint8_t flags, length, data[12];	/* flags: version << 2 | persistent << 1 | current */
} features[] = {
	{ 0x0000, 0x03, 8,  { 0, 0x10, 0, 0, 0, 0x08, 0, 0 } },		/* profile list: DVD-ROM, CD-ROM */
	{ 0x0001, 0x0b, 8,  { 0, 0, 0, 2, 1 } },			/* core: ATAPI */
	{ 0x0003, 0x0b, 4,  { 0x29 } },				/* removable: tray, eject, lock */
	{ 0x0010, 0x01, 8,  { 0, 0, 8, 0, 0, 1, 0, 0 } },		/* random read of 2048-byte blocks */
};

static void mmc_get_configuration(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(d, 96), request = cdb[1] & 3;
	uint32_t from = get16(cdb + 2), bytes = 8;

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct mmc_feature *f = &features[i];

		if (f->code < from || (request == 2 && f->code != from) || (request == 1 && f->code == 0x10 && !d->disk))
			continue;
		bytes += put_feature(b + bytes, f->code, f->flags, f->data, f->length);
	}
	if (from == 0) {			/* which of the profiles is current */
		b[8 + 4 + 2] = profile_of(d) == PROFILE_DVD_ROM;
		b[8 + 4 + 6] = profile_of(d) == PROFILE_CD_ROM;
	}
	put32(b, bytes - 4);
	put16(b + 6, profile_of(d));
	atapi_answer(d, bytes, get16(cdb + 7));
}

#define EVENT_MEDIA 4u

static void mmc_get_event(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(d, 8);
	bool media = cdb[4] & (1u << EVENT_MEDIA);

	if (!(cdb[1] & 1)) {			/* only polling is offered */
		atapi_fail(d, sense_bad_field);
		return;
	}
	put16(b, media ? 6 : 2);
	b[2] = media ? EVENT_MEDIA : 0x80;	/* 0x80: no class asked for is known */
	b[3] = 1u << EVENT_MEDIA;
	if (media) {
		b[4] = d->media_event ? 2 : d->eject_event ? 3 : 0;	/* new media, media removal */
		b[5] = (uint8_t)((d->disk ? 2 : 0) | (d->tray_open ? 1 : 0));
		d->media_event = d->eject_event = false;
	}
	atapi_answer(d, media ? 8 : 4, get16(cdb + 7));
}

static void mmc_read_disc_information(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(d, 34);

	put16(b, 32);
	b[2] = 0x0e;				/* complete session, finalised disc */
	b[3] = b[4] = b[5] = b[6] = 1;
	b[7] = 0x20;				/* unrestricted use */
	atapi_answer(d, 34, get16(cdb + 7));
}

static void mmc_read_track_information(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(d, 36);

	put16(b, 34);
	b[2] = b[3] = 1;			/* track 1, session 1 */
	b[5] = 0x04;				/* data */
	b[6] = 0x01;				/* mode 1 */
	put32(b + 24, blocks_of(d));
	atapi_answer(d, 36, get16(cdb + 7));
}

static uint32_t put_error_page(uint8_t *p)
{
	p[0] = 0x01;
	p[1] = 6;
	p[3] = 5;				/* retries */
	return 8;
}

static uint32_t put_capabilities_page(const struct ide_drive *d, uint8_t *p)
{
	p[0] = 0x2a;
	p[1] = 18;
	p[2] = 0x0b;				/* reads CD-R, CD-RW, DVD-ROM */
	p[4] = 0x70;				/* mode 2 forms, multi-session */
	p[6] = (uint8_t)(0x29 | (d->locked ? 2 : 0));
	put16(p + 8, 0x2c2);			/* 4x, in kB/s: what any drive may say */
	put16(p + 12, 512);
	put16(p + 14, 0x2c2);
	return 20;
}

static void mmc_mode_sense10(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(d, 64), page = cdb[2] & 0x3f;
	uint32_t bytes = 8;

	if ((cdb[2] >> 6) == 3 || (page != 0x01 && page != 0x2a && page != 0x3f)) {
		atapi_fail(d, sense_bad_field);
		return;
	}
	if (page != 0x2a)
		bytes += put_error_page(b + bytes);
	if (page != 0x01)
		bytes += put_capabilities_page(d, b + bytes);
	put16(b, bytes - 2);
	b[2] = d->disk ? 0x01 : 0x70;		/* medium type: data CD, none */
	atapi_answer(d, bytes, get16(cdb + 7));
}

static void mmc_mechanism_status(struct ide_drive *d, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(d, 8);

	b[1] = d->tray_open ? 0x10 : 0;
	b[5] = 1;				/* slots */
	atapi_answer(d, 8, get16(cdb + 8));
}

static const struct mmc_row mmc_rows[256] = {
	[0x00] = { mmc_test_unit_ready, NEEDS_MEDIUM },
	[0x03] = { mmc_request_sense, PASSES_ATTENTION },
	[0x12] = { mmc_inquiry, PASSES_ATTENTION },
	[0x1b] = { mmc_start_stop, 0 },
	[0x1e] = { mmc_prevent_removal, 0 },
	[0x25] = { mmc_read_capacity, NEEDS_MEDIUM },
	[0x28] = { mmc_read10, NEEDS_MEDIUM },
	[0x2b] = { mmc_seek, NEEDS_MEDIUM },
	[0x43] = { mmc_read_toc, NEEDS_MEDIUM },
	[0x46] = { mmc_get_configuration, PASSES_ATTENTION },
	[0x4a] = { mmc_get_event, PASSES_ATTENTION },
	[0x51] = { mmc_read_disc_information, NEEDS_MEDIUM },
	[0x52] = { mmc_read_track_information, NEEDS_MEDIUM },
	[0x5a] = { mmc_mode_sense10, 0 },
	[0xa8] = { mmc_read12, NEEDS_MEDIUM },
	[0xbb] = { mmc_test_unit_ready, 0 },	/* SET CD SPEED: accepted, nothing to set */
	[0xbd] = { mmc_mechanism_status, 0 },
	[0xbe] = { mmc_read_cd, NEEDS_MEDIUM },
};

void mmc_command(struct ide_drive *d, const uint8_t *cdb)
{
	const struct mmc_row *row = &mmc_rows[cdb[0]];

	if (!row->run) {
		atapi_fail(d, sense_bad_opcode);
		return;
	}
	if (d->unit_attention && !(row->flags & PASSES_ATTENTION)) {
		d->unit_attention = false;
		atapi_fail(d, sense_medium_changed);
		return;
	}
	if ((row->flags & NEEDS_MEDIUM) && blocks_of(d) == 0) {
		atapi_fail(d, d->tray_open ? sense_no_medium_open : sense_no_medium);
		return;
	}
	if (cdb[0] != 0x03)
		d->sense = sense_none;
	row->run(d, cdb);
}
