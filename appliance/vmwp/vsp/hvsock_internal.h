/* SPDX-License-Identifier: Apache-2.0 */
/* Hyper-V sockets between their halves: hvsock.c makes connections, hvsock_stream.c moves their bytes. */
#ifndef VMWP_VSP_HVSOCK_INTERNAL_H
#define VMWP_VSP_HVSOCK_INTERNAL_H

#include "vmwp/vsp/hvsock.h"
#include "vmwp/vsp/vsp.h"

#define HVSOCK_CONNECTIONS_MAX	128u
#define HVSOCK_SERVICES_MAX	16u
#define HVSOCK_CHUNK		8192u
#define HVSOCK_OPEN_NS		5000000000ull	/* for a guest to take an offer; Linux does so at once or never */

enum hvsock_state {
	HVSOCK_GREETING,		/* a program of the host has connected and not said where to */
	HVSOCK_OFFERED,
	HVSOCK_OPEN,
	HVSOCK_LEAVING,			/* withdrawn; freed when the guest has let go */
};

struct hvsock_connection {
	struct device *device;
	struct hvsock_connection *next;
	enum hvsock_state state;
	struct vmbus_device kind;	/* its class is the service's GUID */
	struct vmbus_channel *channel;	/* NULL while greeting */
	int fd;				/* the host's program; -1 once it is gone */
	bool from_host;
	uint32_t host_port;
	uint64_t deadline_ns;		/* while offered */
	bool host_eof, guest_eof;	/* no more bytes come from there */
	bool blocked;			/* a packet waits in the ring until the program reads */
	size_t written;			/* of that packet */
	uint8_t pending[HVSOCK_CHUNK];	/* from the program, while the ring has no room */
	size_t pending_bytes;
};

struct hvsock_service { uint32_t port; int fd; };	/* fd -1: free */

struct hvsock {
	struct device_timer *timer;
	struct hvsock_connection *connections;
	unsigned int count;
	struct hvsock_service services[HVSOCK_SERVICES_MAX];
	int listen_fd;
	uint32_t next_port;		/* the host's end of its own connections, so that instances differ */
};

/* hvsock.c */
void hvsock_ready(struct device *dev, int fd, uint32_t events);	/* the socket of some connection */
void hvsock_withdraw(struct hvsock_connection *k);	/* k may be gone when it returns */

/* hvsock_stream.c */
extern const struct vmbus_device hvsock_stream_kind;	/* all but the class */
void hvsock_stream_watch(struct hvsock_connection *k);	/* for what it can use now */
void hvsock_stream_ready(struct device *dev, struct hvsock_connection *k, uint32_t events);

#endif
