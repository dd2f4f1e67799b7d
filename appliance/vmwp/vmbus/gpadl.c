/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPADLs: lists of guest pages that a guest lends to a channel, in one message or many. Ids are the guest's and unique in
 * its connection. Only what `range_bytes` promises is believed: some guests pad every message.
 */
#include "vmwp/vmbus/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RANGES_MAX	64u

static void gpadl_free(struct vmbus_gpadl *g)
{
	free(g->description);
	free(g->ranges);
	free(g);
}

static void gpadl_unlink(struct vmbus *bus, struct vmbus_gpadl *g)
{
	struct vmbus_gpadl **link = &bus->gpadls;

	while (*link != g)
		link = &(*link)->next;
	*link = g->next;
	bus->gpadl_count--;
	bus->gpadl_pages -= g->range_bytes / sizeof(uint64_t);
	gpadl_free(g);
}

static struct vmbus_gpadl *gpadl_by_id(struct vmbus *bus, uint32_t id)
{
	struct vmbus_gpadl *g = bus->gpadls;

	while (g && (g->id != id || g->relid == 0))
		g = g->next;
	return g;
}

struct vmbus_gpadl *gpadl_find(struct vmbus *bus, uint32_t relid, uint32_t id)
{
	struct vmbus_gpadl *g = gpadl_by_id(bus, id);

	return g && g->relid == relid && g->complete && !g->teardown_asked ? g : NULL;
}

/* --- creation --- */

static void gpadl_created(struct vmbus *bus, uint32_t relid, uint32_t id, int result)
{
	struct vmbus_msg_gpadl_created created = {
		.header.type = VMBUS_MSG_GPADL_CREATED, .relid = relid, .gpadl = id,
		.status = result < 0 ? VMBUS_STATUS_FAILED : 0,
	};

	outbox_post(bus, &created, sizeof(created));
}

static uint32_t range_pages(uint32_t bytes, uint32_t offset)
{
	return (uint32_t)(((uint64_t)offset + bytes + VMBUS_PAGE - 1) / VMBUS_PAGE);
}

/* The description is {u32 bytes, u32 offset, u64 pfns[]} per range, one after the other, in octets of eight. */
int gpadl_parse(struct vmbus_gpadl *g)
{
	uint32_t qwords = g->range_bytes / sizeof(uint64_t), at = 0;

	for (unsigned int i = 0; i < g->range_count; i++) {
		struct vmbus_gpa_range range;
		uint32_t pages;

		if (at >= qwords)
			return -EBADMSG;
		memcpy(&range, &g->description[at++], sizeof(range));
		if (range.offset >= VMBUS_PAGE || range.bytes == 0)
			return -EBADMSG;
		pages = range_pages(range.bytes, range.offset);
		if (pages > qwords - at)
			return -EBADMSG;
		g->ranges[i] = (struct vmbus_gpa_pages){ .pfns = &g->description[at], .bytes = range.bytes, .offset = range.offset };
		g->bytes += range.bytes;
		g->page_count += pages;
		at += pages;
	}
	g->complete = true;
	return 0;
}

static int gpadl_new(struct vmbus *bus, uint32_t id, uint32_t relid, uint16_t range_count, uint32_t range_bytes)
{
	struct vmbus_gpadl *g;

	if (range_count == 0 || range_count > RANGES_MAX || range_bytes < 2 * sizeof(uint64_t) || range_bytes % sizeof(uint64_t))
		return -EBADMSG;
	if (gpadl_by_id(bus, id))
		return -EEXIST;
	if (bus->gpadl_count == VMBUS_GPADLS_MAX || range_bytes / sizeof(uint64_t) > VMBUS_GPADL_PAGES_MAX - bus->gpadl_pages)
		return -ENOSPC;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	*g = (struct vmbus_gpadl){ .next = bus->gpadls, .bus = bus, .id = id, .relid = relid, .range_count = range_count,
				   .range_bytes = range_bytes };
	g->description = calloc(1, range_bytes);
	g->ranges = calloc(range_count, sizeof(*g->ranges));
	if (!g->description || !g->ranges) {
		gpadl_free(g);
		return -ENOMEM;
	}
	bus->gpadls = g;
	bus->gpadl_count++;
	bus->gpadl_pages += range_bytes / sizeof(uint64_t);
	return 0;
}

struct vmbus_gpadl *gpadl_restore(struct vmbus *bus, uint32_t id, uint32_t relid, uint16_t range_count, uint32_t range_bytes)
{
	if (relid == 0 || relid >= VMBUS_RELIDS || range_bytes > UINT16_MAX ||
	    gpadl_new(bus, id, relid, range_count, range_bytes) < 0)
		return NULL;
	return bus->gpadls;
}

/* Takes what this message brings; answers the guest when that was the last. */
static void gpadl_add(struct vmbus_gpadl *g, const uint8_t *data, size_t size)
{
	struct vmbus *bus = g->bus;
	uint32_t missing = g->range_bytes - g->received;
	uint32_t id = g->id, relid = g->relid;
	int r;

	if (size > missing)
		size = missing;
	memcpy((uint8_t *)g->description + g->received, data, size);
	g->received += (uint32_t)size;
	if (g->received < g->range_bytes)
		return;
	r = gpadl_parse(g);
	if (r < 0)
		gpadl_unlink(bus, g);
	gpadl_created(bus, relid, id, r);
}

void gpadl_header(struct vmbus *bus, const struct vmbus_msg_gpadl_header *message, size_t size)
{
	struct vmbus_msg_gpadl_header head;
	int r;

	memcpy(&head, message, sizeof(head));
	if (!channel_by_relid(bus, head.relid))
		return;				/* a rescinded one is still there: it gets its answer */
	r = gpadl_new(bus, head.gpadl, head.relid, head.range_count, head.range_bytes);
	if (r < 0)
		gpadl_created(bus, head.relid, head.gpadl, r);
	else
		gpadl_add(bus->gpadls, message->data, size - sizeof(head));
}

