/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hv tells the root through SINT0 of a root VP (hv-abi.md sections 6.2, 6.3, 9.2): "these VPs can run again" and
 * "a doorbell rang". There is one message slot per root VP; what does not fit waits here until the root writes EOM.
 */
#include <abi/hv_status.h>
#include <abi/hv_types.h>
#include <hv/lp.h>
#include <hv/partition.h>
#include <hv/port.h>
#include <hv/string.h>
#include <hv/synic.h>
#include <hv/vp.h>

/* A processor of the root's that goes off line masks its SINTs first: from then on nobody looks at its pages. */
static bool takes_messages(const struct vp *root_vp)
{
	const struct synic *s = root_vp->synic;

	return (s->scontrol & 1) && (s->simp & HV_MSR_PAGE_ENABLE) && !(s->sint[HV_SYNIC_INTERCEPTION_SINT] & HV_SINT_MASKED);
}

static bool takes_doorbells(const struct vp *root_vp)
{
	return takes_messages(root_vp) && (root_vp->synic->sirbp & HV_MSR_PAGE_ENABLE) &&
	       !(root_vp->synic->sint[HV_SYNIC_DOORBELL_SINT] & HV_SINT_MASKED);
}

/* Any root VP that takes such things will do; the preferred one's LP has the child's state in its caches. */
static struct vp *choose_target(struct vp *preferred, bool (*takes)(const struct vp *root_vp))
{
	if (preferred && takes(preferred))
		return preferred;
	for (uint32_t i = 0; i < lp_count; i++)
		if (root_partition.vps[i] && takes(root_partition.vps[i]))
			return root_partition.vps[i];
	return root_partition.vps[0];
}

static void signal_send(struct synic *s)
{
	struct hv_message message = {
		.header = { .message_type = HVMSG_SCHEDULER_VP_SIGNAL_PAIR, .payload_size = HV_MESSAGE_PAYLOAD_SIZE },
	};
	struct hv_vp_signal_pair_message *pair = (void *)message.payload;
	struct vp *vp = s->signals;

	for (; vp && pair->vp_count < HV_SIGNAL_PAIR_MAX; vp = vp->signal_next) {
		pair->partition_ids[pair->vp_count] = vp->partition->id;
		pair->vp_indexes[pair->vp_count++] = vp->index;
	}
	if (!pair->vp_count || synic_post(s, HV_SYNIC_INTERCEPTION_SINT, &message) != HV_STATUS_SUCCESS)
		return;
	while (s->signals != vp) {
		s->signals->signal_queued = false;
		s->signals = s->signals->signal_next;
	}
}

static void ring_signal_send(struct synic *s)
{
	struct hv_message message = {
		.header = { .message_type = HVMSG_SYNIC_SINT_INTERCEPT,
			    .payload_size = sizeof(struct hv_sint_intercept_message) },
	};

	((struct hv_sint_intercept_message *)message.payload)->sint_index = HV_SYNIC_DOORBELL_SINT;
	if (s->ring_signal && synic_post(s, HV_SYNIC_INTERCEPTION_SINT, &message) == HV_STATUS_SUCCESS)
		s->ring_signal = false;
}

static void orphan_send(struct synic *s)
{
	if (s->orphan.header.message_type &&
	    synic_post(s, HV_SYNIC_INTERCEPTION_SINT, &s->orphan) == HV_STATUS_SUCCESS)
		s->orphan.header.message_type = HVMSG_NONE;
}

void signal_rescan(struct synic *s)
{
	orphan_send(s);
	signal_send(s);
	ring_signal_send(s);
}

static struct vp **queue_tail(struct synic *s)
{
	struct vp **tail = &s->signals;

	while (*tail)
		tail = &(*tail)->signal_next;
	return tail;
}

void signal_root(struct vp *vp)
{
	struct synic *s;

	spin_lock(&root_partition.lock);
	s = choose_target(vp->lp ? vp->lp->root_vp : NULL, takes_messages)->synic;
	*queue_tail(s) = vp;
	vp->signal_next = NULL;
	vp->signal_queued = true;
	signal_send(s);
	spin_unlock(&root_partition.lock);
}

void signal_forget(struct vp *vp)
{
	spin_lock(&root_partition.lock);
	for (uint32_t i = 0; i < lp_count && vp->signal_queued; i++) {
		struct vp **link = &root_partition.vps[i]->synic->signals;

		while (*link && *link != vp)
			link = &(*link)->signal_next;
		if (!*link)
			continue;
		*link = vp->signal_next;
		vp->signal_queued = false;
	}
	spin_unlock(&root_partition.lock);
}

