/* SPDX-License-Identifier: Apache-2.0 */
/* See echo.h. */
#include "echo.h"

#include <errno.h>
#include <string.h>

struct echo echo;
const struct vmbus_guid echo_class = VMBUS_GUID(0xba6163d9, 0x04a1, 0x4d29, 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f);
const struct vmbus_guid other_class = VMBUS_GUID(0x0e0b6031, 0x5213, 0x4934, 0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb);

static int echo_opened(struct vmbus_channel *c, const uint8_t user[120])
{
	echo.opened++;
	echo.channel = c;
	memcpy(echo.user, user, sizeof(echo.user));
	return echo.open_result;
}

static bool echo_received(struct vmbus_channel *c, const struct vmbus_packet *p)
{
	if (echo.busy)
		return false;
	echo.received++;
	echo.last_channel = c;
	echo.last = *p;
	memcpy(echo.last_payload, p->payload, p->size < sizeof(echo.last_payload) ? p->size : sizeof(echo.last_payload));
	if (p->range_count)
		echo.last_range = p->ranges[0];
	if (echo.fault)
		vmbus_channel_fault(c, "something the test does not like");
	if (!echo.mute && !echo.fault && p->wants_completion && vmbus_complete(c, p->transaction_id, p->payload, p->size) == -EAGAIN) {
		echo.received--;
		return false;
	}
	return true;
}

/* While one look lasts, packets are counted in it. */
static void echo_turn(struct vmbus_channel *c, bool begin)
{
	(void)c;
	if (begin)
		echo.turns++, echo.before_turn = echo.received;
	else if (echo.received - echo.before_turn > echo.turn_most)
		echo.turn_most = echo.received - echo.before_turn;
}

static void echo_writable(struct vmbus_channel *c)
{
	echo.writable++;
	vmbus_channel_resume(c);
}

static bool echo_closed(struct vmbus_channel *c)
{
	echo.closed++;
	if (echo.holds_pages && echo.closing_count < sizeof(echo.closing) / sizeof(echo.closing[0]))
		echo.closing[echo.closing_count++] = c;
	else
		return true;
	return false;
}

static void echo_state(struct vmbus_channel *c, struct state *s)
{
	(void)c;
	if (!state_record_begin(s, "echo", 1))
		return;
	state_u32(s, &echo.number);
	state_record_end(s);
}

const struct vmbus_device echo_device = {
	.name = "echo", .class = VMBUS_GUID(0xba6163d9, 0x04a1, 0x4d29, 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f),
	.offer_flags = VMBUS_OFFER_PIPE, .opened = echo_opened, .received = echo_received, .turn = echo_turn, .writable = echo_writable,
	.closed = echo_closed, .state = echo_state,
};
const struct vmbus_device other_device = {
	.name = "other", .class = VMBUS_GUID(0x0e0b6031, 0x5213, 0x4934, 0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb),
	.offer_flags = VMBUS_OFFER_PIPE, .mmio_mib = 8, .opened = echo_opened, .received = echo_received, .closed = echo_closed,
};

struct vmbus_channel *echo_offer(const struct vmbus_device *device, uint8_t instance)
{
	struct vmbus_offer offer = { .instance = { { instance } }, .user = { VMBUS_PIPE_MESSAGE }, .context = &echo };
	struct vmbus_channel *c = NULL;

	return vmbus_offer(guest.machine->vmbus, device, &offer, &c) < 0 ? NULL : c;
}

void echo_gone(void *context)
{
	((struct echo *)context)->gone++;
}
