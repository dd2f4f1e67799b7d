/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic mouse: a HID device over a message pipe, absolute coordinates 0…32767, five buttons, a wheel. Viewers' pointer
 * comes here once the guest has acknowledged the HID descriptors. Source for layouts: Linux drivers/hid/hid-hyperv.c.
 */
#include "vmwp/chipset/display.h"
#include "vmwp/vsp/vsp.h"

#include <string.h>

#define VERSION_2_0	0x00020000u

enum { PROTOCOL_REQUEST = 0, PROTOCOL_RESPONSE = 1, DEVICE_INFO = 2, DEVICE_INFO_ACK = 3, INPUT_REPORT = 4 };

/* Byte 14 is where Linux looks for the button count's tag and mends an old host's mistake: keep the order of the items. */
static const uint8_t report_descriptor[] = {
	0x05, 0x01, 0x09, 0x02, 0xa1, 0x01,		/* generic desktop, mouse, application { */
	0x09, 0x01, 0xa1, 0x00,				/*   pointer, physical { */
	0x05, 0x09, 0x19, 0x01, 0x29, 0x05,		/*     buttons 1…5: */
	0x15, 0x00, 0x25, 0x01, 0x95, 0x05, 0x75, 0x01, 0x81, 0x02,	/* 5 bits */
	0x95, 0x01, 0x75, 0x03, 0x81, 0x03,		/*     3 bits of padding */
	0x05, 0x01, 0x09, 0x30, 0x09, 0x31,		/*     X, Y: */
	0x15, 0x00, 0x26, 0xff, 0x7f, 0x75, 0x10, 0x95, 0x02, 0x81, 0x02,	/* absolute, 0…32767 */
	0x09, 0x38, 0x16, 0x01, 0x80, 0x26, 0xff, 0x7f,	/*     wheel: */
	0x75, 0x10, 0x95, 0x01, 0x81, 0x06,		/*     relative, 16 bits */
	0xc0, 0xc0,
};

struct wire_header { uint32_t type, size; };	/* size: of what follows */
struct wire_protocol { struct wire_header h; uint32_t version; uint8_t approved; } __attribute__((packed));
struct wire_report { struct wire_header h; uint8_t buttons; uint16_t x, y; int16_t wheel; } __attribute__((packed));
struct wire_info {
	struct wire_header h;
	uint32_t attributes_size;
	uint16_t vendor, product, version, reserved[11];
	uint8_t length, descriptor_type;	/* HID 1.11, 6.2.1 */
	uint16_t hid_version;
	uint8_t country, descriptors, class_type;
	uint16_t report_length;
	uint8_t report[sizeof(report_descriptor)];
} __attribute__((packed));
_Static_assert(sizeof(struct wire_protocol) == 13, "Linux drops a larger one");
_Static_assert(sizeof(struct wire_report) == 15, "input report");
_Static_assert(sizeof(struct wire_info) == 8 + 32 + 9 + sizeof(report_descriptor), "device info");

struct mouse {
	struct vmbus_channel *channel;
	bool agreed, ready;		/* on the version; the guest has the descriptors */
	uint32_t buttons;		/* as the viewer last said */
	struct wire_report report;	/* the last position, and the wheel's turn not sent yet */
	bool due;			/* the ring was full */
};

/* --- pointer --- */

static void send_report(struct mouse *m)
{
	m->due = vmbus_pipe_send(m->channel, &m->report, sizeof(m->report)) < 0;
	if (!m->due)
		m->report.wheel = 0;
}

static bool pressed(const struct mouse *m, uint32_t buttons, unsigned int bit)
{
	return (buttons & ~m->buttons) & (1u << bit);
}

static void mouse_pointer(void *context, uint16_t x, uint16_t y, uint32_t buttons)
{
	struct mouse *m = context;
	int16_t turn = (int16_t)(pressed(m, buttons, 3) - pressed(m, buttons, 4));

	m->report.x = x;
	m->report.y = y;
	m->report.buttons = (uint8_t)((buttons & 1) | (buttons >> 1 & 2) | (buttons << 1 & 4));	/* left, right, middle */
	if (m->report.wheel > -1000 && m->report.wheel < 1000)
		m->report.wheel = (int16_t)(m->report.wheel + turn);
	m->buttons = buttons;
	send_report(m);
}

static const struct display_input_ops pointer = { .pointer = mouse_pointer };

