/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The synthetic storage protocol over VMBus: version and properties, sub-channels, resets, and the way of each answer back
 * to the channel that its request came from. A packet the protocol does not allow is answered with a status, not fatal.
 */
#include "vmwp/vsp/storvsp.h"

#include "partita/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint16_t versions[] = {
	STOR_VERSION(6, 0), STOR_VERSION(5, 1), STOR_VERSION(4, 2), STOR_VERSION(2, 0),
};

/* --- requests --- */

/* NULL: as many as may be are in flight. */
static struct storvsp_request *request_get(struct storvsp_channel *c)
{
	struct storvsp *s = c->controller;
	struct storvsp_request *q = s->free;

	if (q) {
		s->free = q->next;
	} else if (s->requests < STORVSP_REQUESTS_MAX) {
		q = malloc(sizeof(*q));
		s->requests += q != NULL;
	}
	if (!q)
		return NULL;
	q->channel = c;
	c->in_flight++;
	s->in_flight++;
	return q;
}

static void channel_free(struct storvsp_channel *c)
{
	struct storvsp_channel **link = &c->controller->channels;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	free(c);
}

/* Channels of the controller that wait for a request get their turn. Each is looked for anew: one may close meanwhile. */
static void held_channels_resume(struct storvsp *s)
{
	for (unsigned int turns = 0; turns <= s->sub_channels_max && !s->quiet; turns++) {
		struct storvsp_channel *c = s->channels;

		while (c && (!c->held || c->closing))
			c = c->next;
		if (!c)
			return;
		c->held = false;
		vmbus_channel_resume(c->vmbus);
	}
}

static void request_put(struct storvsp_request *q)
{
	struct storvsp_channel *c = q->channel;
	struct storvsp *s = c->controller;

	q->next = s->free;
	s->free = q;
	s->in_flight--;
	if (--c->in_flight || !c->closing)
		return;
	if (!s->ended)
		vmbus_channel_released(c->vmbus);
	channel_free(c);
}

/* --- answers --- */

static int answer_send(struct storvsp_request *q)
{
	return q->wants_completion ? vmbus_complete(q->channel->vmbus, q->transaction_id, &q->packet, q->packet_bytes) : 0;
}

void storvsp_complete(struct storvsp_request *q)
{
	struct storvsp_channel *c = q->channel;

	q->packet.operation = STOR_COMPLETE_IO;
	q->packet.flags = 0;
	if (!c->closing && (c->unsent || answer_send(q) == -EAGAIN)) {
		q->next = NULL;
		*c->unsent_end = q;
		c->unsent_end = &q->next;
		return;
	}
	request_put(q);
}

static void unsent_drop(struct storvsp_channel *c)
{
	while (c->unsent) {
		struct storvsp_request *q = c->unsent;

		c->unsent = q->next;
		request_put(q);
	}
	c->unsent_end = &c->unsent;
}

unsigned int storvsp_unsent(const struct storvsp *s)
{
	unsigned int count = 0;

	for (const struct storvsp_channel *c = s->channels; c; c = c->next)
		for (const struct storvsp_request *q = c->unsent; q; q = q->next)
			count++;
	return count;
}

static void enumerate(struct storvsp *s)
{
	struct stor_packet packet = { .operation = STOR_ENUMERATE_BUS };
	struct iovec iov = { &packet, sizeof(packet) };

	s->enumerate_owed = false;
	if (s->phase == STORVSP_READY && vmbus_channel_is_open(s->offer))
		s->enumerate_owed = vmbus_send(s->offer, 0, false, &iov, 1) == -EAGAIN;
}

void storvsp_units_changed(struct storvsp *s)
{
	if (s->offer && !s->ide)
		enumerate(s);
}

static void storvsp_writable(struct vmbus_channel *channel)
{
	struct storvsp_channel *c = vmbus_channel_data(channel);

	if (!c)
		return;
	while (c->unsent) {
		struct storvsp_request *q = c->unsent;

		if (answer_send(q) == -EAGAIN)
			return;
		c->unsent = q->next;
		if (!c->unsent)
			c->unsent_end = &c->unsent;
		request_put(q);
	}
	if (c->controller->enumerate_owed && channel == c->controller->offer)
		enumerate(c->controller);
	held_channels_resume(c->controller);
}