void gpadl_body(struct vmbus *bus, const struct vmbus_msg_gpadl_body *message, size_t size)
{
	struct vmbus_msg_gpadl_body head;
	struct vmbus_gpadl *g;

	memcpy(&head, message, sizeof(head));
	g = gpadl_by_id(bus, head.gpadl);
	if (g && !g->complete)
		gpadl_add(g, message->data, size - sizeof(head));
}

/* --- end --- */

static void gpadl_torndown(struct vmbus_gpadl *g)
{
	struct vmbus_msg_gpadl_torndown torndown = { .header.type = VMBUS_MSG_GPADL_TORNDOWN, .gpadl = g->id };

	if (g->relid && g->teardown_asked)
		outbox_post(g->bus, &torndown, sizeof(torndown));
	gpadl_unlink(g->bus, g);
}

void gpadl_teardown(struct vmbus *bus, uint32_t relid, uint32_t id)
{
	struct vmbus_gpadl *g = gpadl_by_id(bus, id);

	if (!g || g->relid != relid || g->teardown_asked)
		return;
	g->teardown_asked = true;
	if (g->references == 0)
		gpadl_torndown(g);
}

void gpadl_restored(struct vmbus_gpadl *g)
{
	if (g->teardown_asked && g->references == 0)
		gpadl_torndown(g);
}

/* relid 0 means that the guest knows it no more. */
static void gpadls_release(struct vmbus *bus, uint32_t relid)
{
	struct vmbus_gpadl *g, *next;

	for (g = bus->gpadls; g; g = next) {
		next = g->next;
		if (relid && g->relid != relid)
			continue;
		g->relid = 0;
		if (g->references == 0)
			gpadl_unlink(bus, g);
	}
}

void gpadls_of_channel_release(struct vmbus *bus, uint32_t relid)
{
	gpadls_release(bus, relid);
}

void gpadls_destroy(struct vmbus *bus)
{
	gpadls_release(bus, 0);
}

/* --- for devices --- */

struct vmbus_gpadl *vmbus_gpadl_get(struct vmbus_channel *c, uint32_t id)
{
	struct vmbus_gpadl *g = gpadl_find(c->bus, c->relid, id);

	if (g)
		g->references++;
	return g;
}

void vmbus_gpadl_put(struct vmbus_gpadl *g)
{
	struct vmbus *bus;

	if (!g || --g->references)
		return;
	bus = g->bus;
	if (g->teardown_asked || g->relid == 0)
		gpadl_torndown(g);
	connection_go_on(bus);
}

uint64_t vmbus_gpadl_bytes(const struct vmbus_gpadl *g)
{
	return g->bytes;
}

/* The piece of the GPADL at *offset that lies in one page; moves on by its length. NULL: no RAM there. */
static uint8_t *gpadl_piece(const struct vmbus_gpadl *g, uint64_t offset, uint64_t wanted, size_t *length)
{
	const struct vmbus_gpa_pages *range = g->ranges;
	uint64_t in_pages, left;
	uint8_t *page;

	while (offset >= range->bytes)
		offset -= (range++)->bytes;
	in_pages = range->offset + offset;
	left = range->bytes - offset;
	*length = VMBUS_PAGE - in_pages % VMBUS_PAGE;
	*length = *length < left ? *length : left;
	*length = *length < wanted ? *length : wanted;
	if (range->pfns[in_pages / VMBUS_PAGE] > UINT64_MAX / VMBUS_PAGE)
		return NULL;
	page = guest_memory(g->bus->machine, range->pfns[in_pages / VMBUS_PAGE] * VMBUS_PAGE, VMBUS_PAGE);
	return page ? page + in_pages % VMBUS_PAGE : NULL;
}

static int gpadl_copy(const struct vmbus_gpadl *g, uint64_t offset, uint8_t *to, const uint8_t *from, size_t size)
{
	if (offset > g->bytes || size > g->bytes - offset)
		return -ERANGE;
	for (size_t done = 0, length; done < size; done += length) {
		uint8_t *memory = gpadl_piece(g, offset + done, size - done, &length);

		if (!memory)
			return -EFAULT;
		memcpy(to ? to + done : memory, to ? memory : from + done, length);
	}
	return 0;
}

int vmbus_gpadl_read(const struct vmbus_gpadl *g, uint64_t offset, void *to, size_t size)
{
	return gpadl_copy(g, offset, to, NULL, size);
}

int vmbus_gpadl_write(const struct vmbus_gpadl *g, uint64_t offset, const void *from, size_t size)
{
	return gpadl_copy(g, offset, NULL, from, size);
}

int vmbus_gpadl_iovec(const struct vmbus_gpadl *g, uint64_t offset, uint64_t bytes, struct iovec *iov, unsigned int max)
{
	unsigned int count = 0;

	if (offset > g->bytes || bytes > g->bytes - offset)
		return -ERANGE;
	for (size_t length; bytes; bytes -= length, offset += length) {
		uint8_t *memory = gpadl_piece(g, offset, bytes, &length);

		if (!memory)
			return -EFAULT;
		if (count && (uint8_t *)iov[count - 1].iov_base + iov[count - 1].iov_len == memory) {
			iov[count - 1].iov_len += length;
			continue;
		}
		if (count == max)
			return -E2BIG;
		iov[count++] = (struct iovec){ .iov_base = memory, .iov_len = length };
	}
	return (int)count;
}