static void mouse_set_ready(struct mouse *m, bool ready)
{
	m->ready = ready;
	m->due = false;
	m->buttons = 0;
	m->report = (struct wire_report){ .h = { INPUT_REPORT, sizeof(m->report) - sizeof(m->report.h) } };
	display_set_input(vmbus_channel_machine(m->channel), DISPLAY_MOUSE, ready ? &pointer : NULL, m);
}

/* --- channel --- */

static int mouse_opened(struct vmbus_channel *c, const uint8_t user[120])
{
	(void)c;
	(void)user;
	return 0;
}

static void send_device_info(struct mouse *m)
{
	struct wire_info info = {
		.h = { DEVICE_INFO, sizeof(info) - sizeof(info.h) },
		.attributes_size = 32, .vendor = 0x045e, .product = 0x0621, .version = 1,
		.length = 9, .descriptor_type = 0x21, .hid_version = 0x0101, .descriptors = 1, .class_type = 0x22,
		.report_length = sizeof(report_descriptor),
	};

	memcpy(info.report, report_descriptor, sizeof(report_descriptor));
	(void)vmbus_pipe_send(m->channel, &info, sizeof(info));
}

static void protocol_request(struct mouse *m, const uint8_t *message)
{
	struct wire_protocol answer = { .h = { PROTOCOL_RESPONSE, 5 } };

	memcpy(&answer.version, message + sizeof(struct wire_header), sizeof(answer.version));
	answer.approved = answer.version == VERSION_2_0;
	m->agreed = answer.approved && vmbus_pipe_send(m->channel, &answer, sizeof(answer)) == 0;
	if (m->agreed)
		send_device_info(m);
	else if (!answer.approved)
		(void)vmbus_pipe_send(m->channel, &answer, sizeof(answer));
}

static void mouse_message(struct mouse *m, const uint8_t *message, size_t size)
{
	struct wire_header h;

	if (size >= sizeof(h))
		memcpy(&h, message, sizeof(h));
	if (size >= sizeof(h) + 4 && h.type == PROTOCOL_REQUEST)
		protocol_request(m, message);
	else if (size >= sizeof(h) && h.type == DEVICE_INFO_ACK && m->agreed)
		mouse_set_ready(m, true);
	else
		vmbus_channel_fault(m->channel, "unknown or short message");
}

static bool mouse_received(struct vmbus_channel *c, const struct vmbus_packet *p)
{
	struct mouse *m = vsp_state(c);
	const uint8_t *message;
	int size;

	vsp_complete(c, p);
	if (p->type != VMBUS_PACKET_INBAND)
		return true;
	size = vmbus_pipe_message(p, &message);
	if (size < 0)
		vmbus_channel_fault(c, "not a pipe message");
	else
		mouse_message(m, message, (size_t)size);
	return true;
}

static void mouse_writable(struct vmbus_channel *c)
{
	struct mouse *m = vsp_state(c);

	if (m->due)
		send_report(m);
}

static bool mouse_closed(struct vmbus_channel *c)
{
	struct mouse *m = vsp_state(c);

	m->agreed = false;
	mouse_set_ready(m, false);
	return true;
}

static void mouse_state(struct vmbus_channel *c, struct state *s)
{
	struct mouse *m = vsp_state(c);
	bool ready = m->ready;

	if (state_record_begin(s, "mouse", 1) != 1)
		return;
	state_bool(s, &m->agreed);
	state_bool(s, &ready);
	state_record_end(s);
	if (state_loading(s))
		mouse_set_ready(m, ready && m->agreed && vmbus_channel_is_open(c));
}

static const struct vmbus_device mouse_device = {
	.name = "mouse",
	.class = VMBUS_GUID(0xcfa8b69e, 0x5b4a, 0x4cc0, 0xb9, 0x8b, 0x8b, 0xa1, 0xa1, 0xf3, 0xf9, 0x5a),
	.offer_flags = VMBUS_OFFER_PIPE,
	.packet_max = 256,
	.opened = mouse_opened, .received = mouse_received, .writable = mouse_writable, .closed = mouse_closed,
	.state = mouse_state,
};

static int mouse_init(struct device *dev)
{
	static const struct vmbus_guid instance =
		VMBUS_GUID(0x58f75a6d, 0xd949, 0x4320, 0x99, 0xe1, 0xa2, 0xa2, 0x57, 0x6d, 0x58, 0x1c);
	struct mouse *m = device_state(dev);

	return vsp_offer(dev, &mouse_device, &instance, &m->channel);
}

const struct device_model mouse_model = {
	.name = "synthetic mouse", .state_size = sizeof(struct mouse), .init = mouse_init,
};
