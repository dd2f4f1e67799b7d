/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's connection: versions, the list of offers, unload; and the table of channel messages. What a guest may send
 * when is in the table; anything else is dropped, as a guest that breaks the protocol can expect no answer.
 */
#include "vmwp/vmbus/internal.h"

#include "partita/log.h"

#include <string.h>

/* docs/vmbus.md says which guests ask for what. 3.0 is what Hyper-V's own UEFI falls back to. */
static const uint32_t versions[] = {
	VMBUS_VERSION(3, 0), VMBUS_VERSION(4, 0), VMBUS_VERSION(4, 1), VMBUS_VERSION(5, 0), VMBUS_VERSION(5, 1),
	VMBUS_VERSION(5, 2), VMBUS_VERSION(5, 3), VMBUS_VERSION(6, 0),
};

#define FEATURES_SUPPORTED	0u	/* of 6.0: none; the effective set is what both sides have */

static bool version_is_known(uint32_t version)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i] == version)
			return true;
	return false;
}

static bool anything_held(const struct vmbus *bus)
{
	for (const struct vmbus_channel *c = bus->channels; c; c = c->next)
		if (c->state != CHANNEL_CLOSED)
			return true;
	for (const struct vmbus_gpadl *g = bus->gpadls; g; g = g->next)
		if (g->references)
			return true;
	return false;
}

/* Relids and GPADLs are the guest's no more, but `wait` may be needed for devices to let go of its pages. */
void connection_reset(struct vmbus *bus)
{
	for (struct vmbus_channel *c = bus->channels; c; c = c->next)
		channel_close(c);
	offers_forget(bus);
	gpadls_destroy(bus);
	bus->version = bus->features = 0;
	bus->offers_requested = false;
	bus->monitor_pages[0] = bus->monitor_pages[1] = 0;
}

/* --- INITIATE_CONTACT --- */

static bool contact_is_possible(const struct vmbus_msg_contact *contact, const struct machine *m)
{
	if (!version_is_known(contact->version) || contact->target_vp >= m->config.processors)
		return false;
	return contact->version < VMBUS_V5_0 || (contact->target.sint == VMBUS_SINT && contact->target.vtl == 0);
}

static void respond(struct vmbus *bus, bool supported, uint8_t state, uint32_t selected, size_t size)
{
	struct vmbus_msg_version_response response = {
		.header.type = VMBUS_MSG_VERSION_RESPONSE, .supported = supported, .state = state, .selected = selected,
		.features = bus->features,
	};

	outbox_post(bus, &response, size);
}

static void contact_carry_out(struct vmbus *bus)
{
	const struct vmbus_msg_contact *contact = &bus->contact;
	size_t short_response = offsetof(struct vmbus_msg_version_response, features);
	uint32_t selected = contact->version < VMBUS_V5_0 ? contact->version : VMBUS_CONNECTION_MULTI;

	outbox_clear(bus);		/* whatever was meant for the guest before */
	bus->message_vp = contact->target_vp < bus->machine->config.processors ? contact->target_vp : 0;
	if (!contact_is_possible(contact, bus->machine)) {
		respond(bus, false, VMBUS_CONTACT_OK, 0, short_response);
		return;
	}
	if (!contact->monitor_pages[0] != !contact->monitor_pages[1]) {
		respond(bus, true, VMBUS_CONTACT_FAILED, selected, short_response);
		return;
	}
	bus->version = contact->version;
	bus->features = contact->version >= VMBUS_V6_0 ? contact->target.features & FEATURES_SUPPORTED : 0;
	memcpy(bus->monitor_pages, contact->monitor_pages, sizeof(bus->monitor_pages));
	log_info("vmbus: a guest connected, version %u.%u", bus->version >> 16, bus->version & 0xffff);
	respond(bus, true, VMBUS_CONTACT_OK, selected, contact->version < VMBUS_V6_0 ? short_response :
		sizeof(struct vmbus_msg_version_response));
}

/* Firmware, a crashed kernel or its successor may still be connected: contact means a disconnect of whoever was. */
static void on_contact(struct vmbus *bus, const void *message, size_t size)
{
	(void)size;
	memcpy(&bus->contact, message, sizeof(bus->contact));
	connection_reset(bus);
	bus->wait = VMBUS_WAIT_CONTACT;
	connection_go_on(bus);
}

static void on_unload(struct vmbus *bus, const void *message, size_t size)
{
	(void)message;
	(void)size;
	connection_reset(bus);
	bus->wait = VMBUS_WAIT_UNLOAD;
	connection_go_on(bus);
}

void connection_go_on(struct vmbus *bus)
{
	static const struct vmbus_msg_header unloaded = { .type = VMBUS_MSG_UNLOAD_RESPONSE };
	enum vmbus_wait wait = bus->wait;

	if (wait == VMBUS_WAIT_NONE || anything_held(bus))
		return;
	bus->wait = VMBUS_WAIT_NONE;
	if (wait == VMBUS_WAIT_CONTACT)
		contact_carry_out(bus);
	else
		outbox_post(bus, &unloaded, sizeof(unloaded));
	vmbus_wake(bus);			/* for the messages that waited meanwhile */
}

/* --- the others --- */

static void on_request_offers(struct vmbus *bus, const void *message, size_t size)
{
	static const struct vmbus_msg_header delivered = { .type = VMBUS_MSG_ALL_OFFERS_DELIVERED };

	(void)message;
	(void)size;
	if (bus->offers_requested)
		return;
	bus->offers_requested = true;
	offers_send(bus);
	outbox_post(bus, &delivered, sizeof(delivered));
}

