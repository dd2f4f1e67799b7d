/* SPDX-License-Identifier: Apache-2.0 */
/* Heartbeat service: a number every two seconds, which the guest sends back plus one. Five in a row without: lost. */
#include "vmwp/vsp/ic.h"
#include "vmwp/vsp/services.h"

#include <errno.h>
#include <string.h>

#define PERIOD_NS	2000000000ull
#define MISSED_MAX	5u

struct wire_heartbeat { uint64_t sequence; uint32_t reserved[8]; };
_Static_assert(sizeof(struct wire_heartbeat) == 40, "heartbeat");

struct heartbeat {
	struct ic ic;
	struct device_timer *timer;
	uint64_t sequence, answered;
	unsigned int missed;
};

static struct heartbeat *heartbeat_of(struct machine *m)
{
	struct device *dev = machine_device(m, &heartbeat_model);

	return dev ? device_state(dev) : NULL;
}

bool heartbeat_is_lost(struct machine *m)
{
	const struct heartbeat *h = heartbeat_of(m);

	return h && h->missed >= MISSED_MAX;
}

uint64_t heartbeat_count(struct machine *m)
{
	const struct heartbeat *h = heartbeat_of(m);

	return h ? h->answered : 0;
}

static void arm(struct heartbeat *h)
{
	device_timer_arm(h->timer, machine_now_ns(h->ic.device->machine) + PERIOD_NS);
}

/* One that is still under way is not sent again: what counts is when the guest comes back. */
static void beat(struct device *dev)
{
	struct heartbeat *h = device_state(dev);
	struct wire_heartbeat body = { .sequence = h->sequence };

	if (ic_request(&h->ic, &body, sizeof(body)) < 0 && h->missed < MISSED_MAX)
		h->missed++;
	arm(h);
}

static void heartbeat_ready(struct ic *ic)
{
	struct heartbeat *h = (struct heartbeat *)ic;

	h->missed = 0;
	arm(h);
}

static void heartbeat_answered(struct ic *ic, uint32_t status, const uint8_t *body, size_t size)
{
	struct heartbeat *h = (struct heartbeat *)ic;
	uint64_t sequence;

	(void)status;
	if (size < sizeof(struct wire_heartbeat))
		return;
	memcpy(&sequence, body, sizeof(sequence));
	if (sequence != h->sequence + 1)
		return;			/* counts as missed when it happens again and again */
	h->sequence = sequence + 1;
	h->answered++;
	h->missed = 0;
}

static void heartbeat_gone(struct ic *ic)
{
	struct heartbeat *h = (struct heartbeat *)ic;

	device_timer_arm(h->timer, 0);
	h->sequence = h->answered = 0;
	h->missed = 0;
}

static void heartbeat_state(struct ic *ic, struct state *s)
{
	struct heartbeat *h = (struct heartbeat *)ic;

	state_u64(s, &h->sequence);
	state_u64(s, &h->answered);
}

static const uint32_t frameworks[] = { IC_VERSION(3, 0), IC_VERSION(1, 0), 0 };
static const uint32_t versions[] = { IC_VERSION(3, 0), IC_VERSION(1, 0), 0 };

static const struct ic_service heartbeat_service = {
	.message_type = IC_HEARTBEAT, .frameworks = frameworks, .versions = versions,
	.ready = heartbeat_ready, .answered = heartbeat_answered, .gone = heartbeat_gone, .state = heartbeat_state,
	.channel = IC_CHANNEL("heartbeat", 0x57164f39, 0x9115, 0x4e78, 0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d),
	.instance = VMBUS_GUID(0xfd149e91, 0x82e0, 0x4a7d, 0xaf, 0xa6, 0x2a, 0x41, 0x66, 0xcb, 0xd7, 0xc0),
};

static int heartbeat_init(struct device *dev)
{
	struct heartbeat *h = device_state(dev);

	h->timer = device_timer_new(dev, beat);
	return h->timer ? ic_init(dev, &heartbeat_service) : -ENOMEM;
}

static void heartbeat_fini(struct device *dev)
{
	device_timer_free(((struct heartbeat *)device_state(dev))->timer);
}

const struct device_model heartbeat_model = {
	.name = "heartbeat service", .state_size = sizeof(struct heartbeat), .init = heartbeat_init, .fini = heartbeat_fini,
};
