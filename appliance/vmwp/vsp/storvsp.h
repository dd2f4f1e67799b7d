/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One controller on VMBus: a SCSI controller with up to 64 units, or the accelerator of one IDE disk. storvsp.c speaks
 * the protocol, storvsp_srb.c carries SRBs to the SCSI units and their answers back, storvsp_kept.c has those that wait for
 * room on a full volume, storage.c owns controllers, units and the disk queue. Event loop's thread, machine lock held.
 */
#ifndef VMWP_VSP_STORVSP_H
#define VMWP_VSP_STORVSP_H

#include "vmwp/vmbus/vmbus.h"
#include "vmwp/vsp/scsi.h"
#include "vmwp/vsp/storvsp_wire.h"

#define STORVSP_UNITS_MAX	64u
#define STORVSP_REQUESTS_MAX	256u		/* in flight at once, all channels of a controller together */

enum storvsp_phase { STORVSP_IDLE, STORVSP_BEGUN, STORVSP_VERSION, STORVSP_PROPERTIES, STORVSP_READY };

struct storage;
struct storvsp;
struct storvsp_request;

struct storvsp_channel {		/* an open channel; outlives its close while requests are in flight */
	struct storvsp_channel *next;
	struct storvsp *controller;
	struct vmbus_channel *vmbus;
	unsigned int in_flight;
	bool closing;			/* the guest gets no more answers; the last request releases it */
	bool held;			/* a packet waits in the ring for a free request */
	bool batch;
	struct storvsp_request *unsent, **unsent_end;	/* answers that the ring had no room for */
};

struct storvsp_request {
	struct scsi_request scsi;
	struct storvsp_request *next;	/* in `unsent`, `kept` or `free` */
	struct storvsp_channel *channel;
	uint64_t transaction_id;
	bool wants_completion;
	struct stor_packet packet;	/* as it came; becomes the answer */
	size_t packet_bytes;
};

struct storvsp {
	struct storage *owner;
	struct vmbus_channel *offer;	/* the primary */
	bool ide;
	unsigned int sub_channels_max;
	enum storvsp_phase phase;
	uint16_t version;
	uint16_t sub_channels;		/* granted */
	bool enumerate_owed;		/* the guest has not been told yet that units came or went */
	bool quiet;			/* nothing is taken from the rings: the machine is reset or ends */
	bool ended;			/* VMBus is gone: channels are not touched any more */
	struct scsi_unit *units[STORVSP_UNITS_MAX];	/* by LUN, of path 0, target 0 */
	struct storvsp_channel *channels;
	struct storvsp_request *free;
	struct storvsp_request *kept, **kept_end;	/* found no space on the volume: submitted again when the machine is resumed */
	unsigned int requests;		/* allocated */
	unsigned int in_flight;
};

/* Offers it: instance and user data are the caller's, as is *s until `gone` (which may be NULL) was called. */
int storvsp_offer(struct storvsp *s, struct vmbus *bus, const struct vmbus_offer *offer);
void storvsp_fini(struct storvsp *s);			/* nothing is in flight; frees requests and channels */
void storvsp_units_changed(struct storvsp *s);		/* tells the guest to look at its bus again */
unsigned int storvsp_unsent(const struct storvsp *s);	/* of the requests in flight: answers that wait for room in a ring */
void storvsp_batch(struct storvsp *s, bool begin);	/* answers in between reach the guest together */

/* storage.c: what is submitted in between goes to the kernel together, and what has ended by then is answered. */
void storage_turn(struct storage *st, bool begin);

/* storage.c: every request of every controller has ended; their answers may wait in `unsent`. */
void storage_settle(struct storage *st);

/* storage.c: the machine pauses because the volume of this unit is full. */
void storage_no_space(struct storage *st, const struct storvsp *s, const struct scsi_unit *u);

/* storvsp_kept.c */
void storvsp_no_space(struct scsi_request *r);		/* scsi.h */
void storvsp_kept_again(struct storvsp *s);
/* Ends those of one channel, of one unit, or (both NULL) all. */
void storvsp_kept_give_up(struct storvsp *s, const struct storvsp_channel *c, const struct scsi_unit *u);

/* storvsp_srb.c */
void storvsp_execute(struct storvsp_channel *c, struct storvsp_request *q, const struct vmbus_packet *p);
void storvsp_reset_units(struct storvsp *s, const struct stor_packet *p);

/* storvsp.c, for storvsp_srb.c: the answer in q->packet is ready */
void storvsp_complete(struct storvsp_request *q);

#endif
