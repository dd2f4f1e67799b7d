/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the kinds of SCSI units: the command table, how commands end, data in and out, disk requests in steps. */
#ifndef VMWP_VSP_SCSI_INTERNAL_H
#define VMWP_VSP_SCSI_INTERNAL_H

#include "vmwp/vsp/scsi.h"

enum scsi_command_flags {
	SCSI_PASSES_ATTENTION = 1,	/* runs before a unit attention is told (SPC-3, 5.8.7) */
	SCSI_WRITES = 2,		/* refused on a write-protected medium */
	SCSI_NEEDS_MEDIUM = 4,
};

struct scsi_command {
	void (*run)(struct scsi_unit *u, struct scsi_request *r);
	uint8_t flags;			/* enum scsi_command_flags */
};

struct scsi_kind {
	const struct scsi_command *commands;	/* 256, by operation code */
	uint8_t peripheral;			/* device type */
	const char *identity;			/* vendor 8, product 16, revision 4 */
	void (*poll)(struct scsi_unit *u);	/* before each command: looks for changes behind the guest's back; may be NULL */
};

extern const struct scsi_sense sense_bad_opcode, sense_bad_address, sense_bad_field, sense_bad_parameter, sense_bad_length,
	sense_write_protected, sense_no_medium, sense_no_medium_open, sense_medium_changed, sense_removal_prevented,
	sense_capacity_changed, sense_was_reset, sense_mode_changed, sense_saving_unsupported, sense_miscompare,
	sense_bad_release;

uint16_t scsi_get16(const uint8_t *p);
uint32_t scsi_get24(const uint8_t *p), scsi_get32(const uint8_t *p);
uint64_t scsi_get64(const uint8_t *p);
void scsi_put16(uint8_t *p, uint64_t v), scsi_put32(uint8_t *p, uint64_t v), scsi_put64(uint8_t *p, uint64_t v);

/* Each ends the command; it must not be touched afterwards. */
void scsi_good(struct scsi_request *r);
void scsi_fail(struct scsi_request *r, struct scsi_sense sense);
void scsi_conflict(struct scsi_request *r);
void scsi_overrun(struct scsi_request *r);
void scsi_end(struct scsi_request *r, int result);	/* 0, or a disk's errno as sense data */
void scsi_answer(struct scsi_request *r, const void *data, uint32_t bytes, uint32_t allocation_length);

int scsi_take(struct scsi_request *r, void *to, uint32_t bytes);	/* data-out; -EMSGSIZE: the guest's buffer is shorter */
void scsi_attention(struct scsi_unit *u, struct scsi_sense sense);	/* once, however often it happens */
void scsi_iov_copy(const struct iovec *iov, unsigned int count, uint32_t skip, void *data, uint32_t bytes, bool to_iov);
int scsi_unit_new(const struct scsi_kind *kind, struct disk_queue *q, struct scsi_medium *medium, const char *serial,
		  struct scsi_unit **out);

/* Starts a request on the command's medium; r->step(r, result) follows, perhaps at once. */
void scsi_submit(struct scsi_request *r, int op, uint64_t offset, struct iovec *iov, unsigned int iov_count, uint64_t bytes,
		 void (*step)(struct scsi_request *, int));
/* The whole data phase of a read or write of `bytes` at `offset`: ends the command. */
void scsi_transfer(struct scsi_request *r, bool write, uint64_t offset, uint64_t bytes);

/* scsi_inquiry.c, scsi_mode.c, scsi_reserve.c: commands of more than one kind */
void scsi_inquiry(struct scsi_unit *u, struct scsi_request *r);
void scsi_request_sense(struct scsi_unit *u, struct scsi_request *r);
void scsi_mode_sense(struct scsi_unit *u, struct scsi_request *r);
void scsi_mode_select(struct scsi_unit *u, struct scsi_request *r);
void scsi_reserve_in(struct scsi_unit *u, struct scsi_request *r);
void scsi_reserve_out(struct scsi_unit *u, struct scsi_request *r);

static inline uint64_t scsi_blocks(const struct scsi_unit *u)
{
	return u->medium ? u->medium->disk->size_bytes / u->block_bytes : 0;
}

#endif