static void on_open(struct vmbus *bus, const void *message, size_t size)
{
	struct vmbus_msg_open open;
	struct vmbus_channel *c;

	(void)size;
	memcpy(&open, message, sizeof(open));
	c = channel_by_relid(bus, open.relid);
	if (c && !c->rescinded)			/* a rescinded one gets no answer: Linux knows from the rescind */
		channel_open(c, &open);
}

static uint32_t message_relid(const void *message)
{
	struct vmbus_msg_relid m;

	memcpy(&m, message, sizeof(m));
	return m.relid;
}

static void on_close(struct vmbus *bus, const void *message, size_t size)
{
	struct vmbus_channel *c = channel_by_relid(bus, message_relid(message));

	(void)size;
	if (c)
		channel_close(c);
}

static void on_relid_released(struct vmbus *bus, const void *message, size_t size)
{
	(void)size;
	offer_released(bus, message_relid(message));
}

static void on_gpadl_header(struct vmbus *bus, const void *message, size_t size)
{
	gpadl_header(bus, message, size);
}

static void on_gpadl_body(struct vmbus *bus, const void *message, size_t size)
{
	gpadl_body(bus, message, size);
}

static void on_gpadl_teardown(struct vmbus *bus, const void *message, size_t size)
{
	struct vmbus_msg_gpadl_teardown m;

	(void)size;
	memcpy(&m, message, sizeof(m));
	gpadl_teardown(bus, m.relid, m.gpadl);
}

static void on_modify(struct vmbus *bus, const void *message, size_t size)
{
	struct vmbus_msg_modify m;
	struct vmbus_channel *c;

	(void)size;
	memcpy(&m, message, sizeof(m));
	c = channel_by_relid(bus, m.relid);
	if (c)
		channel_modify(c, m.target_vp);
}

static void on_connect(struct vmbus *bus, const void *message, size_t size)
{
	struct vmbus_msg_connect m;
	struct vmbus_connect connect;

	(void)size;
	memcpy(&m, message, sizeof(m));
	connect = (struct vmbus_connect){ .endpoint = m.endpoint, .service = m.service };
	if (bus->connect_request)
		bus->connect_request(bus, &connect, bus->connect_context);
	else
		vmbus_connect_failed(bus, &connect);
}

static const struct {
	void (*handle)(struct vmbus *bus, const void *message, size_t size);
	size_t least;
	uint32_t since;			/* version; 0: also without a connection */
} messages[VMBUS_MSG_TYPES] = {
	[VMBUS_MSG_INITIATE_CONTACT]	= { on_contact, sizeof(struct vmbus_msg_contact), 0 },
	[VMBUS_MSG_UNLOAD]		= { on_unload, sizeof(struct vmbus_msg_header), 0 },
	[VMBUS_MSG_REQUEST_OFFERS]	= { on_request_offers, sizeof(struct vmbus_msg_header), VMBUS_V3_0 },
	[VMBUS_MSG_OPEN]		= { on_open, sizeof(struct vmbus_msg_open), VMBUS_V3_0 },
	[VMBUS_MSG_CLOSE]		= { on_close, sizeof(struct vmbus_msg_relid), VMBUS_V3_0 },
	[VMBUS_MSG_RELID_RELEASED]	= { on_relid_released, sizeof(struct vmbus_msg_relid), VMBUS_V3_0 },
	[VMBUS_MSG_GPADL_HEADER]	= { on_gpadl_header, sizeof(struct vmbus_msg_gpadl_header), VMBUS_V3_0 },
	[VMBUS_MSG_GPADL_BODY]		= { on_gpadl_body, sizeof(struct vmbus_msg_gpadl_body), VMBUS_V3_0 },
	[VMBUS_MSG_GPADL_TEARDOWN]	= { on_gpadl_teardown, sizeof(struct vmbus_msg_gpadl_teardown), VMBUS_V3_0 },
	[VMBUS_MSG_MODIFY_CHANNEL]	= { on_modify, sizeof(struct vmbus_msg_modify), VMBUS_V4_1 },
	[VMBUS_MSG_TL_CONNECT_REQUEST]	= { on_connect, sizeof(struct vmbus_msg_connect), VMBUS_V3_0 },
};

void connection_message(struct vmbus *bus, const void *message, size_t size)
{
	struct vmbus_msg_header header;

	if (size < sizeof(header))
		return;
	memcpy(&header, message, sizeof(header));
	if (header.type >= VMBUS_MSG_TYPES || !messages[header.type].handle || size < messages[header.type].least)
		return;
	if (bus->version < messages[header.type].since)
		return;
	messages[header.type].handle(bus, message, size);
}

/* --- Hyper-V sockets --- */

void vmbus_on_connect(struct vmbus *bus, void (*request)(struct vmbus *bus, const struct vmbus_connect *connect, void *context), void *context)
{
	bus->connect_request = request;
	bus->connect_context = context;
}

void vmbus_connect_failed(struct vmbus *bus, const struct vmbus_connect *connect)
{
	struct vmbus_msg_connect_result result = {
		.header.type = VMBUS_MSG_TL_CONNECT_RESULT, .endpoint = connect->endpoint, .service = connect->service,
		.status = VMBUS_STATUS_CONNECTION_REFUSED,
	};

	if (bus->version >= VMBUS_V4_1)
		outbox_post(bus, &result, sizeof(result));
}
