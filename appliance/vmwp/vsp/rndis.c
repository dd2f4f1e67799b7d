/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RNDIS control messages: initialize, halt, query, set, reset, keep-alive; and what the host tells unasked, the state of
 * the link. [MS-RNDIS] 2.2. Answers travel through the guest's receive buffer.
 */
#include "vmwp/vsp/net_adapter.h"

#include <errno.h>
#include <string.h>

#define LINK_REST_NS	2000000000ull	/* guests merge changes that follow each other faster */

/* A message of type | completion with `body` behind its header; enum nvsp_status of the request. */
static uint32_t reply(struct net_adapter *a, uint32_t type, const void *body, size_t size)
{
	uint8_t message[NET_CONTROL_MAX];
	struct rndis_header head = { type, (uint32_t)(sizeof(head) + size) };

	memcpy(message, &head, sizeof(head));
	memcpy(message + sizeof(head), body, size);
	return net_control_send(a, message, head.length) == 0 ? NVSP_STATUS_SUCCESS : NVSP_STATUS_BUSY;
}

static uint32_t on_initialize(struct net_adapter *a, const uint8_t *body, size_t size)
{
	struct rndis_initialize_complete done = {
		.major = 1, .flags = 1 /* connectionless */, .packets_max = RNDIS_PACKETS_MAX, .transfer_max = RNDIS_TRANSFER_MAX,
		.alignment = RNDIS_ALIGNMENT,
	};

	(void)size;
	memcpy(&done.id, body, sizeof(done.id));
	a->initialized = true;
	a->link_told = a->config.link_up;	/* drivers ask for it next */
	return reply(a, RNDIS_INITIALIZE | RNDIS_COMPLETION, &done, sizeof(done));
}

static void stop_traffic(struct net_adapter *a)
{
	net_rx_stop(a);
	a->filter = 0;
	a->multicast_count = 0;
	a->rss.enabled = false;
}

static uint32_t on_halt(struct net_adapter *a, const uint8_t *body, size_t size)
{
	(void)body;
	(void)size;
	stop_traffic(a);
	a->initialized = false;
	return NVSP_STATUS_SUCCESS;
}

/* The information buffer of a QUERY or SET, or NULL. */
static const uint8_t *info_of(const struct rndis_request *q, const uint8_t *body, size_t size)
{
	if (q->info_length > size || q->info_offset > size - q->info_length)
		return NULL;
	return body + q->info_offset;
}

static uint32_t on_query(struct net_adapter *a, const uint8_t *body, size_t size)
{
	uint8_t answer[NET_CONTROL_MAX / 2 + sizeof(struct rndis_query_complete)];
	struct rndis_query_complete done = { .info_offset = sizeof(done) };
	struct rndis_request q;
	size_t bytes = 0;

	(void)size;
	memcpy(&q, body, sizeof(q));
	done.id = q.id;
	done.status = rndis_oid_query(a, q.oid, answer + sizeof(done), &bytes);
	done.info_length = done.status == NDIS_STATUS_SUCCESS ? (uint32_t)bytes : 0;
	if (done.info_length == 0)
		done.info_offset = 0;
	memcpy(answer, &done, sizeof(done));
	return reply(a, RNDIS_QUERY | RNDIS_COMPLETION, answer, sizeof(done) + done.info_length);
}

static uint32_t on_set(struct net_adapter *a, const uint8_t *body, size_t size)
{
	struct rndis_status done = { .status = NDIS_STATUS_INVALID_DATA };
	const uint8_t *info;
	struct rndis_request q;

	memcpy(&q, body, sizeof(q));
	done.id = q.id;
	info = info_of(&q, body, size);
	if (info)
		done.status = rndis_oid_set(a, q.oid, info, q.info_length);
	return reply(a, RNDIS_SET | RNDIS_COMPLETION, &done, sizeof(done));
}

static uint32_t on_reset(struct net_adapter *a, const uint8_t *body, size_t size)
{
	struct rndis_reset_complete done = { NDIS_STATUS_SUCCESS, 1 };	/* filters and addresses have to be set again */

	(void)body;
	(void)size;
	stop_traffic(a);
	return reply(a, RNDIS_RESET | RNDIS_COMPLETION, &done, sizeof(done));
}

static uint32_t on_keepalive(struct net_adapter *a, const uint8_t *body, size_t size)
{
	struct rndis_status done = { .status = NDIS_STATUS_SUCCESS };

	(void)size;
	memcpy(&done.id, body, sizeof(done.id));
	return reply(a, RNDIS_KEEPALIVE | RNDIS_COMPLETION, &done, sizeof(done));
}

static const struct rndis_row {
	uint32_t type;
	size_t body_min;
	bool before_initialize;
	uint32_t (*run)(struct net_adapter *a, const uint8_t *body, size_t size);
} rndis_rows[] = {
	{ RNDIS_INITIALIZE, 16,			       true,  on_initialize },
	{ RNDIS_HALT,	    4,			       true,  on_halt },
	{ RNDIS_QUERY,	    sizeof(struct rndis_request), false, on_query },
	{ RNDIS_SET,	    sizeof(struct rndis_request), false, on_set },
	{ RNDIS_RESET,	    4,			       false, on_reset },
	{ RNDIS_KEEPALIVE,  4,			       false, on_keepalive },
};

uint32_t rndis_control(struct net_adapter *a, const uint8_t *message, size_t size)
{
	struct rndis_header head;

	memcpy(&head, message, sizeof(head));	/* the caller has seen that it is there */
	size -= sizeof(head);
	for (size_t i = 0; i < sizeof(rndis_rows) / sizeof(*rndis_rows); i++) {
		const struct rndis_row *row = &rndis_rows[i];

		if (row->type != head.type)
			continue;
		if (size < row->body_min || (!a->initialized && !row->before_initialize))
			return NVSP_STATUS_BAD_RNDIS;
		return row->run(a, message + sizeof(head), size);
	}
	return NVSP_STATUS_BAD_RNDIS;
}

/* --- link state --- */

static void link_tell(struct net_adapter *a)
{
	struct { struct rndis_header head; struct rndis_indicate body; } message = {
		{ RNDIS_INDICATE, sizeof(message) },
		{ .status = a->config.link_up ? NDIS_STATUS_MEDIA_CONNECT : NDIS_STATUS_MEDIA_DISCONNECT },
	};

	if (net_control_send(a, &message, sizeof(message)) < 0) {
		a->link_pending = true;			/* when the other message is gone */
		return;
	}
	a->link_pending = false;
	a->link_told = a->config.link_up;
	a->link_told_ns = machine_now_ns(a->machine);
}

void rndis_link_changed(struct net_adapter *a)
{
	uint64_t earliest = a->link_told_ns + LINK_REST_NS;

	if (!a->initialized || a->link_told == a->config.link_up)
		return;
	if (machine_now_ns(a->machine) < earliest && a->link_told_ns != 0)
		device_timer_arm(a->link_timer, earliest);	/* which comes back here */
	else
		link_tell(a);
}

void rndis_link_retry(struct net_adapter *a)
{
	if (a->link_pending)
		rndis_link_changed(a);
}