static void batch_end(struct storvsp *s)
{
	struct storvsp_channel *c = s->channels;

	while (c) {
		if (!c->batch || c->closing) {
			c = c->next;
			continue;
		}
		c->batch = false;
		vmbus_batch_end(c->vmbus);
		c = s->channels;		/* it may have closed, with others */
	}
}

void storvsp_batch(struct storvsp *s, bool begin)
{
	if (!begin) {
		batch_end(s);
		held_channels_resume(s);
		return;
	}
	for (struct storvsp_channel *c = s->channels; c; c = c->next) {
		c->batch = c->in_flight && !c->closing;
		if (c->batch)
			vmbus_batch_begin(c->vmbus);
	}
}

/* --- operations: each leaves its status, and what it tells, in the packet --- */

static uint32_t op_begin(struct storvsp *s, struct stor_packet *p)
{
	(void)p;
	s->phase = STORVSP_BEGUN;
	return STOR_SUCCESS;
}

static uint32_t op_version(struct storvsp *s, struct stor_packet *p)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i] == p->version.number) {
			s->version = p->version.number;
			s->phase = STORVSP_VERSION;
			return STOR_SUCCESS;
		}
	return STOR_REVISION_MISMATCH;		/* the guest asks again, for another */
}

static uint32_t op_properties(struct storvsp *s, struct stor_packet *p)
{
	p->properties = (struct stor_properties) {
		.sub_channels_max = (uint16_t)s->sub_channels_max,
		.flags = s->sub_channels_max ? STOR_MULTI_CHANNEL : 0,
		.transfer_bytes_max = SCSI_TRANSFER_MAX,
	};
	s->phase = STORVSP_PROPERTIES;
	return STOR_SUCCESS;
}

static uint32_t op_end(struct storvsp *s, struct stor_packet *p)
{
	(void)p;
	s->phase = STORVSP_READY;
	return STOR_SUCCESS;
}

static uint32_t op_sub_channels(struct storvsp *s, struct stor_packet *p)
{
	unsigned int count = p->sub_channels;
	int r;

	if (count == 0 || count > s->sub_channels_max)
		return STOR_INVALID_PARAMETER;
	if (s->sub_channels)
		return STOR_INVALID_STATE;
	r = vmbus_offer_subchannels(s->offer, count);
	if (r < 0) {
		log_warning("storvsp: no sub-channels: errno %d", -r);
		return STOR_INVALID_REQUEST;
	}
	s->sub_channels = (uint16_t)count;
	return STOR_SUCCESS;
}

/* Requests under way end as they would have: what is on its way to a disk cannot be called back. */
static uint32_t op_reset(struct storvsp *s, struct stor_packet *p)
{
	storvsp_reset_units(s, p);
	return STOR_SUCCESS;
}

#define IN(phase)	(1u << (phase))

static const struct storvsp_op {
	uint32_t (*run)(struct storvsp *s, struct stor_packet *p);
	size_t least_bytes;
	unsigned int phases;
	bool primary_only;
} operations[] = {
	[STOR_RESET_LUN]	      = { op_reset, STOR_SHORT_BYTES, IN(STORVSP_READY), false },
	[STOR_RESET_ADAPTER]	      = { op_reset, STOR_HEAD_BYTES, IN(STORVSP_READY), false },
	[STOR_RESET_BUS]	      = { op_reset, STOR_HEAD_BYTES, IN(STORVSP_READY), false },
	[STOR_BEGIN_INITIALIZATION]   = { op_begin, STOR_HEAD_BYTES, IN(STORVSP_IDLE), true },
	[STOR_QUERY_PROTOCOL_VERSION] = { op_version, STOR_HEAD_BYTES + 4, IN(STORVSP_BEGUN), true },
	[STOR_QUERY_PROPERTIES]	      = { op_properties, STOR_HEAD_BYTES + 24, IN(STORVSP_VERSION), true },
	[STOR_END_INITIALIZATION]     = { op_end, STOR_HEAD_BYTES, IN(STORVSP_PROPERTIES), true },
	[STOR_CREATE_SUB_CHANNELS]    = { op_sub_channels, STOR_HEAD_BYTES + 2, IN(STORVSP_READY), true },
};

