/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCSI logical units. A transport (storvsp) hands a request to scsi_unit_execute(); scsi.c judges what every command
 * has in common and finds its row in the table of the unit's kind (scsi_disk.c, scsi_dvd.c). Nothing here knows VMBus or
 * guest addresses: data is in pieces of our own address space. Event loop's thread, machine lock held.
 */
#ifndef VMWP_VSP_SCSI_H
#define VMWP_VSP_SCSI_H

#include "storage/disk.h"
#include "vmwp/chipset/mmc.h"
#include "vmwp/state.h"

#define SCSI_CDB_BYTES		16u
#define SCSI_SENSE_BYTES	18u
#define SCSI_TRANSFER_MAX	(256u << 10)		/* most bytes of one command; the guest is told */
#define SCSI_IOV_MAX		(SCSI_TRANSFER_MAX / 4096 + 1)
#define SCSI_SERIAL_CHARS	40u

enum scsi_status { SCSI_GOOD = 0x00, SCSI_CHECK_CONDITION = 0x02, SCSI_BUSY = 0x08, SCSI_RESERVATION_CONFLICT = 0x18 };

struct scsi_sense { uint8_t key, asc, ascq; };		/* SPC-3, 4.5.6 and annex D */

struct scsi_unit;
struct scsi_medium;

struct scsi_request {
	/* Set by the transport. cdb[] is zero beyond cdb_bytes. */
	uint8_t cdb[SCSI_CDB_BYTES];
	uint8_t cdb_bytes;
	struct iovec iov[SCSI_IOV_MAX];		/* the guest's buffer; shortened while the command runs */
	unsigned int iov_count;
	uint32_t bytes;				/* of all of it */
	void (*done)(struct scsi_request *r);	/* exactly once, perhaps before scsi_unit_execute() returns */

	/* The answer. */
	enum scsi_status status;
	struct scsi_sense sense;		/* with SCSI_CHECK_CONDITION */
	uint32_t moved;				/* bytes put into, or taken from, the guest's buffer */
	bool overrun;				/* the command moves more than the buffer holds; nothing was moved */

	/* The unit's own from execute to done. */
	struct scsi_unit *unit;
	struct scsi_medium *medium;
	struct disk_request io;
	void (*step)(struct scsi_request *r, int result);	/* what follows the disk request under way */
	uint64_t offset, left;			/* on the disk, of what remains to be done in steps */
	struct iovec piece;			/* of a step */
	uint8_t *scratch;			/* freed when the command ends */
	uint32_t index;				/* of a step that walks a parameter list */
	bool force;				/* FUA, or the write cache is off */
};

/* A disk, or the medium of a drive: closed when the last request that uses it has ended. */
struct scsi_medium {
	struct disk *disk;
	unsigned int users;
	bool borrowed;				/* the disk is somebody else's (IDE accelerator): not closed here */
};
int scsi_medium_new(struct disk *disk, bool borrowed, struct scsi_medium **out);	/* takes the disk on success */
void scsi_medium_put(struct scsi_medium *m);	/* accepts NULL */

struct scsi_reservation {	/* SPC-3, 5.6. A VM is one initiator: there is one registration at most */
	bool registered, held;
	uint8_t type;
	uint32_t generation;
	uint64_t key;
};

#define SCSI_ATTENTIONS_MAX 4u

struct scsi_unit {
	const struct scsi_kind *kind;
	struct disk_queue *queue;
	/* Takes a request whose volume is full, for scsi_request_again() or scsi_request_give_up(). NULL: it fails at once. */
	void (*no_space)(struct scsi_request *r);
	struct scsi_medium *medium;		/* NULL: an empty drive */
	char serial[SCSI_SERIAL_CHARS + 1];
	uint32_t block_bytes;
	uint64_t size_known;			/* as the guest was told */
	bool write_cache;
	struct scsi_sense attention[SCSI_ATTENTIONS_MAX];	/* unit attentions to be told, the oldest first */
	unsigned int attentions;
	struct scsi_reservation reservation;
	struct mmc_drive drive;			/* of a DVD drive */
	unsigned int running;			/* requests between execute and done */
	void (*idle)(struct scsi_unit *u, void *context);	/* called once when running becomes 0 */
	void *idle_context;
};

/* 0 or -ENOMEM, -EINVAL. The medium is taken on success; NULL is an empty DVD drive. `serial` is stable per disk. */
int scsi_disk_create(struct disk_queue *q, struct scsi_medium *medium, const char *serial, struct scsi_unit **out);
int scsi_dvd_create(struct disk_queue *q, struct scsi_medium *medium, const char *serial, struct scsi_unit **out);
void scsi_unit_destroy(struct scsi_unit *u);	/* nothing may be running; accepts NULL */
void scsi_unit_execute(struct scsi_unit *u, struct scsi_request *r);
void scsi_request_again(struct scsi_request *r);	/* the disk request that found no space */
void scsi_request_give_up(struct scsi_request *r);	/* ends as busy: the guest tries again */
/* Calls `idle` when no request runs any more, at once if so. The transport gives it no more requests. */
void scsi_unit_drain(struct scsi_unit *u, void (*idle)(struct scsi_unit *u, void *context), void *context);
void scsi_unit_reset(struct scsi_unit *u);	/* the transport was told to reset it: mode pages, unit attention */
void scsi_unit_power_on(struct scsi_unit *u);	/* as after power-on; nothing is running */
void scsi_unit_state(struct scsi_unit *u, struct state *s);
bool scsi_unit_is_dvd(const struct scsi_unit *u);
/* The medium is taken; NULL opens the tray. The guest is told by event and unit attention. Only for DVD drives. */
void scsi_dvd_set_medium(struct scsi_unit *u, struct scsi_medium *medium);
void scsi_sense_format(struct scsi_sense sense, uint8_t out[SCSI_SENSE_BYTES]);	/* fixed format, SPC-3 4.5.3 */

#endif
