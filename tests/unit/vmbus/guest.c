/* SPDX-License-Identifier: Apache-2.0 */
/* See guest.h. */
#include "guest.h"

#include <hv_status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY		(64u << 20)
#define FIRST_PAGE	(16u << 20)	/* well above what firmware uses */
#define FIRST_GPADL	0xe1e10u	/* as Linux does */
#define HEADER_BYTES	(VMBUS_MESSAGE_MAX - sizeof(struct vmbus_msg_gpadl_header))
#define BODY_BYTES	(VMBUS_MESSAGE_MAX - sizeof(struct vmbus_msg_gpadl_body))
#define TRAILER		8u

struct guest guest;
bool guest_signal_window;
uint32_t guest_gpadl_status;

/* --- the machine --- */

static void guest_forget(void)
{
	struct machine *m = guest.machine;

	memset(&guest, 0, sizeof(guest));
	guest.machine = m;
	guest.next_page = FIRST_PAGE;
	guest.next_gpadl = FIRST_GPADL;
	guest.next_open_id = 100;
	guest.connection_id = VMBUS_CONNECTION_LEGACY;
	fake.posted_count = 0;
}

void guest_boot(unsigned int processors)
{
	guest.machine = fake_machine_new(MEMORY, processors, true);
	guest_forget();
	fake.signal_window = guest_signal_window;
	machine_lock(guest.machine);
	vmbus_power_on(guest.machine->vmbus);
	clockwork_run(guest.machine, true);
	machine_unlock(guest.machine);
}

void guest_boot_bare(unsigned int processors)
{
	guest_boot(processors);
	machine_lock(guest.machine);
	vmbus_destroy(guest.machine->vmbus);
	assert_int_equal(vmbus_create(guest.machine, &guest.machine->vmbus), 0);
	vmbus_power_on(guest.machine->vmbus);
	machine_unlock(guest.machine);
}

void guest_reset(void)
{
	machine_lock(guest.machine);
	vmbus_power_on(guest.machine->vmbus);
	machine_unlock(guest.machine);
	guest_forget();
}

void guest_shut_down(void)
{
	fake_machine_free(guest.machine);
	guest.machine = NULL;
}

