/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMBus, the host's end: all that a synthetic device (VSP, ../vsp) may use of it. The server behind it (server.c, channel.c,
 * gpadl.c, ring.c) knows no device. Sources: Linux include/linux/hyperv.h for layouts, docs/vmbus.md for what we offer.
 *
 * Threads: every callback runs on the event loop's thread with the machine lock held, and every function below is called
 * so. A callback must not block; I/O that takes time is submitted and completed later from the same thread.
 * Hostile: whatever a callback is handed was copied out of guest memory once; pages named by the guest are looked up per use.
 */
#ifndef VMWP_VMBUS_VMBUS_H
#define VMWP_VMBUS_VMBUS_H

#include "vmwp/state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct machine;
struct vmbus;				/* the server of one VM: machine->vmbus */
struct vmbus_channel;			/* one offered channel, primary or sub-channel */
struct vmbus_gpadl;			/* guest pages that the guest lent to a channel */

struct vmbus_guid { uint8_t bytes[16]; };	/* as on the wire: the first three fields little-endian */
/* VMBUS_GUID(0xba6163d9, 0x04a1, 0x4d29, 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f) */
#define VMBUS_GUID(a, b, c, ...) { { (a) & 0xff, ((a) >> 8) & 0xff, ((a) >> 16) & 0xff, ((a) >> 24) & 0xff, \
	(b) & 0xff, ((b) >> 8) & 0xff, (c) & 0xff, ((c) >> 8) & 0xff, __VA_ARGS__ } }

/* --- packets --- */

enum vmbus_packet_type { VMBUS_PACKET_INBAND = 6, VMBUS_PACKET_TRANSFER_PAGES = 7, VMBUS_PACKET_GPA_DIRECT = 9, VMBUS_PACKET_COMPLETION = 11 };

struct vmbus_range { uint32_t bytes, offset; const uint64_t *pfns; };	/* offset < 4096; (offset + bytes + 4095) / 4096 pfns */

struct vmbus_packet {			/* from the guest: a private copy, valid until the callback returns */
	enum vmbus_packet_type type;
	bool wants_completion;
	uint64_t transaction_id;	/* opaque; echoed by vmbus_complete() */
	const uint8_t *payload;		/* after the descriptor (and after the ranges or transfer page header); padded to 8 */
	size_t size;
	const struct vmbus_range *ranges;	/* GPA_DIRECT: at least one, each checked for size and count */
	unsigned int range_count;
	uint16_t page_set;		/* TRANSFER_PAGES */
};

/* --- what a VSP is --- */

struct vmbus_device {			/* constant: one per kind of device */
	const char *name;		/* of its state record and in logs: "storvsp" */
	struct vmbus_guid class;
	uint16_t offer_flags;		/* VMBUS_OFFER_* */
	uint16_t mmio_mib;
	uint32_t packet_max;		/* largest payload the guest may send; larger ones close the channel. 0: 16384 + 64 */

	/* The guest opened the channel; `user` is what it gave in OPENCHANNEL. Negative: the open is refused. */
	int (*opened)(struct vmbus_channel *c, const uint8_t user[120]);
	/* One packet. False: not now; it stays in the ring until vmbus_channel_resume(). */
	bool (*received)(struct vmbus_channel *c, const struct vmbus_packet *p);
	/* Before the first and after the last packet of one look at the ring, whatever became of the channel meanwhile: what the
	 * device hands on, it may hand on together. Sends in between reach the guest together anyway. May be NULL. */
	void (*turn)(struct vmbus_channel *c, bool begin);
	/* vmbus_send*() had answered -EAGAIN and the guest has read since. May be NULL. */
	void (*writable)(struct vmbus_channel *c);
	/* Closed by the guest, by UNLOAD, reset, or withdrawal. No other callback follows until the next `opened`. True: the
	 * device holds no guest page any more; false: it calls vmbus_channel_released() when that is so. */
	bool (*closed)(struct vmbus_channel *c);
	/* Device state of an open or closed channel, both directions. Version in state_record_begin(). */
	void (*state)(struct vmbus_channel *c, struct state *s);
};

#define VMBUS_OFFER_ENUMERATE	0x0001u	/* "interface": user data is opaque */
#define VMBUS_OFFER_PIPE	0x0010u	/* named pipe mode */
#define VMBUS_OFFER_HVSOCK	0x2000u
#define VMBUS_PIPE_BYTE		0u	/* first u32 of the offer's user data in pipe mode */
#define VMBUS_PIPE_MESSAGE	4u

struct vmbus_offer {
	struct vmbus_guid instance;	/* stable across restarts of the VM */
	uint8_t user[120];
	void *context;			/* the device's own: vmbus_channel_context() */
};

/* --- offering --- */

