/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VP's synthetic interrupt controller (TLFS, chapter 11) and synthetic timers (chapter 12). The root's pages are chosen
 * by hv and always there; a child's are overlays from its pool, so posting never meets a page that is not accessible.
 * Callers hold the lock of the VP's partition.
 */
#ifndef HV_SYNIC_H
#define HV_SYNIC_H

#include <abi/hv_synic.h>
#include <hv/gpa_space.h>
#include <hv/types.h>

struct vp;
struct partition;

struct stimer {
	uint64_t config, count;
	uint64_t expiry;			/* reference time; 0 = not running */
	uint64_t undelivered;			/* expiry of a message that found its slot busy; 0 = none */
};

struct synic {
	struct vp *vp;
	uint64_t scontrol, siefp, simp, sirbp;	/* as the guest reads them */
	uint64_t sint[HV_SYNIC_SINT_COUNT];
	struct hv_message_page *messages;	/* whether or not enabled */
	struct hv_event_flags_page *flags;
	struct hv_event_ring_page *rings;	/* root only */
	struct gpa_overlay simp_page, siefp_page;	/* children only */
	struct stimer timers[HV_STIMER_COUNT];
	struct vp *signals;			/* root: children's VPs waiting for a scheduler message, oldest first */
	uint32_t ring_head;			/* root: producer's place in the doorbell ring */
	bool ring_signal;			/* root: a doorbell message waits for the SINT0 slot */
	struct hv_message orphan;		/* root: left unread by a root VP that went off line; type 0: none */
};

void synic_init(struct synic *s, struct vp *vp);
void synic_init_root(struct synic *s, struct vp *vp);	/* pages as root_page_spa() has them */
void synic_reset(struct synic *s);			/* INIT of a child VP */

bool synic_read_msr(struct synic *s, uint32_t msr, uint64_t *value);	/* 0x40000080 to 0x9f; false: fault */
bool synic_write_msr(struct synic *s, uint32_t msr, uint64_t value);

/* INVALID_SYNIC_STATE when SCONTROL or SIMP is off, INSUFFICIENT_BUFFERS when the slot is busy (it is then marked). */
hv_status_t synic_post(struct synic *s, unsigned int sint, const struct hv_message *message);
hv_status_t synic_signal(struct synic *s, unsigned int sint, unsigned int flag, bool *newly);
uint16_t synic_deliverable(struct synic *s, uint16_t wanted);	/* SINTs of `wanted` that would take a message now */
void synic_rescan(struct synic *s);			/* EOM or EOI: try what waited for a slot */

/* signal.c: the root's side. Takes the root's lock; caller may hold a child's. */
void signal_root(struct vp *vp);			/* HVMSG_SCHEDULER_VP_SIGNAL for a child's VP */
void signal_forget(struct vp *vp);
void signal_rescan(struct synic *s);			/* a root VP wrote EOM; caller holds the root's lock */
void signal_leave(struct synic *s);			/* a root VP's SynIC changed: what it may no longer take goes to another */
void doorbell_ring(uint32_t port_id, struct vp *root_vp);	/* takes the root's lock */
void doorbell_refill(struct synic *s);

/* stimer.c */
bool stimer_read_msr(struct synic *s, uint32_t msr, uint64_t *value);
bool stimer_write_msr(struct synic *s, uint32_t msr, uint64_t value);
uint64_t stimer_deadline(const struct synic *s);	/* TSC, 0 = none */
void stimer_poll(struct synic *s);
void stimer_retry(struct synic *s);			/* messages that found their slot busy */
void stimer_get_state(const struct synic *s, struct hv_synthetic_timers_state *state);
void stimer_set_state(struct synic *s, const struct hv_synthetic_timers_state *state);

#endif
