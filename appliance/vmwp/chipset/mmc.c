/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of a CD/DVD-ROM drive (MMC-5) as a table. Each builds its reply; who called carries it to the guest.
 */
#include "vmwp/chipset/mmc.h"
#include "vmwp/state.h"

#include <string.h>

struct mmc_call {			/* one command being worked on */
	struct mmc_drive *drive;
	const struct disk *medium;
	struct mmc_reply *reply;
};

struct mmc_row {
	void (*run)(struct mmc_call *c, const uint8_t *cdb);
	bool needs_medium;
};

static const struct mmc_sense sense_no_medium = { 0x02, 0x3a, 0x00 };
static const struct mmc_sense sense_no_medium_open = { 0x02, 0x3a, 0x02 };
static const struct mmc_sense sense_bad_opcode = { 0x05, 0x20, 0x00 };
static const struct mmc_sense sense_bad_address = { 0x05, 0x21, 0x00 };
static const struct mmc_sense sense_bad_field = { 0x05, 0x24, 0x00 };
static const struct mmc_sense sense_incompatible = { 0x05, 0x30, 0x02 };
static const struct mmc_sense sense_removal_prevented = { 0x05, 0x53, 0x02 };

#define CD_BLOCKS_MAX	(80u * 60 * 75)		/* beyond 80 minutes it must be a DVD */
#define SPEED_KB	0x2c2u			/* 4x: what any drive may say */
#define FEATURE_CORE	0x0001u
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

static uint32_t blocks_of(const struct mmc_call *c)
{
	uint64_t blocks = c->medium ? c->medium->size_bytes / MMC_BLOCK : 0;

	return blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)blocks;
}

