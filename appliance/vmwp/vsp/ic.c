/* SPDX-License-Identifier: Apache-2.0 */
/* What every integration component does: see ic.h. Knows no service. */
#include "vmwp/vsp/ic.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define VERSIONS_MAX	16u
enum { FLAG_TRANSACTION = 1, FLAG_REQUEST = 2, FLAG_RESPONSE = 4 };

struct wire_version { uint16_t major, minor; };
struct wire_header {				/* after the pipe header */
	uint32_t framework;			/* struct wire_version as one number: IC_VERSION */
	uint16_t type;
	uint32_t version;
	uint16_t body_size;
	uint32_t status;
	uint8_t transaction, flags;
	uint16_t reserved;
} __attribute__((packed));
struct wire_negotiation { uint16_t frameworks, versions; uint32_t reserved; uint32_t list[VERSIONS_MAX]; };
_Static_assert(sizeof(struct wire_header) == 20, "IC header");

static struct ic *ic_of(const struct vmbus_channel *c)
{
	return vsp_state(c);
}

/* --- requests --- */

static int ic_send(struct ic *ic, uint16_t type, const void *body, size_t size)
{
	uint8_t message[sizeof(struct wire_header) + IC_BODY_MAX];
	struct wire_header h = {
		.framework = ic->framework, .type = type, .version = ic->version, .body_size = (uint16_t)size,
		.transaction = (uint8_t)(ic->transaction + 1), .flags = FLAG_TRANSACTION | FLAG_REQUEST,
	};
	int r;

	memcpy(message, &h, sizeof(h));
	memcpy(message + sizeof(h), body, size);
	r = vmbus_pipe_send(ic->channel, message, sizeof(h) + size);
	if (r == 0) {
		ic->transaction = h.transaction;
		ic->waiting = true;
	}
	return r;
}

int ic_request(struct ic *ic, const void *body, size_t size)
{
	if (!ic->channel || !ic->ready)
		return -ENOTCONN;
	if (ic->waiting)
		return -EBUSY;
	return size > IC_BODY_MAX ? -EMSGSIZE : ic_send(ic, ic->service->message_type, body, size);
}

void ic_give_up(struct ic *ic)
{
	ic->waiting = false;
}

bool ic_is_open(const struct ic *ic)
{
	return ic->channel && vmbus_channel_is_open(ic->channel);
}

/* --- versions --- */

static unsigned int list_add(struct wire_negotiation *n, unsigned int at, const uint32_t *versions)
{
	unsigned int count = 0;

	while (versions[count] && at + count < VERSIONS_MAX) {
		n->list[at + count] = versions[count];
		count++;
	}
	return count;
}

int ic_opened(struct vmbus_channel *c, const uint8_t user[120])
{
	struct ic *ic = ic_of(c);
	struct wire_negotiation n = { 0 };

	(void)user;
	ic->framework = ic->version = 0;
	n.frameworks = (uint16_t)list_add(&n, 0, ic->service->frameworks);
	n.versions = (uint16_t)list_add(&n, n.frameworks, ic->service->versions);
	return ic_send(ic, IC_NEGOTIATE, &n, offsetof(struct wire_negotiation, list) + 4u * (n.frameworks + n.versions));
}

static bool is_offered(const uint32_t *versions, uint32_t version)
{
	while (*versions && *versions != version)
		versions++;
	return *versions != 0;
}

/* 0/0 instead of 1/1: the guest knows none of ours. It may open the channel again with another driver. */
static bool negotiated(struct ic *ic, const uint8_t *body, size_t size)
{
	const struct ic_service *service = ic->service;
	struct wire_negotiation n;

	if (size < offsetof(struct wire_negotiation, list) + 8)
		return false;
	memcpy(&n, body, offsetof(struct wire_negotiation, list) + 8);
	if (n.frameworks == 0 && n.versions == 0)
		return true;
	if (n.frameworks != 1 || n.versions != 1 || !is_offered(service->frameworks, n.list[0]) ||
	    !is_offered(service->versions, n.list[1]))
		return false;
	ic->framework = n.list[0];
	ic->version = n.list[1];
	ic->ready = true;
	service->ready(ic);
	return true;
}

/* --- answers --- */

static uint64_t realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* False: no answer that this guest can have given. One that comes late is no fault of the guest. */
static bool ic_answer(struct ic *ic, const struct wire_header *h, const uint8_t *body, size_t size)
{
	if (!(h->flags & FLAG_RESPONSE) || h->body_size > size)
		return false;
	ic->seen_ns = realtime_ns();
	if (!ic->waiting || h->transaction != ic->transaction)
		return true;
	ic->waiting = false;
	if (!ic->ready)
		return h->type == IC_NEGOTIATE && negotiated(ic, body, size);
	if (h->type != ic->service->message_type)
		return false;
	ic->service->answered(ic, h->status, body, size);
	return true;
}

bool ic_received(struct vmbus_channel *c, const struct vmbus_packet *p)
{
	const uint8_t *message;
	struct wire_header h;
	int size;

	vsp_complete(c, p);
	if (p->type != VMBUS_PACKET_INBAND)
		return true;
	size = vmbus_pipe_message(p, &message);
	if (size < (int)sizeof(h)) {
		vmbus_channel_fault(c, "short message");
		return true;
	}
	memcpy(&h, message, sizeof(h));
	if (!ic_answer(ic_of(c), &h, message + sizeof(h), (size_t)size - sizeof(h)))
		vmbus_channel_fault(c, "not an answer to what was asked");
	return true;
}

bool ic_closed(struct vmbus_channel *c)
{
	struct ic *ic = ic_of(c);

	ic->ready = ic->waiting = false;
	ic->service->gone(ic);
	return true;
}

/* --- on and off --- */

int ic_set_enabled(struct ic *ic, bool enabled)
{
	struct vmbus_channel *c = ic->channel;

	if (enabled == (c != NULL))
		return 0;
	if (enabled)
		return vsp_offer(ic->device, &ic->service->channel, &ic->service->instance, &ic->channel);
	vmbus_withdraw(c, NULL);
	ic->channel = NULL;
	return 0;
}

int ic_init(struct device *dev, const struct ic_service *service)
{
	struct ic *ic = device_state(dev);

	ic->service = service;
	ic->device = dev;
	return ic_set_enabled(ic, true);
}

void ic_state(struct vmbus_channel *c, struct state *s)
{
	struct ic *ic = ic_of(c);
	const struct ic_service *service = ic->service;

	if (state_record_begin(s, service->channel.name, 1) != 1)
		return;
	state_bool(s, &ic->ready);
	state_bool(s, &ic->waiting);
	state_u8(s, &ic->transaction);
	state_u32(s, &ic->framework);
	state_u32(s, &ic->version);
	state_u64(s, &ic->seen_ns);
	if (service->state)
		service->state(ic, s);
	state_record_end(s);
	if (!state_loading(s))
		return;
	if (ic->ready && (!vmbus_channel_is_open(c) || !is_offered(service->frameworks, ic->framework) ||
			  !is_offered(service->versions, ic->version)))
		state_refuse(s);
	else if (ic->ready)
		service->ready(ic);
}
