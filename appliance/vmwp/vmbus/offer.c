/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is offered: channels from their creation by a device to the moment the guest has let go of the relid. A guest that
 * hibernates finds the same relids again because offers are told in one order: class, then creation.
 */
#include "vmwp/vmbus/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct vmbus_channel *channel_by_relid(struct vmbus *bus, uint32_t relid)
{
	return relid < VMBUS_RELIDS ? bus->by_relid[relid] : NULL;
}

static bool same_guid(const struct vmbus_guid *a, const struct vmbus_guid *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool same_offer(const struct vmbus_channel *a, const struct vmbus_channel *b)
{
	return a->index == b->index && same_guid(&a->class, &b->class) && same_guid(&a->offer.instance, &b->offer.instance);
}

/* --- creation --- */

static bool comes_before(const struct vmbus_channel *a, const struct vmbus_channel *b)
{
	int order = memcmp(&a->class, &b->class, sizeof(a->class));

	return order ? order < 0 : a->order < b->order;
}

static void channel_link(struct vmbus_channel *c)
{
	struct vmbus_channel **link = &c->bus->channels;

	while (*link && comes_before(*link, c))
		link = &(*link)->next;
	c->next = *link;
	*link = c;
	c->bus->channel_count++;
}

int channel_create(struct vmbus *bus, const struct vmbus_device *device, const struct vmbus_offer *offer, struct vmbus_channel **out)
{
	struct vmbus_channel *c;

	if (bus->channel_count >= VMBUS_CHANNELS_MAX)
		return -ENOSPC;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct vmbus_channel){ .bus = bus, .device = device, .class = device->class, .offer = *offer, .order = bus->next_order++,
				     .doorbell_fd = -1 };
	channel_link(c);
	*out = c;
	return 0;
}

int vmbus_offer(struct vmbus *bus, const struct vmbus_device *device, const struct vmbus_offer *offer, struct vmbus_channel **out)
{
	struct vmbus_channel *c;
	int r;

	for (c = bus->channels; c; c = c->next)
		if (!c->withdrawn && !c->primary && same_guid(&c->class, &device->class) &&
		    same_guid(&c->offer.instance, &offer->instance))
			return -EEXIST;
	r = channel_create(bus, device, offer, &c);
	if (r < 0)
		return r;
	if (bus->offers_requested)
		offer_send(c);
	*out = c;
	return 0;
}

int subchannel_create(struct vmbus_channel *primary, unsigned int index, struct vmbus_channel **out)
{
	struct vmbus_channel *c;
	int r = channel_create(primary->bus, primary->device, &primary->offer, &c);

	if (r < 0)
		return r;
	c->primary = primary;
	c->index = index;
	*out = c;
	return 0;
}

int vmbus_offer_subchannels(struct vmbus_channel *primary, unsigned int count)
{
	unsigned int highest = 0;

	if (primary->primary || primary->state != CHANNEL_OPEN)
		return -EINVAL;
	for (const struct vmbus_channel *c = primary->bus->channels; c; c = c->next)
		if (c->primary == primary && !c->withdrawn && c->index > highest)
			highest = c->index;
	for (unsigned int i = 1; i <= count; i++) {
		struct vmbus_channel *c;
		int r = subchannel_create(primary, highest + i, &c);

		if (r < 0)
			return r;
		offer_send(c);
	}
	return 0;
}

/* --- telling the guest --- */

void channel_give_relid(struct vmbus_channel *c, uint32_t relid)
{
	c->relid = relid;
	c->bus->by_relid[relid] = c;
	vmbus_relid_known(c->bus, relid, true);
}

static int relid_allocate(struct vmbus_channel *c)
{
	for (uint32_t relid = 1; relid < VMBUS_RELIDS; relid++)
		if (!c->bus->by_relid[relid]) {
			channel_give_relid(c, relid);
			return 0;
		}
	return -ENOSPC;
}

/* The guest would drop a second offer of something whose first it still holds: then it waits for that one's release. */
static bool offer_must_wait(const struct vmbus_channel *c)
{
	for (const struct vmbus_channel *other = c->bus->channels; other; other = other->next)
		if (other != c && other->withdrawn && other->relid && same_offer(other, c))
			return true;
	return false;
}