/* True when the port is in the ring: just put there, or unread from before (an eventfd counts, a ring need not). */
static bool ring_put(struct synic *s, struct hv_event_ring *ring, uint32_t port_id)
{
	for (uint32_t i = 0; i < HV_EVENT_RING_ENTRIES; i++)
		if (ring->data[i] == port_id)
			return true;
	if (ring->data[s->ring_head]) {
		ring->ring_full = 1;
		return false;
	}
	__atomic_store_n(&ring->data[s->ring_head], port_id, __ATOMIC_SEQ_CST);
	s->ring_head = (s->ring_head + 1) % HV_EVENT_RING_ENTRIES;
	return true;
}

static void doorbell_put(struct synic *s, struct port *port)
{
	struct hv_event_ring *ring = &s->rings->sint[HV_SYNIC_DOORBELL_SINT];

	port->overflow = !ring_put(s, ring, port->id);
	if (__atomic_exchange_n(&ring->signal_masked, 1, __ATOMIC_SEQ_CST))
		return;
	s->ring_signal = true;
	ring_signal_send(s);
}

void doorbell_ring(uint32_t port_id, struct vp *root_vp)
{
	struct port *port;
	struct vp *target;

	spin_lock(&root_partition.lock);
	port = records_find(&root_partition.ports, port_id);
	if (port) {
		target = partition_vp(&root_partition, port->vp);
		target = choose_target(target ? target : root_vp, takes_doorbells);
		if (target->synic->sirbp & HV_MSR_PAGE_ENABLE)
			doorbell_put(target->synic, port);
	}
	spin_unlock(&root_partition.lock);
}

/* HvCallNotifyPortRingEmpty: what overflowed is in the ring before the call returns. */
void doorbell_refill(struct synic *s)
{
	struct port *port = NULL;

	while ((port = records_next(&root_partition.ports, port)))
		if (port->overflow)
			port->overflow = !ring_put(s, &s->rings->sint[HV_SYNIC_DOORBELL_SINT], port->id);
}

/* What nobody has read in the slot of a VP that goes: "doorbell" is said again by whoever gets its ring. */
static bool take_unread(struct synic *from, struct hv_message *message)
{
	struct hv_message *slot = &from->messages->sint[HV_SYNIC_INTERCEPTION_SINT];

	*message = *slot;
	slot->header.message_type = HVMSG_NONE;
	return message->header.message_type && message->header.message_type != HVMSG_SYNIC_SINT_INTERCEPT;
}

static void messages_move(struct synic *from, struct synic *to)
{
	struct hv_message unread;
	struct synic *free = to;

	*queue_tail(to) = from->signals;
	from->signals = NULL;
	from->ring_signal = false;
	if (take_unread(from, &unread)) {
		for (uint32_t i = 0; i < lp_count && free->orphan.header.message_type; i++)
			free = root_partition.vps[i] && takes_messages(root_partition.vps[i]) ? root_partition.vps[i]->synic : free;
		free->orphan = unread;
		signal_rescan(free);
	}
	signal_rescan(to);
}

static void ring_move(struct synic *from, struct synic *to)
{
	struct hv_event_ring *ring = &from->rings->sint[HV_SYNIC_DOORBELL_SINT];
	struct port *port;

	for (uint32_t i = 0; i < HV_EVENT_RING_ENTRIES; i++) {
		port = ring->data[i] ? records_find(&root_partition.ports, ring->data[i]) : NULL;
		if (port)
			doorbell_put(to, port);
	}
	memset(ring, 0, sizeof(*ring));
	from->ring_head = 0;
}

void signal_leave(struct synic *s)
{
	struct vp *messages = choose_target(s->vp, takes_messages), *doorbells = choose_target(s->vp, takes_doorbells);

	if (doorbells != s->vp && takes_doorbells(doorbells))
		ring_move(s, doorbells->synic);
	if (messages == s->vp)
		signal_rescan(s);
	else if (takes_messages(messages))
		messages_move(s, messages->synic);
}

struct doorbell_access { uint64_t gpa, value, mask; unsigned int size; };

static bool connection_matches(const void *record, const void *key)
{
	const struct connection *c = record;
	const struct doorbell_access *a = key;

	return c->gpa == a->gpa && (!c->size || c->size == a->size) &&
	       (c->any_value || (c->value & a->mask) == (a->value & a->mask));
}

bool doorbell_write(struct vp *vp, gpa_t gpa, unsigned int size, uint64_t value)
{
	struct doorbell_access access = { gpa.addr, value, size == 8 ? ~0ull : (1ull << size * 8) - 1, size };
	struct partition *p = vp->partition;
	const struct connection *c;

	spin_lock(&p->lock);
	c = records_match(&p->connections, connection_matches, &access);
	if (c)
		doorbell_ring(c->port_id, vp->lp->root_vp);
	spin_unlock(&p->lock);
	return c != NULL;
}
