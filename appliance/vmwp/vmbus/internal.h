/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the VMBus server. Everything is guarded by the machine lock and used on the event loop's thread, except
 * `arrivals`, which VP threads fill.
 */
#ifndef VMWP_VMBUS_INTERNAL_H
#define VMWP_VMBUS_INTERNAL_H

#include "vmwp/machine.h"
#include "vmwp/vmbus/ring.h"
#include "vmwp/vmbus/server.h"

#define VMBUS_CHANNELS_MAX	(VMBUS_RELIDS - 1)
#define VMBUS_INBOX_MAX		64u		/* messages of the guest not looked at yet; then it is told to retry */
#define VMBUS_OUTBOX_MAX	512u		/* replies the guest has not taken; then its messages wait */
#define VMBUS_GPADLS_MAX	4096u
#define VMBUS_GPADL_PAGES_MAX	327680u		/* 1280 MiB lent at a time, as on Windows Server 2019 */
#define VMBUS_PACKET_MAX	(16384u + 64u)	/* payload, unless the device says otherwise */
#define VMBUS_PACKET_HEADER_MAX	65536u		/* descriptor with the page numbers of a transfer */
#define VMBUS_PACKET_RANGES_MAX	512u

struct vmbus_gpa_pages { uint64_t *pfns; uint32_t bytes, offset; };	/* one range */

struct vmbus_gpadl {
	struct vmbus_gpadl *next;
	struct vmbus *bus;
	uint32_t id, relid;
	unsigned int references;	/* rings and device buffers; teardown is answered when there are none */
	bool complete;			/* all bodies came */
	bool teardown_asked;
	uint16_t range_count;
	uint32_t range_bytes, received;	/* of the ranges' description */
	uint64_t *description;		/* as it came: {bytes, offset, pfns}... */
	struct vmbus_gpa_pages *ranges;
	uint64_t bytes;			/* lent, all ranges together */
	uint32_t page_count;
};

enum channel_state {
	CHANNEL_CLOSED,
	CHANNEL_OPEN,
	CHANNEL_CLOSING,		/* `closed` was called, the device still holds guest pages */
};

struct vmbus_channel {
	struct vmbus_channel *next;	/* of all, in the order in which guests are told */
	struct vmbus *bus;
	const struct vmbus_device *device;
	struct vmbus_guid class;
	struct vmbus_offer offer;
	struct vmbus_channel *primary;	/* NULL: is one */
	unsigned int index;
	uint64_t order;			/* of creation */

	uint32_t relid;			/* 0: the guest does not know it */
	bool withdrawn;			/* hot removed: stays until the guest lets go of the relid */
	bool rescinded;			/* the guest was told so */
	void (*gone)(void *context);

	enum channel_state state;
	bool opening;			/* inside `opened`: the guest is not interrupted before its answer */
	bool signal_due;
	const char *broken;		/* seen while sending; it is closed at the next look */
	bool has_pending_open;		/* came while closing */
	struct vmbus_msg_open open, pending_open;	/* valid while open */
	uint32_t target_vp;
	struct vmbus_gpadl *ring_gpadl;
	uint8_t **pages;		/* of both rings */
	struct ring in, out;
	int doorbell_fd;		/* -1: its signals are intercepted */
	uint32_t doorbell_relid;
	sd_event_source *doorbell_source;
	bool held;			/* `received` said "not now" */
	bool wants_room;		/* a send failed: `writable` is due */
	uint32_t room_wanted;
	bool batch;
	void *data;
};

struct vmbus_incoming { _Alignas(8) uint8_t bytes[VMBUS_MESSAGE_MAX]; uint16_t size; };

/* What VPs bring: filled on their threads without the machine lock, taken by the event loop. */
struct vmbus_arrivals {
	pthread_mutex_t lock;		/* guards the messages */
	struct vmbus_incoming messages[VMBUS_INBOX_MAX];
	unsigned int first, count;
	_Atomic uint64_t signals[VMBUS_RELIDS / 64];	/* by relid */
	_Atomic uint64_t known[VMBUS_RELIDS / 64];	/* relids that may be signalled; event loop writes */
	_Atomic bool slot_free;
	_Atomic bool woken;		/* the eventfd was written and not yet read */
	int fd;
};

struct vmbus_outgoing { struct vmbus_outgoing *next; struct hv_message message; uint32_t vp; };

enum vmbus_wait { VMBUS_WAIT_NONE, VMBUS_WAIT_CONTACT, VMBUS_WAIT_UNLOAD };	/* for devices to let go of guest pages */

struct vmbus {
	struct machine *machine;
	sd_event_source *source;
	struct vmbus_arrivals arrivals;

