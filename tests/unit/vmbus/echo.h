/* SPDX-License-Identifier: Apache-2.0 */
/* A device that remembers what it was asked and answers each packet with its own payload. */
#ifndef VMBUS_TEST_ECHO_H
#define VMBUS_TEST_ECHO_H

#include "guest.h"

struct echo {
	unsigned int opened, closed, received, writable, gone, turns, before_turn, turn_most;
	int open_result;		/* what `opened` answers */
	bool holds_pages;		/* `closed` answers "not yet" */
	struct vmbus_channel *closing[64];	/* those that did; the test releases them */
	unsigned int closing_count;
	bool busy;			/* `received` answers "not now" */
	bool mute;			/* no answers */
	bool fault;			/* faults the channel instead of answering */
	struct vmbus_channel *channel;	/* the last one opened */
	struct vmbus_channel *last_channel;	/* that received something */
	struct vmbus_packet last;	/* payload and ranges are not kept */
	uint8_t last_payload[256];
	struct vmbus_range last_range;
	uint8_t user[120];
	uint32_t number;		/* its state */
};
extern struct echo echo;
extern const struct vmbus_device echo_device, other_device;
extern const struct vmbus_guid echo_class, other_class;

struct vmbus_channel *echo_offer(const struct vmbus_device *device, uint8_t instance);	/* NULL: refused */
void echo_gone(void *context);

#endif