void guest_run(void)
{
	while (sd_event_run(guest.machine->loop, 0) > 0)
		;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void guest_wait(unsigned int ms)
{
	uint64_t end = now_ms() + ms, now;

	while ((now = now_ms()) < end)
		sd_event_run(guest.machine->loop, (end - now) * 1000);
}

/* --- memory --- */

uint64_t guest_alloc(unsigned int pages)
{
	uint64_t gpa = guest.next_page;

	guest.next_page += (uint64_t)pages * GUEST_PAGE;
	assert_true(guest.next_page <= MEMORY);
	memset(guest_at(gpa, (uint64_t)pages * GUEST_PAGE), 0, (size_t)pages * GUEST_PAGE);
	return gpa;
}

void *guest_at(uint64_t gpa, uint64_t size)
{
	void *memory = guest_memory(guest.machine, gpa, size);

	assert_non_null(memory);
	return memory;
}

/* --- messages --- */

uint16_t guest_try_post(uint32_t connection_id, const void *message, size_t size)
{
	return vmbus_guest_post_message(guest.machine->vmbus, connection_id, VMBUS_MESSAGE_TYPE, message, size);
}

void guest_post(const void *message, size_t size)
{
	assert_int_equal(guest_try_post(guest.connection_id, message, size), HV_STATUS_SUCCESS);
	guest_run();
}

static void note_offer(const struct vmbus_msg_offer *offer)
{
	for (unsigned int i = 0; i < GUEST_OFFERS; i++)
		if (guest.offers[i].relid == 0) {
			guest.offers[i] = *offer;
			guest.rescinded[offer->relid / 8] &= (uint8_t)~(1u << offer->relid % 8);
			return;
		}
	fail_msg("more offers than the fake guest notes");
}

static void note(const struct hv_message *m)
{
	struct vmbus_msg_header header;

	memcpy(&header, m->payload, sizeof(header));
	if (header.type == VMBUS_MSG_OFFER) {
		struct vmbus_msg_offer offer;

		memcpy(&offer, m->payload, sizeof(offer));
		note_offer(&offer);
	} else if (header.type == VMBUS_MSG_RESCIND) {
		struct vmbus_msg_relid rescind;

		memcpy(&rescind, m->payload, sizeof(rescind));
		guest.rescinded[rescind.relid / 8] |= (uint8_t)(1u << rescind.relid % 8);
	} else if (header.type == VMBUS_MSG_ALL_OFFERS_DELIVERED) {
		guest.all_delivered = true;
	}
}

bool guest_next_message(uint32_t type, void *message, size_t size)
{
	while (fake.posted_count) {
		struct hv_message *m = &fake.posted[fake.posted_first].message;
		struct vmbus_msg_header header;

		fake.posted_first = (fake.posted_first + 1) % FAKE_MESSAGES;
		fake.posted_count--;
		note(m);
		memcpy(&header, m->payload, sizeof(header));
		if (header.type != type)
			continue;
		assert_true(m->header.payload_size >= size);
		memcpy(message, m->payload, size);
		return true;
	}
	return false;
}

void guest_expect(uint32_t type, void *message, size_t size)
{
	if (!guest_next_message(type, message, size))
		fail_msg("the host did not send message %u", type);
}

void guest_take_all(void)
{
	struct vmbus_msg_header header;

	while (guest_next_message(~0u, &header, sizeof(header)))
		;
}

bool guest_contact(uint32_t version, uint32_t vp)
{
	struct vmbus_msg_contact contact = { .header.type = VMBUS_MSG_INITIATE_CONTACT, .version = version, .target_vp = vp };
	struct vmbus_msg_version_response response = { .supported = 0 };

	if (version >= VMBUS_V5_0)
		contact.target.sint = VMBUS_SINT;
	assert_int_equal(guest_try_post(version >= VMBUS_V5_0 ? VMBUS_CONNECTION_MULTI : VMBUS_CONNECTION_LEGACY, &contact,
					sizeof(contact)), HV_STATUS_SUCCESS);
	guest_run();
	guest_expect(VMBUS_MSG_VERSION_RESPONSE, &response, offsetof(struct vmbus_msg_version_response, features));
	if (!response.supported || response.state != VMBUS_CONTACT_OK)
		return false;
	guest.version = version;
	guest.connection_id = version >= VMBUS_V5_0 ? response.selected : VMBUS_CONNECTION_LEGACY;
	return true;
}

void guest_connect(uint32_t version)
{
	struct vmbus_msg_header request = { .type = VMBUS_MSG_REQUEST_OFFERS };

	assert_true(guest_contact(version, 0));
	guest_post(&request, sizeof(request));
	guest_take_all();
	assert_true(guest.all_delivered);
}

void guest_unload(void)
{
	struct vmbus_msg_header unload = { .type = VMBUS_MSG_UNLOAD }, response;

	guest_post(&unload, sizeof(unload));
	guest_expect(VMBUS_MSG_UNLOAD_RESPONSE, &response, sizeof(response));
}

const struct vmbus_msg_offer *guest_offer(const struct vmbus_guid *class, unsigned int subchannel)
{
	guest_take_all();
	for (unsigned int i = 0; i < GUEST_OFFERS; i++)
		if (guest.offers[i].relid && guest.offers[i].subchannel_index == subchannel && !guest_is_rescinded(guest.offers[i].relid) &&
		    memcmp(&guest.offers[i].class, class, sizeof(*class)) == 0)
			return &guest.offers[i];
	return NULL;
}

bool guest_is_rescinded(uint32_t relid)
{
	guest_take_all();
	return guest.rescinded[relid / 8] >> relid % 8 & 1;
}

void guest_release(uint32_t relid)
{
	struct vmbus_msg_relid released = { .header.type = VMBUS_MSG_RELID_RELEASED, .relid = relid };

	for (unsigned int i = 0; i < GUEST_OFFERS; i++)
		if (guest.offers[i].relid == relid)
			guest.offers[i].relid = 0;
	guest_post(&released, sizeof(released));
}

/* --- GPADLs --- */

uint32_t guest_make_gpadl(uint32_t relid, uint64_t gpa, uint32_t bytes)
{
	uint32_t pages = (uint32_t)((gpa % GUEST_PAGE + bytes + GUEST_PAGE - 1) / GUEST_PAGE), id = guest.next_gpadl++;
	size_t size = sizeof(struct vmbus_gpa_range) + pages * sizeof(uint64_t), at = 0, part;
	uint8_t *description = calloc(1, size), message[VMBUS_MESSAGE_MAX];
	struct vmbus_msg_gpadl_header head = { .header.type = VMBUS_MSG_GPADL_HEADER, .relid = relid, .gpadl = id,
					       .range_bytes = (uint16_t)size, .range_count = 1 };
	struct vmbus_msg_gpadl_body body = { .header.type = VMBUS_MSG_GPADL_BODY, .gpadl = id };
	struct vmbus_gpa_range range = { .bytes = bytes, .offset = (uint32_t)(gpa % GUEST_PAGE) };
	struct vmbus_msg_gpadl_created created;

	memcpy(description, &range, sizeof(range));
	for (uint32_t i = 0; i < pages; i++)
		((uint64_t *)(void *)(description + sizeof(range)))[i] = gpa / GUEST_PAGE + i;
	for (; at < size; at += part) {
		size_t prefix = at ? sizeof(body) : sizeof(head), room = at ? BODY_BYTES : HEADER_BYTES;

		part = size - at < room ? size - at : room;
		memcpy(message, at ? (void *)&body : (void *)&head, prefix);
		memcpy(message + prefix, description + at, part);
		guest_post(message, prefix + part);
		body.number++;
	}
	free(description);
	guest_expect(VMBUS_MSG_GPADL_CREATED, &created, sizeof(created));
	assert_int_equal(created.gpadl, id);
	guest_gpadl_status = created.status;
	return id;
}

void guest_teardown(uint32_t relid, uint32_t gpadl)
{
	struct vmbus_msg_gpadl_teardown teardown = { .header.type = VMBUS_MSG_GPADL_TEARDOWN, .relid = relid, .gpadl = gpadl };

	guest_post(&teardown, sizeof(teardown));
}

/* --- channels --- */

static struct guest_channel *channel_new(uint32_t relid, uint32_t out_pages, uint32_t in_pages)
{
	struct guest_channel *c = guest.channels;

	while (c < guest.channels + GUEST_CHANNELS && c->used)
		c++;
	assert_true(c < guest.channels + GUEST_CHANNELS);
	*c = (struct guest_channel){ .used = true, .relid = relid, .out_pages = out_pages + 1, .in_pages = in_pages + 1,
				     .open_id = guest.next_open_id++ };
	c->pages = guest_alloc(c->out_pages + c->in_pages);
	c->out = guest_at(c->pages, GUEST_PAGE);
	c->out_data = (uint8_t *)c->out + GUEST_PAGE;
	c->in = (void *)((uint8_t *)c->out + (size_t)c->out_pages * GUEST_PAGE);
	c->in_data = (uint8_t *)c->in + GUEST_PAGE;
	c->out->features = c->in->features = VMBUS_RING_PENDING_SIZE;
	return c;
}

struct guest_channel *guest_open_user(const struct vmbus_msg_offer *offer, uint32_t out_pages, uint32_t in_pages, const void *user, size_t user_size)
{
	struct vmbus_msg_open open = { .header.type = VMBUS_MSG_OPEN };
	struct vmbus_msg_open_result result;
	struct guest_channel *c;

	assert_non_null(offer);
	c = channel_new(offer->relid, out_pages, in_pages);
	c->gpadl = guest_make_gpadl(c->relid, c->pages, (c->out_pages + c->in_pages) * GUEST_PAGE);
	assert_int_equal(guest_gpadl_status, 0);
	open.relid = c->relid;
	open.open_id = c->open_id;
	open.gpadl = c->gpadl;
	open.downstream_page = c->out_pages;
	memcpy(open.user, user, user_size);
	guest_post(&open, sizeof(open));
	guest_expect(VMBUS_MSG_OPEN_RESULT, &result, sizeof(result));
	assert_int_equal(result.relid, c->relid);
	assert_int_equal(result.open_id, c->open_id);
	if (result.status == 0)
		return c;
	c->used = false;
	return NULL;
}

struct guest_channel *guest_open(const struct vmbus_msg_offer *offer, uint32_t out_pages, uint32_t in_pages)
{
	return guest_open_user(offer, out_pages, in_pages, "", 0);
}

void guest_close(struct guest_channel *c)
{
	struct vmbus_msg_relid close = { .header.type = VMBUS_MSG_CLOSE, .relid = c->relid };

	guest_post(&close, sizeof(close));
	guest_teardown(c->relid, c->gpadl);
	c->used = false;
}

/* --- packets --- */

static void ring_write(uint8_t *data, uint32_t size, uint32_t *index, const void *from, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++) {
		data[*index] = ((const uint8_t *)from)[i];
		*index = *index + 1 == size ? 0 : *index + 1;
	}
}