	uint32_t version, features;	/* version 0: not connected */
	uint32_t message_vp;
	bool offers_requested;
	uint64_t monitor_pages[2];	/* remembered, never looked at */
	enum vmbus_wait wait;
	struct vmbus_msg_contact contact;	/* what is waited for */
	bool paused, missed;		/* missed: something arrived while paused */
	unsigned int busy;		/* walking through channels: none is freed (channels_reap) */

	bool has_signal_window;		/* of this partition */

	struct vmbus_channel *channels;
	struct vmbus_channel *by_relid[VMBUS_RELIDS];
	unsigned int channel_count;
	uint64_t next_order;
	struct vmbus_gpadl *gpadls;
	unsigned int gpadl_count;
	uint32_t gpadl_pages;

	struct vmbus_outgoing *outbox, **outbox_end;
	unsigned int outbox_count;
	bool slot_awaited;		/* asked to be told when the message slot is free */

	uint64_t *packet;		/* the private copy of the packet being handled */
	uint32_t packet_size;		/* room */
	struct vmbus_range ranges[VMBUS_PACKET_RANGES_MAX];

	void (*connect_request)(struct vmbus *bus, const struct vmbus_connect *connect, void *context);
	void *connect_context;
};

/* server.c */
void vmbus_run(struct vmbus *bus);			/* carries out what arrived */
void vmbus_wake(struct vmbus *bus);			/* any thread */
void vmbus_mark_signalled(struct vmbus *bus, uint32_t relid);	/* any thread */
void vmbus_relid_known(struct vmbus *bus, uint32_t relid, bool known);

/* doorbell.c */
void doorbell_bind(struct vmbus_channel *c);		/* an open channel */
void doorbell_unbind(struct vmbus_channel *c);		/* does nothing when it is not bound */

/* outbox.c */
void outbox_post(struct vmbus *bus, const void *message, size_t size);
void outbox_flush(struct vmbus *bus);
void outbox_clear(struct vmbus *bus);

/* connection.c */
void connection_message(struct vmbus *bus, const void *message, size_t size);
void connection_reset(struct vmbus *bus);		/* nothing is connected any more */
void connection_go_on(struct vmbus *bus);		/* a channel or page was let go of: perhaps the last one waited for */

/* offer.c */
void offers_send(struct vmbus *bus);			/* all that the guest does not know */
void offers_forget(struct vmbus *bus);			/* every relid becomes free; what was withdrawn is gone */
void offer_send(struct vmbus_channel *c);
void offer_released(struct vmbus *bus, uint32_t relid);
void offers_destroy(struct vmbus *bus);
void subchannels_withdraw(struct vmbus_channel *primary);	/* they close and are rescinded with it */
struct vmbus_channel *channel_by_relid(struct vmbus *bus, uint32_t relid);	/* NULL: no such */
void channels_reap(struct vmbus *bus);			/* frees what is withdrawn, closed and unknown to the guest */
int channel_create(struct vmbus *bus, const struct vmbus_device *device, const struct vmbus_offer *offer, struct vmbus_channel **out);
int subchannel_create(struct vmbus_channel *primary, unsigned int index, struct vmbus_channel **out);
void channel_give_relid(struct vmbus_channel *c, uint32_t relid);

/* channel.c */
void channel_open(struct vmbus_channel *c, const struct vmbus_msg_open *open);
void channel_close(struct vmbus_channel *c);		/* any state; by the guest, reset, or withdrawal */
void channel_modify(struct vmbus_channel *c, uint32_t target_vp);
int channel_map_rings(struct vmbus_channel *c, const struct vmbus_msg_open *open);
void channel_unmap_rings(struct vmbus_channel *c);
void channel_signal(struct vmbus_channel *c);		/* interrupts the guest */

void channel_restored(struct vmbus_channel *c);	/* goes on where the saved one stood */

/* packet.c */
void channel_pump(struct vmbus_channel *c);

/* gpadl.c */
void gpadl_header(struct vmbus *bus, const struct vmbus_msg_gpadl_header *message, size_t size);
void gpadl_body(struct vmbus *bus, const struct vmbus_msg_gpadl_body *message, size_t size);
void gpadl_teardown(struct vmbus *bus, uint32_t relid, uint32_t id);
void gpadls_of_channel_release(struct vmbus *bus, uint32_t relid);	/* the relid is free again */
void gpadls_destroy(struct vmbus *bus);			/* those with references live on, unfindable, until put */
struct vmbus_gpadl *gpadl_find(struct vmbus *bus, uint32_t relid, uint32_t id);
struct vmbus_gpadl *gpadl_restore(struct vmbus *bus, uint32_t id, uint32_t relid, uint16_t range_count, uint32_t range_bytes);
void gpadl_restored(struct vmbus_gpadl *g);	/* answers a teardown that was waited for */
int gpadl_parse(struct vmbus_gpadl *g);

#endif