static uint32_t profile_of(const struct mmc_call *c)
{
	if (!c->medium)
		return 0;
	return blocks_of(c) > CD_BLOCKS_MAX ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

static uint8_t *answer_begin(struct mmc_call *c, uint32_t bytes)
{
	memset(c->reply->data, 0, bytes);
	return c->reply->data;
}

static void reply_answer(struct mmc_call *c, uint32_t bytes, uint32_t allocation_length)
{
	c->reply->kind = MMC_ANSWER;
	c->reply->bytes = bytes;
	c->reply->allocation_length = allocation_length;
}

static void reply_read(struct mmc_call *c, uint64_t offset, uint64_t length)
{
	c->reply->kind = MMC_READ;
	c->reply->offset = offset;
	c->reply->length = length;
}

static void reply_done(struct mmc_call *c)
{
	c->reply->kind = MMC_DONE;
}

static void reply_fail(struct mmc_call *c, struct mmc_sense sense)
{
	c->reply->kind = MMC_FAILED;
	c->reply->sense = sense;
}

static void mmc_nothing(struct mmc_call *c, const uint8_t *cdb)
{
	(void)cdb;
	reply_done(c);
}

static void mmc_start_stop(struct mmc_call *c, const uint8_t *cdb)
{
	bool load_eject = cdb[4] & 2, start = cdb[4] & 1;

	if (load_eject && !start && c->drive->locked) {
		reply_fail(c, sense_removal_prevented);
		return;
	}
	if (load_eject && !start && c->medium)
		c->reply->eject = c->drive->eject_event = true;
	if (load_eject)
		c->drive->tray_open = !start;
	reply_done(c);
}

static void mmc_prevent_removal(struct mmc_call *c, const uint8_t *cdb)
{
	c->drive->locked = cdb[4] & 1;
	reply_done(c);
}

static void mmc_read_capacity(struct mmc_call *c, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(c, 8);

	(void)cdb;
	put32(b, blocks_of(c) - 1);
	put32(b + 4, MMC_BLOCK);
	reply_answer(c, 8, 8);
}

static void read_blocks(struct mmc_call *c, uint32_t first, uint32_t count)
{
	if (first > blocks_of(c) || count > blocks_of(c) - first)
		reply_fail(c, sense_bad_address);
	else if (count == 0)
		reply_done(c);
	else
		reply_read(c, (uint64_t)first * MMC_BLOCK, (uint64_t)count * MMC_BLOCK);
}

static void mmc_read10(struct mmc_call *c, const uint8_t *cdb)
{
	read_blocks(c, get32(cdb + 2), get16(cdb + 7));
}

static void mmc_read12(struct mmc_call *c, const uint8_t *cdb)
{
	read_blocks(c, get32(cdb + 2), get32(cdb + 6));
}

/* READ CD: the user data of data sectors is all that an ISO image has. */
static void mmc_read_cd(struct mmc_call *c, const uint8_t *cdb)
{
	uint32_t count = (uint32_t)cdb[6] << 16 | get16(cdb + 7);
	uint8_t wanted = cdb[9] & 0xf8;

	if (wanted == 0)
		read_blocks(c, get32(cdb + 2), 0);
	else if (wanted != 0x10 || (cdb[10] & 7))
		reply_fail(c, sense_bad_field);
	else
		read_blocks(c, get32(cdb + 2), count);
}

static void mmc_seek(struct mmc_call *c, const uint8_t *cdb)
{
	read_blocks(c, get32(cdb + 2), 0);
}

static void put_address(uint8_t *p, uint32_t block, bool msf)
{
	uint32_t frames = block + 150;		/* two seconds of lead-in */

	if (msf)
		put32(p, (frames / (60 * 75)) << 16 | (frames / 75 % 60) << 8 | frames % 75);
	else
		put32(p, block);
}

static uint32_t toc_tracks(struct mmc_call *c, uint8_t *b, uint8_t first_track, bool msf)
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
	put_address(p + 4, blocks_of(c), msf);
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

static void mmc_read_toc(struct mmc_call *c, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(c, 32), format = cdb[2] & 0x0f;
	bool msf = cdb[1] & 2;
	uint32_t bytes;

	if (format == 0)
		format = cdb[9] >> 6;		/* where SFF-8020i put it */
	if (format > 1 || (cdb[6] > 1 && cdb[6] != 0xaa)) {
		reply_fail(c, sense_bad_field);
		return;
	}
	bytes = format == 0 ? toc_tracks(c, b, cdb[6], msf) : toc_sessions(b, msf);
	put16(b, bytes - 2);
	reply_answer(c, bytes, get16(cdb + 7));
}

static void put_feature(uint8_t *p, uint32_t code, uint8_t flags, const uint8_t *data, uint8_t length)
{
	put16(p, code);
	p[2] = flags;
	p[3] = length;
	memcpy(p + 4, data, length);
}

static const struct mmc_feature {
	uint16_t code;
	uint8_t flags, length, data[12];	/* flags: version << 2 | persistent << 1 | current */
} features[] = {
	{ 0x0000, 0x03, 8,  { 0, 0x10, 0, 0, 0, 0x08, 0, 0 } },		/* profile list: DVD-ROM, CD-ROM */
	{ FEATURE_CORE, 0x0b, 8, { 0, 0, 0, 0, 1 } },			/* core: the interface comes here */
	{ 0x0003, 0x0b, 4,  { 0x29 } },				/* removable: tray, eject, lock */
	{ 0x0010, 0x01, 8,  { 0, 0, 8, 0, 0, 1, 0, 0 } },		/* random read of 2048-byte blocks */
};

static void mmc_get_configuration(struct mmc_call *c, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(c, 96), request = cdb[1] & 3;
	uint32_t from = get16(cdb + 2), bytes = 8;

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct mmc_feature *f = &features[i];

		if (f->code < from || (request == 2 && f->code != from) || (request == 1 && f->code == 0x10 && !c->medium))
			continue;
		put_feature(b + bytes, f->code, f->flags, f->data, f->length);
		if (f->code == FEATURE_CORE)
			b[bytes + 7] = (uint8_t)c->drive->interface;
		bytes += 4u + f->length;
	}
	if (from == 0) {			/* which of the profiles is current */
		b[8 + 4 + 2] = profile_of(c) == PROFILE_DVD_ROM;
		b[8 + 4 + 6] = profile_of(c) == PROFILE_CD_ROM;
	}
	put32(b, bytes - 4);
	put16(b + 6, profile_of(c));
	reply_answer(c, bytes, get16(cdb + 7));
}

