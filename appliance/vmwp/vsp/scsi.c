/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all SCSI commands have in common: the checks before the command runs, how it ends, data in and out, sense data,
 * and disk requests. Called by the transport (scsi.h) and by the commands (scsi_internal.h).
 */
#include "vmwp/vsp/scsi_internal.h"

#include "vmwp/meters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTROL_NACA	0x04u	/* SAM-4, 5.2: auto contingent allegiance, which we do not do */

const struct scsi_sense sense_no_medium = { 0x02, 0x3a, 0x00 };
const struct scsi_sense sense_no_medium_open = { 0x02, 0x3a, 0x02 };
const struct scsi_sense sense_bad_length = { 0x05, 0x1a, 0x00 };
const struct scsi_sense sense_bad_opcode = { 0x05, 0x20, 0x00 };
const struct scsi_sense sense_bad_address = { 0x05, 0x21, 0x00 };
const struct scsi_sense sense_bad_field = { 0x05, 0x24, 0x00 };
const struct scsi_sense sense_bad_parameter = { 0x05, 0x26, 0x00 };
const struct scsi_sense sense_bad_release = { 0x05, 0x26, 0x04 };
const struct scsi_sense sense_saving_unsupported = { 0x05, 0x39, 0x00 };
const struct scsi_sense sense_removal_prevented = { 0x05, 0x53, 0x02 };
const struct scsi_sense sense_medium_changed = { 0x06, 0x28, 0x00 };
const struct scsi_sense sense_was_reset = { 0x06, 0x29, 0x03 };
const struct scsi_sense sense_mode_changed = { 0x06, 0x2a, 0x01 };
const struct scsi_sense sense_capacity_changed = { 0x06, 0x2a, 0x09 };
const struct scsi_sense sense_write_protected = { 0x07, 0x27, 0x00 };
const struct scsi_sense sense_miscompare = { 0x0e, 0x1d, 0x00 };

uint16_t scsi_get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
uint32_t scsi_get24(const uint8_t *p) { return (uint32_t)p[0] << 16 | scsi_get16(p + 1); }
uint32_t scsi_get32(const uint8_t *p) { return (uint32_t)scsi_get16(p) << 16 | scsi_get16(p + 2); }
uint64_t scsi_get64(const uint8_t *p) { return (uint64_t)scsi_get32(p) << 32 | scsi_get32(p + 4); }

