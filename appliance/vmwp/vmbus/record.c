/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state record of VMBus: connection, GPADLs, channels with each device's own record, and messages on their way in both
 * directions. Rings are guest memory, which must be loaded before. What was waiting for a device to let go of pages when
 * the VM was saved is carried out after loading: a loaded device holds none. The VM is paused in both directions.
 */
#include "vmwp/vmbus/internal.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_VERSION	1u

static void message_state(struct state *s, void *message, size_t size)
{
	state_bytes(s, message, size);		/* fields are little-endian, as in the guest */
}

static void connection_state(struct vmbus *bus, struct state *s)
{
	uint8_t wait = (uint8_t)bus->wait;

	state_u32(s, &bus->version);
	state_u32(s, &bus->features);
	state_u32(s, &bus->message_vp);
	state_bool(s, &bus->offers_requested);
	state_u64(s, &bus->monitor_pages[0]);
	state_u64(s, &bus->monitor_pages[1]);
	state_u8(s, &wait);
	message_state(s, &bus->contact, sizeof(bus->contact));
	if (wait > VMBUS_WAIT_UNLOAD || bus->message_vp >= bus->machine->config.processors)
		state_refuse(s);
	if (state_loading(s))
		bus->wait = state_error(s) ? VMBUS_WAIT_NONE : (enum vmbus_wait)wait;
}

/* --- GPADLs --- */

static struct vmbus_gpadl *gpadl_from(struct vmbus *bus, struct state *s)
{
	uint32_t id, relid, range_bytes;
	uint16_t range_count;
	struct vmbus_gpadl *g;

	state_u32(s, &id);
	state_u32(s, &relid);
	state_u16(s, &range_count);
	state_u32(s, &range_bytes);
	g = state_error(s) ? NULL : gpadl_restore(bus, id, relid, range_count, range_bytes);
	if (!g)
		state_refuse(s);
	return g;
}

static void gpadl_state(struct vmbus *bus, struct vmbus_gpadl *g, struct state *s)
{
	if (state_loading(s)) {
		g = gpadl_from(bus, s);
		if (!g)
			return;
	} else {
		state_u32(s, &g->id);
		state_u32(s, &g->relid);
		state_u16(s, &g->range_count);
		state_u32(s, &g->range_bytes);
	}
	state_u32(s, &g->received);
	state_bool(s, &g->teardown_asked);
	state_bytes(s, g->description, g->range_bytes);
	if (!state_loading(s))
		return;
	if (g->received > g->range_bytes || (g->received == g->range_bytes && gpadl_parse(g) < 0)) {
		g->received = 0;
		state_refuse(s);
	}
}

static void gpadls_state(struct vmbus *bus, struct state *s)
{
	uint32_t count = 0;

	for (const struct vmbus_gpadl *g = bus->gpadls; g; g = g->next)
		count += g->relid != 0;
	state_u32(s, &count);
	if (state_loading(s)) {
		for (uint32_t i = 0; i < count && !state_error(s); i++)
			gpadl_state(bus, NULL, s);
		return;
	}
	for (struct vmbus_gpadl *g = bus->gpadls; g; g = g->next)
		if (g->relid)
			gpadl_state(bus, g, s);
}

/* --- channels --- */

/* Of a channel that was withdrawn and whose relid the guest still holds: nobody is behind it. */
static const struct vmbus_device nobody = { .name = "withdrawn" };

struct identity { struct vmbus_guid class, instance; uint16_t index; uint32_t relid; bool withdrawn; };

static void identity_state(struct identity *id, struct state *s)
{
	state_bytes(s, &id->class, sizeof(id->class));
	state_bytes(s, &id->instance, sizeof(id->instance));
	state_u16(s, &id->index);
	state_u32(s, &id->relid);
	state_bool(s, &id->withdrawn);
}

static struct vmbus_channel *channel_find(struct vmbus *bus, const struct identity *id, unsigned int index)
{
	struct vmbus_channel *c = bus->channels;

	while (c && (c->withdrawn || c->index != index || memcmp(&c->class, &id->class, sizeof(c->class)) ||
		     memcmp(&c->offer.instance, &id->instance, sizeof(id->instance))))
		c = c->next;
	return c;
}

static struct vmbus_channel *channel_withdrawn(struct vmbus *bus, const struct identity *id)
{
	struct vmbus_offer offer = { .instance = id->instance };
	struct vmbus_device named = nobody;
	struct vmbus_channel *c;

	named.class = id->class;
	if (channel_create(bus, &named, &offer, &c) < 0)
		return NULL;
	c->device = &nobody;
	c->index = id->index;
	c->withdrawn = c->rescinded = true;
	return c;
}

/* The channel that a saved one was: offered by this VM's device, or one of its sub-channels, which are made here. */
static struct vmbus_channel *channel_for(struct vmbus *bus, const struct identity *id)
{
	struct vmbus_channel *c = channel_find(bus, id, id->index), *primary;

	if (id->relid >= VMBUS_RELIDS || (id->relid && channel_by_relid(bus, id->relid)) || (c && c->relid))
		return NULL;
	if (id->withdrawn)
		return id->relid ? channel_withdrawn(bus, id) : NULL;
	if (c || id->index == 0)
		return c;
	primary = channel_find(bus, id, 0);
	return primary && subchannel_create(primary, id->index, &c) == 0 ? c : NULL;
}

