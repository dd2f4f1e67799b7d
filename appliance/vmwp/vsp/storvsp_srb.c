/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EXECUTE_SRB: a SCSI command in a packet. The unit is found by its address, the guest's pages become pieces of our address
 * space (no copy is made), and the answer is put back into the packet as status, sense data and length.
 */
#include "vmwp/vsp/storvsp.h"

#include <stdlib.h>
#include <string.h>

enum { INQUIRY = 0x12, REPORT_LUNS = 0xa0 };

static struct scsi_unit *unit_find(const struct storvsp *s, const struct stor_srb *srb)
{
	bool here = srb->path == 0 && srb->target == 0 && srb->lun < STORVSP_UNITS_MAX;

	return here ? s->units[srb->lun] : NULL;
}

static void answer(struct storvsp_request *q, uint32_t status, uint8_t srb_status, uint32_t moved)
{
	q->packet.status = status;
	q->packet.srb.srb_status = srb_status;
	q->packet.srb.data_bytes = moved;
	storvsp_complete(q);
}

/* --- what has an answer though there is no unit --- */

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void answer_data(struct storvsp_request *q, const uint8_t *data, uint32_t bytes, uint32_t allocation_length)
{
	const struct scsi_request *r = &q->scsi;
	uint32_t n = bytes < allocation_length ? bytes : allocation_length, at = 0;

	n = n < r->bytes ? n : r->bytes;
	for (unsigned int i = 0; i < r->iov_count && at < n; i++) {
		uint32_t part = n - at < r->iov[i].iov_len ? n - at : (uint32_t)r->iov[i].iov_len;

		memcpy(r->iov[i].iov_base, data + at, part);
		at += part;
	}
	q->packet.srb.scsi_status = SCSI_GOOD;
	q->packet.srb.sense_bytes = 0;
	answer(q, STOR_SUCCESS, SRB_SUCCESS, n);
}

/* SPC-3, 6.21: the units of this path and target, whatever LUN was asked. */
static void report_luns(const struct storvsp *s, struct storvsp_request *q)
{
	uint8_t data[8 + 8 * STORVSP_UNITS_MAX] = { 0 };
	const struct stor_srb *srb = &q->packet.srb;
	uint32_t bytes = 8, allocation_length = (uint32_t)q->scsi.cdb[6] << 24 | (uint32_t)q->scsi.cdb[7] << 16 |
						(uint32_t)q->scsi.cdb[8] << 8 | q->scsi.cdb[9];

	for (uint8_t lun = 0; srb->path == 0 && srb->target == 0 && lun < STORVSP_UNITS_MAX; lun++) {
		if (!s->units[lun])
			continue;
		data[bytes + 1] = lun;		/* peripheral device addressing */
		bytes += 8;
	}
	put32(data, bytes - 8);
	answer_data(q, data, bytes, allocation_length);
}

/*
 * INQUIRY of an empty place says that nothing can be there (SPC-3, 6.4.2); guests that take a failure for a success
 * (Linux storvsc does) must find it well formed. Its version is that of the units, so that REPORT LUNS is tried.
 */
static void inquiry_of_nothing(struct storvsp_request *q)
{
	uint8_t data[36] = { 0x7f, 0, 5, 2, sizeof(data) - 5 };

	if (q->scsi.cdb[1] & 1) {
		answer(q, STOR_INVALID_REQUEST, SRB_INVALID_REQUEST, 0);
		return;
	}
	memset(data + 8, ' ', 28);
	answer_data(q, data, sizeof(data), (uint32_t)q->scsi.cdb[3] << 8 | q->scsi.cdb[4]);
}

static void answer_without_unit(struct storvsp_request *q)
{
	if (q->scsi.cdb[0] == INQUIRY)
		inquiry_of_nothing(q);
	else
		answer(q, STOR_NO_SUCH_DEVICE, SRB_INVALID_LUN, 0);
}

/* --- with one --- */