static void ring_read(const uint8_t *data, uint32_t size, uint32_t *index, void *to, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++) {
		((uint8_t *)to)[i] = data[*index];
		*index = *index + 1 == size ? 0 : *index + 1;
	}
}

static uint32_t ring_used(const struct vmbus_ring_control *ring, uint32_t size)
{
	return ring->write_index >= ring->read_index ? ring->write_index - ring->read_index : size - ring->read_index + ring->write_index;
}

void guest_signal(struct guest_channel *c)
{
	uint64_t one = 1;

	if (fake.doorbell[c->relid]) {
		assert_int_equal(write(fake.doorbell[c->relid], &one, sizeof(one)), sizeof(one));
		return;
	}
	assert_int_equal(vmbus_guest_signal_event(guest.machine->vmbus, VMBUS_CONNECTION_SIGNAL + c->relid, 0), HV_STATUS_SUCCESS);
}

bool guest_send_packet(struct guest_channel *c, uint16_t type, bool wants_completion, uint64_t transaction_id,
		       const void *head, uint32_t head_bytes, const void *payload, uint32_t bytes)
{
	uint32_t padded = (bytes + 7) & ~7u, size = (c->out_pages - 1) * GUEST_PAGE, index = c->out->write_index, old = index;
	uint32_t total = (uint32_t)sizeof(struct vmbus_descriptor) + head_bytes + padded;
	struct vmbus_descriptor d = { .type = type, .header_qwords = (uint16_t)((sizeof(d) + head_bytes) / 8), .total_qwords = (uint16_t)(total / 8),
				      .flags = wants_completion, .transaction_id = transaction_id };
	uint64_t trailer = (uint64_t)old << 32, zero = 0;
	bool was_empty = c->out->write_index == c->out->read_index;

	if (size - ring_used(c->out, size) <= total + TRAILER)
		return false;
	ring_write(c->out_data, size, &index, &d, sizeof(d));
	ring_write(c->out_data, size, &index, head, head_bytes);
	ring_write(c->out_data, size, &index, payload, bytes);
	ring_write(c->out_data, size, &index, &zero, padded - bytes);
	ring_write(c->out_data, size, &index, &trailer, sizeof(trailer));
	__atomic_store_n(&c->out->write_index, index, __ATOMIC_SEQ_CST);
	if (was_empty && !c->out->interrupt_mask && !c->no_signal)
		guest_signal(c);
	return true;
}

