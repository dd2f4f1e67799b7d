/* SPDX-License-Identifier: Apache-2.0 */
/* Channel messages and rings; layouts as in Linux' include/linux/hyperv.h. One request at a time: rings are small. */
#include "vmbus.h"

#include "hyperv.h"

#include <Library/BaseLib.h>
#include <Library/BaseMemoryLib.h>
#include <Library/MemoryAllocationLib.h>

#define VERSION			(4u << 16)
#define CONNECTION_MESSAGES	1u
#define OFFERS_MAX		32u
#define RING_PAGES		9u	/* control page and 32 KiB; both rings' pages fit one GPADL message */
#define RING_BYTES		((RING_PAGES - 1) * EFI_PAGE_SIZE)
#define ANSWER_TIMEOUT		(5 * HV_SECOND)

enum message_type {
	MSG_OFFER = 1, MSG_REQUEST_OFFERS = 3, MSG_ALL_OFFERS = 4, MSG_OPEN = 5, MSG_OPEN_RESULT = 6, MSG_GPADL_HEADER = 8,
	MSG_GPADL_CREATED = 10, MSG_CONTACT = 14, MSG_VERSION = 15, MSG_UNLOAD = 16, MSG_UNLOADED = 17,
};
enum packet_type { PACKET_INBAND = 6, PACKET_GPA_DIRECT = 9, PACKET_COMPLETION = 11 };
#define PACKET_WANTS_ANSWER	1u

#pragma pack(1)
struct header { UINT32 type, padding; };
struct contact { struct header header; UINT32 version, target_vp; UINT64 interrupt_page, monitor_pages[2]; };
struct version { struct header header; UINT8 supported, state; };
struct offer {
	struct header header;
	EFI_GUID class, instance;
	UINT8 opaque[16 + 4 + 120 + 4];		/* reserved, flags and MMIO, user data, sub-channel index */
	UINT32 relid;
	UINT8 monitor, monitor_allocated;
	UINT16 dedicated;
	UINT32 connection;
};
struct gpadl { struct header header; UINT32 relid, gpadl; UINT16 range_bytes, ranges; UINT32 bytes, offset; UINT64 pages[2 * RING_PAGES]; };
struct open { struct header header; UINT32 relid, id, gpadl, target_vp, inbound_page; UINT8 user[120]; };
struct result { struct header header; UINT32 relid, id, status; };
struct descriptor { UINT16 type, header_qwords, total_qwords, flags; UINT64 transaction; };
struct gpa_range { UINT32 reserved, ranges, bytes, offset; };		/* page numbers follow */
#pragma pack()

struct ring {
	volatile UINT32 write, read, interrupt_mask, pending;
	UINT32 reserved[EFI_PAGE_SIZE / 4 - 4];
	UINT8 data[RING_BYTES];
};

struct vmbus_channel {
	struct vmbus_offer offer;
	struct ring *out, *in;
	UINT64 transaction;
};

static struct vmbus_offer offers[OFFERS_MAX];
static UINTN offer_count;

/* --- messages --- */

static EFI_STATUS post(const VOID *message, UINTN size)
{
	return hyperv_post_message(CONNECTION_MESSAGES, message, size);
}

static VOID offer_add(const struct offer *m)
{
	if (offer_count < OFFERS_MAX)
		offers[offer_count++] = (struct vmbus_offer){ m->class, m->instance, m->relid, m->connection };
}

/* Offers are taken on the way; what else comes unasked is of no use to firmware. */
static EFI_STATUS await(UINT32 type, UINT8 payload[HV_MESSAGE_BYTES])
{
	UINT64 give_up = hyperv_time() + ANSWER_TIMEOUT;
	const struct header *header = (const VOID *)payload;

	while (hyperv_time() < give_up) {
		if (!hyperv_take_message(payload)) {
			CpuPause();
			continue;
		}
		if (header->type == type)
			return EFI_SUCCESS;
		if (header->type == MSG_OFFER)
			offer_add((const VOID *)payload);
	}
	return EFI_TIMEOUT;
}

static EFI_STATUS ask(const VOID *message, UINTN size, UINT32 type, UINT8 payload[HV_MESSAGE_BYTES])
{
	EFI_STATUS status = post(message, size);

	return EFI_ERROR(status) ? status : await(type, payload);
}