#define EVENT_MEDIA 4u

static void mmc_get_event(struct mmc_call *c, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(c, 8);
	bool media = cdb[4] & (1u << EVENT_MEDIA);

	if (!(cdb[1] & 1)) {			/* only polling is offered */
		reply_fail(c, sense_bad_field);
		return;
	}
	put16(b, media ? 6 : 2);
	b[2] = media ? EVENT_MEDIA : 0x80;	/* 0x80: no class asked for is known */
	b[3] = 1u << EVENT_MEDIA;
	if (media) {
		b[4] = c->drive->media_event ? 2 : c->drive->eject_event ? 3 : 0;	/* new media, media removal */
		b[5] = (uint8_t)((c->medium ? 2 : 0) | (c->drive->tray_open ? 1 : 0));
		c->drive->media_event = c->drive->eject_event = false;
	}
	reply_answer(c, media ? 8 : 4, get16(cdb + 7));
}

static void mmc_read_disc_information(struct mmc_call *c, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(c, 34);

	put16(b, 32);
	b[2] = 0x0e;				/* complete session, finalised disc */
	b[3] = b[4] = b[5] = b[6] = 1;
	b[7] = 0x20;				/* unrestricted use */
	reply_answer(c, 34, get16(cdb + 7));
}

static void mmc_read_track_information(struct mmc_call *c, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(c, 36);

	put16(b, 34);
	b[2] = b[3] = 1;			/* track 1, session 1 */
	b[5] = 0x04;				/* data */
	b[6] = 0x01;				/* mode 1 */
	put32(b + 24, blocks_of(c));
	reply_answer(c, 36, get16(cdb + 7));
}

static uint32_t put_error_page(uint8_t *p)
{
	p[0] = 0x01;
	p[1] = 6;
	p[3] = 5;				/* retries */
	return 8;
}

static uint32_t put_capabilities_page(const struct mmc_call *c, uint8_t *p)
{
	p[0] = 0x2a;
	p[1] = 18;
	p[2] = 0x0b;				/* reads CD-R, CD-RW, DVD-ROM */
	p[4] = 0x70;				/* mode 2 forms, multi-session */
	p[6] = (uint8_t)(0x29 | (c->drive->locked ? 2 : 0));
	put16(p + 8, SPEED_KB);
	put16(p + 12, 512);
	put16(p + 14, SPEED_KB);
	return 20;
}

static void mmc_mode_sense10(struct mmc_call *c, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(c, 64), page = cdb[2] & 0x3f;
	uint32_t bytes = 8;

	if ((cdb[2] >> 6) == 3 || (page != 0x01 && page != 0x2a && page != 0x3f)) {
		reply_fail(c, sense_bad_field);
		return;
	}
	if (page != 0x2a)
		bytes += put_error_page(b + bytes);
	if (page != 0x01)
		bytes += put_capabilities_page(c, b + bytes);
	put16(b, bytes - 2);
	b[2] = c->medium ? 0x01 : 0x70;		/* medium type: data CD, none */
	reply_answer(c, bytes, get16(cdb + 7));
}

static void mmc_mechanism_status(struct mmc_call *c, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(c, 8);

	b[1] = c->drive->tray_open ? 0x10 : 0;
	b[5] = 1;				/* slots */
	reply_answer(c, 8, get16(cdb + 8));
}

static uint32_t put_physical_format(const struct mmc_call *c, uint8_t *p)
{
	p[0] = 0x01;				/* DVD-ROM, version 1 */
	p[1] = 0x0f;				/* 120 mm, no maximum rate */
	p[2] = 0x01;				/* one layer, embossed */
	put32(p + 4, 0x30000);			/* the first sector of data, with its zero byte in front */
	put32(p + 8, 0x30000 + blocks_of(c) - 1);
	return 17;
}