bool guest_send(struct guest_channel *c, uint64_t transaction_id, const void *payload, uint32_t bytes)
{
	return guest_send_packet(c, VMBUS_PACKET_INBAND, true, transaction_id, "", 0, payload, bytes);
}

bool guest_send_pages(struct guest_channel *c, uint64_t transaction_id, uint64_t gpa, uint32_t length, const void *payload, uint32_t bytes)
{
	uint64_t head[2 + 256];
	uint32_t pages = (uint32_t)((gpa % GUEST_PAGE + length + GUEST_PAGE - 1) / GUEST_PAGE);

	assert_true(pages <= 256);
	head[0] = 1ull << 32;				/* one range */
	head[1] = (uint64_t)(gpa % GUEST_PAGE) << 32 | length;
	for (uint32_t i = 0; i < pages; i++)
		head[2 + i] = gpa / GUEST_PAGE + i;
	return guest_send_packet(c, VMBUS_PACKET_GPA_DIRECT, true, transaction_id, head, (2 + pages) * 8, payload, bytes);
}

/* As Linux does: the host is signalled when it waits for room and this packet's end made enough. */
bool guest_receive(struct guest_channel *c, struct guest_packet *p)
{
	uint32_t size = (c->in_pages - 1) * GUEST_PAGE, index = c->in->read_index, used = ring_used(c->in, size), room = size - used, pending;
	uint64_t trailer;

	if (used == 0)
		return false;
	memset(p, 0, offsetof(struct guest_packet, payload));
	assert_true(used >= sizeof(p->descriptor) + TRAILER);
	ring_read(c->in_data, size, &index, &p->descriptor, sizeof(p->descriptor));
	assert_true(p->descriptor.header_qwords >= 2 && p->descriptor.header_qwords <= p->descriptor.total_qwords);
	assert_true(p->descriptor.total_qwords * 8u + TRAILER <= used);
	p->head_bytes = p->descriptor.header_qwords * 8u - (uint32_t)sizeof(p->descriptor);
	p->bytes = (p->descriptor.total_qwords - p->descriptor.header_qwords) * 8u;
	assert_true(p->head_bytes <= sizeof(p->head) && p->bytes <= sizeof(p->payload));
	ring_read(c->in_data, size, &index, p->head, p->head_bytes);
	ring_read(c->in_data, size, &index, p->payload, p->bytes);
	ring_read(c->in_data, size, &index, &trailer, sizeof(trailer));
	assert_int_equal(trailer, (uint64_t)c->in->read_index << 32);
	__atomic_store_n(&c->in->read_index, index, __ATOMIC_SEQ_CST);
	pending = c->in->pending_send_size;
	if (pending && room <= pending && size - ring_used(c->in, size) > pending && !c->no_signal)
		guest_signal(c);
	return true;
}

