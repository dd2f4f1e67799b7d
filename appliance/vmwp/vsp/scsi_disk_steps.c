/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of a disk that take several disk requests, one after the other: UNMAP (a list), WRITE SAME of a pattern, and
 * VERIFY. How long one may take is bounded by what the VPD page for block limits promises. SBC-3, 5.
 */
#include "vmwp/vsp/scsi_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BYTES		65536u
#define UNMAP_HEADER		8u
#define UNMAP_DESCRIPTOR	16u
#define WRITE_SAME_BYTES_MAX	(8u << 20)
#define WS_UNMAP		0x08u
#define WS_ANCHOR		0x10u
#define WS_OBSOLETE		0x06u		/* PBDATA, LBDATA */

static bool scratch_new(struct scsi_request *r, size_t bytes)
{
	r->scratch = malloc(bytes);
	if (!r->scratch)
		scsi_end(r, -ENOMEM);
	return r->scratch != NULL;
}

/* Tells the disk about [offset, left) from r->scratch, or into it, STEP_BYTES at a time. */
static void step_submit(struct scsi_request *r, int op, void (*step)(struct scsi_request *, int))
{
	r->piece.iov_base = r->scratch;
	r->piece.iov_len = r->left < STEP_BYTES ? r->left : STEP_BYTES;
	scsi_submit(r, op, r->offset, &r->piece, 1, 0, step);
}

static void step_advance(struct scsi_request *r)
{
	r->offset += r->piece.iov_len;
	r->left -= r->piece.iov_len;
}

/* --- VERIFY --- */

/* Against the guest's bytes with BYTCHK; without, being readable is enough. */
static bool piece_matches(const struct scsi_request *r)
{
	const uint8_t *at = r->piece.iov_base;
	uint32_t skip = r->bytes - (uint32_t)r->left, left = (uint32_t)r->piece.iov_len;

	for (unsigned int i = 0; i < r->iov_count && left; i++) {
		uint32_t n = (uint32_t)r->iov[i].iov_len;

		if (skip >= n) {
			skip -= n;
			continue;
		}
		n = n - skip < left ? n - skip : left;
		if (memcmp((const uint8_t *)r->iov[i].iov_base + skip, at, n) != 0)
			return false;
		skip = 0;
		at += n;
		left -= n;
	}
	return true;
}

static void verify_step(struct scsi_request *r, int result)
{
	bool compare = r->cdb[1] & 0x02;

	if (result < 0 || r->left == 0) {
		scsi_end(r, result);
		return;
	}
	if (compare && !piece_matches(r)) {
		scsi_fail(r, sense_miscompare);
		return;
	}
	step_advance(r);
	if (r->left)
		step_submit(r, DISK_READ, verify_step);
	else
		scsi_good(r);
}

void scsi_disk_verify(struct scsi_unit *u, struct scsi_request *r)
{
	struct scsi_extent e = scsi_extent_of(r);
	bool compare = r->cdb[1] & 0x02;

	if (!scsi_extent_check(u, r, &e))
		return;
	r->offset = e.lba * u->block_bytes;
	r->left = e.blocks * u->block_bytes;
	if ((r->cdb[1] & 0x04) || (!compare && r->left > WRITE_SAME_BYTES_MAX)) {
		scsi_fail(r, sense_bad_field);	/* a longer one would keep the disk busy for the guest's asking */
		return;
	}
	if (compare && r->left != r->bytes) {
		if (r->left > r->bytes)
			scsi_overrun(r);
		else
			scsi_fail(r, sense_bad_field);
		return;
	}
	if (compare)
		r->moved = r->bytes;
	if (r->left == 0)
		scsi_good(r);
	else if (scratch_new(r, STEP_BYTES))
		step_submit(r, DISK_READ, verify_step);
}

/* --- WRITE SAME --- */

static bool block_is_zero(const uint8_t *block, uint32_t bytes)
{
	return block[0] == 0 && memcmp(block, block + 1, bytes - 1) == 0;
}

static void write_same_step(struct scsi_request *r, int result)
{
	if (result == 0)
		step_advance(r);
	if (result < 0 || r->left == 0)
		scsi_end(r, result);
	else
		step_submit(r, DISK_WRITE, write_same_step);
}