static uint32_t operation_run(struct storvsp_channel *c, struct stor_packet *p, size_t bytes)
{
	const struct storvsp_op *op = &operations[0];

	if (p->operation < sizeof(operations) / sizeof(operations[0]))
		op = &operations[p->operation];
	if (!op->run)
		return STOR_INVALID_REQUEST;
	if (bytes < op->least_bytes)
		return STOR_INVALID_PARAMETER;
	if (!(op->phases & IN(c->controller->phase)) || (op->primary_only && vmbus_channel_index(c->vmbus) != 0))
		return STOR_INVALID_STATE;
	return op->run(c->controller, p);
}

/* Answers have the guest's length: before Windows 8 the packet was shorter. */
static void request_begin(struct storvsp_request *q, const struct vmbus_packet *p)
{
	size_t bytes = p->size < sizeof(q->packet) ? p->size : sizeof(q->packet);

	memset(&q->packet, 0, sizeof(q->packet));
	memcpy(&q->packet, p->payload, bytes);
	q->packet_bytes = bytes < sizeof(q->packet) ? STOR_SHORT_BYTES : sizeof(q->packet);
	q->transaction_id = p->transaction_id;
	q->wants_completion = p->wants_completion;
}

static bool storvsp_received(struct vmbus_channel *channel, const struct vmbus_packet *p)
{
	struct storvsp_channel *c = vmbus_channel_data(channel);
	struct storvsp_request *q;

	if (p->type == VMBUS_PACKET_COMPLETION)	/* nothing we send asks for one */
		return true;
	if (p->size < STOR_HEAD_BYTES) {
		vmbus_channel_fault(channel, "a packet without a header");
		return true;
	}
	q = c->controller->quiet ? NULL : request_get(c);
	if (!q) {
		c->held = true;
		return false;
	}
	request_begin(q, p);
	if (q->packet.operation == STOR_EXECUTE_SRB && c->controller->phase == STORVSP_READY && p->size >= STOR_SHORT_BYTES) {
		storvsp_execute(c, q, p);
	} else {
		q->packet.status = operation_run(c, &q->packet, p->size);
		storvsp_complete(q);
	}
	return true;
}

static void storvsp_turn(struct vmbus_channel *channel, bool begin)
{
	storage_turn(((struct storvsp *)vmbus_channel_context(channel))->owner, begin);
}

/* --- open and close --- */

static int channel_new(struct vmbus_channel *channel)
{
	struct storvsp *s = vmbus_channel_context(channel);
	struct storvsp_channel *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->controller = s;
	c->vmbus = channel;
	c->unsent_end = &c->unsent;
	c->next = s->channels;
	s->channels = c;
	vmbus_channel_set_data(channel, c);
	return 0;
}

static void connection_forget(struct storvsp *s)
{
	s->phase = STORVSP_IDLE;
	s->version = s->sub_channels = 0;
	s->enumerate_owed = false;
}

static int storvsp_opened(struct vmbus_channel *channel, const uint8_t user[120])
{
	(void)user;				/* zeros, from every guest */
	if (vmbus_channel_index(channel) == 0)
		connection_forget(vmbus_channel_context(channel));
	return channel_new(channel);
}

static bool storvsp_closed(struct vmbus_channel *channel)
{
	struct storvsp_channel *c = vmbus_channel_data(channel);

	if (vmbus_channel_index(channel) == 0)
		connection_forget(vmbus_channel_context(channel));
	if (!c)
		return true;
	c->in_flight++;				/* so that dropping answers does not end it under our feet */
	unsent_drop(c);
	c->closing = true;
	storvsp_kept_give_up(c->controller, c, NULL);
	if (--c->in_flight)
		return false;
	channel_free(c);
	return true;
}

/* --- state --- */

static void units_state(struct storvsp *s, struct state *st)
{
	for (unsigned int i = 0; i < STORVSP_UNITS_MAX; i++) {
		bool present = s->units[i] != NULL;

		state_bool(st, &present);
		if (present != (s->units[i] != NULL))
			state_refuse(st);	/* saved with other disks than this VM has been given */
		else if (present)
			scsi_unit_state(s->units[i], st);
	}
}