void offer_send(struct vmbus_channel *c)
{
	struct vmbus_msg_offer offer = {
		.header.type = VMBUS_MSG_OFFER, .class = c->class, .instance = c->offer.instance,
		.flags = c->device->offer_flags, .mmio_mib = c->device->mmio_mib, .subchannel_index = (uint16_t)c->index,
		.dedicated_interrupt = 1,
	};

	if (c->relid || c->withdrawn || offer_must_wait(c) || relid_allocate(c) < 0)
		return;
	memcpy(offer.user, c->offer.user, sizeof(offer.user));
	offer.relid = c->relid;
	offer.connection_id = VMBUS_CONNECTION_SIGNAL + c->relid;
	outbox_post(c->bus, &offer, sizeof(offer));
}

void offers_send(struct vmbus *bus)
{
	for (struct vmbus_channel *c = bus->channels; c; c = c->next)
		offer_send(c);
}

static void channel_rescind(struct vmbus_channel *c)
{
	struct vmbus_msg_relid rescind = { .header.type = VMBUS_MSG_RESCIND, .relid = c->relid };

	if (!c->relid || c->rescinded)
		return;
	c->rescinded = true;
	outbox_post(c->bus, &rescind, sizeof(rescind));
}

/* --- the end --- */

static void relid_free(struct vmbus_channel *c)
{
	if (!c->relid)
		return;
	vmbus_relid_known(c->bus, c->relid, false);
	gpadls_of_channel_release(c->bus, c->relid);
	c->bus->by_relid[c->relid] = NULL;
	c->relid = 0;
	c->rescinded = false;
}

/* The guest gives back a relid; also for an offer that it does not care for, which it may be told of again later. */
void offer_released(struct vmbus *bus, uint32_t relid)
{
	struct vmbus_channel *c = channel_by_relid(bus, relid);

	if (!c)
		return;
	channel_close(c);
	relid_free(c);
	if (!bus->offers_requested)
		return;
	for (struct vmbus_channel *other = bus->channels; other; other = other->next)
		if (other != c && same_offer(other, c))
			offer_send(other);
}

void offers_forget(struct vmbus *bus)
{
	for (struct vmbus_channel *c = bus->channels; c; c = c->next)
		relid_free(c);
}

static void channel_withdraw(struct vmbus_channel *c)
{
	c->withdrawn = true;
	channel_rescind(c);			/* first: an OPEN that is waiting gets no answer then */
	channel_close(c);
}

void subchannels_withdraw(struct vmbus_channel *primary)
{
	for (struct vmbus_channel *c = primary->bus->channels; c; c = c->next)
		if (c->primary == primary && !c->withdrawn)
			channel_withdraw(c);
}

void vmbus_withdraw(struct vmbus_channel *c, void (*gone)(void *context))
{
	struct vmbus *bus = c->bus;

	if (c->withdrawn)
		return;
	c->gone = gone;
	bus->busy++;
	channel_withdraw(c);
	subchannels_withdraw(c);
	bus->busy--;
	channels_reap(bus);
}

static bool has_subchannels(const struct vmbus_channel *primary)
{
	for (const struct vmbus_channel *c = primary->bus->channels; c; c = c->next)
		if (c->primary == primary)
			return true;
	return false;
}

static struct vmbus_channel **find_dead(struct vmbus *bus)
{
	struct vmbus_channel **link;

	for (link = &bus->channels; *link; link = &(*link)->next)
		if ((*link)->withdrawn && !(*link)->relid && (*link)->state == CHANNEL_CLOSED && !has_subchannels(*link))
			return link;
	return NULL;
}

static void channel_free(struct vmbus_channel **link)
{
	struct vmbus_channel *c = *link;
	void (*gone)(void *context) = c->gone;
	void *context = c->offer.context;

	*link = c->next;
	c->bus->channel_count--;
	free(c);
	if (gone)
		gone(context);
}

void channels_reap(struct vmbus *bus)
{
	struct vmbus_channel **link;

	while (!bus->busy && (link = find_dead(bus)))
		channel_free(link);
}

void offers_destroy(struct vmbus *bus)
{
	bus->busy++;
	for (struct vmbus_channel *c = bus->channels; c; c = c->next)
		channel_withdraw(c);
	offers_forget(bus);
	bus->busy--;
	channels_reap(bus);
	while (bus->channels) {			/* a device that still waits for its I/O; nobody will call it any more */
		bus->channels->gone = NULL;
		channel_unmap_rings(bus->channels);
		channel_free(&bus->channels);
	}
}
