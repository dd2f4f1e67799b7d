/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One channel between OPENCHANNEL and CLOSECHANNEL. Closing has two halves: the device stops using the channel at once,
 * but may hold guest pages (I/O in flight) for a while; until it lets go the guest gets none of them back.
 */
#include "vmwp/vmbus/internal.h"

#include "partita/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- rings --- */

static int ring_pages(struct vmbus_channel *c, const struct vmbus_gpa_pages *range)
{
	for (uint32_t i = 0; i < range->bytes / VMBUS_PAGE; i++) {
		uint64_t pfn = range->pfns[i];

		c->pages[i] = pfn > UINT64_MAX / VMBUS_PAGE ? NULL : guest_memory(c->bus->machine, pfn * VMBUS_PAGE, VMBUS_PAGE);
		if (!c->pages[i])
			return -EFAULT;
	}
	return 0;
}

static int rings_init(struct vmbus_channel *c, uint32_t downstream, uint32_t total)
{
	int r = ring_init_incoming(&c->in, c->pages, downstream);

	return r < 0 ? r : ring_init_outgoing(&c->out, c->pages + downstream, total - downstream);
}

/* One range of whole pages; each direction has a control page and at least one of data. */
int channel_map_rings(struct vmbus_channel *c, const struct vmbus_msg_open *open)
{
	struct vmbus_gpadl *g = gpadl_find(c->bus, c->relid, open->gpadl);
	const struct vmbus_gpa_pages *range = g ? g->ranges : NULL;
	uint32_t total = range ? range->bytes / VMBUS_PAGE : 0;
	int r;

	if (!g || g->range_count != 1 || range->offset || range->bytes % VMBUS_PAGE)
		return -EINVAL;
	if (open->downstream_page < 2 || open->downstream_page > total || total - open->downstream_page < 2)
		return -EINVAL;
	c->pages = calloc(total, sizeof(*c->pages));
	if (!c->pages)
		return -ENOMEM;
	g->references++;
	c->ring_gpadl = g;
	r = ring_pages(c, range);
	if (r == 0)
		r = rings_init(c, open->downstream_page, total);
	if (r == 0)
		doorbell_bind(c);
	return r;
}

void channel_unmap_rings(struct vmbus_channel *c)
{
	struct vmbus_gpadl *g = c->ring_gpadl;

	doorbell_unbind(c);
	free(c->pages);
	c->pages = NULL;
	c->ring_gpadl = NULL;
	vmbus_gpadl_put(g);
}

/* --- open --- */

static void open_result(struct vmbus_channel *c, const struct vmbus_msg_open *open, int result)
{
	struct vmbus_msg_open_result reply = {
		.header.type = VMBUS_MSG_OPEN_RESULT, .relid = c->relid, .open_id = open->open_id,
		.status = result < 0 ? VMBUS_STATUS_FAILED : 0,
	};

	outbox_post(c->bus, &reply, sizeof(reply));
}

static bool vp_is_valid(const struct vmbus_channel *c, uint32_t vp)
{
	return vp < c->bus->machine->config.processors || vp == VMBUS_VP_NONE;
}

static int channel_try_open(struct vmbus_channel *c, const struct vmbus_msg_open *open)
{
	int r = vp_is_valid(c, open->target_vp) ? channel_map_rings(c, open) : -EINVAL;

	if (r < 0)
		return r;
	c->open = *open;
	c->target_vp = open->target_vp;
	c->state = CHANNEL_OPEN;
	c->opening = true;
	r = c->device->opened ? c->device->opened(c, c->open.user) : 0;
	c->opening = false;
	return r < 0 ? r : c->state == CHANNEL_OPEN ? 0 : -ECONNABORTED;
}

