/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic keyboard: AT set 1 make codes in messages of their own (no pipe header). Viewers' keys come here from the
 * moment the guest's driver has agreed on the protocol, and go back to PS/2 when it closes the channel.
 * Source for layouts: Linux drivers/input/serio/hyperv-keyboard.c.
 */
#include "vmwp/chipset/display.h"
#include "vmwp/vsp/vsp.h"

#include <string.h>

#define VERSION_1_0	0x00010000u
#define SCANCODE_PAUSE	0xe046u

enum { PROTOCOL_REQUEST = 1, PROTOCOL_RESPONSE = 2, KEY_EVENT = 3, LED_INDICATORS = 4 };
enum { KEY_BREAK = 2, KEY_E0 = 4, KEY_E1 = 8 };

struct wire_protocol { uint32_t type, value; };		/* request: the version; response: bit 0 = accepted */
struct wire_key { uint32_t type; uint16_t make_code, reserved; uint32_t flags; };
_Static_assert(sizeof(struct wire_key) == 12, "key event");

struct keyboard {
	struct vmbus_channel *channel;
	bool agreed;			/* on a version, since the channel was opened */
};

static int keyboard_send(struct keyboard *k, const void *message, size_t size)
{
	struct iovec iov = { (void *)(uintptr_t)message, size };

	return vmbus_send(k->channel, 0, false, &iov, 1);
}

/* --- keys --- */

static void send_code(struct keyboard *k, uint8_t code, uint32_t flags)
{
	struct wire_key key = { .type = KEY_EVENT, .make_code = code, .flags = flags };

	(void)keyboard_send(k, &key, sizeof(key));	/* hundreds fit; a guest that lets them lie loses the rest */
}

/* Pause tells press and release at once: E1 1D 45, E1 9D C5 in set 1. */
static void send_pause(struct keyboard *k)
{
	send_code(k, 0x1d, KEY_E1);
	send_code(k, 0x45, 0);
	send_code(k, 0x1d, KEY_E1 | KEY_BREAK);
	send_code(k, 0x45, KEY_BREAK);
}

static void keyboard_key(void *context, uint16_t scancode, bool down)
{
	struct keyboard *k = context;
	uint8_t prefix = (uint8_t)(scancode >> 8), code = scancode & 0x7f;

	if (code == 0 || (scancode & 0x80) || (prefix && prefix != 0xe0))
		return;
	if (scancode != SCANCODE_PAUSE)
		send_code(k, code, (prefix ? KEY_E0 : 0) | (down ? 0 : KEY_BREAK));
	else if (down)
		send_pause(k);
}

static const struct display_input_ops keys = { .key = keyboard_key };

static void keyboard_take_keys(struct keyboard *k, bool take)
{
	k->agreed = take;
	display_set_input(vmbus_channel_machine(k->channel), DISPLAY_KEYBOARD, take ? &keys : NULL, k);
}

/* --- channel --- */

static int keyboard_opened(struct vmbus_channel *c, const uint8_t user[120])
{
	(void)c;
	(void)user;
	return 0;			/* nothing is said before the guest asks for a version */
}

static void protocol_request(struct keyboard *k, uint32_t version)
{
	struct wire_protocol response = { PROTOCOL_RESPONSE, version == VERSION_1_0 };

	if (keyboard_send(k, &response, sizeof(response)) == 0)
		keyboard_take_keys(k, response.value);
}

static bool keyboard_received(struct vmbus_channel *c, const struct vmbus_packet *p)
{
	struct keyboard *k = vsp_state(c);
	struct wire_protocol m;

	vsp_complete(c, p);
	if (p->type != VMBUS_PACKET_INBAND)
		return true;
	if (p->size < sizeof(m)) {
		vmbus_channel_fault(c, "short message");
		return true;
	}
	memcpy(&m, p->payload, sizeof(m));
	if (m.type == PROTOCOL_REQUEST)
		protocol_request(k, m.value);
	else if (m.type != LED_INDICATORS)	/* viewers have lights of their own */
		vmbus_channel_fault(c, "unknown message");
	return true;
}

static bool keyboard_closed(struct vmbus_channel *c)
{
	keyboard_take_keys(vsp_state(c), false);
	return true;
}

static void keyboard_state(struct vmbus_channel *c, struct state *s)
{
	struct keyboard *k = vsp_state(c);
	bool agreed = k->agreed;

	if (state_record_begin(s, "keyboard", 1) != 1)
		return;
	state_bool(s, &agreed);
	state_record_end(s);
	if (state_loading(s))
		keyboard_take_keys(k, agreed && vmbus_channel_is_open(c));
}

static const struct vmbus_device keyboard_device = {
	.name = "keyboard",
	.class = VMBUS_GUID(0xf912ad6d, 0x2b17, 0x48ea, 0xbd, 0x65, 0xf9, 0x27, 0xa6, 0x1c, 0x76, 0x84),
	.packet_max = 256,
	.opened = keyboard_opened, .received = keyboard_received, .closed = keyboard_closed, .state = keyboard_state,
};

static int keyboard_init(struct device *dev)
{
	static const struct vmbus_guid instance =
		VMBUS_GUID(0xd34b2567, 0xb9b6, 0x42b9, 0x87, 0x78, 0x0a, 0x4e, 0xc0, 0xb9, 0x55, 0xbf);
	struct keyboard *k = device_state(dev);

	return vsp_offer(dev, &keyboard_device, &instance, &k->channel);
}

const struct device_model keyboard_model = {
	.name = "synthetic keyboard", .state_size = sizeof(struct keyboard), .init = keyboard_init,
};
