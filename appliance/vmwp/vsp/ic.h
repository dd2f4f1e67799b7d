/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integration components (IC): the framing and the version negotiation that all services share. The host speaks first, one
 * transaction is under way at a time, and the guest answers by sending the message back. Each service is a struct ic_service
 * and a file. Machine lock held everywhere. Layouts: Linux include/linux/hyperv.h.
 */
#ifndef VMWP_VSP_IC_H
#define VMWP_VSP_IC_H

#include "vmwp/vsp/vsp.h"

#define IC_BODY_MAX	8192u			/* IP injection is the largest: about 7.4 KiB */
#define IC_VERSION(major, minor)	((uint32_t)(minor) << 16 | (major))

enum ic_message_type { IC_NEGOTIATE = 0, IC_HEARTBEAT = 1, IC_KVP = 2, IC_SHUTDOWN = 3, IC_TIME_SYNC = 4, IC_VSS = 5, IC_FILE_COPY = 7 };

enum ic_status {				/* HRESULTs that guests answer with */
	IC_OK = 0, IC_FAILED = 0x80004005, IC_NOT_SUPPORTED = 0x80070032, IC_NO_MORE_ITEMS = 0x80070103,
	IC_NOT_FOUND = 0x80041002, IC_NOT_READY = 0x80070015, IC_EXISTS = 0x80070050, IC_DISK_FULL = 0x80070070,
};

struct ic;
struct ic_service {				/* constant: one per kind */
	uint16_t message_type;
	const uint32_t *frameworks, *versions;	/* newest first, each list ends with 0 */
	void (*ready)(struct ic *ic);		/* versions are agreed on: requests may be made */
	/* The guest's answer to the request under way; `body` is as long as the request's, or longer. */
	void (*answered)(struct ic *ic, uint32_t status, const uint8_t *body, size_t size);
	void (*gone)(struct ic *ic);		/* channel closed or service withdrawn; a request under way has no answer */
	void (*state)(struct ic *ic, struct state *s);	/* the service's own part; may be NULL */
	struct vmbus_device channel;		/* of IC_CHANNEL() */
	struct vmbus_guid instance;
};

struct ic {					/* first in the state of a service's device */
	const struct ic_service *service;
	struct device *device;
	struct vmbus_channel *channel;		/* NULL: switched off */
	bool ready;
	uint32_t framework, version;		/* as IC_VERSION */
	bool waiting;				/* a request is under way */
	uint8_t transaction;			/* of it, or of the last */
	uint64_t seen_ns;			/* CLOCK_REALTIME of the guest's last sound message; 0 never */
};

int ic_init(struct device *dev, const struct ic_service *service);
int ic_set_enabled(struct ic *ic, bool enabled);	/* offers or withdraws the channel; 0 or negative errno */
/* Sends a request: -ENOTCONN before `ready`, -EBUSY while one is under way, -EMSGSIZE, -EAGAIN (ring full). */
int ic_request(struct ic *ic, const void *body, size_t size);
void ic_give_up(struct ic *ic);				/* forgets the request under way: a late answer is ignored */
bool ic_is_open(const struct ic *ic);			/* the guest has a driver for it */

/* ic.c's callbacks, for the initialiser of ic_service.channel */
int ic_opened(struct vmbus_channel *c, const uint8_t user[120]);
bool ic_received(struct vmbus_channel *c, const struct vmbus_packet *p);
bool ic_closed(struct vmbus_channel *c);
void ic_state(struct vmbus_channel *c, struct state *s);

#define IC_CHANNEL(service_name, ...)	{ \
	.name = service_name, .class = VMBUS_GUID(__VA_ARGS__), .offer_flags = VMBUS_OFFER_PIPE, .packet_max = IC_BODY_MAX + 64, \
	.opened = ic_opened, .received = ic_received, .closed = ic_closed, .state = ic_state }

#endif