static void controller_state(struct storvsp *s, struct state *st)
{
	uint8_t phase = (uint8_t)s->phase;

	state_u8(st, &phase);
	state_u16(st, &s->version);
	state_u16(st, &s->sub_channels);
	state_bool(st, &s->enumerate_owed);
	if (phase > STORVSP_READY || s->sub_channels > s->sub_channels_max)
		state_refuse(st);
	else
		s->phase = phase;
	units_state(s, st);
}

static struct storvsp_request *unsent_load(struct storvsp_channel *c)
{
	struct storvsp_request *q = request_get(c);

	if (q) {
		q->next = NULL;
		q->wants_completion = true;
		*c->unsent_end = q;
		c->unsent_end = &q->next;
	}
	return q;
}

static void request_state(struct storvsp_request *q, struct state *st)
{
	uint8_t bytes = (uint8_t)q->packet_bytes;

	state_u64(st, &q->transaction_id);
	state_u8(st, &bytes);
	state_bytes(st, &q->packet, sizeof(q->packet));
	if (bytes != STOR_SHORT_BYTES && bytes != sizeof(q->packet))
		state_refuse(st);
	q->packet_bytes = bytes == STOR_SHORT_BYTES ? STOR_SHORT_BYTES : sizeof(q->packet);
}

/* Answers that the guest has not got. */
static void unsent_state(struct storvsp_channel *c, struct state *st)
{
	uint16_t count = 0;

	for (const struct storvsp_request *q = c->unsent; q; q = q->next)
		count++;
	state_u16(st, &count);
	for (unsigned int i = 0; state_loading(st) && i < count && !state_error(st); i++)
		if (!unsent_load(c))
			state_refuse(st);
	for (struct storvsp_request *q = c->unsent; q; q = q->next)
		request_state(q, st);
	if (state_loading(st) && !state_error(st))
		storvsp_writable(c->vmbus);	/* the ring may have room; else VMBus knows now that we wait for it */
}

/* The machine is paused: packets stay in the rings, what is on its way to the disks ends first. */
static void storvsp_state(struct vmbus_channel *channel, struct state *st)
{
	if (!state_record_begin(st, "storvsp", 1)) {
		state_refuse(st);
		return;
	}
	if (!state_loading(st))
		storage_settle(((struct storvsp *)vmbus_channel_context(channel))->owner);
	if (vmbus_channel_index(channel) == 0)
		controller_state(vmbus_channel_context(channel), st);
	if (state_loading(st) && vmbus_channel_is_open(channel) && !vmbus_channel_data(channel) && channel_new(channel) < 0)
		state_refuse(st);
	if (vmbus_channel_data(channel))
		unsent_state(vmbus_channel_data(channel), st);
	state_record_end(st);
}

#define STORVSP_CALLS	\
	.name = "storvsp", .packet_max = 256, .opened = storvsp_opened, .received = storvsp_received, .turn = storvsp_turn, \
	.writable = storvsp_writable, .closed = storvsp_closed, .state = storvsp_state

static const struct vmbus_device scsi_device = {
	.class = VMBUS_GUID(0xba6163d9, 0x04a1, 0x4d29, 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f),
	.offer_flags = VMBUS_OFFER_PIPE, STORVSP_CALLS,
};

static const struct vmbus_device ide_device = {
	.class = VMBUS_GUID(0x32412632, 0x86cb, 0x44a2, 0x9b, 0x5c, 0x50, 0xd1, 0x41, 0x73, 0x54, 0xf5),
	.offer_flags = VMBUS_OFFER_ENUMERATE, STORVSP_CALLS,
};

int storvsp_offer(struct storvsp *s, struct vmbus *bus, const struct vmbus_offer *offer)
{
	return vmbus_offer(bus, s->ide ? &ide_device : &scsi_device, offer, &s->offer);
}

void storvsp_fini(struct storvsp *s)
{
	while (s->channels)
		channel_free(s->channels);
	while (s->free) {
		struct storvsp_request *q = s->free;

		s->free = q->next;
		free(q);
	}
}