static void mmc_read_disc_structure(struct mmc_call *c, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(c, 32);
	uint32_t bytes = 4;

	if (profile_of(c) != PROFILE_DVD_ROM) {
		reply_fail(c, sense_incompatible);
		return;
	}
	if ((cdb[1] & 0x0f) != 0 || cdb[6] != 0 || cdb[7] > 1) {	/* DVD, layer 0, physical format or copyright */
		reply_fail(c, sense_bad_field);
		return;
	}
	bytes += cdb[7] == 0 ? put_physical_format(c, b + 4) : 4;	/* all zero: not protected, every region */
	put16(b, bytes - 2);
	reply_answer(c, bytes, get16(cdb + 8));
}

static void mmc_read_buffer_capacity(struct mmc_call *c, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(c, 12);

	put16(b, 10);
	put32(b + 4, 512 << 10);
	put32(b + 8, 512 << 10);		/* all of it is free */
	reply_answer(c, 12, get16(cdb + 7));
}

/* GET PERFORMANCE, nominal: the same speed from the first block to the last. */
static void mmc_get_performance(struct mmc_call *c, const uint8_t *cdb)
{
	uint8_t *b = answer_begin(c, 24);

	if (cdb[10] != 0 || (cdb[1] & 0x04)) {	/* other types; performance of writing */
		reply_fail(c, sense_bad_field);
		return;
	}
	put32(b, 20);
	put32(b + 12, SPEED_KB);
	put32(b + 16, blocks_of(c) - 1);
	put32(b + 20, SPEED_KB);
	reply_answer(c, get16(cdb + 8) ? 24 : 8, UINT32_MAX);
}

static const struct mmc_row mmc_rows[256] = {
	[0x00] = { mmc_nothing, true },			/* TEST UNIT READY */
	[0x1b] = { mmc_start_stop, false },
	[0x1e] = { mmc_prevent_removal, false },
	[0x25] = { mmc_read_capacity, true },
	[0x28] = { mmc_read10, true },
	[0x2b] = { mmc_seek, true },
	[0x43] = { mmc_read_toc, true },
	[0x46] = { mmc_get_configuration, false },
	[0x4a] = { mmc_get_event, false },
	[0x51] = { mmc_read_disc_information, true },
	[0x52] = { mmc_read_track_information, true },
	[0x5a] = { mmc_mode_sense10, false },
	[0x5c] = { mmc_read_buffer_capacity, true },
	[0xa8] = { mmc_read12, true },
	[0xac] = { mmc_get_performance, true },
	[0xad] = { mmc_read_disc_structure, true },
	[0xbb] = { mmc_nothing, false },		/* SET CD SPEED: accepted, nothing to set */
	[0xbd] = { mmc_mechanism_status, false },
	[0xbe] = { mmc_read_cd, true },
};

bool mmc_knows(uint8_t operation)
{
	return mmc_rows[operation].run != NULL;
}

void mmc_execute(struct mmc_drive *d, const struct disk *medium, const uint8_t *cdb, struct mmc_reply *reply)
{
	const struct mmc_row *row = &mmc_rows[cdb[0]];
	struct mmc_call call = { d, medium, reply };

	reply->eject = false;
	if (!row->run)
		reply_fail(&call, sense_bad_opcode);
	else if (row->needs_medium && blocks_of(&call) == 0)
		reply_fail(&call, d->tray_open ? sense_no_medium_open : sense_no_medium);
	else
		row->run(&call, cdb);
}

void mmc_medium_changed(struct mmc_drive *d, const struct disk *medium)
{
	d->tray_open = false;
	d->media_event = medium != NULL;
	d->eject_event = medium == NULL;
}

void mmc_drive_state(struct mmc_drive *d, struct state *s)
{
	state_bool(s, &d->locked);
	state_bool(s, &d->tray_open);
	state_bool(s, &d->media_event);
	state_bool(s, &d->eject_event);
}