static void channel_open_state(struct vmbus_channel *c, struct state *s)
{
	message_state(s, &c->open, sizeof(c->open));
	state_u32(s, &c->target_vp);
	state_bool(s, &c->wants_room);
	state_u32(s, &c->room_wanted);
	if (!state_loading(s))
		return;
	if (state_error(s) || c->withdrawn || (c->target_vp >= c->bus->machine->config.processors && c->target_vp != VMBUS_VP_NONE) ||
	    channel_map_rings(c, &c->open) < 0) {
		channel_unmap_rings(c);
		state_refuse(s);
		return;
	}
	c->state = CHANNEL_OPEN;
}

static void channel_record(struct vmbus_channel *c, struct state *s)
{
	bool open = c->state == CHANNEL_OPEN;

	state_bool(s, &c->rescinded);
	state_bool(s, &open);
	if (open)
		channel_open_state(c, s);
	state_bool(s, &c->has_pending_open);
	if (c->has_pending_open)
		message_state(s, &c->pending_open, sizeof(c->pending_open));
	if (c->device->state && !c->withdrawn && !state_error(s))
		c->device->state(c, s);
}

static void channel_state(struct vmbus *bus, struct vmbus_channel *c, struct state *s)
{
	struct identity id = { .relid = 0 };

	if (!state_record_begin(s, "channel", 1))
		return;
	if (c)
		id = (struct identity){ c->class, c->offer.instance, (uint16_t)c->index, c->relid, c->withdrawn };
	identity_state(&id, s);
	if (state_loading(s)) {
		c = state_error(s) ? NULL : channel_for(bus, &id);
		if (!c) {
			state_refuse(s);
			return;
		}
		if (id.relid)
			channel_give_relid(c, id.relid);
	}
	channel_record(c, s);
	state_record_end(s);
}

static bool channel_is_saved(const struct vmbus_channel *c)
{
	return c->relid || !c->withdrawn;
}

/* Primaries first, so that their sub-channels find them. */
static void channels_save(struct vmbus *bus, struct state *s)
{
	for (int subchannels = 0; subchannels < 2; subchannels++)
		for (struct vmbus_channel *c = bus->channels; c; c = c->next)
			if (channel_is_saved(c) && (c->primary != NULL) == (subchannels != 0))
				channel_state(bus, c, s);
}

static void channels_state(struct vmbus *bus, struct state *s)
{
	uint32_t count = 0;

	for (const struct vmbus_channel *c = bus->channels; c; c = c->next)
		count += channel_is_saved(c);
	state_u32(s, &count);
	if (!state_loading(s))
		channels_save(bus, s);
	else
		for (uint32_t i = 0; i < count && !state_error(s); i++)
			channel_state(bus, NULL, s);
}

/* --- messages on their way --- */

static void outbox_save(struct vmbus *bus, struct state *s)
{
	state_u32(s, &bus->outbox_count);
	for (struct vmbus_outgoing *out = bus->outbox; out; out = out->next) {
		state_u32(s, &out->vp);
		state_u8(s, &out->message.header.payload_size);
		state_bytes(s, out->message.payload, out->message.header.payload_size);
	}
}

static void outbox_load(struct vmbus *bus, struct state *s)
{
	uint32_t count, vp = bus->message_vp;

	state_u32(s, &count);
	for (uint32_t i = 0; i < count && !state_error(s); i++) {
		uint8_t payload[VMBUS_MESSAGE_MAX], size;

		state_u32(s, &bus->message_vp);
		state_u8(s, &size);
		if (size > sizeof(payload) || bus->message_vp >= bus->machine->config.processors)
			state_refuse(s);
		else
			state_bytes(s, payload, size);
		if (!state_error(s))
			outbox_post(bus, payload, size);
	}
	bus->message_vp = vp;
}

static void inbox_state(struct vmbus *bus, struct state *s)
{
	struct vmbus_arrivals *a = &bus->arrivals;
	uint32_t count;

	pthread_mutex_lock(&a->lock);
	count = a->count;
	state_u32(s, &count);
	if (count > VMBUS_INBOX_MAX) {
		state_refuse(s);
		count = 0;
	}
	a->count = count;
	for (uint32_t i = 0; i < count && !state_error(s); i++) {
		struct vmbus_incoming *in = &a->messages[(a->first + i) % VMBUS_INBOX_MAX];

		state_u16(s, &in->size);
		if (in->size > sizeof(in->bytes))
			state_refuse(s);
		else
			state_bytes(s, in->bytes, in->size);
	}
	pthread_mutex_unlock(&a->lock);
}

/* --- all of it --- */

static void vmbus_restored(struct vmbus *bus)
{
	struct vmbus_gpadl *g, *next;

	for (g = bus->gpadls; g; g = next) {
		next = g->next;
		gpadl_restored(g);
	}
	for (struct vmbus_channel *c = bus->channels; c; c = c->next)
		channel_restored(c);
	connection_go_on(bus);
	if (bus->offers_requested)
		offers_send(bus);		/* of devices that this VM has got since */
	vmbus_wake(bus);
}

void vmbus_state(struct vmbus *bus, struct state *s)
{
	if (!state_record_begin(s, "vmbus", RECORD_VERSION))
		return;
	connection_state(bus, s);
	gpadls_state(bus, s);
	channels_state(bus, s);
	if (state_loading(s))
		outbox_load(bus, s);
	else
		outbox_save(bus, s);
	inbox_state(bus, s);
	state_record_end(s);
	if (state_loading(s) && !state_error(s))
		vmbus_restored(bus);
	else if (state_loading(s))
		connection_reset(bus);		/* the VM will not run; devices get their close */
}