static void put_sense(struct stor_srb *srb, struct scsi_sense sense)
{
	uint8_t bytes[SCSI_SENSE_BYTES], room = srb->sense_bytes;

	if (room > sizeof(bytes))
		room = sizeof(bytes);
	scsi_sense_format(sense, bytes);
	memset(srb->cdb_or_sense, 0, sizeof(srb->cdb_or_sense));
	memcpy(srb->cdb_or_sense, bytes, room);
	srb->sense_bytes = room;
}

static void srb_done(struct scsi_request *r)
{
	struct storvsp_request *q = (struct storvsp_request *)r;
	struct stor_srb *srb = &q->packet.srb;

	srb->scsi_status = (uint8_t)r->status;
	if (r->status == SCSI_CHECK_CONDITION) {
		put_sense(srb, r->sense);
		answer(q, STOR_IO_ERROR, srb->sense_bytes ? SRB_ERROR | SRB_SENSE_VALID : SRB_ERROR, 0);
		return;
	}
	srb->sense_bytes = 0;
	if (r->overrun)
		answer(q, STOR_BUFFER_OVERFLOW, SRB_OVERRUN, 0);
	else if (r->status == SCSI_BUSY)
		answer(q, STOR_DEVICE_BUSY, SRB_BUSY, 0);
	else if (r->status == SCSI_RESERVATION_CONFLICT)
		answer(q, STOR_IO_ERROR, SRB_ERROR, 0);
	else
		answer(q, STOR_SUCCESS, SRB_SUCCESS, r->moved);
}

/* The guest's buffer is one range, at least as long as the transfer. */
static int srb_map(struct storvsp_channel *c, struct storvsp_request *q, const struct vmbus_packet *p)
{
	struct scsi_request *r = &q->scsi;
	int n;

	r->bytes = q->packet.srb.data_bytes;
	r->iov_count = 0;
	if (r->bytes == 0)
		return 0;
	if (p->type != VMBUS_PACKET_GPA_DIRECT || p->range_count != 1 || r->bytes > SCSI_TRANSFER_MAX)
		return -1;
	n = vmbus_range_iovec(vmbus_channel_machine(c->vmbus), &p->ranges[0], 0, r->bytes, r->iov, SCSI_IOV_MAX);
	if (n < 0)
		return n;
	r->iov_count = (unsigned int)n;
	return 0;
}

static bool srb_parse(struct storvsp_request *q)
{
	const struct stor_srb *srb = &q->packet.srb;
	struct scsi_request *r = &q->scsi;

	if (srb->cdb_bytes == 0 || srb->cdb_bytes > SCSI_CDB_BYTES)
		return false;
	memset(r->cdb, 0, sizeof(r->cdb));
	memcpy(r->cdb, srb->cdb_or_sense, srb->cdb_bytes);
	r->cdb_bytes = srb->cdb_bytes;
	r->done = srb_done;
	return true;
}

void storvsp_execute(struct storvsp_channel *c, struct storvsp_request *q, const struct vmbus_packet *p)
{
	struct storvsp *s = c->controller;
	struct scsi_unit *u = unit_find(s, &q->packet.srb);

	q->packet.srb.scsi_status = SCSI_GOOD;
	if (!srb_parse(q) || srb_map(c, q, p) < 0)
		answer(q, STOR_INVALID_PARAMETER, SRB_INVALID_REQUEST, 0);
	else if (q->scsi.cdb[0] == REPORT_LUNS)
		report_luns(s, q);
	else if (u)
		scsi_unit_execute(u, &q->scsi);
	else
		answer_without_unit(q);
}

void storvsp_reset_units(struct storvsp *s, const struct stor_packet *p)
{
	for (unsigned int i = 0; i < STORVSP_UNITS_MAX; i++)
		if (s->units[i] && (p->operation != STOR_RESET_LUN || s->units[i] == unit_find(s, &p->srb)))
			scsi_unit_reset(s->units[i]);
}