EFI_STATUS vmbus_connect(VOID)
{
	struct contact contact = { .header.type = MSG_CONTACT, .version = VERSION };
	struct header request = { .type = MSG_REQUEST_OFFERS };
	UINT8 payload[HV_MESSAGE_BYTES];
	const struct version *version = (const VOID *)payload;
	EFI_STATUS status = hyperv_connect();

	if (EFI_ERROR(status))
		return status;
	offer_count = 0;
	status = ask(&contact, sizeof(contact), MSG_VERSION, payload);
	if (!EFI_ERROR(status) && (!version->supported || version->state))
		status = EFI_INCOMPATIBLE_VERSION;
	if (!EFI_ERROR(status))
		status = ask(&request, sizeof(request), MSG_ALL_OFFERS, payload);
	if (EFI_ERROR(status))
		hyperv_disconnect();
	return status;
}

VOID vmbus_disconnect(VOID)
{
	struct header unload = { .type = MSG_UNLOAD };
	UINT8 payload[HV_MESSAGE_BYTES];

	ask(&unload, sizeof(unload), MSG_UNLOADED, payload);
	hyperv_disconnect();
}

UINTN vmbus_offers(const EFI_GUID *class, struct vmbus_offer *out, UINTN max)
{
	UINTN count = 0;

	for (UINTN i = 0; i < offer_count && count < max; i++)
		if (CompareGuid(&offers[i].class, class))
			out[count++] = offers[i];
	return count;
}

/* --- opening --- */

static EFI_STATUS gpadl_create(const struct vmbus_channel *c)
{
	struct gpadl m = {
		.header.type = MSG_GPADL_HEADER, .relid = c->offer.relid, .gpadl = c->offer.relid, .ranges = 1,
		.range_bytes = 8 + sizeof(m.pages), .bytes = 2 * RING_PAGES * EFI_PAGE_SIZE,
	};
	UINT8 payload[HV_MESSAGE_BYTES];
	const struct result *r = (const VOID *)payload;
	EFI_STATUS status;

	for (UINTN i = 0; i < 2 * RING_PAGES; i++)
		m.pages[i] = EFI_SIZE_TO_PAGES((UINTN)c->out) + i;
	status = ask(&m, sizeof(m), MSG_GPADL_CREATED, payload);
	return EFI_ERROR(status) || r->status == 0 ? status : EFI_DEVICE_ERROR;
}

static EFI_STATUS channel_open(const struct vmbus_channel *c)
{
	struct open m = {
		.header.type = MSG_OPEN, .relid = c->offer.relid, .id = c->offer.relid, .gpadl = c->offer.relid, .inbound_page = RING_PAGES,
	};
	UINT8 payload[HV_MESSAGE_BYTES];
	const struct result *r = (const VOID *)payload;
	EFI_STATUS status = ask(&m, sizeof(m), MSG_OPEN_RESULT, payload);

	return EFI_ERROR(status) || r->status == 0 ? status : EFI_DEVICE_ERROR;
}

/* The memory stays allocated for good once the host knows it: only vmbus_disconnect() takes it back from the host. */
EFI_STATUS vmbus_open(const struct vmbus_offer *offer, struct vmbus_channel **out)
{
	struct vmbus_channel *c = AllocateZeroPool(sizeof(*c));
	EFI_STATUS status;

	if (!c)
		return EFI_OUT_OF_RESOURCES;
	c->offer = *offer;
	c->out = AllocatePages(2 * RING_PAGES);
	if (!c->out) {
		FreePool(c);
		return EFI_OUT_OF_RESOURCES;
	}
	c->in = c->out + 1;
	ZeroMem(c->out, 2 * sizeof(struct ring));
	c->in->interrupt_mask = 1;
	status = gpadl_create(c);
	if (!EFI_ERROR(status))
		status = channel_open(c);
	if (!EFI_ERROR(status))
		*out = c;
	return status;
}

/* --- rings --- */

static UINT32 ring_put(struct ring *r, UINT32 at, const VOID *from, UINT32 size)
{
	const UINT8 *bytes = from;

	for (UINT32 i = 0; i < size; i++)
		r->data[(at + i) % RING_BYTES] = bytes[i];
	return (at + size) % RING_BYTES;
}

