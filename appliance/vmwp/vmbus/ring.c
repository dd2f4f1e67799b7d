/* SPDX-License-Identifier: Apache-2.0 */
/* Rings: indices, copies, and when a signal is due. See ring.h; rules as in Linux' drivers/hv/ring_buffer.c. */
#include "vmwp/vmbus/ring.h"

#include <errno.h>
#include <string.h>

#define ALIGNMENT	8u
#define PENDING_SIZE_UNUSED_BITS 7u	/* some guests ask for their size less one */

static uint32_t load(const uint32_t *shared)
{
	return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *shared, uint32_t value)
{
	__atomic_store_n(shared, value, __ATOMIC_RELEASE);
}

static void full_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bool index_is_valid(const struct ring *r, uint32_t index)
{
	return index < r->size && index % ALIGNMENT == 0;
}

static int ring_init(struct ring *r, uint8_t **pages, uint32_t page_count)
{
	*r = (struct ring){ .control = (struct vmbus_ring_control *)(void *)pages[0], .pages = pages + 1,
			    .size = (page_count - 1) * VMBUS_PAGE };
	return page_count >= 2 ? 0 : -EINVAL;
}

int ring_init_incoming(struct ring *r, uint8_t **pages, uint32_t page_count)
{
	int result = ring_init(r, pages, page_count);

	r->index = r->published = load(&r->control->read_index);
	return result == 0 && index_is_valid(r, r->index) ? 0 : -EINVAL;
}

int ring_init_outgoing(struct ring *r, uint8_t **pages, uint32_t page_count)
{
	int result = ring_init(r, pages, page_count);

	r->index = r->published = load(&r->control->write_index);
	if (result < 0 || !index_is_valid(r, r->index))
		return -EINVAL;
	store(&r->control->features, VMBUS_RING_PENDING_SIZE);
	return 0;
}

static uint32_t distance(const struct ring *r, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : r->size - from + to;
}

static uint32_t advance(const struct ring *r, uint32_t index, uint32_t bytes)
{
	index += bytes;
	return index >= r->size ? index - r->size : index;
}

/* The longest piece from `index` on that lies in one page. */
static uint8_t *piece(const struct ring *r, uint32_t index, uint32_t wanted, uint32_t *bytes)
{
	uint32_t in_page = VMBUS_PAGE - index % VMBUS_PAGE;

	*bytes = wanted < in_page ? wanted : in_page;
	return r->pages[index / VMBUS_PAGE] + index % VMBUS_PAGE;
}

/* --- consumer --- */

int ring_readable(const struct ring *r, uint32_t *bytes)
{
	uint32_t write_index = load(&r->control->write_index);

	if (!index_is_valid(r, write_index))
		return -EBADMSG;
	*bytes = distance(r, r->index, write_index);
	return 0;
}

void ring_peek(const struct ring *r, uint32_t offset, void *to, uint32_t bytes)
{
	uint32_t index = advance(r, r->index, offset), part;

	for (uint8_t *out = to; bytes; bytes -= part, out += part) {
		const uint8_t *from = piece(r, index, bytes, &part);

		memcpy(out, from, part);
		index = advance(r, index, part);
	}
}

void ring_skip(struct ring *r, uint32_t bytes)
{
	r->index = advance(r, r->index, bytes);
}

void ring_mask(struct ring *r, bool mask)
{
	store(&r->control->interrupt_mask, mask);
	full_barrier();				/* whoever unmasks looks at the write index again */
}

static uint32_t room_after(const struct ring *r, uint32_t read_index, uint32_t write_index)
{
	return r->size - distance(r, read_index, write_index);
}

bool ring_publish_read(struct ring *r)
{
	uint32_t before = r->published, pending, write_index;

	if (r->index == before)
		return false;
	store(&r->control->read_index, r->index);
	r->published = r->index;
	full_barrier();
	pending = load(&r->control->pending_send_size) & ~PENDING_SIZE_UNUSED_BITS;
	if (!pending)
		return false;
	write_index = load(&r->control->write_index);
	return index_is_valid(r, write_index) && room_after(r, before, write_index) <= pending &&
	       room_after(r, r->index, write_index) > pending;
}

/* --- producer --- */

int ring_writable(const struct ring *r, uint32_t *bytes)
{
	uint32_t read_index = load(&r->control->read_index);

	if (!index_is_valid(r, read_index))
		return -EBADMSG;
	*bytes = room_after(r, read_index, r->index) - ALIGNMENT;
	return 0;
}

void ring_put(struct ring *r, const void *from, uint32_t bytes)
{
	uint32_t part;

	for (const uint8_t *in = from; bytes; bytes -= part, in += part) {
		uint8_t *to = piece(r, r->index, bytes, &part);

		memcpy(to, in, part);
		r->index = advance(r, r->index, part);
	}
}

bool ring_publish_write(struct ring *r)
{
	uint32_t before = r->published;

	if (r->index == before)
		return false;
	store(&r->control->write_index, r->index);
	r->published = r->index;
	full_barrier();
	return !load(&r->control->interrupt_mask) && load(&r->control->read_index) == before;
}

void ring_wait_for_room(struct ring *r, uint32_t bytes)
{
	store(&r->control->pending_send_size, bytes);
	full_barrier();				/* whoever waits looks at the room again */
}