void scsi_put16(uint8_t *p, uint64_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void scsi_put32(uint8_t *p, uint64_t v)
{
	scsi_put16(p, v >> 16);
	scsi_put16(p + 2, v);
}

void scsi_put64(uint8_t *p, uint64_t v)
{
	scsi_put32(p, v >> 32);
	scsi_put32(p + 4, v);
}

void scsi_sense_format(struct scsi_sense sense, uint8_t out[SCSI_SENSE_BYTES])
{
	memset(out, 0, SCSI_SENSE_BYTES);
	out[0] = 0x70;				/* current error, fixed format */
	out[2] = sense.key;
	out[7] = SCSI_SENSE_BYTES - 8;
	out[12] = sense.asc;
	out[13] = sense.ascq;
}

/* --- media --- */

int scsi_medium_new(struct disk *disk, bool borrowed, struct scsi_medium **out)
{
	struct scsi_medium *m = malloc(sizeof(*m));

	if (!m)
		return -ENOMEM;
	*m = (struct scsi_medium) { .disk = disk, .users = 1, .borrowed = borrowed };
	*out = m;
	return 0;
}

void scsi_medium_put(struct scsi_medium *m)
{
	if (!m || --m->users)
		return;
	if (!m->borrowed)
		disk_close(m->disk);
	free(m);
}

/* --- units --- */

int scsi_unit_new(const struct scsi_kind *kind, struct disk_queue *q, struct scsi_medium *medium, const char *serial,
		  struct scsi_unit **out)
{
	struct scsi_unit *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->kind = kind;
	u->queue = q;
	u->medium = medium;
	u->size_known = medium ? medium->disk->size_bytes : 0;
	u->write_cache = true;
	snprintf(u->serial, sizeof(u->serial), "%s", serial ? serial : "");
	*out = u;
	return 0;
}

void scsi_unit_destroy(struct scsi_unit *u)
{
	if (!u)
		return;
	scsi_medium_put(u->medium);
	free(u);
}

void scsi_unit_drain(struct scsi_unit *u, void (*idle)(struct scsi_unit *u, void *context), void *context)
{
	if (u->running == 0) {
		idle(u, context);
		return;
	}
	u->idle = idle;
	u->idle_context = context;
}

void scsi_unit_reset(struct scsi_unit *u)
{
	u->write_cache = true;
	u->drive.locked = false;
	scsi_attention(u, sense_was_reset);
}

void scsi_unit_power_on(struct scsi_unit *u)
{
	bool empty = !u->medium;

	u->write_cache = true;
	u->attentions = 0;
	u->reservation = (struct scsi_reservation) { 0 };
	u->size_known = empty ? 0 : u->medium->disk->size_bytes;
	u->drive = (struct mmc_drive) { .interface = u->drive.interface, .tray_open = empty && u->drive.tray_open };
}

/* The oldest are told first; a unit that has more to say than fits says the newest in place of the last. */
void scsi_attention(struct scsi_unit *u, struct scsi_sense sense)
{
	for (unsigned int i = 0; i < u->attentions; i++)
		if (memcmp(&u->attention[i], &sense, sizeof(sense)) == 0)
			return;
	if (u->attentions == SCSI_ATTENTIONS_MAX)
		u->attentions--;
	u->attention[u->attentions++] = sense;
}

static struct scsi_sense attention_take(struct scsi_unit *u)
{
	struct scsi_sense first = u->attention[0];

	u->attentions--;
	memmove(&u->attention[0], &u->attention[1], u->attentions * sizeof(u->attention[0]));
	return first;
}

void scsi_request_sense(struct scsi_unit *u, struct scsi_request *r)
{
	uint8_t data[SCSI_SENSE_BYTES];

	if (r->cdb[1] & 1) {			/* descriptor format: SPC-3 lets us not have it */
		scsi_fail(r, sense_bad_field);
		return;
	}
	scsi_sense_format(u->attentions ? attention_take(u) : (struct scsi_sense) { 0 }, data);
	scsi_answer(r, data, sizeof(data), r->cdb[4]);
}

/* --- the end of a command --- */

static void request_finish(struct scsi_request *r)
{
	struct scsi_unit *u = r->unit;
	void (*idle)(struct scsi_unit *, void *) = NULL;

	free(r->scratch);
	r->scratch = NULL;
	scsi_medium_put(r->medium);
	r->medium = NULL;
	if (--u->running == 0) {
		idle = u->idle;
		u->idle = NULL;
	}
	r->done(r);
	if (idle)
		idle(u, u->idle_context);
}

void scsi_good(struct scsi_request *r)
{
	r->status = SCSI_GOOD;
	request_finish(r);
}

void scsi_fail(struct scsi_request *r, struct scsi_sense sense)
{
	r->status = SCSI_CHECK_CONDITION;
	r->sense = sense;
	r->moved = 0;
	request_finish(r);
}

void scsi_conflict(struct scsi_request *r)
{
	r->status = SCSI_RESERVATION_CONFLICT;
	request_finish(r);
}

void scsi_overrun(struct scsi_request *r)
{
	r->status = SCSI_GOOD;
	r->overrun = true;
	request_finish(r);
}

static const struct { int error; struct scsi_sense sense; } disk_errors[] = {
	{ -EROFS,  { 0x07, 0x27, 0x00 } },	/* write protected */
	{ -ENOSPC, { 0x07, 0x27, 0x07 } },	/* space allocation failed write protect */
	{ -EDQUOT, { 0x07, 0x27, 0x07 } },
	{ -ERANGE, { 0x05, 0x21, 0x00 } },
	{ -EINVAL, { 0x05, 0x21, 0x00 } },
};

static struct scsi_sense sense_of(const struct scsi_request *r, int error)
{
	for (size_t i = 0; i < sizeof(disk_errors) / sizeof(disk_errors[0]); i++)
		if (disk_errors[i].error == error)
			return disk_errors[i].sense;
	return r->io.op == DISK_READ ? (struct scsi_sense) { 0x03, 0x11, 0x00 }		/* unrecovered read error */
				     : (struct scsi_sense) { 0x03, 0x0c, 0x00 };	/* write error */
}

void scsi_end(struct scsi_request *r, int result)
{
	if (result == 0) {
		scsi_good(r);
	} else if (result == -EBUSY || result == -EAGAIN || result == -ENOMEM) {
		r->status = SCSI_BUSY;			/* the guest tries again */
		r->moved = 0;
		request_finish(r);
	} else {
		scsi_fail(r, sense_of(r, result));
	}
}

/* --- data --- */

void scsi_iov_copy(const struct iovec *iov, unsigned int count, uint32_t skip, void *data, uint32_t bytes, bool to_iov)
{
	uint8_t *at = data;

	for (unsigned int i = 0; i < count && bytes; i++) {
		uint32_t n = (uint32_t)iov[i].iov_len;
		uint8_t *piece = iov[i].iov_base;

		if (skip >= n) {
			skip -= n;
			continue;
		}
		piece += skip;
		n -= skip;
		skip = 0;
		n = n < bytes ? n : bytes;
		memcpy(to_iov ? piece : at, to_iov ? at : piece, n);
		at += n;
		bytes -= n;
	}
}

void scsi_answer(struct scsi_request *r, const void *data, uint32_t bytes, uint32_t allocation_length)
{
	uint32_t n = bytes < allocation_length ? bytes : allocation_length;

	n = n < r->bytes ? n : r->bytes;
	scsi_iov_copy(r->iov, r->iov_count, 0, (void *)(uintptr_t)data, n, true);
	r->moved = n;
	scsi_good(r);
}

int scsi_take(struct scsi_request *r, void *to, uint32_t bytes)
{
	if (r->bytes < bytes)
		return -EMSGSIZE;
	scsi_iov_copy(r->iov, r->iov_count, 0, to, bytes, false);
	r->moved = bytes;
	return 0;
}

/* --- disk requests --- */

static void io_done(struct disk_request *io, int result)
{
	struct scsi_request *r = (struct scsi_request *)((char *)io - offsetof(struct scsi_request, io));

	if ((result == -ENOSPC || result == -EDQUOT) && r->unit->no_space)
		r->unit->no_space(r);
	else
		r->step(r, result);
}

void scsi_request_again(struct scsi_request *r)
{
	int result;

	meters_count_disk(&r->io);
	result = disk_submit(r->unit->queue, r->medium->disk, &r->io);
	if (result < 0)
		io_done(&r->io, result);
}

void scsi_request_give_up(struct scsi_request *r)
{
	r->step(r, -EBUSY);
}

void scsi_submit(struct scsi_request *r, int op, uint64_t offset, struct iovec *iov, unsigned int iov_count, uint64_t bytes,
		 void (*step)(struct scsi_request *, int))
{
	bool changes = op == DISK_WRITE || op == DISK_WRITE_ZEROES;
	r->io = (struct disk_request) {
		.op = op, .flags = changes && r->force ? DISK_FUA : 0, .offset = offset, .bytes = bytes,
		.iov = iov, .iov_count = iov_count, .done = io_done,
	};
	r->step = step;
	scsi_request_again(r);
}

static void iov_shorten(struct scsi_request *r, uint64_t bytes)
{
	unsigned int i = 0;

	for (; i < r->iov_count && bytes; i++) {
		if (r->iov[i].iov_len > bytes)
			r->iov[i].iov_len = bytes;
		bytes -= r->iov[i].iov_len;
	}
	r->iov_count = i;
}

void scsi_transfer(struct scsi_request *r, bool write, uint64_t offset, uint64_t bytes)
{
	if (bytes == 0) {
		scsi_good(r);
		return;
	}
	if (bytes > r->bytes) {
		scsi_overrun(r);
		return;
	}
	iov_shorten(r, bytes);
	r->moved = (uint32_t)bytes;
	scsi_submit(r, write ? DISK_WRITE : DISK_READ, offset, r->iov, r->iov_count, 0, scsi_end);
}

/* --- a command comes --- */

/* By the group of the operation code (SPC-3, 4.3.4.1); 0: reserved or vendor's. */
static unsigned int cdb_length(uint8_t operation)
{
	static const uint8_t lengths[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	return lengths[operation >> 5];
}

static bool is_write_protected(const struct scsi_unit *u)
{
	return u->medium && u->medium->disk->read_only;
}

/* True when the command may run; otherwise it has been answered. */
static bool request_permitted(struct scsi_unit *u, struct scsi_request *r, const struct scsi_command *c)
{
	unsigned int length = cdb_length(r->cdb[0]);

	if (!c->run)
		scsi_fail(r, sense_bad_opcode);
	else if (u->attentions && !(c->flags & SCSI_PASSES_ATTENTION))
		scsi_fail(r, attention_take(u));
	else if (r->cdb_bytes < length || (r->cdb[length - 1] & CONTROL_NACA))
		scsi_fail(r, sense_bad_field);
	else if ((c->flags & SCSI_NEEDS_MEDIUM) && scsi_blocks(u) == 0)
		scsi_fail(r, u->drive.tray_open ? sense_no_medium_open : sense_no_medium);
	else if ((c->flags & SCSI_WRITES) && is_write_protected(u))
		scsi_fail(r, sense_write_protected);
	else
		return true;
	return false;
}

void scsi_unit_execute(struct scsi_unit *u, struct scsi_request *r)
{
	const struct scsi_command *c = &u->kind->commands[r->cdb[0]];

	r->unit = u;
	r->status = SCSI_GOOD;
	r->sense = (struct scsi_sense) { 0 };
	r->moved = 0;
	r->overrun = false;
	r->force = !u->write_cache;
	r->scratch = NULL;
	r->io.op = DISK_READ;
	r->medium = u->medium;
	if (r->medium)
		r->medium->users++;
	u->running++;
	if (u->kind->poll)
		u->kind->poll(u);
	if (request_permitted(u, r, c))
		c->run(u, r);
}

/* --- state --- */

static void reservation_state(struct scsi_reservation *v, struct state *s)
{
	state_bool(s, &v->registered);
	state_bool(s, &v->held);
	state_u8(s, &v->type);
	state_u32(s, &v->generation);
	state_u64(s, &v->key);
	if (state_loading(s) && v->held && !v->registered)
		state_refuse(s);
}

void scsi_unit_state(struct scsi_unit *u, struct state *s)
{
	uint8_t attentions = (uint8_t)u->attentions;

	if (!state_record_begin(s, "scsi-unit", 1)) {
		state_refuse(s);
		return;
	}
	state_bool(s, &u->write_cache);
	state_u64(s, &u->size_known);
	state_u8(s, &attentions);
	if (attentions > SCSI_ATTENTIONS_MAX)
		state_refuse(s);
	u->attentions = attentions > SCSI_ATTENTIONS_MAX ? 0 : attentions;
	for (unsigned int i = 0; i < u->attentions; i++) {
		state_u8(s, &u->attention[i].key);
		state_u8(s, &u->attention[i].asc);
		state_u8(s, &u->attention[i].ascq);
	}
	reservation_state(&u->reservation, s);
	mmc_drive_state(&u->drive, s);
	state_record_end(s);
}
