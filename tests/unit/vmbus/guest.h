/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fake guest for unit tests of VSPs: it talks to the real VMBus server of a machine without a hypervisor (../vmwp/fake_hv.c).
 * Its messages, rings and pages are what a Linux guest would write; nothing here trusts or knows the server's inside.
 *
 *	guest_boot(1);				a machine with 64 MiB and this many VPs
 *	... vmbus_offer(guest.machine->vmbus, ...) or what the device's own attach call does ...
 *	guest_connect(VMBUS_VERSION(5, 3));	contact, offers
 *	struct guest_channel *c = guest_open(guest_offer(&class, 0), 4, 4);
 *	guest_send(c, ...); guest_run(); guest_receive(c, &packet);
 *	guest_shut_down();
 *
 * Calls abort the test (cmocka) when what must work does not.
 */
#ifndef VMBUS_TEST_GUEST_H
#define VMBUS_TEST_GUEST_H

#include "../vmwp/fake_hv.h"
#include "vmwp/vmbus/protocol.h"
#include "vmwp/vmbus/server.h"

#define GUEST_OFFERS		64u
#define GUEST_CHANNELS		64u
#define GUEST_PACKET_MAX	65536u
#define GUEST_PAGE		4096u

struct guest_packet {
	struct vmbus_descriptor descriptor;
	uint8_t head[1024];		/* between descriptor and payload */
	uint32_t head_bytes, bytes;	/* bytes: of the payload, with its padding to 8 */
	uint8_t payload[GUEST_PACKET_MAX];
};

struct guest_channel {
	uint32_t relid, gpadl, open_id;
	bool used, no_signal;		/* no_signal: the test signals by itself */
	uint64_t pages;			/* GPA of the rings' first page */
	uint32_t out_pages, in_pages;	/* guest's view: out = to the host; each with its control page */
	struct vmbus_ring_control *out, *in;
	uint8_t *out_data, *in_data;
	unsigned int signals_seen;	/* from the host, taken by guest_signalled() */
};

struct guest {
	struct machine *machine;
	uint32_t version, connection_id, features;
	struct vmbus_msg_offer offers[GUEST_OFFERS];	/* relid 0: free */
	struct guest_channel channels[GUEST_CHANNELS];
	uint64_t next_page;
	uint32_t next_gpadl, next_open_id;
	uint8_t rescinded[VMBUS_RELIDS / 8];
	bool all_delivered;
};
extern struct guest guest;
extern bool guest_signal_window;	/* of the hypervisor that the next guest_boot() makes */

/* --- the machine --- */
void guest_boot(unsigned int processors);
void guest_boot_bare(unsigned int processors);	/* the same with none of the machine's own devices on the bus */
void guest_reset(void);				/* a new partition: everything the guest knew is forgotten */
void guest_shut_down(void);
void guest_run(void);				/* the event loop, until nothing is ready just now */
void guest_wait(unsigned int ms);		/* the event loop, for that long: timers, I/O on other threads */

/* --- memory: pages are never freed; GPAs --- */
uint64_t guest_alloc(unsigned int pages);	/* contiguous, zeroed */
void *guest_at(uint64_t gpa, uint64_t size);	/* host address */

/* --- messages --- */
void guest_post(const void *message, size_t size);			/* then runs the loop */
uint16_t guest_try_post(uint32_t connection_id, const void *message, size_t size);	/* HV_STATUS; does not run the loop */
bool guest_next_message(uint32_t type, void *message, size_t size);	/* the first posted one of that type; keeps offers and rescinds noted */
void guest_expect(uint32_t type, void *message, size_t size);		/* as above, and it must be there */

void guest_take_all(void);				/* notes offers, rescinds; drops the rest */
bool guest_contact(uint32_t version, uint32_t vp);	/* false: not supported */
void guest_connect(uint32_t version);			/* contact on VP 0 and request of offers */
void guest_unload(void);
const struct vmbus_msg_offer *guest_offer(const struct vmbus_guid *class, unsigned int subchannel);	/* NULL: none */
bool guest_is_rescinded(uint32_t relid);
void guest_release(uint32_t relid);			/* RELID_RELEASED */

/* --- GPADLs and channels --- */
uint32_t guest_make_gpadl(uint32_t relid, uint64_t gpa, uint32_t bytes);	/* id; as many messages as needed */
extern uint32_t guest_gpadl_status;			/* of the last one made */
void guest_teardown(uint32_t relid, uint32_t gpadl);	/* sends it; the answer is guest_next_message(GPADL_TORNDOWN)'s */
/* Ring sizes in pages of data. NULL: the host refused. */
struct guest_channel *guest_open_user(const struct vmbus_msg_offer *offer, uint32_t out_pages, uint32_t in_pages, const void *user, size_t user_size);
struct guest_channel *guest_open(const struct vmbus_msg_offer *offer, uint32_t out_pages, uint32_t in_pages);
void guest_close(struct guest_channel *c);		/* CLOSECHANNEL and teardown of the rings */

/* --- packets --- */
/* False: no room in the ring. Signals the host as a Linux guest would (unless no_signal); run the loop afterwards. */
bool guest_send_packet(struct guest_channel *c, uint16_t type, bool wants_completion, uint64_t transaction_id,
		       const void *head, uint32_t head_bytes, const void *payload, uint32_t bytes);
bool guest_send(struct guest_channel *c, uint64_t transaction_id, const void *payload, uint32_t bytes);	/* in-band, wants completion */
/* GPA-direct with one range of [gpa, gpa + bytes). */
bool guest_send_pages(struct guest_channel *c, uint64_t transaction_id, uint64_t gpa, uint32_t length, const void *payload, uint32_t bytes);
bool guest_receive(struct guest_channel *c, struct guest_packet *p);	/* false: the ring is empty */
bool guest_await(struct guest_channel *c, struct guest_packet *p);	/* as above, but runs the loop until one comes: 5 s at most */
bool guest_pipe_send(struct guest_channel *c, const void *message, uint32_t bytes);
bool guest_pipe_receive(struct guest_channel *c, void *message, uint32_t size, uint32_t *bytes);
void guest_signal(struct guest_channel *c);
unsigned int guest_signalled(struct guest_channel *c);	/* how often the host interrupted since the last call */

#endif