bool guest_await(struct guest_channel *c, struct guest_packet *p)
{
	uint64_t end = now_ms() + 5000;

	while (!guest_receive(c, p)) {
		if (now_ms() > end)
			return false;
		sd_event_run(guest.machine->loop, 10000);
	}
	return true;
}

bool guest_pipe_send(struct guest_channel *c, const void *message, uint32_t bytes)
{
	uint8_t packet[VMBUS_PIPE_MAX + sizeof(struct vmbus_pipe_header)];
	struct vmbus_pipe_header head = { .type = VMBUS_PIPE_DATA, .bytes = bytes };

	assert_true(bytes <= VMBUS_PIPE_MAX);
	memcpy(packet, &head, sizeof(head));
	memcpy(packet + sizeof(head), message, bytes);
	return guest_send_packet(c, VMBUS_PACKET_INBAND, false, 0, "", 0, packet, bytes + (uint32_t)sizeof(head));
}

bool guest_pipe_receive(struct guest_channel *c, void *message, uint32_t size, uint32_t *bytes)
{
	static struct guest_packet p;
	struct vmbus_pipe_header head;

	if (!guest_receive(c, &p))
		return false;
	assert_int_equal(p.descriptor.type, VMBUS_PACKET_INBAND);
	assert_true(p.bytes >= sizeof(head));
	memcpy(&head, p.payload, sizeof(head));
	assert_int_equal(head.type, VMBUS_PIPE_DATA);
	assert_true(head.bytes <= p.bytes - sizeof(head) && head.bytes <= size);
	memcpy(message, p.payload + sizeof(head), head.bytes);
	*bytes = head.bytes;
	return true;
}

unsigned int guest_signalled(struct guest_channel *c)
{
	unsigned int count = fake.event_count[c->relid] - c->signals_seen;

	c->signals_seen = fake.event_count[c->relid];
	return count;
}