static void write_pattern(struct scsi_unit *u, struct scsi_request *r)
{
	for (uint32_t at = u->block_bytes; at < STEP_BYTES; at += u->block_bytes)
		memcpy(r->scratch + at, r->scratch, u->block_bytes);
	step_submit(r, DISK_WRITE, write_same_step);
}

/* The pattern is judged by what it is: a block of zeros needs no data on the way to the disk. */
static void write_same_run(struct scsi_unit *u, struct scsi_request *r)
{
	bool unmap = r->cdb[1] & WS_UNMAP;

	if (block_is_zero(r->scratch, u->block_bytes))
		scsi_submit(r, unmap ? DISK_TRIM : DISK_WRITE_ZEROES, r->offset, NULL, 0, r->left, scsi_end);
	else
		write_pattern(u, r);
}

void scsi_disk_write_same(struct scsi_unit *u, struct scsi_request *r)
{
	struct scsi_extent e = scsi_extent_of(r);
	bool no_data = r->cdb[0] == 0x93 && (r->cdb[1] & 0x01);		/* NDOB: zeros */

	if ((e.flags & (WS_ANCHOR | WS_OBSOLETE)) || e.blocks == 0 || e.blocks > WRITE_SAME_BYTES_MAX / u->block_bytes) {
		scsi_fail(r, sense_bad_field);
		return;
	}
	if (!scsi_extent_check(u, r, &e) || !scratch_new(r, STEP_BYTES))
		return;
	r->offset = e.lba * u->block_bytes;
	r->left = e.blocks * u->block_bytes;
	if (no_data)
		memset(r->scratch, 0, u->block_bytes);
	else if (scsi_take(r, r->scratch, u->block_bytes) < 0) {
		scsi_overrun(r);
		return;
	}
	write_same_run(u, r);
}

/* --- UNMAP --- */

static uint32_t unmap_descriptors(const struct scsi_request *r)
{
	return scsi_get16(r->scratch + 2) / UNMAP_DESCRIPTOR;
}

static void unmap_step(struct scsi_request *r, int result)
{
	uint32_t block = r->unit->block_bytes;

	if (result < 0) {
		scsi_end(r, result);
		return;
	}
	for (; r->index < unmap_descriptors(r); r->index++) {
		const uint8_t *d = r->scratch + UNMAP_HEADER + r->index * UNMAP_DESCRIPTOR;
		uint64_t blocks = scsi_get32(d + 8);

		if (blocks == 0)
			continue;
		r->index++;
		scsi_submit(r, DISK_TRIM, scsi_get64(d) * block, NULL, 0, blocks * block, unmap_step);
		return;
	}
	scsi_good(r);
}

/* All of it is judged before any of it is done. */
static bool unmap_list_fits(const struct scsi_unit *u, const struct scsi_request *r)
{
	for (uint32_t i = 0; i < unmap_descriptors(r); i++) {
		const uint8_t *d = r->scratch + UNMAP_HEADER + i * UNMAP_DESCRIPTOR;

		if (!scsi_extent_fits(u, scsi_get64(d), scsi_get32(d + 8)))
			return false;
	}
	return true;
}

void scsi_disk_unmap(struct scsi_unit *u, struct scsi_request *r)
{
	uint32_t bytes = scsi_get16(r->cdb + 7);

	if (r->cdb[1] & 0x01) {			/* ANCHOR */
		scsi_fail(r, sense_bad_field);
		return;
	}
	if (bytes == 0) {
		scsi_good(r);
		return;
	}
	if (bytes < UNMAP_HEADER || bytes > r->bytes) {
		scsi_fail(r, sense_bad_length);
		return;
	}
	if (!scratch_new(r, bytes))
		return;
	scsi_take(r, r->scratch, bytes);
	r->index = 0;
	if (scsi_get16(r->scratch + 2) > bytes - UNMAP_HEADER)
		scsi_fail(r, sense_bad_length);
	else if (!unmap_list_fits(u, r))
		scsi_fail(r, sense_bad_address);
	else
		unmap_step(r, 0);
}