/* Hot add when the guest is already connected. -ENOSPC (2047 channels), -EEXIST (same class and instance). */
int vmbus_offer(struct vmbus *bus, const struct vmbus_device *device, const struct vmbus_offer *offer, struct vmbus_channel **out);
/* Hot remove: closes it, tells the guest, and calls `gone` (may be NULL) when the guest has let go of it or is reset. */
void vmbus_withdraw(struct vmbus_channel *c, void (*gone)(void *context));
/* `count` more channels of an open primary (sub-channel index 1…); they share its context and disappear with its close. */
int vmbus_offer_subchannels(struct vmbus_channel *primary, unsigned int count);

void *vmbus_channel_context(const struct vmbus_channel *c);
void vmbus_channel_set_data(struct vmbus_channel *c, void *data);	/* per channel, NULL after each close */
void *vmbus_channel_data(const struct vmbus_channel *c);
unsigned int vmbus_channel_index(const struct vmbus_channel *c);	/* 0 = primary */
uint32_t vmbus_channel_target_vp(const struct vmbus_channel *c);
bool vmbus_channel_is_open(const struct vmbus_channel *c);
struct machine *vmbus_channel_machine(const struct vmbus_channel *c);
uint32_t vmbus_version(const struct vmbus *bus);		/* 0 when no guest is connected */

void vmbus_channel_resume(struct vmbus_channel *c);	/* after `received` answered false */
void vmbus_channel_released(struct vmbus_channel *c);	/* after `closed` answered false */
/* The guest broke this device's protocol: logs why once, closes the channel for good until the guest opens it anew. */
void vmbus_channel_fault(struct vmbus_channel *c, const char *why);

/* --- sending: 0, or -EAGAIN when the ring is full (then `writable` comes), -ENOTCONN when it is not open --- */

int vmbus_send(struct vmbus_channel *c, uint64_t transaction_id, bool wants_completion, const struct iovec *iov, unsigned int iov_count);
int vmbus_complete(struct vmbus_channel *c, uint64_t transaction_id, const void *data, size_t size);
struct vmbus_transfer_range { uint32_t bytes, offset; };	/* of the page set's GPADL */
int vmbus_send_transfer_pages(struct vmbus_channel *c, uint64_t transaction_id, uint16_t page_set,
			      const struct vmbus_transfer_range *ranges, unsigned int range_count, const void *payload, size_t size);
/* Message pipes (VMBUS_PIPE_MESSAGE): one message in or out, with the 8-byte pipe header done here. */
int vmbus_pipe_send(struct vmbus_channel *c, const void *message, size_t size);
/* The message inside a packet of a message pipe: its size, or -EBADMSG. */
int vmbus_pipe_message(const struct vmbus_packet *p, const uint8_t **message);
/* Between begin and end, sends only fill the ring; end publishes and signals once. Nesting is not allowed. */
void vmbus_batch_begin(struct vmbus_channel *c);
void vmbus_batch_end(struct vmbus_channel *c);

/* --- guest pages --- */

/* [offset, offset + bytes) of a range as pieces of our address space, merged where contiguous; the number of pieces, or
 * -EFAULT (no RAM there), -ERANGE, -E2BIG (more than max). Valid until the callback returns, or, for pages of a packet whose
 * completion is still owed, until it is sent: guest RAM stays mapped for the worker, whatever the guest does. */
int vmbus_range_iovec(struct machine *m, const struct vmbus_range *range, uint32_t offset, uint32_t bytes, struct iovec *iov, unsigned int max);
/* A copy of a packet's ranges that outlives the callback; free() it. */
struct vmbus_range *vmbus_ranges_copy(const struct vmbus_packet *p);

/* A GPADL of this channel (send and receive buffers), held until put: its teardown waits. NULL: no such GPADL here. */
struct vmbus_gpadl *vmbus_gpadl_get(struct vmbus_channel *c, uint32_t id);
void vmbus_gpadl_put(struct vmbus_gpadl *g);	/* accepts NULL */
uint64_t vmbus_gpadl_bytes(const struct vmbus_gpadl *g);
int vmbus_gpadl_read(const struct vmbus_gpadl *g, uint64_t offset, void *to, size_t size);	/* 0, -ERANGE, -EFAULT */
int vmbus_gpadl_write(const struct vmbus_gpadl *g, uint64_t offset, const void *from, size_t size);
int vmbus_gpadl_iovec(const struct vmbus_gpadl *g, uint64_t offset, uint64_t bytes, struct iovec *iov, unsigned int max);

/* --- Hyper-V sockets: TL_CONNECT_REQUEST from the guest goes to whoever registered; it answers by offering a channel, or fails --- */
struct vmbus_connect { struct vmbus_guid endpoint, service; };
void vmbus_on_connect(struct vmbus *bus, void (*request)(struct vmbus *bus, const struct vmbus_connect *connect, void *context), void *context);
void vmbus_connect_failed(struct vmbus *bus, const struct vmbus_connect *connect);

#endif