static UINT32 ring_get(const struct ring *r, UINT32 at, VOID *to, UINT32 size)
{
	UINT8 *bytes = to;

	for (UINT32 i = 0; i < size; i++)
		bytes[i] = r->data[(at + i) % RING_BYTES];
	return (at + size) % RING_BYTES;
}

static UINT32 ring_room(const struct ring *r)
{
	return (r->read + RING_BYTES - r->write - 1) % RING_BYTES;
}

static UINT32 put_buffer(struct ring *r, UINT32 at, const VOID *buffer, UINT32 bytes)
{
	UINT32 offset = (UINTN)buffer % EFI_PAGE_SIZE;
	struct gpa_range range = { .ranges = 1, .bytes = bytes, .offset = offset };
	UINT64 page = (UINTN)buffer / EFI_PAGE_SIZE;

	at = ring_put(r, at, &range, sizeof(range));
	for (UINT32 i = 0; i < EFI_SIZE_TO_PAGES(offset + bytes); i++, page++)
		at = ring_put(r, at, &page, sizeof(page));
	return at;
}

EFI_STATUS vmbus_send(struct vmbus_channel *c, UINT64 transaction, BOOLEAN answer, const VOID *payload, UINT32 size, VOID *buffer, UINT32 bytes)
{
	struct ring *r = c->out;
	UINT32 head = sizeof(struct descriptor), total, start = r->write, at;
	UINT64 zero = 0, trailer = (UINT64)start << 32;
	struct descriptor d = { .type = PACKET_INBAND, .flags = answer ? PACKET_WANTS_ANSWER : 0, .transaction = transaction };

	if (bytes) {
		d.type = PACKET_GPA_DIRECT;
		head += sizeof(struct gpa_range) + 8 * (UINT32)EFI_SIZE_TO_PAGES((UINTN)buffer % EFI_PAGE_SIZE + bytes);
	}
	total = ALIGN_VALUE(head + size, 8);
	if (ring_room(r) < total + sizeof(trailer))
		return EFI_NOT_READY;
	d.header_qwords = (UINT16)(head / 8);
	d.total_qwords = (UINT16)(total / 8);
	at = ring_put(r, start, &d, sizeof(d));
	if (bytes)
		at = put_buffer(r, at, buffer, bytes);
	at = ring_put(r, at, payload, size);
	at = ring_put(r, at, &zero, total - head - size);
	at = ring_put(r, at, &trailer, sizeof(trailer));
	MemoryFence();
	r->write = at;
	MemoryFence();
	if (!r->interrupt_mask)
		hyperv_signal(c->offer.connection);
	return EFI_SUCCESS;
}

EFI_STATUS vmbus_receive(struct vmbus_channel *c, UINT64 *transaction, BOOLEAN *answer, VOID *payload, UINT32 max)
{
	struct ring *r = c->in;
	UINT32 at = r->read, filled = (r->write + RING_BYTES - at) % RING_BYTES, head, total;
	struct descriptor d;

	if (filled == 0)
		return EFI_NOT_READY;
	MemoryFence();
	ring_get(r, at, &d, sizeof(d));
	head = d.header_qwords * 8u;
	total = d.total_qwords * 8u;
	if (r->write >= RING_BYTES || head < sizeof(d) || total < head || total + 8 > filled)
		return EFI_DEVICE_ERROR;
	ring_get(r, (at + head) % RING_BYTES, payload, MIN(total - head, max));
	*transaction = d.transaction;
	*answer = d.type == PACKET_COMPLETION;
	MemoryFence();
	r->read = (at + total + 8) % RING_BYTES;
	return EFI_SUCCESS;
}

EFI_STATUS vmbus_ask(struct vmbus_channel *c, VOID *payload, UINT32 size, VOID *buffer, UINT32 bytes, UINT64 timeout)
{
	UINT64 give_up = hyperv_time() + timeout, wanted = ++c->transaction, transaction = 0;
	BOOLEAN answer = FALSE;
	EFI_STATUS status = vmbus_send(c, wanted, TRUE, payload, size, buffer, bytes);

	while (!EFI_ERROR(status)) {
		status = vmbus_receive(c, &transaction, &answer, payload, size);
		if (!EFI_ERROR(status) && answer && transaction == wanted)
			return EFI_SUCCESS;
		if (status == EFI_NOT_READY)
			status = hyperv_time() < give_up ? EFI_SUCCESS : EFI_TIMEOUT;
		CpuPause();
	}
	return status;
}