void channel_open(struct vmbus_channel *c, const struct vmbus_msg_open *open)
{
	int r;

	if (c->state == CHANNEL_CLOSING) {
		c->pending_open = *open;
		c->has_pending_open = true;
		return;
	}
	if (c->state == CHANNEL_OPEN || c->withdrawn) {
		open_result(c, open, -EBUSY);
		return;
	}
	r = channel_try_open(c, open);
	if (r < 0 && c->state != CHANNEL_CLOSING) {
		c->state = CHANNEL_CLOSED;
		c->data = NULL;
		channel_unmap_rings(c);
	}
	open_result(c, open, r);
	if (r < 0)
		return;
	if (c->signal_due)
		channel_signal(c);
	vmbus_mark_signalled(c->bus, c->relid);		/* what the guest wrote before it opened */
}

void channel_restored(struct vmbus_channel *c)
{
	if (c->state == CHANNEL_OPEN)
		vmbus_mark_signalled(c->bus, c->relid);
	if (c->has_pending_open) {
		c->has_pending_open = false;
		channel_open(c, &c->pending_open);
	}
}

/* --- close --- */

static void channel_closed(struct vmbus_channel *c)
{
	c->state = CHANNEL_CLOSED;
	c->held = c->wants_room = c->batch = c->signal_due = false;
	c->broken = NULL;
	c->data = NULL;
	channel_unmap_rings(c);
	if (c->has_pending_open) {
		c->has_pending_open = false;
		if (!c->rescinded)
			channel_open(c, &c->pending_open);
	}
	connection_go_on(c->bus);
}

void channel_close(struct vmbus_channel *c)
{
	c->has_pending_open = false;
	if (c->state != CHANNEL_OPEN)
		return;
	c->state = CHANNEL_CLOSING;
	if (!c->primary)
		subchannels_withdraw(c);
	if ((!c->device->closed || c->device->closed(c)) && c->state == CHANNEL_CLOSING)
		channel_closed(c);
}

void vmbus_channel_released(struct vmbus_channel *c)
{
	struct vmbus *bus = c->bus;

	if (c->state != CHANNEL_CLOSING)
		return;
	channel_closed(c);
	channels_reap(bus);
}

void vmbus_channel_fault(struct vmbus_channel *c, const char *why)
{
	if (c->state != CHANNEL_OPEN)
		return;
	log_warning("vmbus: %s (channel %u) closed: the guest sent %s", c->device->name, c->relid, why);
	channel_close(c);
}

/* --- the rest --- */

void channel_modify(struct vmbus_channel *c, uint32_t target_vp)
{
	struct vmbus_msg_modify_response reply = { .header.type = VMBUS_MSG_MODIFY_CHANNEL_RESPONSE, .relid = c->relid };

	if (c->state == CHANNEL_OPEN && vp_is_valid(c, target_vp))
		c->target_vp = target_vp;
	else
		reply.status = VMBUS_STATUS_FAILED;
	if (c->bus->version >= VMBUS_V5_3)
		outbox_post(c->bus, &reply, sizeof(reply));
}

/* Fails when the guest's SynIC is off; it looks at its rings when it switches it on. */
void channel_signal(struct vmbus_channel *c)
{
	struct machine *m = c->bus->machine;

	c->signal_due = c->opening;
	if (!c->opening && c->target_vp != VMBUS_VP_NONE && m->partition)
		(void)hv_partition_signal_event(m->partition, c->target_vp, VMBUS_SINT, (uint16_t)c->relid);
}

void *vmbus_channel_context(const struct vmbus_channel *c)
{
	return c->offer.context;
}

void vmbus_channel_set_data(struct vmbus_channel *c, void *data)
{
	c->data = data;
}

void *vmbus_channel_data(const struct vmbus_channel *c)
{
	return c->data;
}

unsigned int vmbus_channel_index(const struct vmbus_channel *c)
{
	return c->index;
}

uint32_t vmbus_channel_target_vp(const struct vmbus_channel *c)
{
	return c->target_vp;
}

bool vmbus_channel_is_open(const struct vmbus_channel *c)
{
	return c->state == CHANNEL_OPEN;
}

struct machine *vmbus_channel_machine(const struct vmbus_channel *c)
{
	return c->bus->machine;
}
